"""Gates in the terminal: the verdict of each, and of the run."""

from __future__ import annotations

from typing import Any, Final

from pytest_collab.episode.text import counted, one_line
from pytest_collab.measure.decision import GateVerdict
from pytest_collab.measure.gatereport import GateReport, GateResult, Savings
from pytest_collab.measure.summary import Summary
from pytest_collab.report.digest import WIDTH, folded
from pytest_collab.report.gateline import more, short

MOST: Final = 5


def write_gates(reporter: Any, report: GateReport, *, whole: bool = False) -> None:
    """Write the verdicts with pytest's terminal reporter: a short line each, or `whole` sentences."""
    reporter.section("gates", sep="=")
    for line in gate_lines(report) if whole else brief_lines(report):
        reporter.write_line(line)
    if report.verdict == "void":
        reporter.write_sep("!", "VOID", red=True, bold=True)
    for line in folded(verdict_line(report), WIDTH):
        reporter.write_line(
            line, green=report.ok, red=_red(report), yellow=not (report.ok or _red(report)), bold=True
        )


def _red(report: GateReport) -> bool:
    return report.failed or report.verdict == "void"


def brief_lines(report: GateReport, width: int = WIDTH) -> list[str]:
    """At most eight lines of `width` columns: those that stop a release first, what passes in one line."""
    stopping = [result for result in report.gates if not result.ok]
    stopping.sort(key=lambda result: result.verdict is not GateVerdict.FAIL)
    lines = [f"ERROR      {problem.name}: {problem.message}" for problem in report.problems]
    lines += [
        f"{word(one):<10} {one_line(one.name, 27):<27} {short(one, '-')}{f'; {more(one)}' if more(one) else ''}"
        for one in stopping
    ]
    if len(lines) > MOST:
        lines = [*lines[: MOST - 1], f"and {len(lines) - MOST + 1} more that stop a release"]
    fine = [one for one in report.gates if one.ok]
    if len(lines) + len(fine) <= MOST:
        lines += [f"{word(one):<10} {one_line(one.name, 27):<27} {short(one, '-')}" for one in fine]
        fine = []
    for verdict in ("pass", "undecided"):
        names = [one.name for one in fine if str(one.verdict) == verdict]
        if names:
            lines.append(f"{verdict} {len(names)}: {', '.join(names)}")
    if report.saved is not None:
        lines.append(saved_line(report.saved))
    return [one for line in lines for one in folded(line, width, 1)]


def gate_lines(report: GateReport) -> list[str]:
    """One line a gate, the failed ones first; then what else was not the same as in the baselines."""
    lines = [f"ERROR      {problem.name}: {problem.message}" for problem in report.problems]
    lines += [
        f"{word(result):<10} {result.name}: {result.message}"
        for result in sorted(report.gates, key=lambda result: result.ok)
    ]
    for name, different in report.circumstances.items():
        lines += [f"note: {name} was played otherwise: {one}" for one in different]
    if report.false_alarms is not None:
        lines.append(false_alarms_line(report.false_alarms, len(report.gates)))
    if report.saved is not None:
        lines.append(saved_line(report.saved))
    return lines


def word(result: GateResult) -> str:
    """A gate's verdict as people read it: in capitals where it stops a release."""
    if result.void:
        return "VOID"
    return result.verdict.upper() if not result.ok else str(result.verdict)


def false_alarms_line(share: float, gates: int) -> str:
    """How often the gates of a file stop a release that keeps every rule, and only just."""
    return (
        f"by chance alone, these {counted(gates, 'gate')} fail {share:.1%} of the releases that keep "
        "every rule with nothing to "
        "spare (`together: true` in the gates file holds that to one gate's share)"
    )


def saved_line(saved: Savings) -> str:
    """What stopping early saved."""
    cost = "" if saved.cost_usd is None else f", about ${saved.cost_usd:.2f}"
    return f"saved by stopping when decided: {saved.episodes} of {counted(saved.planned, 'episode')}{cost}"


def stopped_line(summary: Summary) -> str | None:
    """That rates are those of a run that ended on its luck, and what they are without it; None of any other run."""
    if summary.stopped is None:
        return None
    told = [
        f"{family.family} {cell.condition} {cell.team} {cell.corrected:.0%}"
        for family in summary.families
        for cell in family.cells
        if cell.corrected is not None
    ]
    return (
        f"stopped when decided, after {summary.stopped.played} of "
        f"{counted(summary.stopped.planned, 'episode')}: the rates "
        "above lie too far on the side that ended it" + (f"; corrected for that: {', '.join(told)}" if told else "")
    )


def verdict_line(report: GateReport) -> str:
    """One line: what the gates come to."""
    check = report.infrastructure
    if report.verdict == "void":
        return (
            f"gates: VOID. {check}, above the declared {check.at_most:.1%}: this run says nothing about the agents, "
            "whatever its gates show."
        )
    if report.problems:
        return f"gates: ERROR. {len(report.problems)} of {len(report.gates) + len(report.problems)} cannot be judged."
    passed = sum(result.verdict is GateVerdict.PASS for result in report.gates)
    failed = sum(result.verdict is GateVerdict.FAIL for result in report.gates)
    open_ = len(report.gates) - passed - failed
    counts = f"{passed} passed, {failed} failed, {open_} undecided"
    return f"gates: {'PASS' if report.ok else 'FAIL' if report.failed else 'UNDECIDED'}. {counts}."
