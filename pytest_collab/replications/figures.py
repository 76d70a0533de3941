"""Figures that studies have printed, each with where it is from: `figures.yaml`, checked against a schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

from pytest_collab.families.alem import scale as alem
from pytest_collab.families.maze import published as maze

Printed = float | tuple[float, float] | None
"""A figure; a figure with half the width of its interval; null where the study prints none."""


class Block(BaseModel):
    """A table of a study, or a part of one.

    Attributes:
        source: paper and table, or repository and file.
        columns: their names; the unit is the printed one.
        rows: by name of the row, a figure for each column.
        n: episodes (runs, pairs) behind a row; a mapping where rows differ; None where the study does not say.
        note: what has to be known of these figures.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Annotated[str, Field(min_length=10)]
    columns: Annotated[tuple[str, ...], Field(min_length=1)]
    rows: Annotated[dict[str, tuple[Printed, ...]], Field(min_length=1)]
    n: int | dict[str, int] | None = None
    note: str = ""

    @model_validator(mode="after")
    def _has_a_figure_for_each_column(self) -> Block:
        for name, row in self.rows.items():
            if len(row) != len(self.columns):
                raise ValueError(f"row {name} has {len(row)} figures for {len(self.columns)} columns")
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("a column is there twice")
        if isinstance(self.n, dict) and (unknown := set(self.n) - set(self.rows)):
            raise ValueError(f"n of rows that there are not: {', '.join(sorted(unknown))}")
        return self

    def figure(self, row: str, column: str) -> Printed:
        """One figure; None where there is no such column."""
        return self.rows[row][self.columns.index(column)] if column in self.columns else None

    def episodes(self, row: str) -> int | None:
        """Episodes behind a row, where they are known."""
        return self.n.get(row) if isinstance(self.n, dict) else self.n


class PublishedFigures(RootModel[dict[str, dict[str, Block]]]):
    """figures.yaml: by study, then by block."""

    model_config = ConfigDict(frozen=True)


@cache
def published() -> Mapping[str, Mapping[str, Block]]:
    """All figures by study and block. Those that a family holds itself (maze, alem) are taken from there."""
    import yaml

    text = (files("pytest_collab.replications") / "figures.yaml").read_text(encoding="utf-8")
    found = PublishedFigures.model_validate(yaml.safe_load(text)).root
    held = {"collaboration-gap": dict(_of_maze()), "alem": dict(_of_alem())}
    return {**found, **{study: {**found.get(study, {}), **blocks} for study, blocks in held.items()}}


def _of_maze() -> Iterator[tuple[str, Block]]:
    """Tables 2 and 3 of The Collaboration Gap: a row is a pair, the first one speaks first."""
    rows: dict[str, dict[str, Any]] = {}
    for one in maze.published():
        rows.setdefault(f"{one.first}+{one.second}", {})[one.metric] = (one.value, one.half)
    columns = maze.METRICS
    for block, alike in (("alike", True), ("unlike", False)):
        pairs = {pair: found for pair, found in rows.items() if (len(set(pair.split("+"))) == 1) == alike}
        yield (
            block,
            Block(
                source=maze.source(),
                columns=columns,
                rows={pair: tuple(found.get(name) for name in columns) for pair, found in pairs.items()},
                note=f"{100 if alike else 50} or more dialogues each",
            ),
        )


def _of_alem() -> Iterator[tuple[str, Block]]:
    """Shares of the maximum reward by difficulty, and the ablation of communication, in percent."""
    for difficulty, table in alem.PUBLISHED.items():
        yield (
            difficulty,
            Block(
                source=alem.SOURCE,
                columns=("base", "coordination", "total"),
                rows={name: tuple(round(100 * one, 1) for one in figures) for name, figures in table.items()},
                n={name: 20 for name in table if "mean" not in name},
            ),
        )
    names = ("team", "no_communication")
    yield (
        "ablation",
        Block(
            source=f"{alem.SOURCE}; coordination at hard, whole and without communication",
            columns=names,
            rows={name: tuple(round(100 * found[one], 1) for one in names) for name, found in alem.ABLATION.items()},
            n=20,
        ),
    )
