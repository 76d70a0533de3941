"""From what a user writes (`claude`, `openai/gpt-6.1-sol`, `partner`) to an agent."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_collab.agents.builtin import CAST, BuiltinAgent
from pytest_collab.episode.agent import Agent
from pytest_collab.errors import UsageError

if TYPE_CHECKING:
    from pytest_collab.agents.agents_file import AgentsFile
    from pytest_collab.agents.limiter import Lanes
    from pytest_collab.agents.model import ModelAgent
    from pytest_collab.agents.settings import AgentSettings

Maker = Callable[[str], Agent | None]
"""Third-party: makes the agent that a name stands for, or None when it does not know the name."""

ALIASES: Final[Mapping[str, str]] = {"claude": "anthropic/claude-sonnet-5-5", "gpt": "openai/gpt-6.1-sol"}
"""What the short names mean unless an agents file says otherwise. Printed at the start of every run."""

PROVIDERS: Final = ("anthropic", "openai", "openai-chat")

_PROVIDER_CLASSES: Final[Mapping[str, str]] = {
    "anthropic": "anthropic:AnthropicAgent",
    "openai": "openai:OpenAIAgent",
    "openai-chat": "openai_chat:OpenAIChatAgent",
}


class Known(NamedTuple):
    """One line of `collab agents`."""

    name: str
    source: str
    key: str


class Registry:
    """Knows all agents of a session and makes each at most once.

    Args:
        makers: third-party makers (hook `pytest_collab_make_agent`), asked first.
        cast: names that built-in players may have, beyond the shipped ones.
        agents_file: named agents and limits; None for none.
        shared: a directory that all processes of the session share, for rate limits; None for this process alone.
    """

    def __init__(
        self,
        makers: Iterable[Maker] = (),
        cast: Iterable[str] = (),
        *,
        agents_file: Path | None = None,
        shared: Path | None = None,
    ) -> None:
        self._makers = list(makers)
        self._cast = {*CAST, *cast}
        self._agents_file = agents_file
        self._shared = shared
        self._agents: dict[str, Agent] = {}

    def get(self, name: str) -> Agent:
        """The agent that `name` stands for.

        Raises:
            UsageError: nobody knows the name (suggests the nearest), a key is missing, the agents file is wrong.
        """
        if name not in self._agents:
            self._agents[name] = self._make(name)
        return self._agents[name]

    def all(self) -> list[Agent]:
        """The agents made so far."""
        return list(self._agents.values())

    def known(self) -> list[Known]:
        """All names that can be listed: agents file, aliases, built-in cast; with the state of their keys."""
        found = [
            Known(name, f"{self.file.path}: {_told(settings)}", _key_state(settings))
            for name, settings in self.file.agents.items()
        ]
        found += [
            Known(name, f"alias of {target}", _key_state(settings))
            for name, target in ALIASES.items()
            if name not in self.file.agents and (settings := self.settings(target)) is not None
        ]
        found += [Known(name, "built-in cast", "needs no key") for name in sorted(self._cast)]
        return found

    @cached_property
    def file(self) -> AgentsFile:
        """The agents file; an empty one when there is none."""
        from pytest_collab.agents.agents_file import AgentsFile, read

        return AgentsFile() if self._agents_file is None else read(self._agents_file)

    def settings(self, name: str) -> AgentSettings | None:
        """Settings of an agent of the agents file, an alias, or `provider/model`; None for any other name."""
        from pytest_collab.agents.settings import AgentSettings

        if name in self.file.agents:
            return self.file.agents[name]
        provider, slash, model = ALIASES.get(name, name).partition("/")
        if slash and provider in PROVIDERS:
            if not model:
                raise UsageError(f"agent {name!r} names no model. Write {provider}/MODEL.")
            return AgentSettings.model_validate({"provider": provider, "model": model})
        return None

    def _make(self, name: str) -> Agent:
        for maker in self._makers:
            agent = maker(name)
            if agent is not None:
                agent.name = name
                return agent
        settings = self.settings(name)
        if settings is not None:
            return self._model(name, settings)
        bare = name.removeprefix("builtin/")
        if bare in self._cast:
            agent = BuiltinAgent(bare)
            agent.name = name
            return agent
        raise self._unknown(name)

    def _model(self, name: str, settings: AgentSettings) -> ModelAgent:
        from pytest_collab.agents.model import key_of
        from pytest_collab.agents.settings import RateLimits

        module, _, kind = _PROVIDER_CLASSES[settings.provider].partition(":")
        make: type[ModelAgent] = getattr(import_module(f"pytest_collab.agents.{module}"), kind)

        account = f"{settings.provider}|{settings.address}|{settings.key_variable or ''}"
        limits = self.file.limits.get(settings.provider, RateLimits())
        if settings.limits is not None:
            account, limits = f"agent {name}", settings.limits
        return make(name, settings, self._lanes.get(account, limits), key_of(name, settings))

    @cached_property
    def _lanes(self) -> Lanes:
        from pytest_collab.agents.limiter import Lanes

        if self._shared is None:
            self._private = tempfile.TemporaryDirectory(prefix="collab-lanes-", ignore_cleanup_errors=True)
            return Lanes(Path(self._private.name))
        return Lanes(self._shared)

    def _unknown(self, name: str) -> UsageError:
        builtin = sorted(self._cast)
        named = [*self.file.agents, *(alias for alias in ALIASES if alias not in self.file.agents)]
        provider, slash, rest = name.partition("/")
        if slash and provider != "builtin":
            close = get_close_matches(provider, [*PROVIDERS, "builtin"], n=1)
            hint = f"Did you mean {close[0] + '/' + rest!r}? " if close else ""
            return UsageError(f"unknown agent {name!r}. {hint}Providers are {', '.join(PROVIDERS)}.")
        close = get_close_matches(rest or name, [*named, *builtin], n=1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        return UsageError(
            f"unknown agent {name!r}. {hint}Named agents are {', '.join(named)}; "
            f"built-in agents are {', '.join(builtin)}; any model works as provider/model."
        )


def _told(settings: AgentSettings) -> str:
    if settings.provider == "command":
        return f"command {' '.join(settings.command)}"
    return f"{settings.provider}/{settings.model}"


def _key_state(settings: AgentSettings) -> str:
    variable = settings.key_variable
    if variable is None:
        return "needs no key"
    return f"{variable} is set" if os.environ.get(variable) else f"{variable} is NOT set"
