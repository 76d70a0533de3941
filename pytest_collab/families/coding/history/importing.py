"""From a repository to a pool: features are tried on one base, the sound ones kept, and their pairs told apart."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import anyio
import yaml
from anyio import to_thread

from pytest_collab.errors import SetupError, UsageError
from pytest_collab.families.coding.grading.grading import Grader
from pytest_collab.families.coding.history.choosing import Chosen, Wanted, choose, sight
from pytest_collab.families.coding.history.rebase import Rebaser
from pytest_collab.families.coding.history.report import REPORT, History, Kept, markdown
from pytest_collab.families.coding.history.walk import LeftOut
from pytest_collab.families.coding.pool.answers import COMBINED
from pytest_collab.families.coding.pool.pool import Pool, load
from pytest_collab.families.coding.repository.git import Store
from pytest_collab.families.coding.testrun.testrun import TestReport
from pytest_collab.families.coding.validation.validate import FeatureCheck, check_feature, validate_pool

_SHARE: Final = 0.6
"""Of the time, until the last feature is begun."""
_PAIRED: Final = 0.9
"""Of the time, until the last pair is begun; the combined patch has the rest."""


async def import_history(wanted: Wanted, progress: Callable[[str], None] = lambda _: None) -> History:
    """Make a pool of a repository's history in `wanted.out`; nothing, where fewer than two features are sound.

    The repository is read, never written, and only its commits are: its work tree may be dirty.

    Raises:
        UsageError: no repository, no commits, no tests, none that runs on the base, or `out` is in use.
        SetupError: the environment cannot be made.
    """
    if wanted.out.exists() and (not wanted.out.is_dir() or any(wanted.out.iterdir())):
        raise UsageError(f"{wanted.out} exists and is not empty; choose another --out, or delete it")

    def tell(text: str) -> None:
        progress(f"[{time.monotonic() - wanted.started:4.0f} s] {wanted.repository.resolve().name}: {text}")

    history = History()
    with tempfile.TemporaryDirectory(prefix="collab-history-") as folder:
        scratch = Path(folder)
        chosen = await to_thread.run_sync(choose, wanted, scratch, history, tell)
        making = _Making(wanted, scratch, history, chosen, tell)
        if chosen.cuts:
            await making.try_features()
        if len(history.kept) > 1:
            file = await to_thread.run_sync(making.write)
            await making.try_pairs(file)
            history.seconds = time.monotonic() - wanted.started
            (wanted.out / REPORT).write_text(markdown(history), encoding="utf-8")
            history.file = file
    return history


@dataclass(frozen=True, slots=True)
class _Making:
    wanted: Wanted
    scratch: Path
    history: History
    chosen: Chosen
    tell: Callable[[str], None]

    def params(self, names: Sequence[str], repository: str) -> dict[str, Any]:
        """The params of a task with these features."""
        return {
            "base": {"repository": repository, "commit": self.history.base},
            "language": self.history.language,
            **self.chosen.params,
            "regression": "touched",
            "environment": {
                "setup_timeout_s": min(7200.0, max(60.0, 60 * self.wanted.minutes)),
                "memory_mb": 4096,
                "pids": 1024,
                "writable": True,  # tests that were not written for a sandbox write beside them
            },
            "features": [{"id": name} for name in names],
        }

    async def try_features(self) -> None:
        """Check features until there are enough of them or the time is up.

        Those with counter-tests are taken first, and others only where there are not enough.
        """
        history, wanted, cuts = self.history, self.wanted, self.chosen.cuts
        data = self.params([*cuts, *dict.fromkeys(self.chosen.probes.values())], str(history.repository))
        pool = Pool.model_validate(data, context={"folder": self.scratch})
        checks: dict[str, FeatureCheck] = {}
        old: dict[str, int] = {}
        self.tell("making the environment" + "".join(f": {one}" for one in pool.setup))
        async with AsyncExitStack() as stack:
            try:
                grader = await stack.enter_async_context(Grader(pool, sandbox=wanted.sandbox))
            except SetupError as error:
                raise SetupError(
                    f"{error}\nSay what has to be installed with --setup, or take a newer base with --since."
                ) from None
            store = grader.store(self.scratch / "graded.git")
            known: dict[str, TestReport] = {}
            if self.chosen.probes:
                await self._runs(grader, store, known)
            waiting = iter(cuts)

            async def worker() -> None:
                for name in waiting:
                    best = sum(_why_not(check) is None and check.counter_tests > 0 for check in checks.values())
                    if best >= wanted.features or wanted.left(_SHARE) <= 0:
                        return
                    commits: dict[str, str] = {}
                    check = await check_feature(grader, store, name, commits)
                    if _why_not(check) is None and (
                        broken := await self._breaks(grader, store, name, commits, known)
                    ):
                        check = check.model_copy(update={"problems": (broken,)})
                    checks[name] = check
                    sound = "sound" if checks[name].counter_tests else "sound, but without counter-tests"
                    self.tell(f"{name}: {_why_not(checks[name]) or sound}")

            async with anyio.create_task_group() as tasks:
                for _ in range(wanted.jobs):
                    tasks.start_soon(worker)
            sound = [name for name, check in checks.items() if _why_not(check) is None]
            for name in sound:
                old[name] = await self._old(grader, name, known)
        sound.sort(key=lambda name: (not checks[name].counter_tests, list(cuts).index(name)))
        kept = sound[: wanted.features]
        for name, cut in cuts.items():
            why = _why_not(checks[name]) if name in checks else "the time was up before it was tried"
            if name in kept:
                history.kept.append(Kept(name, cut.change, checks[name], old[name]))
            elif why is None or (name not in checks and len(kept) == wanted.features):
                history.left_out.append(LeftOut(cut.change.of, "there are enough without it", "not needed"))
            else:
                history.left_out.append(LeftOut(cut.change.of, why))
        places = {change: place for place, change in enumerate(self.chosen.oldest_first)}
        history.kept.sort(key=lambda kept: places[kept.change])

    async def _breaks(
        self, grader: Grader, store: Store, name: str, commits: Mapping[str, str], known: dict[str, TestReport]
    ) -> str:
        """Which of the base's own tests a feature is against: nobody could build it beside one that keeps them."""
        if not self.chosen.probes:
            return ""
        probe = self.chosen.probes[name]
        if probe not in known:
            known[probe] = await grader.run_tests(store, grader.seed.tree, grader.pool.feature(probe))
        after = (await grader.run_tests(store, commits[name], grader.pool.feature(probe))).tests
        lost = [test for test, status in known[probe].tests.items() if status == "passed" != after.get(test)]
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        return f"it changes what the base's own tests expect: {lost[0]}{more}" if lost else ""

    async def _old(self, grader: Grader, name: str, known: Mapping[str, TestReport]) -> int:
        """How many of the tests that fail without a feature the base has, by name, and passes as it is."""
        expected = await grader.expectation(grader.pool.feature(name))
        passed = {test for report in known.values() for test, status in report.tests.items() if status == "passed"}
        return len(passed.intersection(expected.fail_to_pass))

    async def _runs(self, grader: Grader, store: Store, known: dict[str, TestReport]) -> None:
        probe = self.chosen.probes[""]
        report = known[probe] = await grader.run_tests(store, grader.seed.tree, grader.pool.feature(probe))
        if "passed" in report.tests.values():
            return
        tail = report.tail if len(report.tail) < 2000 else f"{report.tail[:1000]}\n...\n{report.tail[-1000:]}"
        said = f"{report.note}\n{tail}".strip()
        setup = "".join(f"\n  set-up  {one}" for one in grader.pool.setup)
        raise UsageError(
            f"the test command passes no test on the base {self.history.base[:9]}, not even of the base's own:\n"
            f"  test    {grader.pool.test}{setup}\n{said}\n"
            "Say how tests are run with --test-command and --parser, what has to be installed with --setup, or take "
            "a newer base with --since."
        )

    def write(self) -> Path:
        """Write the pool: features, a combined patch if they go together in the order of history, the task file."""
        out, history = self.wanted.out, self.history
        names = [kept.name for kept in history.kept]
        try:
            out.mkdir(parents=True, exist_ok=True)
            for name in names:
                shutil.copytree(self.scratch / "features" / name, out / "features" / name)
        except OSError as error:
            raise UsageError(f"{out} cannot be written: {error.strerror}; choose another --out") from None
        with sight(self.wanted, self.scratch) as (_, store):
            changes = [kept.change for kept in history.kept]
            patch = Rebaser(store, history.language).combined(store.tree(history.base), changes)
        if patch:
            (out / COMBINED).write_bytes(patch)
        else:
            history.combined = "they conflict even in the order of history"
        project = history.repository.name.removesuffix(".git")
        data = {
            "family": "coding",
            "description": f"{project}: {len(names)} features of its own history",
            "params": self.params(names, os.path.relpath(history.repository, out.resolve())),
            "seeds": "all",
            "conditions": ["solo", "team"],
        }
        head = f"# Made by `collab import history`: {REPORT} says of what. Edit features/*/feature.md as you like.\n"
        file = out / f"{re.sub(r'[^a-z0-9]+', '_', project.lower()).strip('_') or 'history'}.collab.yaml"
        file.write_text(head + yaml.safe_dump(data, sort_keys=False, width=110), encoding="utf-8")
        return file

    async def try_pairs(self, file: Path) -> None:
        """Merge and grade every pair; hold the combined patch to all tests, and drop it where it fails."""
        check = await validate_pool(
            load(file),
            self.history.repository.name,
            jobs=self.wanted.jobs,
            sandbox=self.wanted.sandbox,
            counters=False,
            until=time.monotonic() + self.wanted.left(_PAIRED),
            progress=self.tell_pairs,
        )
        self.history.pairs = list(check.pairs)
        if check.combined:
            (self.wanted.out / COMBINED).unlink()
            self.history.combined = check.combined

    def tell_pairs(self, line: str) -> None:
        """What validation tells, with the time since the beginning of it all."""
        self.tell(line.partition(": ")[2])


def _why_not(check: FeatureCheck) -> str | None:
    """Why a feature is not sound; None for one that is."""
    if check.problems:
        return "; ".join(" ".join(problem.split())[:300] for problem in check.problems)
    return None if check.new_tests else "no test fails without it and passes with it"
