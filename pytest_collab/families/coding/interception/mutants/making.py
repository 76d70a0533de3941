"""Making the mutants of a feature: which mutations hidden tests really fail, found by running them."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import anyio
import anyio.to_thread
from pydantic import BaseModel, ConfigDict

from pytest_collab.errors import SetupError
from pytest_collab.families.coding.grading.grading import Expectation, Grader, TestReport
from pytest_collab.families.coding.interception.mutants.finding import mutated, mutations
from pytest_collab.families.coding.interception.mutants.mutation import KINDS, Kind, Mutation
from pytest_collab.families.coding.pool.pool import Feature
from pytest_collab.families.coding.repository.git import GitError, Store

Seen = Literal["hidden", "visible"]

VERSION: Final = 1
"""Raised when the same feature no longer gives the same mutants."""

AT_ONCE: Final = 2
TRIES: Final = 8
"""Mutations that are tried for each mutant wanted, at most."""


class Mutant(BaseModel):
    """A wrong version of a reference.

    Attributes:
        path, line: where it differs, as the patch makes the file.
        patch: all of it, as a patch of the base.
        seen: `hidden`: no test fails that passed before, and a hidden one does. `visible`: tests that are in the
            base, or passed before, fail as well.
        failing: the first tests that fail, at most 5.
    """

    model_config = ConfigDict(frozen=True)

    kind: Kind
    path: str
    line: int
    old: str
    new: str
    patch: str
    seen: Seen
    failing: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.kind}: {self.old} -> {self.new}"


class Mutants(BaseModel):
    """What a feature's reference gives.

    Attributes:
        reference: the clean patch, written as mutants are.
        tried: mutations that were run.
        passed: those that all tests pass: equal to the reference, as far as anybody can tell. They are no mutants.
        broken: those with which no test runs: whoever builds them sees that.
    """

    model_config = ConfigDict(frozen=True)

    reference: str
    mutants: tuple[Mutant, ...] = ()
    tried: int = 0
    passed: int = 0
    broken: int = 0
    problem: str = ""

    @property
    def old_alone(self) -> int:
        """Mutations that only tests show which passed before: no mutants, as no hidden test of the feature fails."""
        return self.tried - len(self.mutants) - self.passed - self.broken

    def of(self, seen: Seen | Literal["any"]) -> tuple[Mutant, ...]:
        """Those of a class; of both, in turn."""
        hidden, visible = ([one for one in self.mutants if one.seen == name] for name in ("hidden", "visible"))
        if seen != "any":
            return tuple(hidden if seen == "hidden" else visible)
        pairs = itertools.zip_longest(hidden, visible)
        return tuple(one for pair in pairs for one in pair if one is not None)


async def mutants_of(grader: Grader, feature: Feature, wanted: int, seen: Seen | Literal["any"]) -> Mutants:
    """The mutants of a feature, kept by content: made once for a machine's cache.

    Args:
        wanted: how many of the class `seen`; fewer where the reference has no more.

    Raises:
        SetupError: the reference does not apply, or the tests cannot be run.
    """
    what = f"mutants-{VERSION}-{wanted}-{seen}"
    return await grader.kept(
        what, f"mutants of {feature.id}", feature, Mutants, lambda: _make(grader, feature, wanted, seen)
    )


async def _make(grader: Grader, feature: Feature, wanted: int, seen: Seen | Literal["any"]) -> Mutants:
    patch = grader.pool.reference(feature)
    if patch is None:
        return Mutants(reference="", problem="no reference patch: nothing to make mutants of")
    expected = await grader.expectation(feature)
    with tempfile.TemporaryDirectory(prefix="collab-mutants-") as folder:
        store = grader.store(Path(folder) / "store.git")
        try:
            tree = await anyio.to_thread.run_sync(store.apply, grader.seed.tree, patch)
        except GitError as error:
            raise SetupError(f"the reference of feature {feature.id!r} does not apply to the base: {error}") from None
        reference = await anyio.to_thread.run_sync(store.patch, tree)
        if not reference.isascii() and any("\udc80" <= one <= "\udcff" for one in reference):
            return Mutants(reference="", problem="the reference changes files that are not UTF-8")
        if not expected.reference_passes or expected.vacuous:
            why = "no hidden test needs it" if expected.vacuous else "the reference does not pass its own tests"
            return Mutants(reference=reference, problem=why)
        making = _Making(grader, store, tree, feature, expected, wanted)
        found = await making.run(seen)
        return found.model_copy(update={"reference": reference})


class _Making:
    def __init__(
        self, grader: Grader, store: Store, tree: str, feature: Feature, expected: Expectation, wanted: int
    ) -> None:
        self.grader, self.store, self.tree, self.feature = grader, store, tree, feature
        self.expected, self.wanted = expected, wanted
        self.found = Mutants(reference="")

    async def run(self, seen: Seen | Literal["any"]) -> Mutants:
        """Try one mutation after the other, a few at a time, until there are enough."""
        candidates = await anyio.to_thread.run_sync(lambda: list(mutations(self.grader.pool, self.store, self.tree)))
        for some in _some(iter(candidates[: TRIES * self.wanted]), AT_ONCE):
            if self._enough(seen):
                break
            reports: dict[int, tuple[str, TestReport]] = {}

            async def one(number: int, path: str, mutation: Mutation, to: dict[int, tuple[str, TestReport]]) -> None:
                tree = await anyio.to_thread.run_sync(mutated, self.store, self.tree, path, mutation)
                to[number] = tree, await self.grader.run_tests(self.store, tree, self.feature)

            async with anyio.create_task_group() as tasks:
                for number, (path, mutation) in enumerate(some):
                    tasks.start_soon(one, number, path, mutation, reports)
            for number, (path, mutation) in enumerate(some):
                self._keep(path, mutation, *reports[number])
        return self.found

    def _enough(self, seen: Seen | Literal["any"]) -> bool:
        return len(self.found.of(seen)) >= self.wanted

    def _keep(self, path: str, mutation: Mutation, tree: str, report: TestReport) -> None:
        """Judge one run. In which order runs ended does not matter."""
        counts = {"tried": self.found.tried + 1}
        passing = {name for name, status in report.tests.items() if status == "passed"}
        new = [name for name in self.expected.fail_to_pass if name not in passing]
        old = [name for name in self.expected.pass_to_pass if name not in passing]
        if not report.timed_out and not report.ran:
            counts["broken"] = self.found.broken + 1
        elif not new and not old:
            counts["passed"] = self.found.passed + 1
        elif new:
            mutant = Mutant(
                kind=mutation.kind,
                path=path,
                line=mutation.line,
                old=mutation.old,
                new=mutation.new,
                patch=self.store.patch(tree),
                seen="visible" if old else "hidden",
                failing=tuple([*new, *old][:5]),
            )
            self.found = self.found.model_copy(update={"mutants": (*self.found.mutants, mutant)})
        self.found = self.found.model_copy(update=counts)


def _some(items: Iterator[tuple[str, Mutation]], count: int) -> Iterator[list[tuple[str, Mutation]]]:
    while part := list(itertools.islice(items, count)):
        yield part


def kinds_of(found: Mutants) -> dict[Kind, int]:
    """How many mutants there are of each kind, in the order of `KINDS`."""
    return {kind: count for kind in KINDS if (count := sum(one.kind == kind for one in found.mutants))}
