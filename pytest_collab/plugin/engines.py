"""`--collab-executor`: which engine plays the session's episodes, and what its players are told."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from pytest_collab.agents.builtin import BuiltinAgent
from pytest_collab.agents.secrets import sensitive
from pytest_collab.agents.trouble import leave_notice
from pytest_collab.episode.executor import Keep
from pytest_collab.episode.journal import keep_beside
from pytest_collab.episode.plan import Plan
from pytest_collab.episode.run import RunDirectory
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import RunError, UsageError
from pytest_collab.plugin import options
from pytest_collab.plugin.options import Settings
from pytest_collab.plugin.roster import Roster

if TYPE_CHECKING:
    from pytest_collab.cluster.engine import Engine, Session
    from pytest_collab.cluster.executor import ClusterExecutor
    from pytest_collab.cluster.hello import Hello

LOCAL: Final = "local"
_SHIPPED: Final = {
    "subprocess": "pytest_collab.cluster.subprocess_engine:SubprocessEngine",
    "ray": "pytest_collab.cluster.ray_engine:RayEngine",
}
_PYTEST: Final = ("confcutdir", "noconftest", "importmode", "pyargs")
"""Options of pytest's own that decide what is imported."""


def check(config: pytest.Config, settings: Settings, roster: Roster) -> None:
    """See that the engine can play this session.

    Raises:
        UsageError: there is no such engine, or something stands against it; says what to do.
    """
    name = settings.executor
    if name == LOCAL:
        if settings.players is not None:
            raise UsageError(
                f"--collab-players={settings.players} needs --collab-executor=subprocess, or ray: the local executor "
                "plays in this process"
            )
        return
    engine = _engine(name)
    if config.getoption("numprocesses", None) or config.getoption("dist", "no") != "no":
        raise UsageError(
            f"--collab-executor={name} cannot be used with -n: the driver itself hands episodes to players. Leave -n "
            "out and say --collab-in-flight=N, the episodes in play over all players"
        )
    named = {*settings.agents, *(agent for team in settings.teams for agent in team)}
    if "human" in named:
        raise UsageError(f"--collab-executor={name}: a person sits at this terminal; play with the local executor")
    if settings.record is not None and not getattr(engine, "shares_disk", False):
        raise UsageError(
            f"--collab-executor={name} cannot be used with --collab-record: recordings would stay on the machines of "
            "the players. Record with the local or the subprocess executor"
        )
    look = getattr(engine, "check", None)
    if look is not None and not roster.unasked:
        look()


def _engine(name: str) -> Callable[[Session], Engine]:
    """What makes the engine of that name. Raises UsageError when there is none."""
    from pytest_collab.cluster.engine import ENTRY_POINTS

    if name in _SHIPPED:
        module, _, attribute = _SHIPPED[name].partition(":")
        made: Callable[[Session], Engine] = getattr(import_module(module), attribute)
        return made
    points = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    if name not in points:
        known = ", ".join([LOCAL, *_SHIPPED, *sorted(points)])
        raise UsageError(f"--collab-executor={name}: there is no such engine; choose from {known}")
    loaded: Callable[[Session], Engine] = points[name].load()
    return loaded


@dataclass(frozen=True, slots=True)
class OwnSide:
    """What this process does for players elsewhere; as in `cluster.executor.Stock`.

    Attributes:
        run: where plays are kept.
    """

    run: RunDirectory | None
    seeds: Callable[[Plan], Sequence[int]]
    likely: Callable[[Plan], float]
    keep: Keep


