"""The table of a replication: what was printed, what our cast came to, what the agents under test came to."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from pytest_collab.errors import RunError, UsageError
from pytest_collab.measure.cluster import cluster_mean, cluster_rate
from pytest_collab.measure.frame import Frame, Mask
from pytest_collab.measure.gaps import one_agent
from pytest_collab.measure.interval import Estimate, mean_interval
from pytest_collab.measure.reader import read_frame
from pytest_collab.replications.derived import DERIVED, curves
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
        """Teams that have an episode in a column of a table and are wanted there: the cast first."""
        conditions = {table.condition, *(column.condition for column in table.columns if column.condition)}
        rows = np.flatnonzero(self.frame.task.among(table.tasks) & self.frame.condition.among(conditions))
        wanted = {"all": (True, False), "alike": (True,), "unlike": (False,)}[table.teams]
        teams = (self.frame.team[row] for row in rows.tolist())
        found = dict.fromkeys(team for team in teams if (len(set(team)) == 1) in wanted)
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


def section(study: Study, table: Table, run: _Run) -> Section:
    """One table."""
    blocks = list(study.blocks(table))
    columns = table.columns
    rows = [row for block in blocks for row in _printed(block, table)]
    if table.curve:
        columns, curves = _curves(table, run)
        rows += curves
    for kind, team in () if table.curve else run.teams(table):
        cells = tuple(_measured(run, table, column, team) for column in columns)
        if any(cells):
            rows.append(Row(who="+".join(team), kind=kind, cells=cells))
    return Section(
        title=table.title,
        columns=tuple(column.name for column in columns),
        digits=tuple(column.digits for column in columns),
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


def _curves(table: Table, run: _Run) -> tuple[tuple[Column, ...], list[Row]]:
    """Success alone and together over buckets of difficulty: a column a bucket that has data, two rows an agent."""
    found = [(kind, team, curves(run.frame, run.tested, team)) for kind, team in run.teams(table)]
    lows = sorted({point.low for _, _, both in found if both for curve in (both.solo, both.team) for point in curve})
    columns = tuple(Column(name=f"{low:.1f}-{low + 0.1:.1f}", times=100, digits=0) for low in lows)
    rows = []
    for kind, team, both in found:
        for how, curve in (("alone", both.solo), ("together", both.team)) if both else ():
            points = {point.low: point.success for point in curve}
            cells = (_cell(columns[0], points[low]) if low in points else None for low in lows)
            rows.append(Row(who=f"{team[0]}, {how}", kind=kind, cells=tuple(cells)))
    return columns, rows


def _measured(run: _Run, table: Table, column: Column, team: tuple[str, ...]) -> Cell | None:
    tasks, condition = table.of(column), column.condition or table.condition
    if column.metric is None or not tasks:
        return None
    values = None if column.kind == "derived" else _values(run.frame, column.metric, tasks, condition, team)
    found: Estimate | None
    if values is None:
        found = DERIVED[column.metric](run.frame, run.tested, team)
    elif column.kind in ("change", "loss"):
        own = (table.task,) if isinstance(table.task, str) else table.task or tasks
        before = _values(run.frame, column.metric, own, table.condition, team)
        found = (_change if column.kind == "change" else _loss)(before, values)
    else:
        found = _estimate(column, table.cluster, values)
    return None if found is None or not found.known else _cell(column, found)


def _cell(column: Column, found: Estimate) -> Cell:
    floor = -math.inf if column.least is None else column.least
    low, high = (column.times * max(floor, end) for end in (found.low, found.high))
    bare = math.isinf(low) or math.isinf(high) or found.n < 2 or high - low < 1e-9
    value = column.times * found.value
    return Cell(value=value, low=None if bare else low, high=None if bare else high, n=found.n)


class Values(NamedTuple):
    """Values of episodes, shape (n,), with the seed and the task that each was played on."""

    values: NDArray[np.float64]
    seeds: NDArray[np.int64]
    tasks: NDArray[np.int32]

    def by_seed(self) -> dict[int, float]:
        """The mean of each seed."""
        return {seed: float(self.values[self.seeds == seed].mean()) for seed in np.unique(self.seeds).tolist()}


def _values(frame: Frame, metric: str, tasks: tuple[str, ...], condition: str, team: tuple[str, ...]) -> Values:
    alone = one_agent(condition.partition(":")[0]) or condition.startswith("with:")
    named = team[:1] if alone and len(set(team)) == 1 else team
    rows = frame.task.among(tasks) & frame.condition.among([condition]) & frame.team.among([named]) & frame.evidence
    if metric == "success":
        values = frame.success.astype(np.float64)
    elif metric == "score":
        values = frame.score
    else:
        values = frame.metrics.get(metric, np.full(len(frame), np.nan))
    if metric in ("success", "score"):
        rows = rows & ~frame.unread
    rows = rows & ~np.isnan(values)
    return Values(values[rows], frame.seed[rows], frame.task.codes[rows])


def _estimate(column: Column, cluster: str, found: Values) -> Estimate | None:
    if not len(found.values):
        return None
    several = len(np.unique(found.tasks)) > 1
    labels = list(zip(found.tasks.tolist(), found.seeds.tolist(), strict=True)) if several else found.seeds
    clusters = found.tasks if cluster == "task" and several else labels
    if column.kind == "rate":
        return cluster_rate(found.values, clusters)
    return cluster_mean(found.values, clusters, bounds=column.range)


def _loss(before: Values, after: Values) -> Estimate | None:
    """What is lost of the mean, paired by seed; Student's t."""
    first, second = before.by_seed(), after.by_seed()
    lost = [first[seed] - second[seed] for seed in first if seed in second]
    return mean_interval(lost, bounds=(-1.0, 1.0)) if lost else None


def _change(before: Values, after: Values) -> Estimate | None:
    """The change of the mean in percent, over common seeds; a percentile bootstrap that draws whole seeds."""
    whole, changed = before.by_seed(), after.by_seed()
    seeds = [seed for seed in whole if seed in changed]
    first, second = (np.array([of[seed] for seed in seeds]) for of in (whole, changed))
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
