"""Reports of test runners, read into one form: test id to what became of it.

A test named twice has the worst of its results, so that a second, invented line cannot mend the first. What a
runner did not say is not there: an empty answer means that nothing ran.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal

from pytest_collab.families.coding.environment.output import plain

TestStatus = Literal["passed", "failed", "skipped", "error"]
Results = dict[str, TestStatus]

_RANK: Final[Mapping[str, int]] = {"passed": 0, "skipped": 1, "error": 2, "failed": 3}


def parse(parser: str, report: bytes | None, output: str) -> Results:
    """Read a run's results.

    Args:
        parser: `junit` and `jest` read the report file; `pytest`, `tap`, `spec`, `go`, `cargo` and `typst` the
            output, or the report file where there is one.
        report: its content; None where the run left none.
        output: stdout.
    """
    text = plain(report.decode(errors="replace")) if report is not None else plain(output)
    if parser in ("junit", "jest") and report is None:
        return {}
    if parser == "junit":
        return junit(report or b"")
    if parser == "go":
        text = report.decode(errors="replace") if report is not None else output
    return _PARSERS[parser](text)


def _worst(found: Iterable[tuple[str, TestStatus]]) -> Results:
    results: Results = {}
    for name, status in found:
        known = results.get(name)
        results[name] = status if known is None or _RANK[status] > _RANK[known] else known
    return results


def junit(report: bytes) -> Results:
    """JUnit XML of pytest, node, vitest, jest-junit, gotestsum, cargo-nextest.

    An id is the enclosing suites' names (those below the first two levels), the class name, and the test's name.
    A document with a DTD or with entities is refused: nothing is read from it.
    """
    return _worst((name, _junit_status(case)) for name, case in junit_cases(report))


def junit_cases(report: bytes) -> list[tuple[str, Any]]:
    """Id and element of every case."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root = fromstring(report, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, RecursionError):
        return []
    found: list[tuple[str, Any]] = []
    waiting: list[tuple[Any, tuple[str, ...]]] = [(root, ())]
    while waiting:
        element, path = waiting.pop()
        for child in element:
            if child.tag == "testsuite":
                nested = element.tag == "testsuite" or "hostname" in child.attrib
                inner = nested and child.get("name") not in (None, "pytest")
                waiting.append((child, (*path, str(child.get("name"))) if inner else path))
            elif child.tag == "testcase":
                group = child.get("classname") or ""
                words = [*path, *([group] if group not in ("", "test") else []), child.get("name") or ""]
                found.append((plain("::".join(words)), child))
    return found


def _junit_status(case: Any) -> TestStatus:
    tags = {child.tag for child in case}
    if "failure" in tags:
        return "failed"
    if "error" in tags:
        return "error"
    return "skipped" if "skipped" in tags else "passed"


_PYTEST_WORDS: Final[Mapping[str, TestStatus]] = {
    "PASSED": "passed",
    "XPASS": "passed",
    "FAILED": "failed",
    "ERROR": "error",
    "SKIPPED": "skipped",
    "XFAIL": "skipped",
}
_PYTEST_VERBOSE = re.compile(r"^(?:\[gw\d+\] \[ *\d+%\] )?(\S+::.*?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b")
_PYTEST_SUMMARY = re.compile(r"^(PASSED|FAILED|ERROR|XFAIL|XPASS) (\S+?::.*?)(?: - .*)?$")
_PYTEST_XDIST = re.compile(r"^\[gw\d+\] \[ *\d+%\] (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS) (\S+::.*?)\s*$")


def pytest_text(text: str) -> Results:
    """pytest's own lines: `-v`, or the short summary of `-rA` (`-q` alone does not name tests that pass)."""

    def found() -> Iterable[tuple[str, TestStatus]]:
        for line in text.splitlines():
            if match := _PYTEST_XDIST.match(line) or _PYTEST_SUMMARY.match(line):
                yield match[2], _PYTEST_WORDS[match[1]]
            elif match := _PYTEST_VERBOSE.match(line):
                yield match[1], _PYTEST_WORDS[match[2]]

    return _worst(found())


_TAP = re.compile(r"^(\s*)(not )?ok \d+(?: - )?(.*?)\s*(?:# (SKIP|TODO)\b.*)?$", re.IGNORECASE)
_TAP_SUB = re.compile(r"^(\s*)# Subtest: (.*)$")


def tap(text: str) -> Results:
    """TAP, nested as node writes it: a subtest's id is its ancestors' names and its own. Only leaves count."""
    found: list[tuple[str, TestStatus]] = []
    path: list[tuple[int, str]] = []
    parents: set[str] = set()
    for line in text.splitlines():
        if match := _TAP_SUB.match(line):
            depth = len(match[1])
            path = [item for item in path if item[0] < depth]
            path.append((depth, match[2].strip()))
            parents.add("::".join(name for _, name in path[:-1]))
        elif match := _TAP.match(line):
            outer = [name for depth, name in path if depth < len(match[1])]
            status: TestStatus = "failed" if match[2] else "skipped" if match[4] else "passed"
            if match[2] and (match[4] or "").upper() == "TODO":
                status = "skipped"
            found.append(("::".join([*outer, match[3].replace("\\#", "#").strip()]), status))
    return _worst((name, status) for name, status in found if name not in parents or status == "failed")


