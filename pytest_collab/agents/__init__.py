"""Agents: one module a provider. `make` turns what a user wrote into an agent."""

from __future__ import annotations

from pytest_collab.agents.registry import Registry

__all__ = ["Registry"]
