"""Which episodes a gate looks at, and what it reads off them."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import UsageError
from pytest_collab.measure.attribution import resolved_outcomes
from pytest_collab.measure.frame import OUTCOMES, Frame, Mask
from pytest_collab.measure.gate import Gate, Where
from pytest_collab.measure.metric import FAILURE_RATE, FAMILY_METRIC

INFRASTRUCTURE_RATE: Final = "infrastructure_rate"

_OUTCOME_RATES: Final = {
    "success_rate": Outcome.SUCCESS,
    "coordination_failure_rate": Outcome.COORDINATION,
    "competence_failure_rate": Outcome.COMPETENCE,
    "limit_rate": Outcome.LIMIT,
    INFRASTRUCTURE_RATE: Outcome.INFRASTRUCTURE,
}


def conditions_of(gate: Gate) -> tuple[str, ...]:
    """The conditions a gate reads: its own, `team` where it names none, empty for all."""
    if gate.where.condition:
        return gate.where.condition
    return () if gate.metric == INFRASTRUCTURE_RATE else ("team",)


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


def values_of(frame: Frame, gate: Gate, rows: Mask) -> tuple[NDArray[np.float64], Mask]:
    """A gate's metric of every episode; as `metric_values`, with the gate named in errors."""
    try:
        return metric_values(frame, gate.metric, rows)
    except UsageError as error:
        raise UsageError(f"gate {gate.title!r}: {error}") from None


def metric_values(frame: Frame, name: str, rows: Mask) -> tuple[NDArray[np.float64], Mask]:
    """A metric of every episode (not for gaps), and the rows that are evidence.

    Args:
        frame: the run.
        name: see `metric.parse_metric`.
        rows: shape (n,), the rows that are wanted.

    Returns:
        (values, shape (n,); rows that have a value and are no infrastructure error, shape (n,)).

    Raises:
        UsageError: no episode has the metric, or an episode's cost is not known.
    """
    values: NDArray[np.float64]
    if name == "success_rate":
        values = frame.success.astype(np.float64)
    elif name in _OUTCOME_RATES:
        values = (resolved_outcomes(frame) == OUTCOMES.index(_OUTCOME_RATES[name])).astype(np.float64)
    elif name.startswith(FAILURE_RATE):
        values = frame.has_fault(name.removeprefix(FAILURE_RATE)).astype(np.float64)
    elif name.startswith(FAMILY_METRIC):
        key = name.removeprefix(FAMILY_METRIC)
        if key not in frame.metrics:
            close = get_close_matches(key, frame.metrics, n=1)
            hint = f"Did you mean {FAMILY_METRIC + close[0]!r}? " if close else ""
            known = ", ".join(FAMILY_METRIC + metric for metric in frame.metrics) or "none"
            raise UsageError(f"no episode has the metric {key!r}. {hint}The run has {known}.")
        values = frame.metrics[key]
    else:
        values = np.asarray(getattr(frame, name), dtype=np.float64)
    used = rows if name == INFRASTRUCTURE_RATE else rows & frame.evidence
    unknown = np.isnan(values) & used
    if name == "cost_usd" and unknown.any():
        raise UsageError(
            f"the cost of {int(unknown.sum())} episodes is not known, because a model has no price. "
            "Add its price to the agents file, or gate on tokens."
        )
    return values, used & ~unknown
