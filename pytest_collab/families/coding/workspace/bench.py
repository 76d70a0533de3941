"""The bench of a pool: sets seats' places up, and finds out what was built there.

Everything that a verdict needs goes into `grade` events; nothing is decided here.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import Any, Final

import anyio
import anyio.to_thread

from pytest_collab.episode.text import bounded, printable
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.coding.grading.grading import FeatureGrade, Grader
from pytest_collab.families.coding.pool import answers
from pytest_collab.families.coding.pool.pool import Pool
from pytest_collab.families.coding.repository.merge import MergeCheck, check_merge, has_rules
from pytest_collab.families.coding.repository.work import Work
from pytest_collab.families.coding.rules import Deal
from pytest_collab.families.coding.workspace import changes
from pytest_collab.families.coding.workspace.roles import RolesWorkspace
from pytest_collab.families.coding.workspace.workspace import Workspace

AT_ONCE: Final = 2
"""Test runs of one episode that go on at the same time."""

MOST_FILES: Final = 4000
MERGED_LIMIT: Final = 16 * 1024


class Bench:
    """One per pool and sandbox in a process; many episodes use it at once."""

    def __init__(self, pool: Pool, sandbox: str = "auto") -> None:
        self.pool = pool
        self.grader = Grader(pool, sandbox=sandbox)
        self._opening = anyio.Lock()
        self._open = False

    @cached_property
    def descriptions(self) -> Mapping[str, str]:
        """What seats are told to build, by feature."""
        return {feature.id: self.pool.describe(feature) for feature in self.pool.features}

    @cached_property
    def briefs(self) -> Mapping[str, str]:
        """What seats are told that may not see the description, by feature."""
        return {feature.id: self.pool.brief(feature) for feature in self.pool.features}

    @property
    def how_to_test(self) -> str:
        """The test command, as a seat may use it."""
        return self.pool.test.replace("{report}", "/tmp/report").replace("{tests}", "PATHS")

    def solution(self, deal: Deal) -> dict[str, Any]:
        """The hidden solution: what builds all features of the deal together, where the pool has it."""
        return {"combined": answers.combined(self.pool, deal.all_features)}

    def host_environment(self) -> dict[str, str]:
        """Variables for programs that work in a tree on the host, with the pool's toolchain first on the PATH."""
        env = dict(self.grader.environment.env)
        inherited = os.environ.get("PATH", os.defpath)
        return {**env, "PATH": f"{env['PATH']}{os.pathsep}{inherited}" if "PATH" in env else inherited}

    async def ready(self) -> None:
        """Prepare base and environment, once.

        Raises:
            InfrastructureError: a toolchain is missing, a setup command fails, the sandbox does not work.
        """
        async with self._opening:
            if not self._open:
                await self.grader.__aenter__()
                self._open = True

    async def close(self) -> None:
        """Remove what grading left on the disk."""
        if self._open:
            self._open = False
            await self.grader.__aexit__(None, None, None)

    async def open(self, deal: Deal, transcript: Transcript) -> Workspace:
        """Places for the seats of an episode.

        Raises:
            SandboxError: seats have roles, and this sandbox cannot keep them to their rights.
        """
        await self.ready()
        grader = self.grader
        places = (grader.seed, deal.seats, grader.choice, grader.environment)
        if deal.casting is None:
            workspace = Workspace(*places, remote=deal.remote)
        else:
            specification = {name: self.descriptions[name] for name in deal.all_features}
            workspace = RolesWorkspace(*places, casting=deal.casting, specification=specification)
        try:
            await workspace.open()
        except BaseException:
            with anyio.CancelScope(shield=True):
                await workspace.close()
            raise
        choice = grader.choice
        transcript.add(
            "state",
            None,
            sandbox=choice.name,
            isolating=choice.sandbox.isolating,
            base=grader.seed.commit,
            features={seat: list(owned) for seat, owned in deal.features.items()},
        )
        return workspace

    async def grade(
        self, workspace: Workspace, deal: Deal, integrated: Sequence[str] | None, transcript: Transcript
    ) -> None:
        """Collect what every seat leaves, join it, test it, and write it all down."""
        grading = Grading(self.grader, workspace, deal, transcript)
        await grading.collect()
        trees = await grading.join()
        await grading.test(trees)
        if integrated is not None:
            transcript.add("grade", None, what="integrated", seats=list(integrated))


