"""The project that a command is run in: agents and families of its pytest configuration and conftest files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_collab import families
from pytest_collab.agents.agents_file import DEFAULT_NAME
from pytest_collab.agents.registry import Known, Registry
from pytest_collab.errors import UsageError

if TYPE_CHECKING:
    import pytest

    from pytest_collab.episode.agent import Agent


@dataclass(frozen=True, slots=True)
class Project:
    """As pytest would set it up, started in this folder.

    Attributes:
        config: pytest's configuration, with the conftest files that it loads at its start.
    """

    config: pytest.Config

    def registry(
        self, agents_file: Path | None = None, cast: Iterable[str] = (), tape: Path | None = None
    ) -> Registry:
        """The agents of a session that is started here.

        Args:
            agents_file: the one given on the command line; None for the one that a session would take.
            cast: built-in players beyond those of the registered families.
            tape: a recording: what it holds is played back, what is new is asked and kept.
        """

        def make(name: str) -> Agent | None:
            made: Agent | None = self.config.hook.pytest_collab_make_agent(config=self.config, name=name)
            return made

        of_families = {name for family in families.registered() for name in family.cast}
        return Registry(
            [make], {*of_families, *cast}, agents_file=agents_file or self._agents_file(), record=tape, replay=tape
        )

    def hooked(self) -> list[Known]:
        """What the project's own hooks make: a hook takes any name, so those are listed that the ini file uses."""
        found = []
        for implementation in self.config.hook.pytest_collab_make_agent.get_hookimpls():
            where = self._shown(str(getattr(implementation.plugin, "__file__", None) or implementation.plugin_name))
            names = [name for name in self._used() if _made(implementation.function, self.config, name)]
            found += [Known(name, f"hook in {where}", "its own affair") for name in names]
            found.append(Known("(any name)", f"hook in {where}", "ask with --check NAME"))
        return found

    def _used(self) -> list[str]:
        """Agents that the ini file names."""
        text = ",".join(self._ini(key) for key in ("agents", "collab_teams")).replace("+", ",")
        return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))

    def _agents_file(self) -> Path | None:
        here = self.config.invocation_params.dir
        if named := self._ini("collab_agents"):
            return here / named
        for folder in (here, self.config.rootpath):
            if (folder / DEFAULT_NAME).is_file():
                return folder / DEFAULT_NAME if folder != here else Path(DEFAULT_NAME)
        return None

    def _ini(self, key: str) -> str:
        try:
            return str(self.config.getini(key)).strip()
        except (ValueError, KeyError):  # the plugin is switched off here
            return ""

    def _shown(self, path: str) -> str:
        place = Path(path)
        here = self.config.invocation_params.dir
        return str(place.relative_to(here)) if place.is_relative_to(here) else path


def _made(make: Any, config: pytest.Config, name: str) -> bool:
    import inspect

    offered = {"config": config, "name": name}
    wanted = inspect.signature(make).parameters
    try:
        return make(**{key: value for key, value in offered.items() if key in wanted}) is not None
    except Exception:
        return True  # it knows the name, and cannot make the agent here (a key is missing, say)


def project() -> Project:
    """Set pytest up in this folder, far enough to know its configuration and hooks; nothing is collected.

    Raises:
        UsageError: pytest cannot be set up here; it has said why.
        TaskError: two families have one name.
    """
    import pytest

    taken: list[pytest.Config] = []

    class Take:
        @pytest.hookimpl(tryfirst=True)
        def pytest_cmdline_main(self, config: pytest.Config) -> int:
            taken.append(config)
            return 0

    pytest.main(["--capture=no", "-p", "no:cacheprovider"], plugins=[Take()])
    if not taken:
        raise UsageError("pytest cannot be set up in this folder (it says why above): correct its ini or conftest.py")
    (config,) = taken
    for made in config.hook.pytest_collab_families(config=config):
        for family in made:
            families.register(family)
    return Project(config)
