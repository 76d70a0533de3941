"""Fixtures of the project's own tests."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder whose conftest registers the handshake family and its players."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    pytester.makeconftest(
        """
        from tests.support.handshake import HandshakeFamily
        from pytest_collab.agents.builtin import BuiltinAgent

        def pytest_collab_families(config):
            return [HandshakeFamily()]

        def pytest_collab_make_agent(config, name):
            return BuiltinAgent(name) if name in HandshakeFamily.cast else None
        """
    )
    return pytester
