"""What changed between runs, as people read it."""

from __future__ import annotations

from typing import Final

from pytest_collab.episode.text import counted
from pytest_collab.measure.comparison import Change, RunComparison
from pytest_collab.measure.losses import lost_text
from pytest_collab.measure.pooling import Pooled
from pytest_collab.measure.series import Point, Series, SeriesReport
from pytest_collab.report.digest import WIDTH, folded

MOST_ROWS: Final = 3
MOST_NOTES: Final = 1
WHOLE: Final = "all tasks together"

STATUSES: Final = ("worse", "better", "unclear", "same", "gone", "new")


def change_lines(
    comparison: RunComparison, before: str = "the earlier run", after: str = "this run", *, every: bool = False
) -> list[str]:
    """What got worse first; what was not compared, and why it cannot be told, after the figures.

    Args:
        comparison: the two runs.
        before, after: what they are called.
        every: also rows that are the same, or not beyond noise; else these are only counted.
    """
    shown = ("worse", "better", "unclear", "same") if every else ("worse", "better")
    pooled = _pools(comparison)
    lines = []
    for status in shown:
        lines += [_pooled_line(one) for one in pooled if one.status == status]
        lines += [_line(change) for change in comparison.changes if change.status == status]
    lines += [_pooled_line(one) for one in pooled if one.status not in shown]
    lines += stopped_lines(comparison)
    lines += comparison.matching.told(before, after)
    lines += seeds_line(comparison)
    counts = {status: sum(c.status == status for c in comparison.changes) for status in STATUSES}
    lines.append(
        f"{counts['worse']} worse, {counts['better']} better beyond noise; {counts['unclear']} not beyond noise, "
        f"{counts['same']} the same{_alone(counts)} ({comparison.metric}, "
        f"{'as two groups' if comparison.unpaired else 'paired by seed'}, "
        f"{comparison.confidence:.0%} after Holm's correction)"
    )
    return [*lines, conclusion_line(comparison)]


def brief_lines(comparison: RunComparison, before: str, width: int = WIDTH) -> list[str]:
    """At most six lines of `width` columns: the largest changes as a table, then a note and counts.

    Args:
        before: what the earlier run is called.
    """
    rows: list[tuple[str, str, Pooled | Change]] = [
        (one.status, one.family or WHOLE, one) for one in _pools(comparison)
    ]
    if not rows:
        rows = [
            (one.status, f"{one.family} {one.task} {one.condition} {one.team}", one)
            for one in comparison.changes
            if one.difference is not None
        ]
    order = ("worse", "better", "unclear", "same")
    rows.sort(key=lambda row: (row[1] != WHOLE, order.index(row[0]), row[2].difference or 0.0))
    lines = [_row(comparison.metric, *row) for row in rows[:MOST_ROWS]]
    if len(rows) > MOST_ROWS:
        lines.append(f"and {len(rows) - MOST_ROWS} more")
    notes = [*stopped_lines(comparison), *comparison.matching.told(before, "this run")]
    lines += [line for note in notes[:MOST_NOTES] for line in folded(note, width, 1)]
    counts = {status: sum(change.status == status for change in comparison.changes) for status in STATUSES}
    told = f"{counts['unclear']} not beyond noise, {counts['same']} the same{_alone(counts)}"
    lines += folded(f"{counts['worse']} worse, {counts['better']} better beyond noise; {told}", width, 1)
    return lines


def _row(metric: str, status: str, name: str, found: Pooled | Change) -> str:
    def share(value: float | None, sign: str = "") -> str:
        if value is None:
            return "?"
        return f"{100 * value:{sign}.0f}" if metric == "success_rate" else f"{value:{sign}.3g}"

    unit = "%" if metric == "success_rate" else ""
    ends = "" if found.low is None else f" ({share(found.low, '+')} .. {share(found.high, '+')})"
    figures = f"{share(found.before)}{unit} -> {share(found.after)}{unit}"
    name = name if len(name) <= 30 else f"{name[:27]}..."
    return f"{status:<7} {name:<30}  {figures:<13}  {share(found.difference, '+'):>4}{ends}"


def stopped_lines(comparison: RunComparison) -> list[str]:
    """Which run was stopped when decided, a line each, and the difference as a whole without that luck."""
    whole = comparison.whole
    known = whole is not None and whole.corrected is not None
    corrected = f"; all tasks together, corrected for that: {whole.corrected:+.3g}" if whole and known else ""
    return [f"{one}: its figures lie too far on the side that ended it{corrected}" for one in comparison.stopped]


def conclusion_line(comparison: RunComparison) -> str:
    """One line: worse, not worse by the margin, or why that cannot be told."""
    if comparison.conclusion == "worse":
        return f"worse: {_worst(comparison)}"
    if comparison.conclusion == "not worse":
        return f"not worse: a loss of {comparison.margin:.3g} or more is ruled out"
    return f"cannot tell: {'; '.join(comparison.reasons)}"


