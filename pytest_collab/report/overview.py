"""The first page: gates as lines, one matrix of families by conditions, who was at fault, and what was won before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.record import Episode
from pytest_collab.episode.text import counted, one_line
from pytest_collab.measure.bulk import usage_of
from pytest_collab.measure.detection import Detected
from pytest_collab.measure.gatereport import GateReport, GateResult
from pytest_collab.measure.metric import parse_metric
from pytest_collab.measure.plan import planned_of
from pytest_collab.measure.selection import INFRASTRUCTURE_RATE
from pytest_collab.measure.summary import Cell, CodeCount, FamilySummary, Gap, Usage, condition_rank
from pytest_collab.report.advice import advice
from pytest_collab.report.detection import detected, roc_svg, what_of
from pytest_collab.report.gateline import Strip, more, short, strip
from pytest_collab.report.gates import saved_line, stopped_line, verdict_line
from pytest_collab.report.model import Complaint, Report
from pytest_collab.report.story import headline
from pytest_collab.report.terminal import agreement_line

WARNING: Final = "WARNING"
"""How notes of a run begin that a reader must not miss."""

MOST_FAULTS: Final = 6
MOST_LOST: Final = 5

_FILTERS: Final = ("family", "task", "condition", "team")


@dataclass(frozen=True, slots=True)
class Row:
    """One team (or agent): a cell a condition, None where it was not played, then its gaps."""

    team: str
    cells: tuple[Cell | None, ...]
    gaps: tuple[Gap | None, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows by conditions."""

    title: str
    conditions: tuple[str, ...]
    gaps: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """A failure code, with the share of the most frequent one for its bar."""

    count: CodeCount
    meaning: str
    share: float


@dataclass(frozen=True, slots=True)
class FamilyView:
    """One family on the first page.

    Attributes:
        detections: how well agents tell `telling` apart: name, whether it is a group of the line above, figures.
        roc: the curves, as SVG.
    """

    name: str
    tables: tuple[Table, ...]
    codes: tuple[Code, ...]
    gradings: str
    detections: tuple[tuple[str, bool, Detected], ...]
    telling: str
    roc: str
    usage: Usage
    infrastructure: int
    episodes: int


@dataclass(frozen=True, slots=True)
class GateLine:
    """A gate in one line; `more` is what would settle it, where it is undecided."""

    gate: GateResult
    figure: str
    more: str
    strip: Strip


@dataclass(frozen=True, slots=True)
class Fault:
    """What an agent was at fault with, now and before.

    Attributes:
        of: its team episodes.
        rise: by how much the share has risen since the baseline; the share itself without one.
    """

    agent: str
    of: int
    complaint: Complaint
    rise: float


@dataclass(frozen=True, slots=True)
class Lost:
    """An episode that succeeded in the baseline and does not now, with what went wrong."""

    episode: Episode
    why: str


@dataclass(frozen=True, slots=True)
class Overview:
    """The first page.

    Attributes:
        infrastructure: episodes lost to it.
        gates: failed ones first, then undecided ones.
        gates_told: what the gates come to, what they allow of infrastructure, what stopping early saved.
        faults: what has risen most since the baseline first.
        faultless: agents that were never at fault in a team.
        lost: some of the pairs of the same seed that were won and are lost; `lost_in_all` counts them.
        warnings: notes of the run that a reader must not miss.
        stopped_told: that the figures are those of a run that was stopped when decided; empty of any other.
    """

    families: tuple[FamilyView, ...]
    infrastructure: int
    gates: tuple[GateLine, ...]
    gates_told: str
    faults: tuple[Fault, ...]
    faultless: tuple[str, ...]
    lost: tuple[Lost, ...]
    lost_in_all: int
    warnings: tuple[str, ...]
    stopped_told: str = ""

    @property
    def void(self) -> bool:
        """Whether nobody is to be judged by this run."""
        return self.gates_told.startswith("VOID")


def overview(report: Report) -> Overview:
    """Lay the summary out for reading."""
    families = tuple(_family(family, report) for family in report.summary.families)
    lost, lost_in_all = _lost(report)
    return Overview(
        families,
        infrastructure=sum(family.infrastructure for family in families),
        gates=() if report.gates is None else tuple(map(_line, _ordered(report.gates))),
        gates_told=_gates_told(report.gates) if report.gates is not None else "",
        faults=faults_of(report),
        faultless=tuple(story.agent for story in report.agents if not story.complaints),
        lost=lost,
        lost_in_all=lost_in_all,
        warnings=tuple(note for note in report.info.notes if note.startswith(WARNING)),
        stopped_told=_capital(stopped_line(report.summary) or "").replace(
            "the rates above", "the rates on this page"
        ),
    )


