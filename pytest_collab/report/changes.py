"""What changed between runs, as people read it."""

from __future__ import annotations

from pytest_collab.measure.change import Change, RunComparison
from pytest_collab.measure.series import Series, SeriesReport


def change_lines(comparison: RunComparison) -> list[str]:
    """Regressions first; what is the same, or not beyond noise, is only counted."""
    shown = [change for change in comparison.changes if change.status in ("worse", "gone", "better", "new")]
    lines = [_line(change) for change in shown]
    counts = {status: sum(c.status == status for c in comparison.changes) for status in ("unclear", "same")}
    lines.append(
        f"{len(comparison.regressions)} worse, {sum(c.status == 'better' for c in comparison.changes)} better beyond "
        f"noise; {counts['unclear']} not beyond noise, {counts['same']} the same "
        f"({comparison.metric}, paired by seed, {comparison.confidence:.0%} after Holm's correction)"
    )
    return lines


def _line(change: Change) -> str:
    where = f"{change.family} {change.task} {change.condition} {change.team}"
    if change.status in ("gone", "new"):
        figure = change.before if change.status == "gone" else change.after
        return f"{change.status:<7} {where}: {_number(figure)}, in one of the runs only"
    ends = "" if change.low is None or change.high is None else f" ({change.low:+.3g} .. {change.high:+.3g})"
    return (
        f"{change.status:<7} {where}: {_number(change.before)} -> {_number(change.after)}, "
        f"{change.difference or 0.0:+.3g}{ends}, {change.pairs} pairs, p = {change.p_adjusted:.2g}"
    )


def series_lines(report: SeriesReport) -> list[str]:
    """Every series with its points, and the warnings at the end."""
    lines = []
    for series in report.series:
        lines.append(f"{series.family} {series.task or '(all tasks)'} {series.condition} {series.team}")
        wide = max(len(point.run) for point in series.points)
        for point in series.points:
            ends = "" if point.low is None or point.high is None else f" ({point.low:.3g} .. {point.high:.3g})"
            mark = "  <- best" if point.run == series.best else ""
            lines.append(f"  {point.run:<{wide}}  {_number(point.value)}{ends}, n {point.n}{mark}")
        lines += _best(series)
    warnings = [f"warning: {series.warning}" for series in report.series if series.warning is not None]
    return [*lines, *warnings]


def _best(series: Series) -> list[str]:
    if series.best is None or series.best_low is None or series.best_high is None:
        return []
    return [
        f"  best of {len(series.points)}: {series.best}, {series.best_low:.3g} .. {series.best_high:.3g} "
        "corrected for having looked at all"
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
