"""Figures of a study that read several conditions at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pytest_collab.measure.figures import DifficultyCurves, difficulty_curves
from pytest_collab.measure.frame import Frame, Mask
from pytest_collab.measure.interval import Estimate

Derive = Callable[[Frame, Mask, tuple[str, ...]], Estimate | None]
"""From a run, the rows that difficulty may be taken from, and a team."""


def curves(frame: Frame, rows: Mask, team: tuple[str, ...]) -> DifficultyCurves | None:
    """CooperBench's difficulty curves of a team of one agent; None where it did not play both alone and together."""
    return difficulty_curves(frame, team[0], rows, by_pool=True) if len(set(team)) == 1 else None


def _retention(frame: Frame, rows: Mask, team: tuple[str, ...]) -> Estimate | None:
    found = curves(frame, rows, team)
    return None if found is None else found.retention.retention


DERIVED: Final[Mapping[str, Derive]] = {"retention": _retention}