def executor(
    config: pytest.Config,
    settings: Settings,
    roster: Roster,
    shared: Path,
    own: OwnSide,
    watch: Callable[[int], None],
) -> ClusterExecutor:
    """The executor of an engine whose players are elsewhere."""
    from pytest_collab.cluster.engine import Session
    from pytest_collab.cluster.executor import ClusterExecutor, Stock

    def notice(about: str, text: str) -> None:
        leave_notice(shared, about, text)

    def beside(transcript: Transcript, worker: str) -> None:
        if own.run is not None:
            with suppress(RunError):
                keep_beside(own.run, transcript, worker)

    stock = Stock(
        root=config.rootpath,
        sandbox=lambda: sandbox(settings.sandbox),
        seeds=own.seeds,
        likely=own.likely,
        keep=own.keep,
        beside=beside,
        notice=notice,
        reread=None if own.run is None else own.run.transcript,
    )

    session = Session(
        hello=_hello(config, roster),
        shared=shared,
        root=config.rootpath,
        agents_file=roster.agents_file(),
        max_cost_usd=settings.max_cost,
        most=settings.players,
        in_flight=settings.in_flight,
        notice=notice,
    )
    return ClusterExecutor(_engine(settings.executor)(session), stock, settings.in_flight, watch=watch)


def header(settings: Settings, roster: Roster) -> list[str]:
    """What is said of the engine at the start of a session; nothing of the local one."""
    if settings.executor == LOCAL:
        return []
    players = f", at most {settings.players} players" if settings.players is not None else ""
    handed = sorted(_variables(roster))
    told = f"; players are told {', '.join(handed)}" if handed else ""
    return [f"collab executor: {settings.executor}{players}, {settings.in_flight} in flight{told}"]


def _hello(config: pytest.Config, roster: Roster) -> Hello:
    from pytest_collab.cluster.hello import Hello

    folder = config.invocation_params.dir
    plugins = [word for name in config.option.plugins for word in ("-p", name)]
    overrides = [word for pair in config.getoption("override_ini") or () for word in ("-o", pair)]
    names = [*options.dests(), *_PYTEST, *_of_conftests(config)]
    told = {name: getattr(config.option, name) for name in names if hasattr(config.option, name)}
    return Hello(
        name="",
        root=str(config.rootpath),
        folder=os.path.relpath(folder, config.rootpath),
        ini=None if config.inipath is None else os.path.relpath(config.inipath, config.rootpath),
        arguments=(*plugins, *overrides, *(_from(folder, name) for name in config.args)),
        options={name: value for name, value in told.items() if _plain(value)},
        variables=_variables(roster),
    )


def _from(folder: Path, argument: str) -> str:
    """An argument of pytest as it is called in another copy of the same folder."""
    return os.path.relpath(argument, folder) if os.path.isabs(argument) else argument


def _of_conftests(config: pytest.Config) -> list[str]:
    """Options that conftest.py files add: agents made there may read them."""
    parser = pytest.Parser(_ispytest=True)
    for plugin in config.pluginmanager.get_plugins():
        add = getattr(plugin, "pytest_addoption", None)
        if add is not None and str(getattr(plugin, "__file__", "")).endswith("conftest.py"):
            known: dict[str, Any] = {"parser": parser, "pluginmanager": config.pluginmanager}
            add(**{name: known[name] for name in inspect.signature(add).parameters if name in known})
    groups = [parser._anonymous, *parser._groups]
    return [option.dest for group in groups for option in group.options]


def _plain(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_plain, value))
    return value is None or isinstance(value, str | int | float | bool)


def _variables(roster: Roster) -> dict[str, str]:
    """Variables of the environment that players must be told: secret ones that agents name.

    Programs, and agents of third parties, do not name theirs: they get what they would have here.
    """
    secret = {name: value for name, value in os.environ.items() if sensitive(name, value)}
    wanted = {name for name in secret if name.lower().endswith("_proxy")}
    for agent in roster.registry.all():
        if isinstance(agent, BuiltinAgent):
            continue
        own = roster.registry.settings(agent.name)
        if own is None or own.provider in ("command", "acp"):
            return secret
        wanted |= own.variables()
    return {name: os.environ[name] for name in wanted if name in os.environ}


@cache
def sandbox(name: str) -> tuple[str, str]:
    """What `--collab-sandbox` says, and which sandbox that comes to on this machine, where no image is named."""
    from pytest_collab.sandbox import choose

    return name, anyio.run(choose, name).name
