"""Where the core keeps what is dear to make, and what is told when that is out of order."""

from __future__ import annotations

import os
from pathlib import Path


class CacheWarning(UserWarning):
    """The cache is damaged or out of order; what is computed is right all the same."""


def cache_directory() -> Path:
    """$PYTEST_COLLAB_CACHE, else $XDG_CACHE_HOME/pytest-collab, else ~/.cache/pytest-collab."""
    if own := os.environ.get("PYTEST_COLLAB_CACHE"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "pytest-collab"
