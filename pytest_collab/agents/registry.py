"""From what a user writes (`claude`, `openai/gpt-5`, `partner`) to an agent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches

from pytest_collab.agents.builtin import CAST, BuiltinAgent
from pytest_collab.episode.agent import Agent
from pytest_collab.errors import UsageError

Maker = Callable[[str], Agent | None]
"""Third-party: makes the agent that a name stands for, or None when it does not know the name."""


class Registry:
    """Knows all agents of a session and makes each at most once.

    Args:
        makers: third-party makers (hook `pytest_collab_make_agent`), asked first.
        cast: names that built-in players may have, beyond the shipped ones.
    """

    def __init__(self, makers: Iterable[Maker] = (), cast: Iterable[str] = ()) -> None:
        self._makers = list(makers)
        self._cast = {*CAST, *cast}
        self._agents: dict[str, Agent] = {}

    def get(self, name: str) -> Agent:
        """The agent that `name` stands for.

        Raises:
            UsageError: nobody knows the name; suggests the nearest.
        """
        if name not in self._agents:
            self._agents[name] = self._make(name)
        return self._agents[name]

    def _make(self, name: str) -> Agent:
        for maker in self._makers:
            agent = maker(name)
            if agent is not None:
                agent.name = name
                return agent
        bare = name.removeprefix("builtin/")
        if bare in self._cast:
            agent = BuiltinAgent(bare)
            agent.name = name
            return agent
        raise self._unknown(name)

    def _unknown(self, name: str) -> UsageError:
        known = sorted(self._cast)
        close = get_close_matches(name.removeprefix("builtin/"), known, n=1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        return UsageError(f"unknown agent {name!r}. {hint}Built-in agents are {', '.join(known)}.")

    def all(self) -> list[Agent]:
        """The agents made so far."""
        return list(self._agents.values())
