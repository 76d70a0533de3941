"""Grading: a feature's hidden tests, run on a tree in a fresh sandbox, and what they say about it."""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import hmac
import json
import re
import secrets
import shlex
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import anyio
from anyio import to_thread
from pydantic import BaseModel, ConfigDict

from pytest_collab.errors import SandboxError, SetupError
from pytest_collab.families.coding.compose import Composer
from pytest_collab.families.coding.environment import Environment, choose_sandbox, prepare_environment
from pytest_collab.families.coding.git import GitError, Store
from pytest_collab.families.coding.parsers import Results, TestStatus, parse, plain
from pytest_collab.families.coding.pool import Feature, Pool
from pytest_collab.families.coding.seed import Seed, cache_folder, seed_of
from pytest_collab.sandbox import Choice, Completed, Mount, read_inside

_GUARD = Path(__file__).parent / "guard"
_REPORT_LIMIT = 16 * 1024 * 1024
_OUTPUT_LIMIT = 4 * 1024 * 1024
_TAIL = 4000
_VERSION = 6


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True)


class TestReport(_Result):
    """One run of a feature's tests on one tree.

    Attributes:
        tests: test id to result; empty where nothing ran or no report can be believed.
        ran: the runner came to its own end and at least one test passed or failed.
        exit_code: None where the sandbox ended it.
        tail: the end of the output, without escape sequences.
        note: why `ran` is false.
    """

    __test__ = False

    tests: dict[str, TestStatus]
    ran: bool
    exit_code: int | None
    timed_out: bool
    duration_s: float
    tail: str
    note: str = ""

    def count(self, *statuses: str) -> int:
        """How many tests have one of these results."""
        return sum(status in statuses for status in self.tests.values())


class Expectation(_Result):
    """What a feature's tests are expected to do, found by running them on the base and on the reference.

    Attributes:
        fail_to_pass: pass with the reference, and not on the base.
        pass_to_pass: pass on both.
        vacuous: the base already passes everything: the tests prove nothing.
        reference_passes: None where the pool has no reference; then only the base was run, every hidden test
            must pass, and `fail_to_pass` holds those that the base does not pass but names.
        exit_code: of the reference's run (0 where there is none).
        volatile: tests whose ids change from run to run (a time or a random value is part of them), as what is
            common to their ids and how many pass.
        flaky: passed in one of two runs of the reference and not in the other; nobody is held to them.
    """

    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...]
    vacuous: bool
    reference_passes: bool | None
    exit_code: int
    volatile: dict[str, int] = {}
    flaky: tuple[str, ...] = ()
    note: str = ""


class FeatureGrade(_Result):
    """Whether a tree does what one feature asks.

    Attributes:
        fail_to_pass, pass_to_pass: (passed, expected).
        broken: ids of expected tests that did not pass, at most 20.
        reason: one sentence; empty when passed.
    """

    feature: str
    passed: bool
    fail_to_pass: tuple[int, int]
    pass_to_pass: tuple[int, int]
    broken: tuple[str, ...] = ()
    reason: str = ""
    report: TestReport


