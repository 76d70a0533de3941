"""Gates as JUnit XML, for runs that are judged outside a pytest session."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from pytest_collab.errors import RunError
from pytest_collab.measure.gatereport import GateReport
from pytest_collab.report.gates import verdict_line

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_gates_xml(path: Path, report: GateReport, file_name: str) -> None:
    """Write one test case a gate, and one for a run that is void.

    Raises:
        RunError: the file cannot be written.
    """
    cases: list[tuple[str, str | None, str]] = []
    cases += [(problem.name, "error", problem.message) for problem in report.problems]
    cases += [(result.name, None if result.ok else "failure", result.message) for result in report.gates]
    if report.verdict == "void":
        cases.append(("infrastructure", "failure", verdict_line(report)))
    kinds = [kind for _, kind, _ in cases]
    suite = ElementTree.Element(
        "testsuite",
        name="gates",
        tests=str(len(cases)),
        failures=str(kinds.count("failure")),
        errors=str(kinds.count("error")),
        skipped="0",
    )
    for name, kind, message in cases:
        case = ElementTree.SubElement(suite, "testcase", classname=_plain(file_name), name=_plain(name), time="0")
        place = ElementTree.SubElement(case, kind, message=_plain(message)) if kind else None
        out = place if place is not None else ElementTree.SubElement(case, "system-out")
        out.text = _plain(message)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    try:
        ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}") from error


def _plain(text: str) -> str:
    """Text without what XML cannot hold."""
    return _NOT_XML.sub("?", text)
