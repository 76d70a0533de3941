"""Figures of a whole run that read several conditions or several plays of the same episode at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pytest_collab.episode.text import counted
from pytest_collab.errors import UsageError
from pytest_collab.measure.curve import CurvePoint, Retention, difficulty, difficulty_curve, retention
from pytest_collab.measure.frame import Frame, Mask
from pytest_collab.measure.gaps import Unit, unit_values
from pytest_collab.measure.interval import Estimate
from pytest_collab.measure.ordering import OrderingEffect, ordering_effects
from pytest_collab.measure.passk import pass_at_k_mean, pass_hat_k_mean

Place = tuple[str, str, int]
"""Family, task and seed: what difficulty is a property of."""


@dataclass(frozen=True, slots=True)
class DifficultyCurves:
    """Solo and team success over difficulty, and how much of the solo area the team keeps.

    Attributes:
        solo, team: the curves, over the same tasks and seeds.
    """

    solo: tuple[CurvePoint, ...]
    team: tuple[CurvePoint, ...]
    _retain: Callable[[], Retention]

    @property
    def retention(self) -> Retention:
        """Areas and their ratio: a bootstrap, made when it is asked for."""
        return self._retain()


def difficulty_curves(
    frame: Frame,
    agent: str | None = None,
    rows: Mask | None = None,
    confidence: float = 0.95,
    *,
    condition: str = "team",
    by_pool: bool = False,
    seed: int = 0,
) -> DifficultyCurves | None:
    """CooperBench's difficulty curves of a run (see `curve`).

    Difficulty comes from the solo episodes of *all* agents of the run, so that curves of different agents share
    one axis.

    Args:
        frame: the run.
        agent: whose solo and whose self-team (`agent+agent`) to compare; None pools all agents and teams.
        rows: shape (n,), which rows may be used.
        confidence: two-sided.
        condition: what is held against `solo`.
        by_pool: resample whole tasks rather than single seeds, for tasks whose seeds are pairs of one pool.
        seed: of the bootstrap.

    Returns:
        None when no task and seed has both.
    """
    solo = unit_values(frame, "solo", rows=rows)
    team = unit_values(frame, condition, rows=rows)
    by_agent: dict[Place, dict[str, float]] = {}
    for unit, value in solo.items():
        by_agent.setdefault(unit[:3], {})[unit.team[0]] = value
    hard = difficulty(by_agent)
    if agent is not None:
        solo = {unit: value for unit, value in solo.items() if unit.team == (agent,)}
        team = {unit: value for unit, value in team.items() if set(unit.team) == {agent}}
    alone, together = _by_place(solo), _by_place(team)
    places = [place for place in hard if place in alone and place in together]
    if not places:
        return None
    clusters = {place: place[:2] for place in places} if by_pool else None
    axis = [hard[place] for place in places]
    return DifficultyCurves(
        difficulty_curve(axis, [alone[place] for place in places], confidence),
        difficulty_curve(axis, [together[place] for place in places], confidence),
        lambda: retention(hard, alone, together, confidence, clusters=clusters, seed=seed),
    )


def _by_place(units: Mapping[Unit, float]) -> dict[Place, float]:
    groups: dict[Place, list[float]] = {}
    for unit, value in units.items():
        groups.setdefault(unit[:3], []).append(value)
    return {place: sum(group) / len(group) for place, group in groups.items()}


def orderings(
    frame: Frame, rows: Mask | None = None, confidence: float = 0.95, *, condition: str = "team"
) -> tuple[OrderingEffect, ...]:
    """The ordering effect of every two different agents that played in both orders, over common tasks and seeds."""
    scores: dict[tuple[str, ...], dict[tuple[Any, ...], float]] = {}
    for unit, value in unit_values(frame, condition, rows=rows).items():
        scores.setdefault(unit.team, {})[(unit.family, unit.task), unit.seed] = value
    return ordering_effects(scores, confidence)


def pass_counts(frame: Frame, rows: Mask) -> dict[Unit, tuple[int, int]]:
    """Tries and successes of each team on each task and seed, over epochs.

    Args:
        frame: the run.
        rows: shape (n,), rows of one condition; infrastructure errors are left out.
    """
    counts: dict[Unit, list[int]] = {}
    success = frame.success
    for row in np.flatnonzero(rows & frame.evidence).tolist():
        unit = Unit(frame.family[row], frame.task[row], int(frame.seed[row]), frame.team[row])
        cell = counts.setdefault(unit, [0, 0])
        cell[0] += 1
        cell[1] += bool(success[row])
    return {unit: (tries, successes) for unit, (tries, successes) in counts.items()}


def pass_at_k(frame: Frame, rows: Mask, k: int, confidence: float = 0.95) -> Estimate:
    """pass@k over the epochs of each team, task and seed (see `passk`).

    Raises:
        UsageError: an episode has fewer than k epochs.
    """
    return pass_at_k_mean(_enough(pass_counts(frame, rows), k), k, confidence)


def pass_hat_k(frame: Frame, rows: Mask, k: int, confidence: float = 0.95) -> Estimate:
    """pass^k over the epochs of each team, task and seed (see `passk`).

    Raises:
        UsageError: an episode has fewer than k epochs.
    """
    return pass_hat_k_mean(_enough(pass_counts(frame, rows), k), k, confidence)


def _enough(counts: Mapping[Unit, tuple[int, int]], k: int) -> list[tuple[int, int]]:
    for unit, (tries, _) in counts.items():
        if tries < k:
            raise UsageError(
                f"{unit.task} seed {unit.seed} of {'+'.join(unit.team)} was played "
                f"{counted(tries, 'time')}, and k is {k}: "
                f"pass --collab-epochs={k} or more"
            )
    return list(counts.values())