def _ordered(gates: GateReport) -> list[GateResult]:
    return sorted(gates.gates, key=lambda gate: (gate.ok, gate.verdict != "fail"))


def _line(gate: GateResult) -> GateLine:
    return GateLine(gate, short(gate), more(gate), strip(gate))


def faults_of(report: Report) -> tuple[Fault, ...]:
    """Who was at fault with what: what has risen most since the baseline first."""
    found = []
    for story in report.agents:
        of = story.fault.rate.n
        for complaint in story.complaints:
            now = complaint.episodes / of if of else 0.0
            before = complaint.before
            rise = now if before is None or not before[1] else now - before[0] / before[1]
            found.append(Fault(story.agent, of, complaint, rise))
    return tuple(sorted(found, key=lambda fault: (-fault.rise, -fault.complaint.episodes)))


def _lost(report: Report) -> tuple[tuple[Lost, ...], int]:
    """Team episodes first, of each family in turn, the shortest first: some of them, and how many there are."""
    was: Mapping[Any, str] = {} if report.baseline is None else report.baseline.outcomes
    if not was:
        return (), 0
    frame = report.episodes.frame
    won = np.array([was.get(one) == Outcome.SUCCESS for one in planned_of(frame)], dtype=bool)
    rows = np.flatnonzero(won & ~frame.success & frame.evidence).tolist()
    alone = ~frame.condition.among(["team"])
    rows.sort(key=lambda row: (alone[row], frame.turns[row]))
    turns: Counter[tuple[str, bool]] = Counter()
    places = {}
    for row in rows:
        mine = (frame.family[row], bool(alone[row]))
        places[row] = (mine[1], turns[mine])
        turns[mine] += 1
    rows.sort(key=places.__getitem__)
    shown = report.episodes.of(rows[:MOST_LOST])
    return tuple(Lost(episode, one_line(headline(episode), 140)) for episode in shown), len(rows)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def selection(gate: GateResult) -> dict[str, str]:
    """What the list of episodes is to be filtered by, to show what a gate judges; what it cannot say is left out."""
    where = dict(gate.where)
    if gate.metric != INFRASTRUCTURE_RATE and parse_metric(gate.metric).kind != "gap":
        where.setdefault("condition", ("team",))  # as gates have it
    return {key: values[0] for key, values in where.items() if key in _FILTERS and len(values) == 1}


def _gates_told(gates: GateReport) -> str:
    check = gates.infrastructure
    lines = [verdict_line(gates)[len("gates: ") :]]
    if gates.verdict != "void":
        lines.append(
            f"Lost to infrastructure: {check.errors} of {counted(check.episodes, 'episode')}; "
            f"{check.at_most:.1%} are allowed."
            if not check.ungraded
            else f"Lost: {check}; {check.at_most:.1%} are allowed."
        )
    if gates.saved is not None:
        lines.append(f"S{saved_line(gates.saved)[1:]}.")
    return " ".join(lines)


def _family(family: FamilySummary, report: Report) -> FamilyView:
    alone = [cell for cell in family.cells if "+" not in cell.team]
    teams = [cell for cell in family.cells if "+" in cell.team]
    tables = [
        table
        for table in (
            _table("Teams", teams, family.gaps),
            _table("Agents alone, or beside a given partner", alone, ()),
        )
        if table.rows
    ]
    most = max((code.episodes for code in family.codes), default=1)
    return FamilyView(
        name=family.family,
        tables=tuple(tables),
        codes=tuple(Code(code, advice(code.code), code.episodes / most) for code in family.codes),
        gradings=agreement_line(family.gradings) if family.gradings is not None else "",
        detections=detected(family),
        telling=what_of(family),
        roc=roc_svg(family),
        usage=usage_of(report.episodes.frame, np.flatnonzero(report.episodes.frame.family.among([family.family]))),
        infrastructure=sum(cell.infrastructure for cell in family.cells),
        episodes=sum(cell.n + cell.infrastructure for cell in family.cells),
    )


def _table(title: str, cells: Sequence[Cell], gaps: Sequence[Gap]) -> Table:
    conditions = sorted({cell.condition for cell in cells}, key=condition_rank)
    if "team" in conditions:  # the real thing first
        conditions = ["team", *(condition for condition in conditions if condition != "team")]
    names = list(dict.fromkeys(gap.name for gap in gaps))
    by_place = {(cell.team, cell.condition): cell for cell in cells}
    by_gap = {(gap.team, gap.name): gap for gap in gaps}
    rows = tuple(
        Row(
            team,
            tuple(by_place.get((team, condition)) for condition in conditions),
            tuple(by_gap.get((team, name)) for name in names),
        )
        for team in sorted({cell.team for cell in cells})
    )
    return Table(title, tuple(conditions), tuple(names), rows)
