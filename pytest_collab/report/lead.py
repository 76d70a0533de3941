"""The first lines of a session's summary: worse or not, where, by how much, who, which episode, what to do next."""

from __future__ import annotations

from pathlib import Path

from pytest_collab.episode.text import one_line
from pytest_collab.report.digest import PLAIN, WIDTH, folded
from pytest_collab.report.model import Report
from pytest_collab.report.overview import Fault, faults_of


def lead_lines(report: Report, shown: Path, width: int = WIDTH) -> list[str]:
    """At most eight lines.

    Args:
        report: the run.
        shown: its directory as it is to be shown.
        width: in columns; a path that is longer stands whole.
    """
    answer = report.answer
    lines = folded(answer.title, width)
    if answer.where:
        lines += folded(answer.where, width)
    void = report.gates is not None and report.gates.verdict == "void"
    if void or report.missing or (report.gates is None and report.baseline is not None):
        lines += folded(answer.detail, width)  # which gates fail stands below
    faults = () if void else faults_of(report)
    if faults:
        lines += _fault(faults[0], shown, width)
    if report.missing or void:
        lines.append(f"to go on: the same command with --collab-run-dir={shown} --collab-resume")
    return lines


def _fault(fault: Fault, shown: Path, width: int) -> list[str]:
    complaint = fault.complaint
    was = "" if complaint.before is None else f", was {complaint.before[0]} of {complaint.before[1]}"
    count = f"{complaint.episodes} of {fault.of} team episodes{was}"
    lines = folded(f"most to answer for: {fault.agent}, {complaint.code} in {count}", width, 1)
    example = next(iter(complaint.examples), None)
    if example is None:
        return lines
    told = f'"{example.quote}"' if example.quote else example.note
    if told:
        lines.append(f"  {one_line(told.translate(PLAIN), width - 2)}")
    return [*lines, f"look at it: collab show {shown} {tail(example.episode)}"]


def tail(identity: str) -> str:
    """The end of an episode's id, which is enough to name it."""
    return identity.rpartition("-")[2]
