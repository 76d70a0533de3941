"""A study: what of it is played, which table that makes, and what has to be said beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pytest_collab.errors import UsageError
from pytest_collab.replications.figures import Block, published

Scale = Literal["quick", "paper"]
SCALES: Final[tuple[Scale, ...]] = ("quick", "paper")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Seeds(_Frozen):
    """How many seeds, or which, at each scale; None for as many as the shipped task has."""

    quick: int | tuple[int, ...] | None = 3
    paper: int | tuple[int, ...] | None = None

    def at(self, scale: Scale) -> int | tuple[int, ...] | None:
        """Those of a scale."""
        return self.quick if scale == "quick" else self.paper


Named = str | tuple[str, ...] | None
"""One task, several whose episodes are taken together, or none."""


class Played(_Frozen):
    """A task that a study's table is made of.

    Attributes:
        quick: params that differ at quick scale.
        shipped: a task file of the shipped suite, named below `tasks/`, that this one is like.
        cast: players of the built-in cast, where they are not the study's.
        at: the scales that play it.
    """

    name: str
    family: str
    params: dict[str, Any] = {}
    quick: dict[str, Any] = {}
    shipped: str = ""
    seeds: Seeds
    conditions: tuple[str, ...] = ("team",)
    limits: dict[str, Any] | None = None
    cast: tuple[str, ...] | None = None
    at: tuple[Scale, ...] = SCALES

    def params_at(self, scale: Scale) -> dict[str, Any]:
        """The params of a scale."""
        return {**self.params, **(self.quick if scale == "quick" else {})}


class Column(_Frozen):
    """A column of a table.

    Attributes:
        name: what it is called: the study's name where the metric is the study's.
        metric: `success`, `score`, a figure of the family, or one of `derived.DERIVED`; None where nothing of ours is
            the same measure.
        published: the column of the figures file; None where the study has none.
        task, condition: where they are not the table's.
        kind: `rate` for figures that are 0 or 1, `mean` for others; `change` for the change in percent that the
            column's condition (or task) makes to the table's, `loss` for what it takes away from it.
        times: what values are multiplied by.
        range: the range of values, before that, which the interval is cut to.
        least: where there is no highest value, the lowest, at which the interval is cut.
    """

    name: str
    metric: str | None = None
    published: str | None = None
    task: Named = None
    condition: str | None = None
    kind: Literal["rate", "mean", "change", "loss", "derived"] = "mean"
    times: float = 1.0
    digits: int = 2
    range: tuple[float, float] | None = None
    least: float | None = None


class Table(_Frozen):
    """A table of a study's report.

    Attributes:
        task, condition: which episodes its columns are read from; without a task it holds published rows only.
        teams: which teams of ours have rows: of one agent, of different ones, all.
        cluster: what episodes are independent by.
        curve: CooperBench's success over difficulty instead of columns.
        published: blocks of the figures file whose rows stand above ours.
        note: what has to be known to read it.
    """

    title: str
    task: Named = None
    condition: str = "team"
    published: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    teams: Literal["all", "alike", "unlike"] = "all"
    cluster: Literal["seed", "task"] = "seed"
    curve: bool = False
    note: str = ""

    @model_validator(mode="after")
    def _has_columns(self) -> Table:
        if self.curve == bool(self.columns):
            raise ValueError(f"table {self.title!r} has columns, or a curve that makes its own")
        return self

    def of(self, column: Column) -> tuple[str, ...]:
        """The tasks that a column is read from; empty where it holds published figures only."""
        named = column.task or self.task or ()
        return (named,) if isinstance(named, str) else named

    @property
    def tasks(self) -> frozenset[str]:
        """The tasks that its columns are read from."""
        of_columns = {task for column in self.columns for task in self.of(column)}
        own = self.task or ()
        return frozenset(of_columns or ((own,) if isinstance(own, str) else own))


class Study(_Frozen):
    """A study that can be played again.

    Attributes:
        summary: one line for the list.
        teams: which teams agents under test make: each with itself, or every ordered pair as well.
        differs: in what the protocol played here is not the study's.
        read: what three transcripts, read beside the study's own prompts, have shown.
        caveats: what has to be known of the study's own figures and programs.
        not_played: what of it cannot be played, and why.
    """

    name: str
    title: str
    arxiv: str
    code: str = ""
    summary: Annotated[str, Field(max_length=110)]
    cast: tuple[str, ...] = ("partner", "random")
    teams: Literal["self", "all"] = "self"
    tasks: Annotated[tuple[Played, ...], Field(min_length=1)]
    tables: Annotated[tuple[Table, ...], Field(min_length=1)]
    differs: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    not_played: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _names_what_there_is(self) -> Study:
        known = {task.name: task for task in self.tasks}
        for table in self.tables:
            for column in table.columns:
                where, condition = (
                    f"table {table.title!r}, column {column.name!r}",
                    column.condition or table.condition,
                )
                for task in table.of(column):
                    if task not in known:
                        raise ValueError(f"{where}: there is no task {task}")
                    if column.metric and condition not in known[task].conditions:
                        raise ValueError(f"{where}: {task} plays no {condition}")
        return self

    def shown(self, scale: Scale) -> Iterator[Table]:
        """Tables of tasks that a scale plays."""
        at = {task.name for task in self.tasks if scale in task.at}
        yield from (table for table in self.tables if table.tasks & at or not table.tasks)

    def blocks(self, table: Table) -> Iterator[Block]:
        """The published blocks of a table.

        Raises:
            UsageError: the figures file has no such block.
        """
        held = published().get(self.name, {})
        for name in table.published:
            if name not in held:
                raise UsageError(f"figures.yaml has no block {name!r} of {self.name}; it has {', '.join(held)}")
            yield held[name]


@cache
def studies() -> Mapping[str, Study]:
    """All studies by name, in the order in which they are listed."""
    import yaml

    found = []
    for file in sorted((files("pytest_collab.replications") / "studies").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".yaml"):
            found.append(Study.model_validate(yaml.safe_load(file.read_text(encoding="utf-8"))))
    return {study.name: study for study in found}


def study_called(name: str) -> Study:
    """A study by name.

    Raises:
        UsageError: there is none; suggests the nearest name.
    """
    known = studies()
    if name not in known:
        close = get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise UsageError(f"there is no study {name!r}: {hint}studies are {', '.join(known)}")
    return known[name]
