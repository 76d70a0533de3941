"""GitHub Actions: the job summary in Markdown, and annotations for failed gates.

What agents and task authors wrote can reach both. In a workflow's log a line that begins with `::` is a command
to the runner, so values are escaped as the runner expects, and while a session runs commands are stopped with a
token that nobody can guess. In Markdown, markup and HTML are escaped.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from pytest_collab.episode.text import counted, one_line
from pytest_collab.measure.comparison import RunComparison
from pytest_collab.measure.gatereport import GateReport
from pytest_collab.measure.summary import Cell, FamilySummary, Summary
from pytest_collab.report.changes import conclusion_line, stopped_lines
from pytest_collab.report.gates import saved_line, stopped_line, verdict_line, word
from pytest_collab.report.lead import tail
from pytest_collab.report.lost import Loss
from pytest_collab.report.model import Report
from pytest_collab.report.overview import faults_of

MOST_ROWS = 40
"""Of a table; GitHub cuts a summary off at 1 MiB."""

MOST_FAULTS = 3


def in_workflow() -> bool:
    """Whether this process runs in a GitHub workflow."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def wanted() -> bool:
    """Whether there is a job summary to write."""
    return bool(os.environ.get("GITHUB_STEP_SUMMARY"))


class Silence:
    """Stops workflow commands, so that printed text cannot give any; `end` lets them through again."""

    def __init__(self) -> None:
        self._token = secrets.token_hex(16)

    @property
    def begin(self) -> str:
        """The line that stops commands."""
        return f"::stop-commands::{self._token}"

    @property
    def end(self) -> str:
        """The line that lets them through again."""
        return f"::{self._token}::"


def publish(
    run: Path,
    gates: GateReport | None,
    summary: Summary | None = None,
    changes: RunComparison | None = None,
    report: Report | None = None,
) -> list[str]:
    """Append the job summary where GitHub wants it.

    Args:
        report: the run as its page tells it: the verdict, whose fault failures were, and why episodes were lost.

    Returns:
        The annotations to print, one a line; nothing outside a workflow.
    """
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(job_summary(run, gates, summary, changes, report))
    return annotation_lines(gates) if in_workflow() and gates is not None else []


def annotation_lines(report: GateReport) -> list[str]:
    """One workflow command for every gate that stops the release, or that is waved through undecided."""
    lines = [_command("error", f"gate {problem.name}", problem.message) for problem in report.problems]
    for result in report.gates:
        if not result.ok:
            lines.append(_command("error", f"gate {result.name}: {result.verdict}", result.message))
        elif result.verdict != "pass" and result.on_undecided == "warn":
            lines.append(_command("warning", f"gate {result.name}: {result.verdict}", result.message))
    if report.verdict == "void":
        lines.append(_command("error", "the run is void", verdict_line(report)))
    return lines


def _command(kind: str, title: str, message: str) -> str:
    escaped = _escaped(title).replace(":", "%3A").replace(",", "%2C")
    return f"::{kind} title={escaped}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def job_summary(
    run: Path,
    gates: GateReport | None,
    summary: Summary | None = None,
    changes: RunComparison | None = None,
    report: Report | None = None,
) -> str:
    """The job summary in Markdown: the verdict and whose fault it is, then gates, changes and tables."""
    lines: list[str] = []
    if report is not None:
        lines += [*_verdict(report), *_lost(report.lost), *_faults(report, run)]
    if gates is not None:
        lines += _gates(gates)
    if changes is not None:
        lines += _changes(changes)
    if summary is not None:
        lines += [line for family in summary.families for line in _family(family)]
        stopped = stopped_line(summary)
        lines += [] if stopped is None else [_text(f"S{stopped[1:]}"), ""]
        cost = "unknown" if summary.cost_usd is None else f"${summary.cost_usd:.2f}"
        lines += [f"{counted(summary.episodes, 'episode')}, cost {cost}, run {_text(str(run))}", ""]
    return "\n".join(lines) + "\n"