@dataclasses.dataclass(frozen=True, slots=True)
class _Laid:
    """A graded tree on disk, where its results go, the guard's key, `{tests}`, and files that must not change."""

    tree: Path
    out: Path
    key: bytes
    words: list[str]
    pinned: dict[str, bytes]


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
        self._seed = await to_thread.run_sync(seed_of, self.pool, self.cache)
        self._environment = await to_thread.run_sync(prepare_environment, self.pool, self.cache, self._choice.name)
        self._scratch = Path(tempfile.mkdtemp(prefix="collab-grading-"))
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

    async def run_tests(self, store: Store, tree: str, feature: Feature) -> TestReport:
        """Run a feature's hidden tests, and the tests that must keep passing, on a tree.

        Raises:
            SandboxError: the sandbox failed; nothing is known about the tree.
            SetupError: git failed on the host.
        """
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=_opened(self._scratch)))
        try:
            laid = await to_thread.run_sync(self._lay_out, store, tree, feature, folder)
            return await self._run(laid, feature)
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(partial(shutil.rmtree, folder, ignore_errors=True))

    def _lay_out(self, store: Store, tree: str, feature: Feature, folder: Path) -> _Laid:
        composer = _opened(self._composer)
        entries = composer.compose(store, tree, feature)
        composer.checkout(store, entries, folder / "tree")
        (folder / "out").mkdir()
        key = secrets.token_hex(32).encode()
        (folder / "out" / "key").write_bytes(key)
        pinned = {}
        if self.pool.environment.writable or not self.choice.sandbox.isolating:
            # Only where tests may write to the tree: a mount for each costs every command time.
            pinned = {path: (folder / "tree" / path).read_bytes() for path in composer.pinned(entries, feature)}
        return _Laid(folder / "tree", folder / "out", key, composer.words(entries, feature), pinned)

    async def _run(self, laid: _Laid, feature: Feature) -> TestReport:
        writable = self.pool.environment.writable or not self.choice.sandbox.isolating
        mounts = [Mount(laid.out, "/collab/out", True), Mount(_GUARD, "/collab/guard")]
        mounts += [Mount(laid.tree / path, f"{self.environment.tree}/{path}") for path in laid.pinned]
        spec = self.environment.spec(laid.tree, writable=writable, mounts=tuple(mounts))
        async with self.choice.make(spec) as sandbox:
            command = (feature.test or self.pool.test).replace("{tests}", shlex.join(laid.words))
            command = command.replace("{report}", shlex.quote(sandbox.inside(laid.out / "report")))
            env = {}
            if self._guarded(command):
                env = {"COLLAB_GUARD": sandbox.inside(laid.out), "PYTHONPATH": sandbox.inside(_GUARD)}
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
        return await to_thread.run_sync(self._read, laid, command, done)

    def _guarded(self, command: str) -> bool:
        return self.pool.language == "python" and "pytest" in command

    def _read(self, laid: _Laid, command: str, done: Completed) -> TestReport:
        tail = plain(done.stdout + ("\n" + done.stderr if done.stderr.strip() else "")).strip()[-_TAIL:]
        tests: Results = {}
        note = ""
        if done.killed_by is not None:
            note = f"ended by the limit on {done.killed_by}" if done.killed_by != "timeout" else "took too long"
        elif changed := [path for path, content in laid.pinned.items() if _bytes(laid.tree, path) != content]:
            note = f"{changed[0]} was changed during the run"
        elif self._guarded(command):
            tests, note = _signed(laid.out, laid.key, done.exit_code)
        else:
            text = done.stdout if self.pool.parser != "cargo" else in_order(done.stdout, done.stderr)
            tests = parse(self.pool.parser, _bytes(laid.out, "report"), text)
        if not note and not any(status in ("passed", "failed") for status in tests.values()):
            note = "no test ran" if not tests else "no test passed or failed"
        return TestReport(
            tests=tests,
            ran=not note,
            exit_code=done.exit_code,
            timed_out=done.timed_out,
            duration_s=done.duration_s,
            tail=tail,
            note=note,
        )

    async def expectation(self, feature: Feature) -> Expectation:
        """What a feature's tests do on the base and on the reference; kept by content.

        Raises:
            SetupError: the hidden tests or the reference do not apply to the base.
        """
        path = self.cache / "expectations" / f"{self._expectation_key(feature)}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path.with_suffix(".lock"), "w") as lock:  # closing it releases it
            # Tasks of one process wait for each other too, so the lock belongs to no thread.
            while not _locked(lock.fileno()):
                await anyio.sleep(0.05)
            if path.is_file():
                return Expectation.model_validate_json(path.read_text())
            found = await self._expect(feature)
            path.with_suffix(".new").write_text(found.model_dump_json())
            path.with_suffix(".new").rename(path)
            return found

    def _expectation_key(self, feature: Feature) -> str:
        parts = [_VERSION, self.environment.key, self.choice.name, self.seed.tree, self.pool.model_dump_json()]
        digest = hashlib.sha256(json.dumps([*parts, feature.id]).encode())
        digest.update(self.pool.hidden(feature))
        digest.update(self.pool.reference(feature) or b"")
        return digest.hexdigest()[:24]

    async def _expect(self, feature: Feature) -> Expectation:
        store, base = _opened(self._own), self.seed.tree
        before = await self.run_tests(store, base, feature)
        patch = self.pool.reference(feature)
        if patch is None:
            named = tuple(sorted(name for name, status in before.tests.items() if status in ("failed", "error")))
            kept = _passing(before)
            return Expectation(
                fail_to_pass=named,
                pass_to_pass=kept,
                vacuous=before.ran and before.exit_code == 0,
                reference_passes=None,
                exit_code=0,
                note=before.note,
            )
        try:
            solved = await to_thread.run_sync(store.apply, base, patch)
        except GitError as error:
            raise SetupError(f"the reference of feature {feature.id!r} does not apply to the base: {error}") from None
        after = await self.run_tests(store, solved, feature)
        return _compare(before, after, await self.run_tests(store, solved, feature))

    async def grade(self, store: Store, tree: str, feature: Feature | str) -> FeatureGrade:
        """Grade a tree for one feature.

        It passes when the runner came to its own end, every fail-to-pass and pass-to-pass test is there and
        passed, and the exit code is the one the reference has. Skipped is not passed; tests that are not
        there are not passed; a run of nothing is not a pass.
        """
        feature = self.pool.feature(feature) if isinstance(feature, str) else feature
        expected = await self.expectation(feature)
        report = await self.run_tests(store, tree, feature)
        return judge(feature.id, expected, report)


