"""The side of a player that plays for another session (`pytest_collab.cluster`): it needs agents and families."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_collab.cluster.boot import Host
from pytest_collab.plugin import families
from pytest_collab.plugin.options import settings
from pytest_collab.plugin.roster import Roster


def take_part(config: pytest.Config, host: Host) -> None:
    """Find the families and agents of this process, and give them to `host`.

    Raises:
        CollabError: an agent cannot be made here.
    """
    families.register(config)
    roster = Roster(config, settings(config), Path(), lanes=host.lanes, trouble=host.trouble)
    roster.check()
    host.registry = roster.registry
