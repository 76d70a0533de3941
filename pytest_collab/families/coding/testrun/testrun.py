"""One run of a feature's tests on one tree: what it left behind, read without believing more than can be proven."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from pytest_collab.errors import SandboxError
from pytest_collab.families.coding.environment.output import plain
from pytest_collab.families.coding.pool.pool import Pool
from pytest_collab.families.coding.testrun.canary import Canary, take_out
from pytest_collab.families.coding.testrun.parsers import Results, TestStatus, parse
from pytest_collab.families.coding.testrun.places import failed_at
from pytest_collab.sandbox import Completed, read_inside

_REPORT_LIMIT = 16 * 1024 * 1024
_TAIL = 4000


class TestReport(BaseModel):
    """One run of a feature's tests on one tree.

    Attributes:
        tests: test id to result; empty where nothing ran or no report can be believed.
        ran: the runner came to its own end and at least one test passed or failed.
        exit_code: None where the sandbox ended it.
        tail: the end of the output, without escape sequences.
        note: why `ran` is false.
        meddling: what code of the tree did to the runner while it ran (Python): `X is replaced`, `Y hooks into Z`.
        places: the line of its file at which a test failed, where the runner tells.
        canaries: where a test that must fail was seen to fail (see `canary`); such tests are not in `tests`, and
            `exit_code` is 0 where they alone explain the runner's own.
    """

    model_config = ConfigDict(frozen=True)
    __test__ = False

    tests: dict[str, TestStatus]
    ran: bool
    exit_code: int | None
    timed_out: bool
    duration_s: float
    tail: str
    note: str = ""
    canaries: tuple[str, ...] = ()
    meddling: tuple[str, ...] = ()
    places: dict[str, int] = {}

    def count(self, *statuses: str) -> int:
        """How many tests have one of these results."""
        return sum(status in statuses for status in self.tests.values())


@dataclasses.dataclass(frozen=True, slots=True)
class Laid:
    """A graded tree on disk.

    Attributes:
        tree, out: folders of the host: the tree, and where its results go.
        key: what the guard signs with.
        words: what `{tests}` stands for.
        pinned: files that must be the same after the run.
        canaries: tests that must fail.
    """

    tree: Path
    out: Path
    key: bytes
    words: list[str]
    pinned: dict[str, bytes]
    canaries: tuple[Canary, ...] = ()


def read_run(laid: Laid, done: Completed, *, pool: Pool, guarded: bool) -> TestReport:
    """What a run came to.

    Args:
        pool: its parser is not used where the guard has signed for the results.
        guarded: whether the guard was there to sign.
    """
    said = plain(done.stdout + ("\n" + done.stderr if done.stderr.strip() else "")).strip()
    names = tuple(canary.name for canary in laid.canaries)
    tail = "\n".join(line for line in said.splitlines() if not any(name in line for name in names))[-_TAIL:]
    tests: Results = {}
    failing: tuple[str, ...] = ()
    meddling: tuple[str, ...] = ()
    places: dict[str, int] = {}
    note, exit_code = "", done.exit_code
    if done.killed_by is not None:
        note = f"ended by the limit on {done.killed_by}" if done.killed_by != "timeout" else "took too long"
    elif changed := [path for path, content in laid.pinned.items() if _bytes(laid.tree, path) != content]:
        note = f"{changed[0]} was changed during the run"
    elif guarded:
        tests, meddling, places, note = _signed(laid.out, laid.key, done.exit_code)
    else:
        text = done.stdout if pool.parser != "cargo" else in_order(done.stdout, done.stderr)
        tests = parse(pool.parser, _bytes(laid.out, "report"), text)
        places = failed_at(pool.parser, _bytes(laid.out, "report"), f"{done.stdout}\n{done.stderr}", laid.words)
        tests, exit_code, failing = take_out(tests, exit_code, laid.canaries, pool.language)
    if not note and not any(status in ("passed", "failed") for status in tests.values()):
        note = "no test ran" if not tests else "no test passed or failed"
    return TestReport(
        tests=tests,
        ran=not note,
        exit_code=exit_code,
        timed_out=done.timed_out,
        duration_s=done.duration_s,
        tail=tail,
        note=note,
        canaries=failing,
        meddling=meddling,
        places=places,
    )


def _signed(out: Path, key: bytes, exit_code: int | None) -> tuple[Results, tuple[str, ...], dict[str, int], str]:
    """What the guard noted: results, meddling, and where tests failed; or nothing, and why."""
    record = _bytes(out, "record")
    if record is None:
        return {}, (), {}, "pytest did not come to its own end"
    signature, _, body = record.partition(b"\n")
    if not hmac.compare_digest(signature, hmac.new(key, body, hashlib.sha256).hexdigest().encode()):
        return {}, (), {}, "the record of results was not written by the test runner"
    data: Mapping[str, Any] = json.loads(body)
    if data["exit"] != exit_code:
        return {}, (), {}, f"pytest ended with {data['exit']}, the command with {exit_code}"
    return data["results"], tuple(data["meddling"]), data["places"], ""


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
