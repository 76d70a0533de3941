"""pytest-collab tests how well AI agents work together.

What authors of tasks, families and agents import; everything is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "Agent",
    "Condition",
    "Episode",
    "Failure",
    "Family",
    "Game",
    "Limits",
    "Outcome",
    "Params",
    "Reply",
    "Request",
    "task",
]

_HOMES = {
    "Agent": "episode.agent",
    "Condition": "episode.condition",
    "Episode": "episode.record",
    "Failure": "episode.outcome",
    "Family": "episode.family",
    "Game": "episode.game",
    "Limits": "episode.limits",
    "Outcome": "episode.outcome",
    "Params": "episode.family",
    "Reply": "episode.agent",
    "Request": "episode.agent",
    "task": "plugin.task",
}

if TYPE_CHECKING:
    from pytest_collab.episode.agent import Agent, Reply, Request
    from pytest_collab.episode.condition import Condition
    from pytest_collab.episode.family import Family, Params
    from pytest_collab.episode.game import Game
    from pytest_collab.episode.limits import Limits
    from pytest_collab.episode.outcome import Failure, Outcome
    from pytest_collab.episode.record import Episode
    from pytest_collab.plugin.task import task


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'pytest_collab' has no attribute {name!r}")
    value = getattr(import_module(f"pytest_collab.{home}"), name)
    globals()[name] = value
    return value
