"""The glue to pytest: options and registration, no logic, and nothing heavy is imported here."""

from __future__ import annotations

import pytest

from pytest_collab.plugin import hookspecs, options


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    from pytest_collab.plugin import collection, cooperbench, fixtures

    config.addinivalue_line("markers", "collab: an episode of a collaboration task (added by pytest-collab)")
    config.pluginmanager.register(fixtures, "collab-fixtures")
    config.pluginmanager.register(collection, "collab-collection")
    config.pluginmanager.register(cooperbench, "collab-cooperbench")
    cooperbench.configure(config)
    if options.has_agents(config):
        from pytest_collab.plugin import wiring

        wiring.configure(config)
    elif config.getoption("collab_gate"):
        raise pytest.UsageError("--collab-gate needs agents to judge: pass --agents=NAME[,NAME]")
