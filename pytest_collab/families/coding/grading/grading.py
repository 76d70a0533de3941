"""Grading: a feature's hidden tests, run on a tree in a fresh sandbox, and what they say about it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shlex
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self, TypeVar

import anyio
from anyio import to_thread
from pydantic import BaseModel

from pytest_collab.episode.preparing import preparing
from pytest_collab.errors import SandboxError, SetupError
from pytest_collab.families.coding.counter.edit import CounterTest
from pytest_collab.families.coding.counter.errors import third_errors
from pytest_collab.families.coding.counter.languages import EXPECTATIONS
from pytest_collab.families.coding.counter.making import make_counters
from pytest_collab.families.coding.environment.environment import Environment, choose_sandbox, prepare_environment
from pytest_collab.families.coding.grading.expectation import (
    Expectation,
    FeatureGrade,
    compare,
    judge,
    passing_tests,
    unmask,
)
from pytest_collab.families.coding.pool.pool import Feature, Pool
from pytest_collab.families.coding.repository.compose import Composer
from pytest_collab.families.coding.repository.git import GitError, Store
from pytest_collab.families.coding.repository.seed import Seed, cache_folder, seed_of
from pytest_collab.families.coding.testrun.canary import Canary, plant
from pytest_collab.families.coding.testrun.testrun import Laid, TestReport, read_run
from pytest_collab.sandbox import Choice, Mount, afterwards

__all__ = ["Expectation", "FeatureGrade", "Grader", "TestReport", "judge"]

M = TypeVar("M", bound=BaseModel)
_T = TypeVar("_T")
_GUARD = Path(__file__).parent / "guard"
_OUTPUT_LIMIT = 4 * 1024 * 1024
_VERSION = 14
_MADE = 4
"""Counter-tests that are made of a feature, if not more are asked for: which a tree is given is not known before."""
_TOSSES = 4
"""Further runs of a tree that no counter-test has told anything about: right code never comes to that."""


class Grader:
    """Grades trees of one pool; many at a time, each in a sandbox and a folder of its own.

    Use it as an async context manager. It shares the pool's environment, read-only, with every other grader.

    Args:
        pool: checked files (`pool.check()`).
        cache: None for the user's.
        sandbox: name of a sandbox, or a choice already made.
    """

    def __init__(self, pool: Pool, *, cache: Path | None = None, sandbox: str | Choice = "auto") -> None:
        self.pool = pool
        self.cache = cache or cache_folder()
        self._sandbox = sandbox
        self._choice: Choice | None = None
        self._environment: Environment | None = None
        self._seed: Seed | None = None
        self._scratch: Path | None = None
        self._own: Store | None = None
        self._composer: Composer | None = None

    async def __aenter__(self) -> Self:
        if isinstance(self._sandbox, Choice):
            self._choice = self._sandbox
        else:
            self._choice = await choose_sandbox(self.pool, self._sandbox)
        with preparing(f"{self.pool.folder.name}: base and environment"):
            self._seed = await to_thread.run_sync(seed_of, self.pool, self.cache)
            self._environment = await to_thread.run_sync(prepare_environment, self.pool, self.cache, self._choice)
        self._scratch = Path(tempfile.mkdtemp(prefix="collab-grading-"))
        afterwards.remove_folder(self._scratch)
        self._own = self.store(self._scratch / "own.git")
        self._composer = await to_thread.run_sync(Composer, self._own, self.pool)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._scratch is not None:
            await to_thread.run_sync(partial(shutil.rmtree, self._scratch, ignore_errors=True))
            self._scratch = None

    @property
    def seed(self) -> Seed:
        """The pool's base."""
        return _opened(self._seed)

    @property
    def environment(self) -> Environment:
        """What tests run in."""
        return _opened(self._environment)

    @property
    def choice(self) -> Choice:
        """Which sandbox."""
        return _opened(self._choice)

    def store(self, path: Path) -> Store:
        """A new store on the pool's base."""
        return Store.create(path, self.seed.path, self.seed.commit)

    async def run_tests(
        self, store: Store, tree: str, feature: Feature, counter: Mapping[str, str] | None = None
    ) -> TestReport:
        """Run a feature's hidden tests, and the tests that must keep passing, on a tree.

        Args:
            counter: files of a counter-test, in the place of the hidden ones.

        Raises:
            SandboxError: the sandbox failed; nothing is known about the tree.
            SetupError: git failed on the host.
        """
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=_opened(self._scratch)))
        try:
            laid = await to_thread.run_sync(self._lay_out, store, tree, feature, folder, counter)
            return await self._run(laid, feature)
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(partial(shutil.rmtree, folder, ignore_errors=True))

    def _lay_out(
        self, store: Store, tree: str, feature: Feature, folder: Path, counter: Mapping[str, str] | None
    ) -> Laid:
        composer = _opened(self._composer)
        entries = composer.compose(store, tree, feature, counter)
        composer.checkout(store, entries, folder / "tree")
        (folder / "out").mkdir()
        key = secrets.token_hex(32).encode()
        (folder / "out" / "key").write_bytes(key)
        command = self._command(feature)
        canaries: tuple[Canary, ...] = ()
        if not self._guarded(command):
            canaries = plant(folder / "tree", self.pool.language, command, composer.tests(entries, feature))
        pinned = {}
        if self.pool.environment.writable or not self.choice.sandbox.isolating:
            # Only where tests may write to the tree: a mount for each costs every command time.
            pinned = {path: (folder / "tree" / path).read_bytes() for path in composer.pinned(entries, feature)}
        words = composer.words(entries, feature)
        return Laid(folder / "tree", folder / "out", key, words, pinned, canaries)

    async def _run(self, laid: Laid, feature: Feature) -> TestReport:
        writable = self.pool.environment.writable or not self.choice.sandbox.isolating
        mounts = [Mount(laid.out, "/collab/out", True), Mount(_GUARD, "/collab/guard")]
        mounts += [Mount(laid.tree / path, f"{self.environment.tree}/{path}") for path in laid.pinned]
        spec = self.environment.spec(laid.tree, writable=writable, mounts=tuple(mounts))
        async with self.choice.make(spec) as sandbox:
            command = self._command(feature).replace("{tests}", shlex.join(laid.words))
            command = command.replace("{report}", shlex.quote(sandbox.inside(laid.out / "report")))
            if self.choice.sandbox.isolating:
                command = f"{self.environment.warming}{command}"
            env = {"CARGO_INCREMENTAL": "0"} if self.pool.language == "rust" else {}  # it builds once
            if self._guarded(command):
                # Until the guard has seen pytest as it is, nothing is imported from the tree, whatever it is called.
                env |= {"COLLAB_GUARD": sandbox.inside(laid.out), "PYTHONPATH": sandbox.inside(_GUARD)}
                env |= {"PYTHONSAFEPATH": "1", "PYTHONNOUSERSITE": "1"}
                if not self.choice.sandbox.isolating:
                    # Nothing is mounted there: editable installs would lead to the base, not to the graded tree.
                    env["COLLAB_PYTHONPATH"] = f"{laid.tree}/src:{laid.tree}"
            done = await sandbox.run(
                command,
                cwd=sandbox.inside(laid.tree),
                env=env,
                timeout=self.pool.timeout_s,
                output_limit=_OUTPUT_LIMIT,
            )
        read = partial(read_run, laid, done, pool=self.pool, guarded=self._guarded(command))
        return await to_thread.run_sync(read)

    def _command(self, feature: Feature) -> str:
        """The test command, before its words are filled in."""
        command = feature.test or self.pool.test
        if self.pool.language == "rust" and "--no-fail-fast" not in command:
            # Cargo runs no further test target once one has failed, and the canary of the first one does.
            command = command.replace("cargo test", "cargo test --no-fail-fast", 1)
        return command

    def _guarded(self, command: str) -> bool:
        return self.pool.language == "python" and "pytest" in command

    async def expectation(self, feature: Feature, *, again: bool = False) -> Expectation:
        """What a feature's tests do on the base and on the reference; kept by content.

        Args:
            again: find it out anew, whatever is known.

        Raises:
            SetupError: the hidden tests or the reference do not apply to the base.
        """
        told = f"tests of {feature.id} on base and reference"
        return await self.kept("expectations", told, feature, Expectation, lambda: self._expect(feature), again=again)

    async def kept(
        self,
        what: str,
        told: str,
        feature: Feature,
        kind: type[M],
        find: Callable[[], Awaitable[M]],
        *,
        again: bool = False,
    ) -> M:
        """What is found out about a feature by running its tests, kept by content under a lock.

        Args:
            what: names the folder of the cache.
            told: what people read while it is being found out.
            kind: what it is read back as.
            find: finds it out.
            again: find it out anew, whatever is known.
        """
        path = self.cache / what / f"{self._expectation_key(feature)}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path.with_suffix(".lock"), "w") as lock:  # closing it releases it
            # Tasks of one process wait for each other too, so the lock belongs to no thread.
            while not _locked(lock.fileno()):
                await anyio.sleep(0.05)
            if path.is_file() and not again:
                return kind.model_validate_json(path.read_text())
            with preparing(f"{self.pool.folder.name}: {told}"):
                found = await find()
            path.with_suffix(".new").write_text(found.model_dump_json())
            path.with_suffix(".new").rename(path)
            return found

    def _expectation_key(self, feature: Feature) -> str:
        # What other features there are, where the base lies and who plays changes nothing about this feature's tests.
        said = self.pool.model_dump_json(include=set(Pool.model_fields) - {"base", "features"})
        parts = [_VERSION, self.environment.key, self.choice.name, self.seed.tree, said, feature.id, feature.test]
        digest = hashlib.sha256(json.dumps(parts).encode())
        digest.update(self.pool.hidden(feature))
        digest.update(self.pool.reference(feature) or b"")
        return digest.hexdigest()[:24]

    async def _expect(self, feature: Feature) -> Expectation:
        store, base = _opened(self._own), self.seed.tree
        before = await self.run_tests(store, base, feature)
        patch = self.pool.reference(feature)
        if patch is None:
            named = tuple(sorted(name for name, status in before.tests.items() if status in ("failed", "error")))
            kept = passing_tests(before)
            return Expectation(
                fail_to_pass=named,
                pass_to_pass=kept,
                vacuous=before.ran and before.exit_code == 0,
                reference_passes=None,
                exit_code=0,
                canaries=before.canaries,
                meddling=before.meddling,
                note=before.note,
            )
        try:
            solved = await to_thread.run_sync(store.apply, base, patch)
        except GitError as error:
            raise SetupError(f"the reference of feature {feature.id!r} does not apply to the base: {error}") from None
        after = await self.run_tests(store, solved, feature)
        found = compare(before, after, await self.run_tests(store, solved, feature))
        return found.model_copy(update={"counters": await self._counters(store, solved, feature, found)})

    async def _counters(
        self, store: Store, solved: str, feature: Feature, found: Expectation
    ) -> tuple[CounterTest, ...]:
        if not found.reference_passes or not self.pool.counter_tests:
            return ()
        composer = _opened(self._composer)
        return await make_counters(
            await to_thread.run_sync(composer.sources, feature),
            found.fail_to_pass,
            EXPECTATIONS[self.pool.language],
            partial(self.run_tests, store, solved, feature),
            secrets.SystemRandom(),
            max(_MADE, self.pool.counter_tests),
            await to_thread.run_sync(composer.seen, feature),
        )

    async def grade(self, store: Store, tree: str, feature: Feature | str, *, counters: bool = True) -> FeatureGrade:
        """Grade a tree for one feature.

        It passes when the runner came to its own end, every fail-to-pass and pass-to-pass test is there and
        passed, and the exit code is the one the reference has. Skipped is not passed; tests that are not
        there are not passed; a run of nothing is not a pass. And it must fail the counter-tests that are drawn
        for it: these are run in between, each in a fresh copy and a sandbox of its own. One that it fails before it
        comes to a changed expectation shows nothing, and another one is drawn, as long as there are some; where none
        has shown anything, it has to go on to pass the real files and to fail counter-tests, as a coin decides.

        Args:
            counters: leave counter-tests out where the tree decides nothing.
        """
        feature = self.pool.feature(feature) if isinstance(feature, str) else feature
        expected = await self.expectation(feature)
        draw = secrets.SystemRandom()
        count = min(self.pool.counter_tests, len(expected.counters)) if counters else 0
        drawn = draw.sample(expected.counters, len(expected.counters))
        plan, spare = [None, *drawn[:count]], drawn[count:]
        draw.shuffle(plan)
        grades: list[FeatureGrade] = []
        runs: list[tuple[CounterTest, TestReport]] = []

        async def one(counter: CounterTest | None) -> None:
            async with slots:
                if counter is not None and any(made.accepted(report.tests) for made, report in runs):
                    return  # found out
                try:
                    report = await self.run_tests(store, tree, feature, counter.files if counter else None)
                except (SandboxError, SetupError) as error:
                    errors.append(error)
                    tasks.cancel_scope.cancel()
                    return
                if counter is not None:
                    runs.append((counter, report))
                    if spare and not _shows(counter, report):
                        tasks.start_soon(one, spare.pop())
                    return
                grades.append(judge(feature.id, expected, report))
                if not grades[0].passed:
                    tasks.cancel_scope.cancel()  # whatever the others would show

        errors: list[SandboxError | SetupError] = []
        slots = anyio.Semaphore(max(1, (os.cpu_count() or 1) // 2))
        async with anyio.create_task_group() as tasks:
            for counter in plan:
                tasks.start_soon(one, counter)
        if errors and (not grades or grades[0].passed):
            raise errors[0]
        grade = grades[0]
        for _ in range(_TOSSES):
            if not grade.passed or not runs or any(_shows(*run) for run in runs):
                break
            tossed = draw.choice((None, draw.choice(expected.counters)))
            report = await self.run_tests(store, tree, feature, tossed.files if tossed else None)
            if tossed is None:
                grade = judge(feature.id, expected, report)
            else:
                runs.append((tossed, report))
        if grade.passed:
            runs = [(made, await self._sure(store, tree, feature, made, report, draw)) for made, report in runs]
        return unmask(grade, runs)

    async def _sure(
        self, store: Store, tree: str, feature: Feature, counter: CounterTest, report: TestReport, draw: Random
    ) -> TestReport:
        """The run; once more with exceptions of a third kind, where the tree met wrong ones and nothing else."""
        files = third_errors(counter, counter.accepted(report.tests), draw)
        return report if files is None else await self.run_tests(store, tree, feature, files)


def _shows(counter: CounterTest, report: TestReport) -> bool:
    """Whether a run has come to changed expectations: it met one, or failed there."""
    return bool(counter.accepted(report.tests)) or (report.ran and counter.tells(report.places))


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _opened(value: _T | None) -> _T:
    if value is None:
        raise SetupError("the grader is not open; use it as `async with Grader(pool)`")
    return value
