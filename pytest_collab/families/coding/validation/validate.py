"""Is a pool fit to judge anyone? Run its references, alone and merged mechanically, before agents see it."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import anyio
from pydantic import BaseModel, ConfigDict

from pytest_collab.episode.text import counted, plural
from pytest_collab.errors import SandboxError, SetupError, TaskError
from pytest_collab.families.coding.grading.grading import Expectation, FeatureGrade, Grader
from pytest_collab.families.coding.pool import answers
from pytest_collab.families.coding.pool.pool import Pool
from pytest_collab.families.coding.repository.git import GitError, Store
from pytest_collab.families.coding.repository.merge import MergeCheck, Status, check_merge
from pytest_collab.families.coding.validation.progress import Tell, telling
from pytest_collab.sandbox import Choice

PairKind = Literal["independent", "semantic", "rescued", "textual", "unknown"]


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True)


class FeatureCheck(_Result):
    """What is known about one feature.

    Attributes:
        new_tests: how many tests its reference makes pass.
        kept_tests: how many pass with and without it.
        counter_tests: how many sets of wrong expectations the reference was seen to fail.
        countered: how many of the new tests are in one of these.
        vacuous: no test needs the feature.
        problems: sentences; empty for a sound feature.
    """

    feature: str
    new_tests: int = 0
    kept_tests: int = 0
    counter_tests: int = 0
    countered: int = 0
    vacuous: bool = False
    has_reference: bool = True
    reference_passes: bool = False
    problems: tuple[str, ...] = ()


class PairCheck(_Result):
    """What merging the references of some features mechanically gives.

    Attributes:
        naive, union: what became of the merge.
        naive_passes, union_passes: whether all hidden suites pass on it; None where there is no merged tree.
        files: paths in conflict without union.
        kind: `independent`: merges cleanly, passes. `semantic`: merges cleanly, fails. `rescued`: conflicts, and
            keeping both sides passes. `textual`: conflicts, and that does not help. `unknown`: no reference, or no
            sandbox or time to find it out.
        reason: of the first grade that failed.
    """

    features: tuple[str, ...]
    naive: Status = "error"
    naive_passes: bool | None = None
    union: Status = "error"
    union_passes: bool | None = None
    files: tuple[str, ...] = ()
    kind: PairKind = "unknown"
    reason: str = ""


class PoolCheck(_Result):
    """A whole pool.

    Attributes:
        combined: what is wrong with the patch that builds all features together; empty where there is none.
        prepare_s, features_s, pairs_s: seconds: base and environment; every feature on base and reference; pairs.
    """

    name: str
    language: str
    features: tuple[FeatureCheck, ...]
    pairs: tuple[PairCheck, ...]
    combined: str = ""
    sandbox: str
    prepare_s: float
    features_s: float
    pairs_s: float

    @property
    def problems(self) -> tuple[str, ...]:
        """Every feature's problems, with its name, and those of the combined patch."""
        found = [f"{check.feature}: {problem}" for check in self.features for problem in check.problems]
        return (*found, *([f"{answers.COMBINED}: {self.combined}"] if self.combined else []))

    @property
    def uncountered(self) -> tuple[str, ...]:
        """Sound features whose hidden tests have no expectation that can be changed: canaries are all they have."""
        return tuple(check.feature for check in self.features if not check.problems and not check.counter_tests)

    @property
    def naive_clean(self) -> int:
        """Pairs that merge without conflict."""
        return sum(pair.naive == "clean" for pair in self.pairs)

    @property
    def naive_pass(self) -> int:
        """Of those, pairs on which all suites pass."""
        return sum(pair.naive_passes is True for pair in self.pairs)

    @property
    def union_pass(self) -> int:
        """Pairs that conflict, and pass when both sides are kept."""
        return sum(pair.kind == "rescued" for pair in self.pairs)


