"""The first page: each family's teams and agents in one table each, conditions side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_collab.measure.gatereport import GateReport, GateResult
from pytest_collab.measure.metric import parse_metric
from pytest_collab.measure.selection import INFRASTRUCTURE_RATE
from pytest_collab.measure.summary import Cell, CodeCount, FamilySummary, Gap, Usage, condition_rank, usage
from pytest_collab.report.advice import advice
from pytest_collab.report.gates import saved_line, stopped_line, verdict_line
from pytest_collab.report.model import Report
from pytest_collab.report.terminal import agreement_line

WARNING: Final = "WARNING"
"""How notes of a run begin that a reader must not miss."""

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
    """One family on the first page."""

    name: str
    tables: tuple[Table, ...]
    codes: tuple[Code, ...]
    gradings: str
    usage: Usage
    infrastructure: int
    episodes: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The first page.

    Attributes:
        infrastructure: episodes lost to it.
        gates_told: what the gates come to, what they allow of infrastructure, what stopping early saved.
        warnings: notes of the run that a reader must not miss.
        stopped_told: that the figures are those of a run that was stopped when decided; empty of any other.
    """

    families: tuple[FamilyView, ...]
    infrastructure: int
    gates_told: str
    warnings: tuple[str, ...]
    stopped_told: str = ""


def overview(report: Report) -> Overview:
    """Lay the summary out for reading."""
    families = tuple(_family(family, report) for family in report.summary.families)
    return Overview(
        families,
        infrastructure=sum(family.infrastructure for family in families),
        gates_told=_gates_told(report.gates) if report.gates is not None else "",
        warnings=tuple(note for note in report.info.notes if note.startswith(WARNING)),
        stopped_told=_capital(stopped_line(report.summary) or "").replace(
            "the rates above", "the rates on this page"
        ),
    )


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
            f"Lost to infrastructure: {check.errors} of {check.episodes} episodes; {check.at_most:.1%} are allowed."
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
        usage=usage([episode for episode in report.episodes if episode.family == family.family]),
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
