"""A gate in one line: its figure, its interval, and what was wanted, in one unit; and where these lie on a strip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pytest_collab.episode.text import counted
from pytest_collab.measure.decision import GateVerdict
from pytest_collab.measure.gatereport import SIGNS, GateResult
from pytest_collab.measure.metric import parse_metric

ROOM: Final = 1.15
"""How much wider a strip without natural ends is than what lies on it."""


@dataclass(frozen=True, slots=True)
class Strip:
    """Where things lie on a gate's strip: shares of its width, 0..1.

    Attributes:
        low, high: the interval; an end that is not known is the strip's own.
        value: None where there is none.
        threshold: what they are held against; allowed is what lies above it where `above`, else below.
    """

    low: float
    high: float
    value: float | None
    threshold: float
    above: bool


def short(gate: GateResult, minus: str = "−") -> str:
    """The figure with its interval and what was wanted, e.g. `42 % (18 .. 69), wanted >= 80 %`.

    Args:
        minus: how a figure below zero begins.
    """
    show, unit = _units(gate)
    text = f"{SIGNS[gate.relation]} {show(gate.threshold)}{'' if unit == ' points' else unit}"
    if gate.least is not None and gate.most is not None:
        figure = f"between {show(gate.least)} and {show(gate.most)}{unit}"
    elif gate.value is None:
        return f"no figure, wanted {text}".replace("-", minus)
    else:
        figure = f"{show(gate.value)}{unit}"
    if gate.low is not None or gate.high is not None:
        ends = ("?" if end is None else show(end) for end in (gate.low, gate.high))
        figure += f" ({' .. '.join(ends)})"
    return f"{figure}, wanted {text}".replace("-", minus)


def more(gate: GateResult) -> str:
    """What would settle an undecided gate, in few words; empty of any other."""
    if gate.verdict is not GateVerdict.UNDECIDED:
        return ""
    if gate.open:  # more seeds would not settle that
        return gate.open[0].partition(": ")[0]
    if gate.unsettled or gate.unsettled_baseline:
        return "--collab-settle settles it"
    if gate.needed is None:
        return "undecided"
    noun = {"task_seed": "seed", "task": "task", "episode": "episode"}[gate.cluster]
    return counted(gate.needed, f"more {noun}")


def strip(gate: GateResult) -> Strip:
    """Where the interval, the figure and the threshold lie."""
    bounds = parse_metric(gate.metric).bounds
    known = [one for one in (gate.low, gate.high, gate.value, gate.threshold) if one is not None]
    if bounds is not None:
        least, most = (bounds[0] - bounds[1], bounds[1] - bounds[0]) if gate.baseline is not None else bounds
    else:
        least, most = min(0.0, *known) * ROOM, max(0.0, *known) * ROOM
    wide = most - least or 1.0

    def place(value: float) -> float:
        return min(1.0, max(0.0, (value - least) / wide))

    return Strip(
        low=0.0 if gate.low is None else place(gate.low),
        high=1.0 if gate.high is None else place(gate.high),
        value=None if gate.value is None else place(gate.value),
        threshold=place(gate.threshold),
        above=gate.relation in ("at_least", "above"),
    )


def _units(gate: GateResult) -> tuple[Callable[[float], str], str]:
    """How a figure is written, and what follows it."""
    metric = parse_metric(gate.metric)
    if metric.share:
        if gate.baseline is not None or metric.kind == "gap":
            return (lambda value: f"{100 * value:+.0f}"), " points"
        return (lambda value: f"{100 * value:.0f}"), " %"
    if gate.metric == "cost_usd":
        return (lambda value: f"{'-' if value < 0 else ''}${abs(value):.3g}"), ""
    return (lambda value: f"{value:.3g}"), ""