async def validate_pool(
    pool: Pool,
    name: str,
    *,
    jobs: int = 2,
    pairs: bool = True,
    cache: Path | None = None,
    sandbox: str | Choice = "auto",
    counters: bool = True,
    until: float = math.inf,
    progress: Callable[[str], None] = lambda _: None,
) -> PoolCheck:
    """Check a pool for real.

    A reference that fails is run again by itself when the others are done: a machine under load fails tests that are
    sound.

    Args:
        jobs: test runs at a time.
        pairs: also merge and grade every pair of references.
        counters: hold merged references and the combined patch to counter-tests as well.
        until: of `time.monotonic()`; pairs that have not begun by then are `unknown`.
        progress: told what has just been done, in one line, or what still goes on, every `BEAT_SECONDS`.

    Raises:
        TaskError: a file of the pool is missing.
        SetupError: the environment cannot be made.
        SandboxError: no sandbox works.
    """
    pool.check()
    async with telling(name, progress) as tell:
        opening = Grader(pool, cache=cache, sandbox=sandbox)
        return await _validate(pool, name, opening, jobs, _Pairs(pairs, counters, until), tell)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Which pairs are merged and graded, and how."""

    wanted: bool
    counters: bool
    until: float


async def _validate(pool: Pool, name: str, opening: Grader, jobs: int, pairs: _Pairs, tell: Tell) -> PoolCheck:
    started = time.monotonic()
    tell.now = "base and environment"
    async with opening as grader:
        prepared = time.monotonic()
        limit = anyio.CapacityLimiter(jobs)
        with tempfile.TemporaryDirectory(prefix="collab-validate-") as folder:
            store = grader.store(Path(folder) / "store.git")
            checks: dict[str, FeatureCheck] = {}
            commits: dict[str, str] = {}

            async def one_feature(feature: str) -> None:
                async with limit:
                    checks[feature] = await check_feature(grader, store, feature, commits)
                tell(f"{feature}: {'; '.join(checks[feature].problems) or 'sound'}")

            tell.now = "every feature on the base, on its reference, and with counter-tests"
            async with anyio.create_task_group() as tasks:
                for feature in pool.features:
                    tasks.start_soon(one_feature, feature.id)
            for feature in pool.features:
                if (check := checks[feature.id]).has_reference and check.problems and feature.id in commits:
                    tell.now = f"{feature.id} again, by itself"
                    checks[feature.id] = await check_feature(grader, store, feature.id, commits, again=True)
                    tell(f"{feature.id}: {'; '.join(checks[feature.id].problems) or 'sound, when run by itself'}")
            half = time.monotonic()
            found: dict[tuple[str, ...], PairCheck] = {}

            async def one_pair(pair: tuple[str, ...]) -> None:
                async with limit:
                    if time.monotonic() >= pairs.until:
                        found[pair] = PairCheck(features=pair, reason="the time was up before it was tried")
                        return
                    try:
                        found[pair] = await _check_pair(grader, store, pair, commits, pairs.counters)
                    except (SandboxError, SetupError) as error:
                        found[pair] = PairCheck(features=pair, reason=f"it was not found out: {error}")
                tell(f"{' + '.join(pair)}: {found[pair].kind}")

            tell.now = "pairs of references, merged"
            wanted = pool.groups() if pairs.wanted else ()
            async with anyio.create_task_group() as tasks:
                for pair in wanted:
                    tasks.start_soon(one_pair, pair)
            tell.now = "the combined patch"
            combined = await _check_combined(grader, store, pairs.counters)
        return PoolCheck(
            name=name,
            language=pool.language,
            features=tuple(checks[feature.id] for feature in pool.features),
            pairs=tuple(found[pair] for pair in wanted),
            combined=combined,
            sandbox=grader.choice.name,
            prepare_s=prepared - started,
            features_s=half - prepared,
            pairs_s=time.monotonic() - half,
        )


async def check_feature(
    grader: Grader, store: Store, name: str, commits: dict[str, str], again: bool = False
) -> FeatureCheck:
    """Check one feature: on the base, on its reference, and with counter-tests.

    Args:
        commits: where the commit of its reference is put.
        again: whatever is known.
    """
    feature = grader.pool.feature(name)
    try:
        patch = grader.pool.reference(feature)
        if patch is not None:
            tree = await anyio.to_thread.run_sync(store.apply, grader.seed.tree, patch)
            commits[name] = await anyio.to_thread.run_sync(store.commit, tree)
        expected = await grader.expectation(feature, again=again)
    except (GitError, SandboxError, SetupError, TaskError) as error:
        return FeatureCheck(feature=name, problems=(str(error),))
    return FeatureCheck(
        feature=name,
        new_tests=len(expected.fail_to_pass),
        kept_tests=len(expected.pass_to_pass),
        counter_tests=len(expected.counters),
        countered=expected.countered,
        vacuous=expected.vacuous,
        has_reference=patch is not None,
        reference_passes=expected.reference_passes is True,
        problems=tuple(_problems(expected)),
    )


def _problems(expected: Expectation) -> list[str]:
    found = []
    if expected.vacuous:
        found.append("vacuous: every hidden test passes without the feature")
    if expected.reference_passes is None:
        found.append("no reference patch: nothing shows that the tests can pass")
    elif not expected.reference_passes:
        found.append(f"the reference does not pass its own tests: {expected.note.strip() or 'exit code not 0'}")
    if expected.flaky:
        found.append(
            f"{counted(len(expected.flaky), 'test')} {plural(len(expected.flaky), 'passes', 'pass')} in "
            f"one run and not in the next, first {expected.flaky[0]}"
        )
    return found


async def _check_combined(grader: Grader, store: Store, counters: bool) -> str:
    names = [feature.id for feature in grader.pool.features]
    patch = answers.combined(grader.pool, names) if len(names) > 1 else None
    if patch is None:
        return ""
    try:
        data = patch.encode(errors="surrogateescape")
        tree = await anyio.to_thread.run_sync(store.apply, grader.seed.tree, data)
    except GitError as error:
        return f"it does not apply to the base: {error}"
    for name in names:
        grade = await grader.grade(store, tree, name, counters=counters)
        if not grade.passed:
            return f"{name} does not pass with it: {grade.reason}"
    return ""


async def _check_pair(
    grader: Grader, store: Store, pair: tuple[str, ...], commits: dict[str, str], counters: bool
) -> PairCheck:
    if not all(name in commits for name in pair):
        return PairCheck(features=pair, reason="a reference is missing or does not apply")
    work = [commits[name] for name in pair]
    naive = await anyio.to_thread.run_sync(check_merge, store, work, "naive")
    if naive.clean:
        passes, reason = await _passes(grader, store, naive, pair, counters)
        return PairCheck(
            features=pair,
            naive="clean",
            naive_passes=passes,
            union="clean",
            union_passes=passes,
            kind="independent" if passes else "semantic",
            reason=reason,
        )
    union = await anyio.to_thread.run_sync(check_merge, store, work, "union")
    kept, reason = await _passes(grader, store, union, pair, counters) if union.clean else (None, "")
    return PairCheck(
        features=pair,
        naive=naive.status,
        union=union.status,
        union_passes=kept,
        files=naive.files,
        kind="unknown" if naive.status == "error" else "rescued" if kept else "textual",
        reason=reason or naive.message,
    )


async def _passes(
    grader: Grader, store: Store, merge: MergeCheck, pair: tuple[str, ...], counters: bool
) -> tuple[bool, str]:
    for name in pair:
        grade: FeatureGrade = await grader.grade(store, merge.tree, name, counters=counters)
        if grade.report.timed_out:  # once more: others run at the same time
            grade = await grader.grade(store, merge.tree, name, counters=counters)
        if not grade.passed:
            return False, f"{name}: {grade.reason}"
    return True, ""


def table(checks: list[PoolCheck]) -> str:
    """Pools side by side, as text."""
    head = ("pool", "features", "vacuous", "pairs", "naive clean", "clean+pass", "union+pass", "seconds")
    rows: list[tuple[str, ...]] = [
        (
            check.name,
            str(len(check.features)),
            str(sum(feature.vacuous for feature in check.features)),
            str(len(check.pairs)),
            str(check.naive_clean),
            str(check.naive_pass),
            str(check.union_pass),
            f"{check.features_s + check.pairs_s:.1f}",
        )
        for check in checks
    ]
    if len(rows) > 1:
        sums = [str(sum(int(row[column]) for row in rows)) for column in range(1, 7)]
        rows.append(("all", *sums, f"{sum(float(row[7]) for row in rows):.1f}"))
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (head, *rows)
    )
