"""Keys under which the plugin keeps what it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_collab.episode.executor import Finished
    from pytest_collab.plugin.session import CollabSession

SESSION: pytest.StashKey[CollabSession] = pytest.StashKey()
"""On the config: this process's session; absent when no agents were named."""

REFUSED: pytest.StashKey[str] = pytest.StashKey()
"""On the config: why agents that the ini file names cannot be had; told to who collects a collaboration task."""

FAMILIES: pytest.StashKey[bool] = pytest.StashKey()
"""On the config: have third-party families been registered?"""

EPISODE: pytest.StashKey[Finished] = pytest.StashKey()
"""On an item: the episode that it played."""
