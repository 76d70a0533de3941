"""The run in the terminal: a table per family, the gaps, the failure codes; in short where that is long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pytest_collab import families
from pytest_collab.episode.run import BadLine
from pytest_collab.episode.text import counted
from pytest_collab.measure.frame import Frame
from pytest_collab.measure.summary import Cell, FamilySummary, Gap, Gradings, Summary
from pytest_collab.report.attribution import attribution_lines
from pytest_collab.report.detection import detection_lines
from pytest_collab.report.digest import BRIEF, MOST, WIDTH, came_to, digest_lines, folded
from pytest_collab.report.gates import stopped_line
from pytest_collab.report.lost import losses, lost_lines

FEW: Final = 28
"""Tables of up to so many lines at 80 columns are shown as they are."""

MOST_AGREED: Final = 2
MOST_DETECTED: Final = 6
"""Teams whose detection is told beside a digest."""


def run_lines(
    run: Path,
    frame: Frame,
    summary: Summary,
    shown: Path | None = None,
    *,
    tables: bool = False,
    brief: bool = False,
) -> list[str]:
    """A run, line by line: its tables, or in their place the digest where they are long.

    Args:
        run: the run directory.
        frame: its episodes.
        summary: the same, summed up.
        shown: the directory as it is to be shown.
        tables: all tables, however long.
        brief: leave room for what is said of gates and a baseline.
    """
    shown = shown or run
    lost = lost_lines(losses(run, frame))
    notes = [*lost, *_noted(summary, frame.bad)]
    lines = [*_tables(summary, attribution_lines(frame)), *notes, *_end(summary, shown)]
    if tables or (not brief and sum(max(1, -(-len(line) // WIDTH)) for line in lines) <= FEW):
        return lines
    agreed = [
        f"{family.family} {agreement_line(family.gradings)}"
        for family in summary.families
        if family.gradings is not None
    ]
    if len(agreed) > MOST_AGREED:
        agreed = [*agreed[: MOST_AGREED - 1], f"and gradings of {len(agreed) - MOST_AGREED + 1} more families"]
    first = notes[1] if lost else ""  # why most were lost is worth a second line
    short = digest_lines(frame, summary, most=BRIEF if brief else MOST)
    short += [line for family in summary.families for line in detection_lines(family, MOST_DETECTED)]
    told = [line for text in (*agreed, *notes) for line in folded(text, WIDTH, 1 if brief and text != first else 2)]
    return [*short, *([] if brief else [""]), *told, *_end(summary, shown, " (or --tables)")]


def _tables(summary: Summary, attribution: Sequence[str]) -> list[str]:
    return [*(line for family in summary.families for line in _table(family)), *attribution]


def _noted(summary: Summary, bad: Sequence[BadLine]) -> list[str]:
    stopped = stopped_line(summary)
    lines = [*([] if stopped is None else [stopped, ""]), *_settled(summary)]
    return [*lines, *(f"episodes.jsonl line {torn.number} was skipped: {torn.why}" for torn in bad)]


def _end(summary: Summary, run_dir: Path, more: str = "") -> list[str]:
    return [
        *_plays(summary),
        f"episodes: {summary.episodes}, cost: {_cost(summary)}, run: {run_dir}",
        f"look closer: collab show {run_dir} --failed{more}",
    ]


def _table(family: FamilySummary) -> list[str]:
    wide = max([len("team"), *(len(cell.team) for cell in family.cells)])
    middle = max([len("condition"), *(len(cell.condition) for cell in family.cells)])
    figures = _figures(family)
    heads = "".join(f"  {head:>6}" for head in figures)
    lines = [
        f"{family.family}",
        f"  {'condition':<{middle}}  {'team':<{wide}}  {'n':>4}  {'success':>7}  {'95 % interval':>15}  {'score':>5}"
        f"{heads}",
    ]
    lines += [f"  {_row(cell, middle, wide, figures)}" for cell in family.cells]
    lines += detection_lines(family)
    lines += _gaps(family.gaps, wide)
    lines.append(f"  outcomes: {came_to(family.cells)}")
    if family.codes:
        codes = ", ".join(f"{code.code} {code.episodes}" for code in family.codes[:6])
        lines.append(f"  failures (episodes): {codes}")
    if family.gradings is not None:
        lines.append(f"  {agreement_line(family.gradings)}")
    return [*lines, ""]


def agreement_line(found: Gradings) -> str:
    """How far several gradings of the same episodes agree, in one line."""
    icc, kappa = ("not defined" if one is None else f"{one:.2f}" for one in (found.icc_agreement, found.kappa))
    return (
        f"gradings: {found.gradings} of each of {counted(found.episodes, 'episode')}; outcome ICC(2,1) {icc}, "
        f"Fleiss' kappa {kappa}"
    )


def _figures(family: FamilySummary) -> Mapping[str, str]:
    """The family's own figures, by head; none for a family that is not known here any more."""
    known = families.known(family.family)
    return {} if known is None else known.figures


