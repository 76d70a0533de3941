"""The run in few lines, however many families, teams and conditions it has: rates, gaps, who was at fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap
from typing import Final, NamedTuple

import numpy as np

from pytest_collab.episode.text import counted
from pytest_collab.measure.attribution import agent_faults
from pytest_collab.measure.bounded import bounded_mean
from pytest_collab.measure.frame import Frame
from pytest_collab.measure.gaps import gap_pairs, unit_clusters
from pytest_collab.measure.settling import COMPETENCE, COORDINATION, settle
from pytest_collab.measure.summary import Cell, Summary, condition_rank
from pytest_collab.report.attribution import cause_lines

WIDTH: Final = 80
MOST_LINES: Final = 2
"""Of a sentence; what does not fit is on the page."""

PLAIN: Final = str.maketrans({"−": "-", "–": "-", "“": '"', "”": '"', "…": "..."})
"""What a terminal of few letters has, too."""


class Most(NamedTuple):
    """How many of each are shown."""

    families: int
    teams: int
    agents: int


MOST: Final = Most(families=10, teams=4, agents=3)
BRIEF: Final = Most(families=5, teams=0, agents=0)
"""Where gates and a baseline want room, too."""

_GAP: Final = "collaboration_gap"


def digest_lines(frame: Frame, summary: Summary, width: int = WIDTH, most: Most = MOST) -> list[str]:
    """At most 28 lines of `width` columns, 9 where `most` is `BRIEF`.

    The gap is the collaboration gap: success alone less success in a team.

    Args:
        frame: the run's episodes.
        summary: the same, summed up.
    """
    cells = [cell for family in summary.families for cell in family.cells]
    conditions = sorted({cell.condition for cell in cells}, key=condition_rank)
    gaps = _gaps(frame)
    families = _by((cell.family, cell) for cell in cells)
    lines = _matrix("all teams", families, conditions, gaps, most.families, width)
    teams = _by((cell.team, cell) for cell in cells if "+" in cell.team)
    if len(teams) > 1 and most.teams:
        played = [
            one for one in conditions if any(cell.condition == one for found in teams.values() for cell in found)
        ]
        lines += ["", *_matrix("all families", teams, played, {}, most.teams, width)]
    lines += _faults(frame, width, most.agents)
    return [*lines, *(_cut(line, width) for line in (*cause_lines(frame), came_to(cells)))]


def _by(pairs: Iterable[tuple[str, Cell]]) -> dict[str, list[Cell]]:
    found: dict[str, list[Cell]] = {}
    for name, cell in pairs:
        found.setdefault(name, []).append(cell)
    return found


def _matrix(
    head: str,
    rows: Mapping[str, Sequence[Cell]],
    conditions: Sequence[str],
    gaps: Mapping[str, str],
    most: int,
    width: int,
) -> list[str]:
    """Success rates by condition, one line each; the lowest first where not all fit."""
    last = "gap, in points" if gaps else ""
    wide = min(max(len(head), *(len(name) for name in rows)), 32)
    room = width - wide - (len(last) + 2 if last else 0)
    shown: list[str] = []
    for condition in conditions:
        room -= max(len(condition), 4) + 2
        if room < 0:
            break
        shown.append(condition)
    heads = "".join(f"  {condition:>4}" for condition in shown)
    lines = [f"{head:<{wide}}{heads}{f'  {last}' if last else ''}"]
    kept = list(rows) if len(rows) <= most else sorted(rows, key=lambda name: _rate(rows[name], "team") or 0.0)[:most]
    for name in kept:
        rates = [_rate(rows[name], condition) for condition in shown]
        told = "".join(
            f"  {'-' if rate is None else f'{rate:.0%}':>{max(len(condition), 4)}}"
            for rate, condition in zip(rates, shown, strict=True)
        )
        found = f"  {gaps.get(name, '-')}" if last else ""
        lines.append(f"{_cut(name, wide):<{wide}}{told}{found}")
    if len(kept) < len(rows):
        lines.append(f"and {len(rows) - len(kept)} that did better together")
    return lines


def _rate(cells: Sequence[Cell], condition: str) -> float | None:
    """Of all episodes of a condition that are evidence."""
    chosen = [cell for cell in cells if cell.condition == condition]
    n = sum(cell.n for cell in chosen)
    return sum(cell.successes for cell in chosen) / n if n else None


def _gaps(frame: Frame) -> dict[str, str]:
    """What working together costs, by family, in points of the success rate, paired by seed."""
    pairs = gap_pairs(frame, _GAP)
    by_family: dict[str, list[int]] = {}
    for place, unit in enumerate(pairs.keys):
        by_family.setdefault(unit.family, []).append(place)
    found = {}
    for family, places in by_family.items():
        clusters = unit_clusters([pairs.keys[place] for place in places])
        estimate = bounded_mean(pairs.difference[places], clusters, bounds=(-1.0, 1.0))
        found[family] = f"{100 * estimate.value:+.0f} ({100 * estimate.low:+.0f} .. {100 * estimate.high:+.0f})"
    return found


def _faults(frame: Frame, width: int, most: int) -> list[str]:
    """A line an agent: in how many of the failed episodes of its teams a failure names it, and which failures."""
    teams = np.array([len(team) > 1 for team in frame.team.values], dtype=bool)[frame.team.codes]
    failed = teams & np.isin(settle(frame).outcomes, (COORDINATION, COMPETENCE))
    found = [fault for fault in agent_faults(frame, failed) if fault.codes]
    if not found or not most:
        return []
    wide = min(max(len(fault.name) for fault in found), 24)
    found.sort(key=lambda fault: (-fault.rate.value, -fault.rate.n, fault.name))
    lines = ["", "at fault, in failed episodes of its teams"]
    for fault in found[:most]:
        count = f"{round(fault.rate.value * fault.rate.n)} of {fault.rate.n}"
        codes = ", ".join(f"{code} {n}" for code, n in fault.codes)
        lines.append(_cut(f"  {_cut(fault.name, wide):<{wide}}  {count:>11}  {codes}", width))
    if len(found) > most:
        lines.append(f"  and {counted(len(found) - most, 'agent')} less often")
    return [*lines, ""]


def came_to(cells: Iterable[Cell]) -> str:
    """What episodes came to, most frequent first; in the same order whichever was played first."""
    counts: Counter[str] = Counter()
    for cell in cells:
        counts.update(cell.outcomes)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{word.replace('_', ' ')} {n}" for word, n in ordered)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def folded(text: str, width: int, most: int = MOST_LINES) -> list[str]:
    """Text in lines of `width` columns, those after the first indented; what goes beyond `most` of them is cut."""
    plain = text.translate(PLAIN).replace(" %", "%")
    return wrap(plain, width, subsequent_indent="  ", max_lines=most, placeholder=" ...", break_on_hyphens=False)
