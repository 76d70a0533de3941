"""From what a user writes (`claude`, `openai/gpt-6.1-sol`, `partner`) to an agent."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_collab.agents.builtin import CAST, BuiltinAgent
from pytest_collab.agents.trouble import Trouble
from pytest_collab.episode.agent import Agent
from pytest_collab.errors import UsageError

if TYPE_CHECKING:
    from pytest_collab.agents.agents_file import AgentsFile
    from pytest_collab.agents.lane import Lanes
    from pytest_collab.agents.model import ModelAgent
    from pytest_collab.agents.prices import Tariff
    from pytest_collab.agents.settings import AgentSettings

Maker = Callable[[str], Agent | None]
"""Third-party: makes the agent that a name stands for, or None when it does not know the name."""

ALIASES: Final[Mapping[str, str]] = {"claude": "anthropic/claude-sonnet-5-5", "gpt": "openai/gpt-6.1-sol"}
"""What the short names mean unless an agents file says otherwise. Printed at the start of every run."""

PROVIDERS: Final = ("anthropic", "openai", "openai-chat")

_OF_PYTHON: Final = ("python/", "team/")

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
        lanes: where rate limits are kept instead.
        trouble: where waits and lost calls are told instead.
        record: keep every exchange of every agent but the built-in ones here.
        replay: answer from this recording; with `record`, ask and keep what it does not hold.
        keyless: make models without their keys; they can be described, and not asked.

    Raises:
        UsageError: there is no recording in `replay`.
    """

    def __init__(
        self,
        makers: Iterable[Maker] = (),
        cast: Iterable[str] = (),
        *,
        agents_file: Path | None = None,
        shared: Path | None = None,
        lanes: Lanes | None = None,
        trouble: Trouble | None = None,
        record: Path | None = None,
        replay: Path | None = None,
        keyless: bool = False,
    ) -> None:
        self._installed = [_Installed(point) for point in entry_points(group="pytest_collab.agents")]
        self._makers: list[Maker] = [*makers, *self._installed]
        self._cast = {*CAST, *cast}
        self._agents_file = agents_file
        self._shared = shared
        self._record = record
        self._keyless = keyless
        self._given_lanes = lanes
        self.trouble = trouble or Trouble(shared)
        self._recording = None
        if replay is not None:
            from pytest_collab.agents.recording import Recording
            from pytest_collab.agents.replay import open_recording

            # With --collab-record an empty or missing directory is one that holds nothing yet.
            self._recording = Recording(replay) if record else open_recording(replay, f"--collab-replay={replay}")
        self._agents: dict[str, Agent] = {}

    def get(self, name: str) -> Agent:
        """The agent that `name` stands for.

        Raises:
            UsageError: nobody knows the name (suggests the nearest), a key is missing, the agents file is wrong.
        """
        if name not in self._agents:
            self._agents[name] = self._taped(name)
        return self._agents[name]

    def all(self) -> list[Agent]:
        """The agents made so far."""
        return list(self._agents.values())

    def refuse_unpriced(self, max_cost_usd: float) -> None:
        """See that the budget can be kept for the agents made so far.

        Raises:
            UsageError: the price of one that will really be asked is not known.
        """
        from pytest_collab.agents.prices import refuse_unpriced

        asked = self._agents if self._recording is None or self._record is not None else {}
        known = {name: self.settings(name) for name in asked}
        paying = [name for name, own in known.items() if own is not None or name.startswith(_OF_PYTHON)]
        themselves = [name for name in paying if (own := known[name]) is None or own.pays_for_itself]
        refuse_unpriced({name: self.tariff(name) for name in paying}, max_cost_usd, themselves)

    def tariff(self, name: str) -> Tariff | None:
        """What an agent's answers or episodes cost; None when that is not known.

        Raises:
            UsageError: nobody knows the name.
        """
        from pytest_collab.agents.prices import Tariff, tariff

        settings = self.settings(name)
        if settings is not None:
            return tariff(settings)
        if not name.startswith(_OF_PYTHON):
            return None
        from pytest_collab.agents.python_agent import declared_price

        price = declared_price(name)
        return None if price is None else Tariff(price, "as it says")

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
        found += [
            Known(maker.point.name, f"entry point {maker.point.value}", "its own affair") for maker in self._installed
        ]
        found.append(Known("human", "a person in the terminal", "needs no key"))
        return found

    @cached_property
    def file(self) -> AgentsFile:
        """The agents file; an empty one when there is none."""
        from pytest_collab.agents.agents_file import AgentsFile, read

        return AgentsFile() if self._agents_file is None else read(self._agents_file)

    def settings(self, name: str) -> AgentSettings | None:
        """Settings of an agent of the agents file, an alias, or `provider/model`; None for any other name."""
        from pytest_collab.agents.secrets import redact
        from pytest_collab.agents.settings import AgentSettings, wrong_address

        if name in self.file.agents:
            return self.file.agents[name]
        kind, _, rest = name.partition("/")
        if kind in ("command", "acp"):
            named = self.file.agents.get(rest)
            if named is not None and named.provider != kind:
                raise UsageError(f"agent {name!r}: {rest!r} is a {named.provider} agent, not one of provider {kind}.")
            if not rest:
                raise UsageError(f"agent {name!r} names no program. Write {kind}/PROGRAM.")
            return named or AgentSettings.model_validate({"provider": kind, "command": _command(kind, rest)})
        if kind == "a2a" and rest:
            named = self.file.agents.get(rest)
            if named is not None and named.provider == "a2a":
                return named
            wrong = wrong_address(rest)
            if wrong is not None:
                raise UsageError(f"agent 'a2a/{redact(rest)}': the address {wrong}")
            return AgentSettings.model_validate({"provider": "a2a", "base_url": rest})
        provider, slash, model = ALIASES.get(name, name).partition("/")
        if slash and provider in PROVIDERS:
            if not model:
                raise UsageError(f"agent {name!r} names no model. Write {provider}/MODEL.")
            return AgentSettings.model_validate({"provider": provider, "model": model})
        return None

    def _taped(self, name: str) -> Agent:
        """The agent, with a recording before it or after it where one is asked for."""
        if self._record is None and self._recording is None:
            return self._make(name)
        settings = self.settings(name)
        answering = {} if settings is None else settings.answering()
        if self._record is None and (settings is not None or self._is_recorded(name)):
            return self._replayed(name, settings)
        live = self._make(name)
        if isinstance(live, BuiltinAgent) or name.startswith("replay/") or self._record is None:
            return live
        from pytest_collab.agents.record import RecordingAgent

        same = self._recording is not None and self._recording.folder == self._record
        recorder = RecordingAgent(live, self._record, answering, append=same)
        if self._recording is None:
            return recorder
        from pytest_collab.agents.replay import ReplayAgent

        window = live.context_tokens
        return ReplayAgent(
            name, self._recording, answering, model=live.model, context_tokens=window, missing=recorder
        )

    def _replayed(self, name: str, settings: AgentSettings | None) -> Agent:
        """The agent as the recording holds it; needs no key, and nothing that the agent itself is made of."""
        from pytest_collab.agents.prices import context_tokens
        from pytest_collab.agents.replay import ReplayAgent

        assert self._recording is not None
        if settings is None:
            return ReplayAgent(name, self._recording, {}, model=name)
        window = context_tokens(settings)
        replayed = ReplayAgent(
            name, self._recording, settings.answering(), model=settings.model or name, context_tokens=window
        )
        replayed.autonomous = settings.autonomous
        return replayed

    def _is_recorded(self, name: str) -> bool:
        """Does the recording hold an agent that only a third party could make?"""
        return self._recording is not None and self._recording.holds(name)

    def _make(self, name: str) -> Agent:
        agent = self._bare(name)
        settings = self.settings(name)
        themselves = name.startswith(_OF_PYTHON) if settings is None else settings.pays_for_itself
        tariff = self.tariff(name) if themselves else None
        if tariff is None:
            return agent
        from pytest_collab.agents.fares import FaredAgent

        return FaredAgent(agent, tariff)

    def _bare(self, name: str) -> Agent:
        for maker in self._makers:
            agent = maker(name)
            if agent is not None:
                agent.name = name
                return agent
        settings = self.settings(name)
        if settings is not None and settings.provider == "command":
            from pytest_collab.agents.command import CommandAgent

            return CommandAgent(name, settings)
        if settings is not None and settings.provider == "acp":
            from pytest_collab.agents.acp_agent import AcpAgent

            return AcpAgent(name, settings)
        if settings is not None and settings.provider == "a2a":
            from pytest_collab.agents.a2a_agent import A2AAgent

            return A2AAgent(name, settings)
        if settings is not None:
            return self._model(name, settings)
        if name.startswith("replay/"):
            from pytest_collab.agents.replay import ReplayAgent, replay_folder

            return ReplayAgent(name, replay_folder(name), None, model=name)
        if name.startswith(_OF_PYTHON):
            from pytest_collab.agents.python_agent import PythonAgent, TeamAgent

            return PythonAgent(name) if name.startswith("python/") else TeamAgent(name)
        if name == "human":
            from pytest_collab.agents.human import HumanAgent

            return HumanAgent()
        bare = name.removeprefix("builtin/")
        if bare in self._cast:
            agent = BuiltinAgent(bare)
            agent.name = name
            return agent
        raise self._unknown(name)

    def _model(self, name: str, settings: AgentSettings) -> ModelAgent:
        from pytest_collab.agents.model import key_of
        from pytest_collab.agents.settings import RateLimits
        from pytest_collab.agents.surroundings import broken_surroundings

        wrong = settings.wrong_variable() or broken_surroundings(settings.address)
        if wrong is not None:
            raise UsageError(f"agent {name!r}: {wrong}")
        module, _, kind = _PROVIDER_CLASSES[settings.provider].partition(":")
        make: type[ModelAgent] = getattr(import_module(f"pytest_collab.agents.{module}"), kind)

        account = f"{settings.provider}|{settings.address}|{settings.key_variable or ''}"
        limits = self.file.limits.get(settings.provider, RateLimits())
        if settings.limits is not None:
            account, limits = f"agent {name}", settings.limits
        key = None if self._keyless else key_of(name, settings)
        return make(name, settings, self._lanes.get(account, limits), key, self.trouble)

    @cached_property
    def _lanes(self) -> Lanes:
        from pytest_collab.agents.limiter import FileLanes

        if self._given_lanes is not None:
            return self._given_lanes
        if self._shared is None:
            self._private = tempfile.TemporaryDirectory(prefix="collab-lanes-", ignore_cleanup_errors=True)
            return FileLanes(Path(self._private.name))
        return FileLanes(self._shared)

    def _unknown(self, name: str) -> UsageError:
        builtin = sorted(self._cast)
        named = [*self.file.agents, *(alias for alias in ALIASES if alias not in self.file.agents)]
        provider, slash, rest = name.partition("/")
        if slash and provider != "builtin":
            kinds = [*PROVIDERS, "builtin", "replay", "command", "acp", "a2a", "python", "team"]
            close = get_close_matches(provider, kinds, n=1)
            hint = f"Did you mean {close[0] + '/' + rest!r}? " if close else ""
            return UsageError(f"unknown agent {name!r}. {hint}Write one of {'/..., '.join(kinds)}/... .")
        close = get_close_matches(rest or name, [*named, *builtin, "human"], n=1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        return UsageError(
            f"unknown agent {name!r}. {hint}Named agents are {', '.join(named)}; "
            f"built-in agents are {', '.join(builtin)}; any model works as provider/model, any program as "
            "command/PROGRAM, a recording as replay/DIR, and a person as human."
        )


class _Installed:
    """An entry point of the group `pytest_collab.agents`, as in `mine = "package.module:factory"`.

    The factory is imported when an agent called `mine` or `mine/...` is asked for, and is given that name.
    """

    def __init__(self, point: EntryPoint) -> None:
        self.point = point

    def __call__(self, name: str) -> Agent | None:
        if name != self.point.name and not name.startswith(f"{self.point.name}/"):
            return None
        made: Agent | None = self.point.load()(name)
        return made


def _command(kind: str, name: str) -> tuple[str, ...]:
    """The program that `command/NAME` or `acp/NAME` stands for, where no agents file says it."""
    from pytest_collab.agents.known import CLIS

    known = CLIS.get(name)
    return known.acp if kind == "acp" and known is not None and known.acp else (name,)


def _told(settings: AgentSettings) -> str:
    if settings.command:
        return f"{settings.provider} {' '.join(settings.command)}"
    return f"{settings.provider}/{settings.model}"


def _key_state(settings: AgentSettings) -> str:
    variable = settings.key_variable
    if variable is None:
        return "needs no key"
    return f"{variable} is set" if os.environ.get(variable) else f"{variable} is NOT set"