_SPEC = re.compile(r"^(\s*)([✔✖﹣▶]) (.*?)(?: \(\d[\d.]*ms\))?(?: # .*)?$")


def spec(text: str) -> Results:
    """node's `spec` reporter. The list of failing tests at the end repeats them, and is left out."""
    found: list[tuple[str, TestStatus]] = []
    path: list[tuple[int, str]] = []
    marks: Mapping[str, TestStatus] = {"✔": "passed", "✖": "failed", "﹣": "skipped"}
    for line in text.splitlines():
        if line.strip() == "✖ failing tests:":
            break
        if match := _SPEC.match(line):
            depth, name = len(match[1]), match[3].strip()
            path = [item for item in path if item[0] < depth]
            if match[2] == "▶":
                if [item for item in found if item[0].startswith("::".join([*(n for _, n in path), name]) + "::")]:
                    continue  # node 18 closes a suite with the line that opened it
                path.append((depth, name))
            else:
                found.append(("::".join([*(part for _, part in path), name]), marks[match[2]]))
    return _worst(found)


def jest(text: str) -> Results:
    """`jest --json` and `vitest --reporter=json`. A file that did not even load is an error of its own."""
    start = text.find("{")
    try:
        data = json.loads(text[start:]) if start >= 0 else {}
        files = data.get("testResults", [])
        words: Mapping[str, TestStatus] = {"passed": "passed", "failed": "failed"}
        found: list[tuple[str, TestStatus]] = []
        for file in files:
            name = str(file.get("name") or file.get("testFilePath") or "")
            cases = file.get("assertionResults") or []
            if not cases and file.get("status") == "failed":
                found.append((name, "error"))
            for case in cases:
                found.append((jest_id(case), words.get(case.get("status"), "skipped")))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return {}
    return _worst(found)


def jest_id(case: Mapping[str, Any]) -> str:
    """A case's groups and its title."""
    titles = [*(case.get("ancestorTitles") or ()), case.get("title") or case.get("fullName")]
    return "::".join(map(str, titles))


def go(text: str) -> Results:
    """`go test -json`. Ids are `package.Test` and `package.Test/sub`; a package that does not build is an error."""
    words: Mapping[str, TestStatus] = {"pass": "passed", "fail": "failed", "skip": "skipped"}
    found: list[tuple[str, TestStatus]] = []
    started: set[str] = set()
    ended: set[str] = set()
    for line in text.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if not isinstance(event, dict):
            continue
        package, test, action = event.get("Package"), event.get("Test"), str(event.get("Action"))
        if test and action == "run":
            started.add(f"{package}.{test}")
        elif test and action in words:
            ended.add(f"{package}.{test}")
            found.append((plain(f"{package}.{test}"), words[action]))
        elif action == "fail" and package and not test:
            found.append((plain(str(package)), "error"))
    # A test that began and of which nothing more was heard died with its process.
    return _worst([*found, *((plain(name), "error") for name in started - ended)])


_CARGO = re.compile(r"^test (.+?)(?: - should panic)? \.\.\. (ok|FAILED|ignored)\b")
_CARGO_BINARY = re.compile(r"^\s+(?:Running (?:unittests )?(\S+)|Doc-tests (\S+))")


def cargo(text: str) -> Results:
    """`cargo test`, stdout and stderr together (headers are on stderr). Ids are `file::test`."""
    words: Mapping[str, TestStatus] = {"ok": "passed", "FAILED": "failed", "ignored": "skipped"}
    found: list[tuple[str, TestStatus]] = []
    binary = ""
    for line in text.splitlines():
        if match := _CARGO_BINARY.match(line):
            binary = match[1] or f"doc:{match[2]}"
        elif match := _CARGO.match(line):
            found.append((f"{binary}::{match[1]}" if binary else match[1], words[match[2]]))
    return _worst(found)


_TYPST = re.compile(r"^(✅|❌) (\S+)")


def typst(text: str) -> Results:
    """The runner of typst's own suite, if verbose: a mark, the test's name, and its line (which changes)."""
    return _worst(
        (match[2], "passed" if match[1] == "✅" else "failed")
        for line in text.splitlines()
        if (match := _TYPST.match(line))
    )


_PARSERS: Final[Mapping[str, Callable[[str], Results]]] = {
    "pytest": pytest_text,
    "tap": tap,
    "spec": spec,
    "jest": jest,
    "go": go,
    "cargo": cargo,
    "typst": typst,
}
