"""What a report page shows. Every figure comes from `measure`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_collab.episode.run import BadLine, RunInfo
from pytest_collab.measure.comparison import RunComparison
from pytest_collab.measure.gatereport import GateReport
from pytest_collab.measure.records import Records

if TYPE_CHECKING:
    from pytest_collab.measure.attribution import Decomposition, FaultRate
    from pytest_collab.measure.attribution import Matrix as AgentMatrix
    from pytest_collab.measure.figures import DifficultyCurves
    from pytest_collab.measure.ordering import OrderingEffect
    from pytest_collab.measure.summary import Cell, Gap, Summary
    from pytest_collab.report.lost import Loss
    from pytest_collab.report.matrix import Matrix


@dataclass(frozen=True, slots=True)
class Example:
    """An episode that shows a failure code: its id, and the first event that proves it.

    Attributes:
        note: what was found there.
        quote: the words that prove it; empty where the proof is no words, or nobody has looked for them.
    """

    episode: str
    event: int | None
    note: str
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing to tell an agent's developers.

    Attributes:
        code: the failure code; `meaning` is the same as a sentence about the agent.
        episodes: of its team episodes, how many show it.
        examples: some of these.
        before: how many showed it in the baseline, and of how many; None without one, or where it was not there.
    """

    code: str
    meaning: str
    episodes: int
    examples: tuple[Example, ...]
    before: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class AgentStory:
    """What there is to tell an agent's developers: how often it was at fault in teams, and with what."""

    agent: str
    fault: FaultRate
    complaints: tuple[Complaint, ...]


@dataclass(frozen=True, slots=True)
class TeamMatrix:
    """Success of agent next to agent, of one family (or all, family None) under one condition."""

    family: str | None
    condition: str
    matrix: AgentMatrix


@dataclass(frozen=True, slots=True)
class TaskFigures:
    """One task's page: cells, gaps, and curves over difficulty where solo episodes give them."""

    name: str
    family: str
    params: dict[str, Any]
    file: str
    cells: tuple[Cell, ...]
    gaps: tuple[Gap, ...]
    curves: DifficultyCurves | None


@dataclass(frozen=True, slots=True)
class Baseline:
    """An earlier run to hold this one against; `refusal` tells why it cannot be.

    Attributes:
        outcomes: what each of its episodes came to, by what makes an episode the same (`Episode.key`).
        ids: their ids, by the same.
        faults: who was at fault in it and how often, by the names that agents have now.
    """

    path: str
    comparison: RunComparison | None
    refusal: str | None = None
    outcomes: Mapping[Any, str] = field(default_factory=dict)
    ids: Mapping[Any, str] = field(default_factory=dict)
    faults: Mapping[str, FaultRate] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """The page's first line: is the release worse?

    Attributes:
        tone: `good`, `bad` or `open`.
        title: a few words: worse or not, and by how much.
        detail: one sentence on what they rest on.
        where: which families got worse, which better, with the figures before and after; empty without a baseline.
        notes: what of the two runs was not compared, a line each.
    """

    tone: str
    title: str
    detail: str
    where: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """Episodes of a task under a condition that the session meant to play and has not."""

    family: str
    task: str
    condition: str
    played: int
    planned: int


@dataclass(frozen=True, slots=True)
class Report:
    """A run as the page shows it.

    Attributes:
        episodes: one play each, in the order of the file; only their columns are in memory.
        finished: False while the session still runs.
        lost: why episodes were lost to the infrastructure.
        path: of the run directory, as it was named.
        planned: how many episodes there were to play; None where that was not kept.
        missing: what of them was not played.
        matrix: families by conditions, all teams together.
    """

    name: str
    info: RunInfo
    finished: bool
    episodes: Records
    bad: tuple[BadLine, ...]
    summary: Summary
    gates: GateReport | None
    baseline: Baseline | None
    answer: Answer
    agents: tuple[AgentStory, ...]
    decomposition: Decomposition | None
    matrices: tuple[TeamMatrix, ...]
    orderings: tuple[OrderingEffect, ...]
    tasks: tuple[TaskFigures, ...]
    lost: Sequence[Loss] = ()
    path: str = ""
    planned: int | None = None
    missing: Sequence[Missing] = ()
    matrix: Matrix | None = None
