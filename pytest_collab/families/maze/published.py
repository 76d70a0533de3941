"""What The Collaboration Gap printed (arXiv 2511.02687v1, Tables 2 and 3), to be held beside runs of its game."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

METRICS: Final = ("weighted_outcome", "success_rate")


@dataclass(frozen=True, slots=True)
class Published:
    """One printed figure.

    Attributes:
        group: the part of the table that it stands in.
        metric: `weighted_outcome` (Table 2, may be negative) or `success_rate` (Table 3).
        first, second: the models; the first one speaks first.
        value: the mean.
        half: half the width of its 95 % interval.
    """

    group: str
    metric: str
    first: str
    second: str
    value: float
    half: float


@cache
def published() -> tuple[Published, ...]:
    """Every figure of both tables, as printed; figures of a pair that is in several groups are repeated."""
    return tuple(_figures(_content()))


def source() -> str:
    """Where they are from."""
    return str(_content()["source"])


def as_markdown(metric: str) -> str:
    """One of the tables, group by group, for the docs."""
    parts = []
    for group in _content()["groups"]:
        seconds = group["second"]
        parts.append("\n".join([f"| {group['name']} | {' | '.join(seconds)} |", "|---" * (len(seconds) + 1) + "|"]))
        for first, cells in group[metric].items():
            told = " | ".join("-" if cell is None else f"{cell[0]:.2f} ± {cell[1]:.2f}" for cell in cells)
            parts[-1] += f"\n| {first} | {told} |"
    return "\n\n".join(parts) + "\n"


def _figures(content: dict[str, Any]) -> Iterator[Published]:
    for group in content["groups"]:
        for metric in METRICS:
            for first, cells in group[metric].items():
                for second, cell in zip(group["second"], cells, strict=True):
                    if cell is not None:
                        yield Published(group["name"], metric, first, second, *cell)


@cache
def _content() -> dict[str, Any]:
    import yaml

    text = (files("pytest_collab.families.maze") / "published.yaml").read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    return content
