"""Figures of a study that read several conditions at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from pytest_collab.measure.figures import DifficultyCurves, difficulty_curves
from pytest_collab.measure.frame import Frame, Mask
from pytest_collab.measure.gaps import as_teams, unit_values
from pytest_collab.measure.interval import Estimate

Derive = Callable[[Frame, Mask, tuple[str, ...]], Estimate | None]
"""From a run, the rows that difficulty may be taken from, and a team."""

LEAST_NEED: Final = 0.05
"""What the whole specification must be worth (success rate) for a team to have something to make good."""

RESAMPLES: Final = 4000


def curves(frame: Frame, rows: Mask, team: tuple[str, ...]) -> DifficultyCurves | None:
    """CooperBench's difficulty curves of a team of one agent; None where it did not play both alone and together."""
    return difficulty_curves(frame, team[0], rows, by_pool=True) if len(set(team)) == 1 else None


def _retention(frame: Frame, rows: Mask, team: tuple[str, ...]) -> Estimate | None:
    found = curves(frame, rows, team)
    return None if found is None else found.retention.retention


def _necessity(frame: Frame, rows: Mask, team: tuple[str, ...]) -> Estimate | None:
    """TeamBench's TNI: (team - brief) / (solo - brief), of success rates over the features that all three have.

    None where the whole specification is worth less than 0.05. The interval is a percentile bootstrap that draws
    whole features, with the denominator held at 0.05 or more, as the study's own is.
    """
    alone = as_teams(unit_values(frame, "solo"), [team])
    sides = (unit_values(frame, "team"), unit_values(frame, "brief"), alone)
    units = [unit for unit in sides[0] if unit.team == team and all(unit in side for side in sides)]
    if not units:
        return None
    whole, brief, solo = (np.array([side[unit] for unit in units]) for side in sides)
    if (solo - brief).mean() < LEAST_NEED:
        return None
    value = float((whole - brief).mean() / (solo - brief).mean())
    drawn = np.random.default_rng(0).integers(len(units), size=(RESAMPLES, len(units)))
    needed = np.maximum((solo - brief)[drawn].mean(axis=1), LEAST_NEED)
    low, high = (float(end) for end in np.quantile((whole - brief)[drawn].mean(axis=1) / needed, (0.025, 0.975)))
    return Estimate(value, low, high, len(units), 0.95, "bootstrap", len(units))


DERIVED: Final[Mapping[str, Derive]] = {"retention": _retention, "necessity": _necessity}