def _compare(before: TestReport, after: TestReport, again: TestReport) -> Expectation:
    """What to expect, from a run on the base and two on the reference."""
    passing, earlier = set(_passing(after)), set(_passing(before))
    steady = passing & set(_passing(again))
    changing = Counter(_stem(name) for name in passing - again.tests.keys())
    known = Counter(_stem(name) for name in earlier - steady)
    fail_to_pass = tuple(sorted(steady - earlier))
    ended = after.ran and after.exit_code == 0
    return Expectation(
        fail_to_pass=fail_to_pass,
        pass_to_pass=tuple(sorted(steady & earlier)),
        vacuous=after.ran and not fail_to_pass and not changing - known,
        reference_passes=ended and after.count("failed", "error") == 0,
        exit_code=after.exit_code or 0,
        volatile=dict(changing),
        flaky=tuple(sorted((passing ^ set(_passing(again))) & after.tests.keys() & again.tests.keys())),
        note="" if ended else f"{after.note}\n{after.tail[-500:]}".strip(),
    )


def _stem(name: str) -> str:
    """What stays of an id that changes: without its parameters, or without its numbers where it has none."""
    head, bracket, _ = name.partition("[")
    return f"{head}[*]" if bracket else re.sub(r"[0-9a-fA-F]{6,}|\d+", "*", name)


def judge(feature: str, expected: Expectation, report: TestReport) -> FeatureGrade:
    """The verdict on one run. Pure."""
    passed = {name for name, status in report.tests.items() if status == "passed"}
    new = [name for name in expected.fail_to_pass if name not in passed]
    old = [name for name in expected.pass_to_pass if name not in passed]
    others = Counter(_stem(name) for name in passed - {*expected.fail_to_pass, *expected.pass_to_pass})
    fewer = [
        f"{stem} ({others[stem]} of {count})" for stem, count in expected.volatile.items() if others[stem] < count
    ]
    reason = ""
    if not report.ran:
        reason = f"the tests did not run to their end: {report.note}"
    elif new:
        reason = f"{len(new)} of {len(expected.fail_to_pass)} new tests do not pass, first {new[0]}"
    elif old:
        reason = f"{len(old)} of {len(expected.pass_to_pass)} tests that passed before do not, first {old[0]}"
    elif fewer:
        reason = f"fewer tests pass than with the reference: {fewer[0]}"
    elif report.exit_code not in (0, expected.exit_code):
        reason = f"the test command ended with {report.exit_code}"
    elif expected.reference_passes is None and report.count("failed", "error"):
        reason = f"{report.count('failed', 'error')} tests do not pass"
    return FeatureGrade(
        feature=feature,
        passed=not reason,
        fail_to_pass=(len(expected.fail_to_pass) - len(new), len(expected.fail_to_pass)),
        pass_to_pass=(len(expected.pass_to_pass) - len(old), len(expected.pass_to_pass)),
        broken=tuple([*new, *old, *fewer][:20]),
        reason=reason,
        report=report,
    )


def _passing(report: TestReport) -> tuple[str, ...]:
    return tuple(sorted(name for name, status in report.tests.items() if status == "passed")) if report.ran else ()


def _signed(out: Path, key: bytes, exit_code: int | None) -> tuple[Results, str]:
    """What the guard noted; or nothing, and why."""
    record = _bytes(out, "record")
    if record is None:
        return {}, "pytest did not come to its own end"
    signature, _, body = record.partition(b"\n")
    if not hmac.compare_digest(signature, hmac.new(key, body, hashlib.sha256).hexdigest().encode()):
        return {}, "the record of results was not written by the test runner"
    data: Mapping[str, object] = json.loads(body)
    if data["exit"] != exit_code:
        return {}, f"pytest ended with {data['exit']}, the command with {exit_code}"
    results = data["results"]
    assert isinstance(results, dict)
    return results, ""


def _bytes(out: Path, name: str) -> bytes | None:
    try:
        return read_inside(out, name, limit=_REPORT_LIMIT)
    except SandboxError:
        return None  # missing, a link, a directory, too large: no report


def in_order(stdout: str, stderr: str) -> str:
    """Cargo names test files on stderr and tests on stdout; put the headers before their tests.

    There is one header per block of `running N tests`, in the same order.
    """
    headers = [line for line in stderr.splitlines() if line.lstrip().startswith(("Running ", "Doc-tests "))]
    lines: list[str] = []
    for line in stdout.splitlines():
        if line.startswith("running ") and headers:
            lines.append(headers.pop(0))
        lines.append(line)
    return "\n".join(lines)


_T = TypeVar("_T")


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