def _gates(report: GateReport) -> list[str]:
    rows = [("ERROR", problem.name, problem.message) for problem in report.problems]
    rows += [(word(result), result.name, result.message) for result in sorted(report.gates, key=lambda r: r.ok)]
    lines = [f"## {_text(verdict_line(report))}", "", *_table(("verdict", "gate", "what was found"), rows)]
    return [*lines, saved_line(report.saved), ""] if report.saved is not None else lines


def _changes(changes: RunComparison) -> list[str]:
    rows = [
        (
            change.status,
            f"{change.family} {change.task} {change.condition} {change.team}",
            "-" if change.before is None else f"{change.before:.3g}",
            "-" if change.after is None else f"{change.after:.3g}",
        )
        for change in changes.changes
        if change.status in ("worse", "better")
    ]
    title = "" if rows else ": nothing beyond noise"
    told = [conclusion_line(changes), *stopped_lines(changes), *changes.matching.told("the baseline", "this run")]
    lines = [f"## Since the baseline{title}", "", *(line for text in told for line in (_text(text), ""))]
    return [*lines, *_table(("", "what", "before", "after"), rows)] if rows else lines


def _lost(lost: Sequence[Loss]) -> list[str]:
    rows = [(str(loss.episodes), loss.why, loss.example) for loss in lost]
    return ["## Lost to infrastructure", "", *_table(("episodes", "why", "for example"), rows)] if rows else []


def _verdict(report: Report) -> list[str]:
    answer = report.answer
    mark = {"good": "✔ ", "bad": "✘ "}.get(answer.tone, "")
    told = [text for text in (answer.where, answer.detail) if text]
    return [f"# {mark}{_text(answer.title)}", "", *(line for text in told for line in (_text(text), ""))]


def _faults(report: Report, run: Path) -> list[str]:
    """What has most become an agent's fault, with the words that prove it, an episode, and how to see it."""
    if report.gates is not None and report.gates.verdict == "void":
        return []
    rows = []
    for fault in faults_of(report)[:MOST_FAULTS]:
        complaint = fault.complaint
        before = () if report.baseline is None else ("-" if complaint.before is None else str(complaint.before[0]),)
        example = next(iter(complaint.examples), None)
        shown = "-" if example is None else f"“{example.quote}”" if example.quote else one_line(example.note, 160)
        see = "-" if example is None else f"collab show {run} {tail(example.episode)}"
        count = f"{complaint.episodes} of {fault.of}"
        rows.append((fault.agent, complaint.code, count, *before, shown, see))
    before_head = () if report.baseline is None else ("before",)
    header = ("agent", "failure", "team episodes", *before_head, "proof", "see it")
    return ["## At fault in teams", "", *_table(header, rows)] if rows else []


def _family(family: FamilySummary) -> list[str]:
    rows = [(cell.condition, cell.team, str(cell.n), _rate(cell), f"{cell.score:.2f}") for cell in family.cells]
    header = ("condition", "team", "n", "success (95 % interval)", "score")
    return [f"### {_text(family.family)}", "", *_table(header, rows)]


def _rate(cell: Cell) -> str:
    return f"{cell.rate:.0%} ({cell.low:.0%} .. {cell.high:.0%})" if cell.n else "-"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(header)} |", "|" + " --- |" * len(header)]
    lines += [f"| {' | '.join(_text(cell) for cell in row)} |" for row in rows[:MOST_ROWS]]
    if len(rows) > MOST_ROWS:
        lines += ["", f"and {len(rows) - MOST_ROWS} more"]
    return [*lines, ""]


def _text(text: str) -> str:
    """Plain text in Markdown: no markup, no HTML, no mention of anybody."""
    plain = one_line(text, 400).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")
    return re.sub(r"([\\`*_\[\]|!#~])", r"\\\1", plain)
