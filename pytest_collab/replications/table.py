"""The table of a replication: what was printed, what our cast came to, what the agents under test came to."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from pytest_collab.errors import RunError, UsageError
from pytest_collab.measure.cluster import cluster_mean, cluster_rate
from pytest_collab.measure.frame import Frame, Mask
from pytest_collab.measure.gaps import one_agent
from pytest_collab.measure.interval import Estimate
from pytest_collab.measure.reader import read_frame
from pytest_collab.replications.derived import DERIVED
from pytest_collab.replications.figures import Block
from pytest_collab.replications.play import Record, recorded
from pytest_collab.replications.study import Column, Scale, Study, Table, study_called

Kind = Literal["published", "cast", "agents"]
RESAMPLES: Final = 2000


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Cell(_Frozen):
    """A figure.

    Attributes:
        low, high: its 95 % interval; None where there is none: one episode, all alike, or none printed.
        n: episodes behind it; None where the study does not say.
    """

    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None


class Row(_Frozen):
    """A row: a model of the study's, a team of ours. Its cells are in the order of the section's columns."""

    who: str
    kind: Kind
    cells: tuple[Cell | None, ...]


class Section(_Frozen):
    """A table.

    Attributes:
        columns: names; `digits` of each after the point.
        sources: where the published rows are from.
    """

    title: str
    columns: tuple[str, ...]
    digits: tuple[int, ...]
    rows: tuple[Row, ...]
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Replication(_Frozen):
    """All that a replication says; `collab replicate --format=json` prints it.

    Attributes:
        run: the run directory; empty where nothing was played.
        lost: episodes that were lost to infrastructure, and are no evidence.
        absent: tasks that the run does not hold.
        elsewhere: tables that the other scale plays.
    """

    study: str
    title: str
    arxiv: str
    scale: Scale
    run: str
    sections: tuple[Section, ...]
    differs: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    not_played: tuple[str, ...] = ()
    lost: int = 0
    absent: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Run:
    """A run, and who in it is who."""

    frame: Frame
    record: Record

    def teams(self, table: Table) -> Iterator[tuple[Kind, tuple[str, ...]]]:
        """Teams that have an episode in a column of a table: the cast first."""
        conditions = {column.condition or table.condition for column in table.columns}
        rows = np.flatnonzero(self.frame.task.among(table.tasks) & self.frame.condition.among(conditions))
        found = dict.fromkeys(self.frame.team[row] for row in rows.tolist())
        cast: tuple[Kind, ...] = ("cast", "agents")
        for kind in cast:
            yield from ((kind, team) for team in found if ("+".join(team) in self.record.cast) == (kind == "cast"))

    @property
    def tested(self) -> Mask:
        """Episodes of agents under test; all where there are none."""
        own = self.frame.team.among(t for t in self.frame.team.values if "+".join(t) not in self.record.cast)
        return own if own.any() else np.ones(len(self.frame), dtype=bool)


def replication(run: Path, study: Study | None = None) -> Replication:
    """The table of a run, from its files alone.

    Args:
        run: a run directory.
        study: where the run does not say which one it is, or to make sure.

    Raises:
        UsageError: the run is of another study, or says none and none is named.
        RunError: it cannot be read, or holds no episode of the study.
    """
    record = recorded(run)
    if record is not None and study is not None and record.study != study.name:
        raise UsageError(f"{run} is a replication of {record.study}, not of {study.name}; leave the name out")
    if record is None and study is None:
        raise UsageError(f"{run} does not say which study it is of: name the study as well")
    chosen = study or study_called(record.study if record else "")
    frame = read_frame(run)
    if record is None:
        builtin = [agent["name"] for agent in frame.info.agents if agent.get("provider") == "builtin"]
        cast = ["+".join(team) for team in frame.team.values if set(team) <= set(builtin)]
        record = Record(study=chosen.name, scale="paper", cast=tuple(cast))
    known = [task.name for task in chosen.tasks if record.scale in task.at]
    absent = tuple(name for name in known if name not in frame.task.values)
    if len(absent) == len(known):
        raise RunError(f"{run} holds no episode of {chosen.name}; its tasks are called {', '.join(known)}")
    found = _Run(frame, record)
    return Replication(
        study=chosen.name,
        title=chosen.title,
        arxiv=chosen.arxiv,
        scale=record.scale,
        run=str(run),
        sections=tuple(section(chosen, table, found) for table in chosen.shown(record.scale)),
        differs=chosen.differs,
        read=chosen.read,
        caveats=chosen.caveats,
        not_played=chosen.not_played,
        lost=int((~frame.evidence).sum()),
        absent=absent,
        elsewhere=tuple(table.title for table in chosen.tables if table not in list(chosen.shown(record.scale))),
    )


def section(study: Study, table: Table, run: _Run | None) -> Section:
    """One table; without a run only the published rows."""
    blocks = list(study.blocks(table))
    rows = [row for block in blocks for row in _printed(block, table)]
    for kind, team in run.teams(table) if run is not None else ():
        cells = tuple(_measured(run, table, column, team) for column in table.columns) if run is not None else ()
        if any(cells):
            rows.append(Row(who="+".join(team), kind=kind, cells=cells))
    return Section(
        title=table.title,
        columns=tuple(column.name for column in table.columns),
        digits=tuple(column.digits for column in table.columns),
        rows=tuple(rows),
        sources=tuple(dict.fromkeys(block.source for block in blocks)),
        notes=tuple(note for note in (table.note, *(block.note for block in blocks)) if note),
    )


def _printed(block: Block, table: Table) -> Iterator[Row]:
    for name in block.rows:
        cells = []
        for column in table.columns:
            figure = block.figure(name, column.published) if column.published else None
            value, half = figure if isinstance(figure, tuple) else (figure, None)
            low, high = (None, None) if value is None or half is None else (value - half, value + half)
            n = block.episodes(name)
            cells.append(None if value is None else Cell(value=value, low=low, high=high, n=n))
        if any(cells):
            yield Row(who=name, kind="published", cells=tuple(cells))


def _measured(run: _Run, table: Table, column: Column, team: tuple[str, ...]) -> Cell | None:
    task, condition = column.task or table.task, column.condition or table.condition
    if column.metric is None or task is None:
        return None
    if column.kind == "derived":
        found = DERIVED[column.metric](run.frame, run.tested, team)
    elif column.kind == "change":
        before = _values(run.frame, column.metric, table.task or task, table.condition, team)
        found = _change(before, _values(run.frame, column.metric, task, condition, team))
    else:
        found = _estimate(column, *_values(run.frame, column.metric, task, condition, team))
    if found is None or not found.known:
        return None
    floor = -math.inf if column.least is None else column.least
    low, high = (column.times * max(floor, end) for end in (found.low, found.high))
    bare = math.isinf(high) or found.n < 2 or high - low < 1e-9
    value = column.times * found.value
    return Cell(value=value, low=None if bare else low, high=None if bare else high, n=found.n)


Values = tuple[NDArray[np.float64], NDArray[np.int64]]
"""Values of episodes and the seeds they were played on."""


def _values(frame: Frame, metric: str, task: str, condition: str, team: tuple[str, ...]) -> Values:
    alone = one_agent(condition.partition(":")[0]) or condition.startswith("with:")
    named = team[:1] if alone and len(set(team)) == 1 else team
    rows = frame.task.among([task]) & frame.condition.among([condition]) & frame.team.among([named]) & frame.evidence
    if metric == "success":
        values = frame.success.astype(np.float64)
    elif metric == "score":
        values = frame.score
    else:
        values = frame.metrics.get(metric, np.full(len(frame), np.nan))
    if metric in ("success", "score"):
        rows = rows & ~frame.unread
    rows = rows & ~np.isnan(values)
    return values[rows], frame.seed[rows]


def _estimate(column: Column, values: NDArray[np.float64], seeds: NDArray[np.int64]) -> Estimate | None:
    if not len(values):
        return None
    if column.kind == "rate":
        return cluster_rate(values, seeds)
    return cluster_mean(values, seeds, bounds=column.range)


def _change(before: Values, after: Values) -> Estimate | None:
    """The change of the mean in percent, over common seeds; a percentile bootstrap that draws whole seeds."""
    seeds = sorted(set(before[1].tolist()) & set(after[1].tolist()))
    first, second = (np.array([of[0][of[1] == seed].mean() for seed in seeds]) for of in (before, after))
    if not seeds or first.mean() == 0:
        return None
    value = 100.0 * (float(second.mean() / first.mean()) - 1.0)
    if len(seeds) == 1:
        return Estimate(value, -math.inf, math.inf, 1, 0.95, "bootstrap", 1)
    drawn = np.random.default_rng(0).integers(len(seeds), size=(RESAMPLES, len(seeds)))
    below = first[drawn].mean(axis=1)
    ratios = 100.0 * (second[drawn].mean(axis=1)[below != 0] / below[below != 0] - 1.0)
    low, high = (float(end) for end in np.quantile(ratios, (0.025, 0.975)))
    return Estimate(value, low, high, len(seeds), 0.95, "bootstrap", len(seeds))