def _settled(summary: Summary) -> list[str]:
    """What solo episodes said of failures that could be coordination or competence, what is unsettled, and what
    could not be read."""
    both = summary.settled_by_solo + summary.unsettled
    lines = []
    if both:
        told = (
            f"coordination or competence, left open by {counted(both, 'failure')}: "
            f"{summary.settled_by_solo} settled by solo"
        )
        if summary.unsettled:
            told += f", {summary.unsettled} unsettled and in neither count"
        if summary.unsettled > summary.unread:
            told += " (--collab-resume --collab-settle plays just the solo episodes that settle them)"
        lines.append(told)
    if summary.unread:
        lines.append(
            f"could not be read surely: {counted(summary.unread, 'episode')}; nobody is blamed for them, "
            "and solo settles none"
        )
    return lines


def _row(cell: Cell, middle: int, wide: int, figures: Mapping[str, str]) -> str:
    interval = f"{cell.low:.0%} .. {cell.high:.0%}" if cell.n else "-"
    broken = f"  ({cell.infrastructure} lost to infrastructure)" if cell.infrastructure else ""
    rate = f"{cell.rate:.0%}" if cell.n else "-"
    told = {
        head: f"{cell.metrics[metric]:.1%}" if metric in cell.metrics else "-" for head, metric in figures.items()
    }
    own = "".join(f"  {figure:>{max(6, len(head))}}" for head, figure in told.items())
    return (
        f"{cell.condition:<{middle}}  {cell.team:<{wide}}  {cell.n:>4}  {rate:>7}  {interval:>15}  "
        f"{cell.score:>5.2f}{own}{broken}"
    )


def _gaps(gaps: Sequence[Gap], wide: int) -> list[str]:
    """One line a team, one column a gap."""
    if not gaps:
        return []
    names = list(dict.fromkeys(gap.name for gap in gaps))
    found = {(gap.team, gap.name): gap for gap in gaps}
    lines = [
        "",
        "  gaps in success rate, paired by seed, with 95 % interval",
        (f"  {'team':<{wide}}  " + "  ".join(f"{name:<22}" for name in names)).rstrip(),
    ]
    for team in dict.fromkeys(gap.team for gap in gaps):
        row = "  ".join(f"{_gap(found.get((team, name))):<22}" for name in names)
        lines.append(f"  {team:<{wide}}  {row}".rstrip())
    return [*lines, ""]


def _gap(gap: Gap | None) -> str:
    if gap is None:
        return "-"
    if gap.low is None or gap.high is None:
        return f"{gap.value:+.2f} (one pair)"
    return f"{gap.value:+.2f} ({gap.low:+.2f} .. {gap.high:+.2f})"


def _plays(summary: Summary) -> list[str]:
    """What counts, where episodes were played more than once."""
    if summary.plays is None or summary.plays <= summary.episodes:
        return []
    return [
        f"plays: {summary.plays} of {counted(summary.episodes, 'episode')}, all paid; of each episode "
        "the first play that is "
        "evidence counts (to repeat episodes so that all count: --collab-epochs)"
    ]


def _cost(summary: Summary) -> str:
    """What all plays have cost, whether they count or not."""
    total = summary.cost_usd if summary.known_paid_usd is None else summary.paid_usd
    if total is None:
        known = summary.known_cost_usd if summary.known_paid_usd is None else summary.known_paid_usd
        return f"at least ${known:.2f} (what some of it cost is not known)"
    return f"${total:.2f}"
