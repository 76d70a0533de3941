"""Fixtures for tests of agents: a model server, and agents that talk to it through the real SDKs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from pytest_collab.agents.limiter import FileLane
from pytest_collab.agents.model import ModelAgent, key_of
from pytest_collab.agents.registry import Registry
from pytest_collab.agents.settings import AgentSettings, RateLimits
from pytest_collab.episode.agent import Reply, Request, Turn
from tests.support.model_server import ModelServer

PROVIDERS = ("anthropic", "openai", "openai-chat")
KEY = "sk-test-0123456789abcdef"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    for variable in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(variable, KEY)
    monkeypatch.setattr("pytest_collab.agents.retry.FIRST_PAUSE_S", 0.005)
    with ModelServer() as running:
        yield running


@pytest.fixture
def make(server: ModelServer, tmp_path: Path) -> Callable[..., ModelAgent]:
    """Makes an agent of a provider, set up to talk to the server."""

    def make_agent(provider: str, *, limits: RateLimits | None = None, **values: Any) -> ModelAgent:
        settings = settings_for(server, provider, **values)
        registry = Registry(shared=tmp_path)
        agent = registry._model("tested", settings)
        if limits is not None:
            agent._lane = FileLane(tmp_path / "own-lane", limits)
        return agent

    return make_agent


def settings_for(server: ModelServer, provider: str, **values: Any) -> AgentSettings:
    address = server.url if provider == "anthropic" else f"{server.url}/v1"
    standard = {
        "model": "tested-model",
        "base_url": address,
        "api_key_env": "ANTHROPIC_API_KEY" if provider == "anthropic" else "OPENAI_API_KEY",
        "price": {"input": 1, "output": 2, "cached_input": 0.1},
    }
    return AgentSettings.model_validate({"provider": provider, **standard, **values})


def asking(text: str = "hello", system: str = "Be brief.", **rest: Any) -> Request:
    return Request("a", 0, system, (Turn("user", text),), **rest)


def ask(agent: Any, *requests: Request) -> Reply:
    """The last reply; all in one loop, whose connections are closed at its end."""

    async def run() -> Reply:
        for request in requests:
            reply = await agent.reply(request)
        await agent.aclose()
        return reply

    return anyio.run(run)


__all__ = ["KEY", "PROVIDERS", "ask", "asking", "key_of", "settings_for"]
