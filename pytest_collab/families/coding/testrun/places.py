"""Where tests failed, as far as runners tell: the line of a test's own file."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

from pytest_collab.families.coding.environment.output import plain
from pytest_collab.families.coding.testrun.parsers import jest_id, junit_cases

_GO: Final = re.compile(r"\s*([\w.-]+_test\.go):(\d+): ")
_RUST: Final = re.compile(r"^thread '([^']+)'(?: \(\d+\))? panicked at (?:'.*', )?(\S+?):(\d+):\d+", re.MULTILINE)
_FRAME: Final = re.compile(r"([\w.@+-]+):(\d+):\d+")


def failed_at(parser: str, report: bytes | None, output: str, files: Collection[str]) -> dict[str, int]:
    """Test id to the first line that its failure is told with.

    Args:
        output: stdout and stderr.
        files: where tests are; frames of a JavaScript stack are looked for in these.
    """
    found: Iterable[tuple[str, int]] = ()
    if parser == "go":
        found = _go(report.decode(errors="replace") if report is not None else output)
    elif parser == "cargo":
        found = ((f"{path}::{name}", int(line)) for name, path, line in _RUST.findall(plain(output)))
    elif parser in ("junit", "jest") and report is not None:
        names = {posixpath.basename(path) for path in files}
        told = _junit(report) if parser == "junit" else _jest(report)
        found = ((test, line) for test, text in told for line in _frames(text, names))
    first: dict[str, int] = {}
    for test, line in found:
        first.setdefault(test, line)
    return first


def _go(text: str) -> Iterator[tuple[str, int]]:
    for line in text.splitlines():
        if '"output"' not in line:
            continue
        try:
            event = json.loads(line)
            match = _GO.match(str(event.get("Output")))
        except (ValueError, AttributeError):
            continue
        if match and event.get("Test"):
            yield plain(f"{event.get('Package')}.{event.get('Test')}"), int(match[2])


def _junit(report: bytes) -> Iterator[tuple[str, str]]:
    for name, case in junit_cases(report):
        for child in case:
            if child.tag in ("failure", "error"):
                yield name, f"{child.get('message') or ''}\n{child.text or ''}"


def _jest(report: bytes) -> Iterator[tuple[str, str]]:
    text = report.decode(errors="replace")
    try:
        data: Any = json.loads(text[max(text.find("{"), 0) :])
        for file in data.get("testResults", []):
            for case in file.get("assertionResults") or []:
                yield jest_id(case), "\n".join(map(str, case.get("failureMessages") or ()))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return


def _frames(text: str, names: Collection[str]) -> Iterator[int]:
    for match in _FRAME.finditer(plain(text)):
        if match[1] in names:
            yield int(match[2])
