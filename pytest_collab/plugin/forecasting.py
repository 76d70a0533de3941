"""Forecasts that know the session's agents, their prices, and what earlier runs took."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from pytest_collab.agents.builtin import BuiltinAgent
from pytest_collab.agents.prices import Tariff
from pytest_collab.episode.run import DEFAULT_BASE
from pytest_collab.measure.forecast import Forecaster
from pytest_collab.plugin.roster import Roster

EARLIER_RUNS: Final = 20
"""So many of the newest runs are looked into."""


def forecaster(agents: Roster, config: pytest.Config, *, runs: bool) -> Forecaster:
    """A forecaster that knows the session's agents.

    Args:
        runs: look into earlier runs, too.
    """
    settings = agents.settings
    found: list[Path] = []
    if runs:
        base = config.invocation_params.dir / DEFAULT_BASE
        found = sorted((path for path in base.glob("*") if path.is_dir()), key=lambda path: path.stat().st_mtime)
        found = found[-EARLIER_RUNS:]
        found += [path for path in (settings.run_dir, settings.baseline) if path is not None and path.is_dir()]
    return Forecaster(
        lambda name: tariff_of(agents, name),
        free=lambda name: isinstance(agents.registry.get(name), BuiltinAgent),
        runs=found,
        recording=settings.replay or settings.record,
        stand_in=BuiltinAgent("partner"),
    )


def tariff_of(agents: Roster, name: str) -> Tariff | None:
    """What an agent's answers cost; None when that is not known."""
    return agents.registry.tariff(name)
