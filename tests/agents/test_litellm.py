"""The real SDKs through a proxy that nobody here wrote: litellm, as a mock and as a translator of wire formats."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_collab.agents.registry import Registry
from pytest_collab.agents.settings import AgentSettings
from pytest_collab.episode.agent import Request, Tool, ToolResult, Turn
from tests.agents.conftest import PROVIDERS, ask, asking
from tests.support.model_server import ModelServer, Say

KEY = "sk-litellm-test-key"
INSTALL = (
    "python -m venv .venv-litellm && .venv-litellm/bin/pip install 'litellm[proxy]' (or set COLLAB_TEST_LITELLM)"
)
LOOK = Tool(
    "look", "looks around", {"type": "object", "properties": {"way": {"type": "string"}}, "required": ["way"]}
)

pytestmark = pytest.mark.slow


def _program() -> str | None:
    local = Path(__file__).parents[2] / ".venv-litellm" / "bin" / "litellm"
    return os.environ.get("COLLAB_TEST_LITELLM") or (str(local) if local.is_file() else shutil.which("litellm"))


@pytest.fixture(scope="module")
def upstream() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


@pytest.fixture(scope="module")
def proxy(upstream: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = _program()
    if program is None:
        pytest.skip(f"litellm is not installed: {INSTALL}")
    folder = tmp_path_factory.mktemp("litellm")
    config = folder / "config.yaml"
    config.write_text(
        f"""
model_list:
  - model_name: mocked
    litellm_params: {{model: openai/mocked, api_key: none, mock_response: "hello from litellm"}}
  - model_name: through
    litellm_params: {{model: hosted_vllm/tested, api_key: none, api_base: "{upstream.url}/v1"}}
"""
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**os.environ, "LITELLM_MASTER_KEY": KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    env.pop("PYTHONPATH", None)
    with (folder / "log").open("wb") as log:
        command = [program, "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(command, env=env, cwd=folder, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        _await(f"{url}/health/liveliness", process, folder / "log")
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 180
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()[-2000:]
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"litellm did not start: {log.read_text()[-2000:]}")


@pytest.fixture
def make(proxy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("LITELLM_KEY", KEY)

    def make_agent(provider: str, model: str) -> Any:
        settings = AgentSettings.model_validate(
            {
                "provider": provider,
                "model": model,
                "base_url": proxy if provider == "anthropic" else f"{proxy}/v1",
                "api_key_env": "LITELLM_KEY",
                "max_retries": 1,
            }
        )
        return Registry(shared=tmp_path)._model("tested", settings)

    return make_agent


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_foreign_server_is_understood(make: Any, provider: str) -> None:
    reply = ask(make(provider, "mocked"), asking())
    assert reply.text == "hello from litellm"
    assert reply.stop == "end"
    assert reply.usage.input_tokens > 0
    assert reply.usage.output_tokens > 0


@pytest.mark.parametrize("provider", ["anthropic", "openai-chat"])
def test_tools_and_cached_tokens_survive_a_foreign_translator(
    upstream: ModelServer, make: Any, provider: str
) -> None:
    """What Anthropic's format says is read by litellm, sent on as chat completions, and comes back the same."""
    calls = (("look", {"way": "north"}), ("look", {"way": "south"}))
    upstream.answer = lambda call: Say("looked", cached=64) if call.results else Say("let me see", tools=calls)
    agent = make(provider, "through")
    first_request = asking("what is there?", tools=(LOOK,))
    first = ask(agent, first_request)
    assert first.stop == "tool"
    assert [(call.name, dict(call.arguments)) for call in first.tool_calls] == list(calls)
    results = tuple(ToolResult(call.id, f"a wall {call.arguments['way']}") for call in first.tool_calls)
    told = Turn("assistant", first.text, first.tool_calls, opaque=first.opaque)
    turns = (*first_request.conversation, told, Turn("user", "", (), results))
    second = ask(agent, Request("a", 1, "Be brief.", turns, (LOOK,)))
    assert second.text == "looked"
    seen = upstream.log[-1]
    assert seen.call.results == ("a wall north", "a wall south")
    assert seen.call.system == "Be brief."
    assert (second.usage.input_tokens, second.usage.cached_tokens) == (seen.input_tokens, 64)
    assert second.usage.output_tokens == seen.output_tokens
