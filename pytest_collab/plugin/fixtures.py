"""Fixtures: `episode`, `team`, `agents`, `run_episode`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from pytest_collab.plugin import options
from pytest_collab.plugin.state import SESSION

if TYPE_CHECKING:
    from pytest_collab.episode.agent import Agent
    from pytest_collab.episode.record import Episode
    from pytest_collab.plugin.cases import Case
    from pytest_collab.plugin.session import CollabSession
    from pytest_collab.plugin.team import Team


@pytest.fixture
def _collab_session(request: pytest.FixtureRequest) -> CollabSession:
    session = request.config.stash.get(SESSION, None)
    if session is None:
        pytest.skip(options.NO_AGENTS)
    return session


@pytest.fixture
def _collab_case(request: pytest.FixtureRequest) -> Case | None:
    return getattr(request, "param", None)


@pytest.fixture
def _collab_team(request: pytest.FixtureRequest) -> tuple[str, ...] | None:
    return getattr(request, "param", None)


@pytest.fixture
def episode(request: pytest.FixtureRequest, _collab_session: CollabSession, _collab_case: Case | None) -> Episode:
    """The played episode of a `@task` function."""
    if _collab_case is None:
        raise pytest.UsageError(
            f"{request.node.name} takes `episode` and is no task: decorate it with @task(...), "
            "or take `run_episode` and play episodes itself"
        )
    from pytest_collab.plugin.outcomes import attach

    return attach(request.node, _collab_session.stage.play_item(request.node, _collab_case)).episode


@pytest.fixture
def team(
    request: pytest.FixtureRequest,
    _collab_session: CollabSession,
    _collab_team: tuple[str, ...] | None,
    _collab_case: Case | None,
) -> Team:
    """The agents of this test, seated: one test per team (and, with `@task`, per condition and seed)."""
    from pytest_collab.plugin.team import Team

    names = _collab_case.team if _collab_case is not None else _collab_team
    assert names is not None
    return Team(_collab_session, request.node, names, _collab_case)


@pytest.fixture
def agents(_collab_session: CollabSession) -> Mapping[str, Agent]:
    """All agents under test, by name."""
    return {name: _collab_session.agents.registry.get(name) for name in _collab_session.settings.agents}


@pytest.fixture
def run_episode(request: pytest.FixtureRequest, _collab_session: CollabSession) -> Callable[..., Episode]:
    """Play an episode now: `run_episode(Maze(size=6), team=("a", "b"), condition="team", seed=0)`.

    The episode is kept in the run like any other, under the test's name.
    """

    from pytest_collab.plugin.outcomes import attach

    def play(
        params: Any,
        *,
        team: tuple[str, ...] | list[str] | str | None = None,
        condition: str = "team",
        seed: int = 0,
        name: str | None = None,
    ) -> Episode:
        names = team.split("+") if isinstance(team, str) else team
        played = _collab_session.stage.play_now(request.node, params, names, condition, seed, name)
        return attach(request.node, played).episode

    return play
