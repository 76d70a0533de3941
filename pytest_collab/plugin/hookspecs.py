"""The hooks that pytest-collab adds, for families, agents and sandboxes of third parties."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_collab.episode.agent import Agent
    from pytest_collab.episode.family import Family
    from pytest_collab.episode.record import Episode
    from pytest_collab.episode.transcript import Transcript


@pytest.hookspec
def pytest_collab_families(config: pytest.Config) -> Iterable[Family[Any]]:
    """Families to add to the shipped ones. Asked once, before collection."""
    raise NotImplementedError


@pytest.hookspec(firstresult=True)
def pytest_collab_make_agent(config: pytest.Config, name: str) -> Agent | None:
    """The agent that `name` (as written after `--agents`) stands for, or None to leave it to others.

    Asked before the shipped providers, so that a project can put its own agent behind any name.
    """


@pytest.hookspec
def pytest_collab_episode_finished(episode: Episode, transcript: Transcript) -> None:
    """An episode was played, judged and kept. Called in the process that played it, before it is reported."""
