"""What a report page shows. Every figure comes from `measure`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import BadLine, RunInfo
from pytest_collab.measure.comparison import RunComparison
from pytest_collab.measure.gatereport import GateReport

if TYPE_CHECKING:
    from pytest_collab.measure.attribution import Decomposition, FaultRate, Matrix
    from pytest_collab.measure.figures import DifficultyCurves
    from pytest_collab.measure.ordering import OrderingEffect
    from pytest_collab.measure.summary import Cell, Gap, Summary
    from pytest_collab.report.lost import Loss


@dataclass(frozen=True, slots=True)
class Example:
    """An episode that shows a failure code: its id, and the first event that proves it."""

    episode: str
    event: int | None
    note: str


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing to tell an agent's developers.

    Attributes:
        code: the failure code; `meaning` is the same as a sentence about the agent.
        episodes: of its team episodes, how many show it.
        examples: some of these.
    """

    code: str
    meaning: str
    episodes: int
    examples: tuple[Example, ...]


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
    matrix: Matrix


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
    """

    path: str
    comparison: RunComparison | None
    refusal: str | None = None
    outcomes: Mapping[Any, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """The page's first line: is the release worse?

    Attributes:
        tone: `good`, `bad` or `open`.
        title: a few words.
        detail: one sentence on what they rest on.
    """

    tone: str
    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """A run as the page shows it.

    Attributes:
        episodes: one play each, in the order of the file.
        finished: False while the session still runs.
        lost: why episodes were lost to the infrastructure.
    """

    name: str
    info: RunInfo
    finished: bool
    episodes: Sequence[Episode]
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
