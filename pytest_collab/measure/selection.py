"""Which episodes a gate looks at, and what it reads off them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.text import counted
from pytest_collab.errors import UsageError
from pytest_collab.measure.codes import families_giving
from pytest_collab.measure.frame import INFRASTRUCTURE, OUTCOMES, Frame, Mask
from pytest_collab.measure.gate import Gate, Where
from pytest_collab.measure.metric import FAILURE_RATE, FAMILY_METRIC, parse_metric
from pytest_collab.measure.settling import settle, shown

INFRASTRUCTURE_RATE: Final = "infrastructure_rate"

_OUTCOME_RATES: Final = {
    "success_rate": Outcome.SUCCESS,
    "coordination_failure_rate": Outcome.COORDINATION,
    "competence_failure_rate": Outcome.COMPETENCE,
    "limit_rate": Outcome.LIMIT,
    INFRASTRUCTURE_RATE: Outcome.INFRASTRUCTURE,
}

SETTLED_RATES: Final = {
    "coordination_failure_rate": (Outcome.COMPETENCE, Outcome.COORDINATION),
    "competence_failure_rate": (Outcome.COORDINATION, Outcome.COMPETENCE),
}
"""Rates that may or may not count an unsettled failure: settled to what they do not, and to what they do."""


def ends_of(metric: str) -> tuple[Outcome | None, Outcome | None] | None:
    """What to suppose of unsettled failures for the least and the most of a metric; None where it does not matter.

    A code counts from the moment on when its failure is settled, to whichever of the two.
    """
    if metric.startswith(FAILURE_RATE):
        return None, Outcome.COORDINATION
    return SETTLED_RATES.get(metric)


_NEED_NO_READING: Final = ("cost_usd", "duration_s", "turns", "tokens", INFRASTRUCTURE_RATE)

End = Literal["low", "high"]
ENDS: Final[tuple[End, End]] = ("low", "high")


class Supposed(NamedTuple):
    """What lost episodes are taken to have come to.

    Attributes:
        end: what makes the figure lowest, or highest.
        unread: only those that could not be read; the others stay out.
    """

    end: End
    unread: bool = False

    def rows(self, frame: Frame) -> Mask:
        """The rows that it is about; shape (n,)."""
        lost = ~frame.evidence
        return lost & frame.unread if self.unread else lost

    @property
    def opposite(self) -> Supposed:
        """The other end, as it is for what is subtracted."""
        return self._replace(end="low" if self.end == "high" else "high")


def as_read(frame: Frame, metric: str) -> Frame:
    """A run as far as it could be read: what could not is lost, for a metric that depends on what it came to.

    Costs, times, turns and tokens are what they are; a family's own figures are its own to leave out.
    """
    unread = frame.unread
    if metric in _NEED_NO_READING or metric.startswith(FAMILY_METRIC) or not unread.any():
        return frame
    outcome = np.where(unread, np.int8(INFRASTRUCTURE), frame.outcome)
    found: Frame = frame.once("read", lambda: replace(frame, outcome=outcome))
    return found


def conditions_of(gate: Gate) -> tuple[str, ...]:
    """The conditions a gate reads: its own, `team` where it names none, empty for all."""
    if gate.where.condition:
        return gate.where.condition
    every = gate.metric == INFRASTRUCTURE_RATE or gate.measured.kind == "area"
    return () if every else ("team",)


def selected(frame: Frame, gate: Gate) -> Mask:
    """The rows a gate looks at, infrastructure errors included: shape (n,).

    For a gap these are the rows that family, task, team and agent leave, of any condition with teams.

    Raises:
        UsageError: a name occurs nowhere in the run, or the names never occur together.
    """
    where = gate.where
    mask = matching(frame, where)
    if gate.measured.kind != "gap":
        conditions = conditions_of(gate)
        if conditions:
            _occurs(gate, "condition", conditions, frame.condition.values)
            mask = mask & frame.condition.among(conditions)
    for key, names, known in (
        ("family", where.family, frame.family.values),
        ("task", where.task, frame.task.values),
        ("team", where.team, ["+".join(team) for team in frame.team.values]),
        ("agent", where.agent, [agent for team in frame.team.values for agent in team]),
    ):
        _occurs(gate, key, names, known)
    if not mask.any():
        what = f"({where}) " if str(where) else ""
        raise UsageError(
            f"gate {gate.title!r} matches no episode: each name of its selection {what}occurs in the run, but "
            f"never together under condition {' or '.join(conditions_of(gate)) or 'any'}. "
            "Loosen `where`, or play what it asks."
        )
    return mask


def matching(frame: Frame, where: Where) -> Mask:
    """The rows that family, task, team and agent leave (not the condition): shape (n,)."""
    mask = np.ones(len(frame), dtype=bool)
    if where.family:
        mask &= frame.family.among(where.family)
    if where.task:
        mask &= frame.task.among(where.task)
    if where.team:
        mask &= frame.team.among(team for team in frame.team.values if "+".join(team) in where.team)
    if where.agent:
        mask &= frame.has_agent(where.agent)
    return mask


def _occurs(gate: Gate, key: str, names: Iterable[str], known: Iterable[str]) -> None:
    there = list(dict.fromkeys(known))
    for name in names:
        if name not in there:
            close = get_close_matches(name, there, n=1)
            hint = f"Did you mean {close[0]!r}? " if close else ""
            some = ", ".join(there[:12]) + (", ..." if len(there) > 12 else "")
            raise UsageError(
                f"gate {gate.title!r} matches no episode: the run has no {key} {name!r}. {hint}"
                f"It has {some or 'no episode at all'}."
            )


def open_rows(frame: Frame, metric: str, rows: Mask) -> Mask:
    """Of the given rows, the unsettled ones, where it depends on what they will be settled to; shape (n,)."""
    if ends_of(metric) is None:
        return np.zeros(len(frame), dtype=bool)
    found = settle(frame).open & rows
    if metric.startswith(FAILURE_RATE):
        found &= frame.has_fault(metric.removeprefix(FAILURE_RATE))
    return np.asarray(found)


def reading_of(frame: Frame, gate: Gate, rows: Mask, *, lost: Supposed | None = None) -> Reading:
    """`read_metric` of a gate's metric, with what it says of absence, and with the gate named in errors."""
    try:
        return read_metric(frame, gate.metric, rows, absent=gate.counts_as, lost=lost)
    except UsageError as error:
        raise UsageError(f"gate {gate.title!r}: {error}") from None


