"""A player wakes up: it reads ini file and conftest.py as pytest does, and finds agents and families."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_collab.agents.lane import Lanes
from pytest_collab.agents.trouble import Trouble
from pytest_collab.cluster.branch import BranchLanes, BranchTrouble, Line
from pytest_collab.cluster.hello import Hello
from pytest_collab.cluster.performer import Performer
from pytest_collab.episode.text import one_line
from pytest_collab.errors import UsageError

if TYPE_CHECKING:
    from pytest_collab.agents.registry import Registry

HOST: Final = "collab-player"
"""The plugin by which pytest_collab, when pytest is configured, learns that this is a player's process."""


class Host:
    """Holds what the plugin finds.

    Attributes:
        lanes, trouble: for the registry to be made with.
        registry: set by the plugin.
    """

    def __init__(self, lanes: Lanes, trouble: Trouble) -> None:
        self.lanes = lanes
        self.trouble = trouble
        self.registry: Registry | None = None


def boot(hello: Hello, line: Line) -> Performer:
    """Make this process a player.

    Raises:
        UsageError: pytest cannot be configured here as it was where the session was started, or an agent cannot be
            made.
    """
    import pytest
    from _pytest.config import Config

    os.environ.update(hello.variables)
    if hello.modules is not None:
        sys.path[:] = hello.modules
    root = Path.cwd() / (hello.root or "")
    os.chdir(root / hello.folder)
    ini = ["-c", str(root / hello.ini)] if hello.ini is not None else []
    host = Host(BranchLanes(line), BranchTrouble(line))
    try:
        arguments = ["--rootdir", str(root), *ini, *hello.arguments]
        config = Config.fromdictargs({**hello.options, "capture": "no"}, arguments)
        config.pluginmanager.register(host, HOST)
        config._do_configure()
    except (pytest.UsageError, OSError) as error:
        raise UsageError(str(error)) from None
    except Exception as error:  # of somebody's conftest.py
        raise UsageError(one_line(f"pytest cannot be configured: {type(error).__name__}: {error}", 400)) from None
    if host.registry is None:
        raise UsageError("the plugin pytest-collab is not active here, or no agents are named")
    return Performer(hello.name, host.registry, root, line)
