"""The families of plugins and conftests, beside the shipped ones."""

from __future__ import annotations

import pytest

from pytest_collab.plugin.state import FAMILIES


def register(config: pytest.Config) -> None:
    """Ask plugins and conftests for their families, once per session.

    Raises:
        TaskError: two families have one name.
    """
    if config.stash.get(FAMILIES, False):
        return
    config.stash[FAMILIES] = True
    from pytest_collab import families

    for found in config.hook.pytest_collab_families(config=config):
        for family in found:
            families.register(family)