def within(gate: Gate, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values, if they keep to the range that the gate gives.

    Raises:
        UsageError: names the gate, the range and the worst value.
    """
    low, high = gate.bounds
    outside = values[(values < low) | (values > high)]
    if len(outside):
        worst = outside[np.argmax(np.maximum(low - outside, outside - high))]
        raise UsageError(
            f"gate {gate.title!r}: {gate.metric} is said to lie within {low:g}..{high:g}, and an episode came to "
            f"{worst:g}. Give a `range` that no episode can leave."
        )
    return values


def values_of(
    frame: Frame, gate: Gate, rows: Mask, *, lost: Supposed | None = None
) -> tuple[NDArray[np.float64], Mask]:
    """`reading_of`, without what is lost or absent: (values, rows that have one)."""
    found = reading_of(frame, gate, rows, lost=lost)
    return found.values, found.used


@dataclass(frozen=True, slots=True)
class Reading:
    """A metric of every episode, and which episodes say what of it.

    Attributes:
        values: shape (n,).
        used: rows that have a value and are no infrastructure error, or were given one.
        lost: rows that were lost.
        absent: rows that are evidence, of a family that has the metric, and have no value of it themselves.
    """

    values: NDArray[np.float64]
    used: Mask
    lost: Mask
    absent: Mask


def metric_values(frame: Frame, name: str, rows: Mask) -> tuple[NDArray[np.float64], Mask]:
    """`read_metric`, without what was lost or is absent: (values, rows that have one)."""
    found = read_metric(frame, name, rows)
    return found.values, found.used


def read_metric(
    frame: Frame, name: str, rows: Mask, *, absent: float | None = None, lost: Supposed | None = None
) -> Reading:
    """A metric of every episode (not for gaps).

    Episodes of families that cannot have it are left out: a maze that cannot deadlock says nothing about deadlocks.

    Args:
        frame: the run.
        name: see `metric.parse_metric`.
        rows: shape (n,), the rows that are wanted.
        absent: what an episode counts as that has no value; None to leave it out, and in `Reading.absent`.
        lost: what lost episodes count as; None to leave them out, as they are where the metric has no range.

    Raises:
        UsageError: no episode has the metric, no family of the rows can have it, or an episode's cost is not known.
    """
    values: NDArray[np.float64]
    if parse_metric(name).kind == "area":
        raise UsageError(f"{name} is a figure of all episodes together, and no episode has one: gate on it")
    if name == "success_rate":
        values = frame.success.astype(np.float64)
    elif name in _OUTCOME_RATES:
        values = (settle(frame).outcomes == OUTCOMES.index(_OUTCOME_RATES[name])).astype(np.float64)
    elif name.startswith(FAILURE_RATE):
        code = name.removeprefix(FAILURE_RATE)
        rows = rows & _possible(frame, name, rows, families_giving(frame, code))
        values = shown(frame, code).astype(np.float64)
    elif name.startswith(FAMILY_METRIC):
        key = name.removeprefix(FAMILY_METRIC)
        if key not in frame.metrics:
            close = get_close_matches(key, frame.metrics, n=1)
            hint = f"Did you mean {FAMILY_METRIC + close[0]!r}? " if close else ""
            known = ", ".join(FAMILY_METRIC + metric for metric in frame.metrics) or "none"
            raise UsageError(f"no episode has the metric {key!r}. {hint}The run has {known}.")
        values = frame.metrics[key]
        rows = rows & _possible(frame, name, rows, _names(frame, ~np.isnan(values)))
    else:
        values = np.asarray(getattr(frame, name), dtype=np.float64)
    used = rows if name == INFRASTRUCTURE_RATE else rows & frame.evidence
    unknown = np.isnan(values) & used
    if name == "cost_usd" and unknown.any():
        raise UsageError(
            f"the cost of {counted(int(unknown.sum()), 'episode')} is not known, because a model has no price. "
            "Add its price to the agents file, or gate on tokens."
        )
    broken = rows & ~used
    values = values.copy()
    if absent is not None:
        values[unknown] = absent
        unknown = np.zeros_like(unknown)
    bounds = parse_metric(name).bounds
    if lost is not None and bounds is not None:
        supposed = broken & lost.rows(frame)
        values[supposed] = bounds[lost.end == "high"]
        used = used | supposed
    return Reading(values, used & ~np.isnan(values), broken, unknown)


def _possible(frame: Frame, name: str, rows: Mask, able: Collection[str]) -> Mask:
    """The rows of families that can have a metric; refused where there are none."""
    possible = frame.family.among(able)
    if not (rows & possible).any() and rows.any():
        raise UsageError(
            f"no episode of {' or '.join(sorted(_names(frame, rows)))} can have {name}"
            + (f"; {', '.join(sorted(able))} can" if able else "")
            + ". Name another metric, or other families in `where`."
        )
    return possible


def _names(frame: Frame, rows: Mask) -> set[str]:
    return {frame.family.values[code] for code in np.unique(frame.family.codes[rows]).tolist()}