def seeds_line(comparison: RunComparison) -> list[str]:
    """Told where single tasks have too few seeds for anything to be beyond noise."""
    most = max((change.pairs for change in comparison.changes), default=0)
    if not most or comparison.seeds_needed is None or most >= comparison.seeds_needed:
        return []
    compared = sum(change.pairs > 0 for change in comparison.changes)
    return [
        f"single tasks: cannot tell: at least {counted(comparison.seeds_needed, 'seed')} are needed for "
        f"{counted(compared, 'comparison')}, and none has more than {most}"
    ]


def _pools(comparison: RunComparison) -> list[Pooled]:
    """The pools that say more than a line of their own does: not that of the only family, nor of the only task."""
    found = comparison.pooled if len(comparison.pooled) > 2 else comparison.pooled[:1]
    return list(found) if sum(change.difference is not None for change in comparison.changes) > 1 else []


def _alone(counts: dict[str, int]) -> str:
    told = [f"{counts[status]} {status}" for status in ("gone", "new") if counts[status]]
    return f", {', '.join(told)}" if told else ""


def _worst(comparison: RunComparison) -> str:
    pooled = [one for one in _pools(comparison) if one.status == "worse"]
    if pooled:
        return _pooled_line(pooled[0]).split(maxsplit=1)[1]
    return _line(comparison.regressions[0]).split(maxsplit=1)[1]


def _pooled_line(pooled: Pooled) -> str:
    what = "all tasks together" if pooled.family is None else f"{pooled.family}, all tasks"
    ends = "" if pooled.low is None or pooled.high is None else f" ({pooled.low:+.3g} .. {pooled.high:+.3g})"
    return (
        f"{pooled.status:<7} {what}: {_number(pooled.before)} -> {_number(pooled.after)}, "
        f"{pooled.difference:+.3g}{ends}, {_units(pooled)}, p = {_p(pooled.p_adjusted)}{_corrected(pooled)}"
    )


def _line(change: Change) -> str:
    against = f" (against {change.against})" if change.against else ""
    where = f"{change.family} {change.task} {change.condition} {change.team}{against}"
    ends = "" if change.low is None or change.high is None else f" ({change.low:+.3g} .. {change.high:+.3g})"
    if change.difference is None:
        return f"{change.status:<7} {where}: {_number(change.before)} -> {_number(change.after)}, no seed in common"
    return (
        f"{change.status:<7} {where}: {_number(change.before)} -> {_number(change.after)}, "
        f"{change.difference:+.3g}{ends}, {_units(change)}, p = {_p(change.p_adjusted)}{_corrected(change)}"
    )


def _units(found: Change | Pooled) -> str:
    if found.groups is not None:
        return f"{found.groups[0]} against {found.groups[1]}"
    return counted(found.pairs, "pair") + (
        f" on {counted(found.clusters, 'seed')}" if isinstance(found, Pooled) else ""
    )


def _corrected(found: Change | Pooled) -> str:
    """What a difference is without the luck that a run was stopped on."""
    return "" if found.corrected is None else f", corrected for stopping {found.corrected:+.3g}"


def _p(value: float | None) -> str:
    return "-" if value is None else f"{value:.2g}"


def series_lines(report: SeriesReport) -> list[str]:
    """Every series with its points, and the warnings at the end."""
    lines = []
    for series in report.series:
        lines.append(f"{series.family} {series.task or '(all tasks)'} {series.condition} {series.team}")
        wide = max(len(point.run) for point in series.points)
        for point in series.points:
            mark = "  <- best" if point.run == series.best else ""
            lines.append(f"  {point.run:<{wide}}  {_point(report.metric, point)}{mark}")
        lines += _best(series)
    warnings = [f"warning: {series.warning}" for series in report.series if series.warning is not None]
    return [*lines, *warnings]


def _point(metric: str, point: Point) -> str:
    """A run's figure and what of it was lost, or why there is none."""
    if not point.episodes:
        return "not played"
    of = f"{point.lost} of {counted(point.episodes, 'episode')}"
    lost = lost_text(of, point.lost, point.ungraded, point.episodes) if point.lost else ""
    if point.value is None:
        return f"void: {lost}" if point.void else f"no episode has {metric}"
    ends = "" if point.low is None or point.high is None else f" ({point.low:.3g} .. {point.high:.3g})"
    return f"{_number(point.value)}{ends}, n {point.n}{f'; {lost}' if lost else ''}"


def _best(series: Series) -> list[str]:
    if series.best is None or series.best_low is None or series.best_high is None:
        return []
    return [
        f"  best of {len(series.points)}: {series.best}, {series.best_low:.3g} .. {series.best_high:.3g} "
        "corrected for having looked at all"
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
