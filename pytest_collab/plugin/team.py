"""`team`: agents in seat order, for tests that drive them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_collab.errors import UsageError
from pytest_collab.plugin.outcomes import attach

if TYPE_CHECKING:
    import pytest

    from pytest_collab.episode.agent import Agent
    from pytest_collab.episode.family import Params
    from pytest_collab.episode.record import Episode
    from pytest_collab.plugin.cases import Case
    from pytest_collab.plugin.session import CollabSession


class Team:
    """Agents in seat order.

    Attributes:
        names: as written on the command line.
        condition, seed: of the `@task`'s case; `team` and 0 without `@task`.
    """

    def __init__(self, session: CollabSession, item: pytest.Item, names: tuple[str, ...], case: Case | None) -> None:
        self._session = session
        self._item = item
        self._case = case
        self._said: dict[int, list[Any]] = {}
        self.names = names
        self.condition = str(case.condition) if case is not None else "team"
        self.seed = case.seed if case is not None else 0

    @property
    def agents(self) -> tuple[Agent, ...]:
        return tuple(self._session.agents.registry.get(name) for name in self.names)

    def play(self, params: Params | None = None, *, condition: str | None = None, seed: int | None = None) -> Episode:
        """Play an episode with this team.

        Args:
            params: default the `@task`'s.

        Raises:
            UsageError: there are no params to play.
        """
        if params is None:
            if self._case is None:
                raise UsageError("team.play() needs params here, e.g. team.play(Maze(size=6)): the test has no @task")
            params = self._case.task.params
        played = self._session.stage.play_now(
            self._item,
            params,
            self.names,
            condition or self.condition,
            self.seed if seed is None else seed,
            self._case.task.name if self._case is not None else None,
        )
        return attach(self._item, played).episode

    def ask(self, place: int, text: str, *, system: str = "") -> str:
        """Say `text` to the agent at a place and return its answer; each place keeps its conversation.

        Built-in players only play families: ask them through `play`.
        """
        from pytest_collab.episode.agent import Request, Turn

        said = self._said.setdefault(place, [])
        said.append(Turn("user", text))
        request = Request(seat=chr(ord("a") + place), turn=len(said) // 2, system=system, conversation=tuple(said))
        reply = self._session.stage.executor.call(self.agents[place].reply(request))
        said.append(Turn("assistant", reply.text, opaque=reply.opaque))
        return str(reply.text)

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"<Team {'+'.join(self.names)}>"