class Grading:
    """The grading of what one team leaves.

    Args:
        works: what its seats left, where that has been collected before.
        known: what is known of trees, by tree, feature, and whether counter-tests were given; added to.
        tags: what every event of it says beside.
    """

    def __init__(
        self,
        grader: Grader,
        workspace: Workspace,
        deal: Deal,
        transcript: Transcript,
        *,
        works: Mapping[str, Work] | None = None,
        known: dict[tuple[str, str, bool], FeatureGrade] | None = None,
        tags: Mapping[str, Any] | None = None,
    ) -> None:
        self._grader = grader
        self._workspace = workspace
        self._deal = deal
        self._transcript = transcript
        self._works: dict[str, Work] = dict(works or {})
        self._known = {} if known is None else known
        self._tags = dict(tags or {})

    def _add(self, seat: str | None, **data: Any) -> None:
        self._transcript.add("grade", seat, **data, **self._tags)

    async def collect(self) -> None:
        """What every seat leaves, and where they meet; works that were given are told as they are."""
        store = self._workspace.store
        if not any(event.data["what"] == "base" for event in self._transcript.of("grade")):
            names = await anyio.to_thread.run_sync(lambda: list(store.entries(store.tree(store.base))))
            self._transcript.add("grade", None, what="base", files=names[:MOST_FILES])
        changed = {}
        for seat in self._deal.seats:
            given = seat in self._works
            work = self._works[seat] if given else await self._workspace.collect(seat)
            self._works[seat] = work
            data, changed[seat] = await anyio.to_thread.run_sync(changes.told, store, work)
            data["elsewhere"] = [] if given else await self._workspace.elsewhere(seat, work)
            self._add(seat, what="work", features=list(self._deal.features[seat]), **data)
        if self._deal.joining == "merge":
            places = await anyio.to_thread.run_sync(changes.places, store, self._works, changed)
            if places:
                self._add(None, what="overlap", places=places)

    async def join(self) -> dict[str, str]:
        """The joined tree by strategy; strategies that gave none are left out."""
        deal = self._deal
        if deal.joining != "merge":
            seat = deal.seats[-1] if deal.joining == "last" else deal.seats[0]
            return {deal.joining: self._works[seat].tree}
        commits = [work.commit for work in self._works.values()]
        if deal.remote:
            commits = [await self._workspace.with_history(seat, work) for seat, work in self._works.items()]
        trees: dict[str, str] = {}
        store = self._workspace.store
        if await anyio.to_thread.run_sync(has_rules, store):
            plain = await anyio.to_thread.run_sync(check_merge, store, commits, "plain")
            self._add(None, what="merge", seats=list(deal.seats), **_merge(plain))
        for strategy in ("naive", "union"):
            check = await anyio.to_thread.run_sync(partial(check_merge, self._workspace.store, commits, strategy))
            told = _merge(check)
            if check.clean:
                patch = await anyio.to_thread.run_sync(self._workspace.store.patch, check.tree)
                told["diff"] = printable(bounded(patch, MERGED_LIMIT))
            self._add(None, what="merge", seats=list(deal.seats), **told)
            if check.clean:
                trees[strategy] = check.tree
                break  # where the plain merge is clean, the union is the same
        return trees

    async def test(self, trees: Mapping[str, str], *, own_trees: bool = True) -> None:
        """Every feature on its seat's own tree, and on every joined one; each tree once.

        Args:
            own_trees: leave seats' own trees out where only what they made together is asked for.
        """
        features = self._deal.all_features
        own = {feature: self._works[self._deal.owner(feature)].tree for feature in features}
        wanted = [("own", own[feature], feature) for feature in features if own_trees and len(self._deal.seats) > 1]
        wanted += [(strategy, tree, feature) for strategy, tree in trees.items() for feature in features]
        deciding = {tree for strategy, tree in trees.items() if strategy != "union"} or set(own.values())
        grades: dict[tuple[str, str], FeatureGrade] = {}
        slots = anyio.Semaphore(AT_ONCE)

        async def one(tree: str, feature: str, counters: bool) -> None:
            known = self._known.get((tree, feature, True)) or self._known.get((tree, feature, counters))
            if known is None:
                async with slots:
                    known = await self._grader.grade(self._workspace.store, tree, feature, counters=counters)
                self._known[tree, feature, counters] = known
            grades[tree, feature] = known

        async with anyio.create_task_group() as group:
            for tree, feature in dict.fromkeys((tree, feature) for _, tree, feature in wanted):
                group.start_soon(one, tree, feature, tree in deciding)
        # Counter-tests are given to what decides. Where that shows something, the seat's own tree says who did it.
        gamed = {feature for (_, feature), grade in grades.items() if grade.gamed}
        async with anyio.create_task_group() as group:
            for on, tree, feature in wanted:
                if on == "own" and feature in gamed and tree not in deciding:
                    group.start_soon(one, tree, feature, True)
        for on, tree, feature in wanted:
            self._add(self._deal.owner(feature), what="tests", on=on, **_tests(grades[tree, feature]))


def _merge(check: MergeCheck) -> dict[str, Any]:
    return {
        "strategy": check.strategy,
        "status": check.status,
        "conflicts": [
            {
                "path": conflict.path,
                "kind": conflict.kind,
                "hunks": [
                    {"line": hunk.line, "ours": list(hunk.ours), "theirs": list(hunk.theirs)}
                    for hunk in conflict.hunks[:20]
                ],
            }
            for conflict in check.conflicts[:50]
        ],
        "rescued": list(check.rescued),
        "message": check.message[:2000],
    }


def _tests(grade: FeatureGrade) -> dict[str, Any]:
    report = grade.report
    return {
        "feature": grade.feature,
        "passed": grade.passed,
        "summary": grade.reason,
        "fail_to_pass": list(grade.fail_to_pass),
        "pass_to_pass": list(grade.pass_to_pass),
        "broken": list(grade.broken),
        "gamed": list(grade.gamed),
        "counter_tests": grade.counters,
        "ran": report.ran,
        "exit_code": report.exit_code,
        "timed_out": report.timed_out,
        "counts": dict(Counter(str(status) for status in report.tests.values())),
        "tests": {name: str(status) for name, status in list(report.tests.items())[:500]},
        "tail": report.tail,
    }
