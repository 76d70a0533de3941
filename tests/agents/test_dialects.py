"""Every block of docs/how-to/connect-a-provider.md, against a server that speaks that dialect."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from pytest_collab.agents.registry import Registry
from tests.agents.conftest import ask, asking
from tests.support.model_server import Call, ModelServer, Raw, Say

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "connect-a-provider.md"
BLOCKS = dict(re.findall(r"<!-- agent: (\w+) -->\n```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL))
KEY = "a-key-of-this-dialect-0123"


def wants_key(call: Call) -> Raw | None:
    if call.headers.get("authorization") == f"Bearer {KEY}":
        return None
    return Raw(401, {"error": {"message": "Unauthorized", "code": 401}})


def wants_none(call: Call) -> Raw | None:
    assert KEY not in str(call.headers)
    return None


def azure(call: Call) -> Raw | None:
    if not call.path.startswith("/openai/v1/"):
        return Raw(404, {"error": {"code": "404", "message": "Resource not found"}})
    if "max_tokens" in call.body:
        told = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
        return Raw(400, {"error": {"message": told, "param": "max_tokens", "code": "unsupported_parameter"}})
    return wants_key(call)


def bedrock(call: Call) -> Raw | None:
    if not call.path.startswith("/openai/v1/"):
        return Raw(404, {"message": "Unknown operation"})
    return wants_key(call)


def vertex(call: Call) -> Raw | None:
    error = {"code": 400, "message": "Malformed publisher model", "status": "INVALID_ARGUMENT"}
    if not call.model.startswith("google/") or "/endpoints/openapi/chat/" not in call.path:
        return Raw(400, [{"error": error}])
    return wants_key(call)


def openrouter(call: Call) -> Raw | None:
    if call.number == 1:
        return Raw(200, {"error": {"message": "Provider returned error", "code": 502, "metadata": {"raw": "idle"}}})
    return wants_key(call)


def vllm(call: Call) -> Raw | None:
    if call.body["max_tokens"] + len(call.text) // 4 > 8192:
        told = "This model's maximum context length is 8192 tokens. However, you requested 16010 tokens"
        return Raw(400, {"object": "error", "message": told, "type": "BadRequestError", "code": 400})
    return wants_none(call)


def ollama(call: Call) -> Raw | None:
    if call.model != "qwen3:30b":
        return Raw(404, {"error": f'model "{call.model}" not found, try pulling it first'})
    return wants_none(call)


def llamacpp(call: Call) -> Raw | None:
    if any(message["role"] == "system" for message in call.body["messages"]):
        return Raw(500, {"error": {"code": 500, "message": "System role not supported", "type": "server_error"}})
    return wants_none(call)


DIALECTS: dict[str, Callable[[Call], Raw | None]] = {
    "azure": azure,
    "bedrock": bedrock,
    "vertex": vertex,
    "openrouter": openrouter,
    "vllm": vllm,
    "ollama": ollama,
    "llamacpp": llamacpp,
    "litellm": wants_key,
}


def test_every_block_of_the_page_is_tried() -> None:
    assert sorted(BLOCKS) == sorted(DIALECTS)


@pytest.mark.parametrize("name", sorted(BLOCKS))
def test_the_block_works_at_a_server_that_speaks_this_dialect(
    server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    agents: dict[str, Any] = yaml.safe_load(BLOCKS[name])
    block = agents["agents"][name]
    block["base_url"] = server.url + urlsplit(block["base_url"]).path
    if "api_key_env" in block:
        monkeypatch.setenv(block["api_key_env"], KEY)
    (tmp_path / "agents.yaml").write_text(yaml.safe_dump(agents))
    server.fault = DIALECTS[name]
    server.system_role = name != "llamacpp"
    server.answer = lambda call: Say("<think>hm</think>yes" if name == "llamacpp" else "yes")
    agent = Registry(shared=tmp_path, agents_file=tmp_path / "agents.yaml").get(name)
    reply = ask(agent, asking())
    assert reply.text == "yes"
    assert reply.usage.cost_usd is not None
    assert server.refused == []


def test_a_wrong_block_is_told_by_the_servers_own_words(
    server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    agents = yaml.safe_load(BLOCKS["azure"])
    agents["agents"]["azure"]["base_url"] = f"{server.url}/openai/v1"
    del agents["agents"]["azure"]["token_limit_key"]
    (tmp_path / "agents.yaml").write_text(yaml.safe_dump(agents))
    server.fault = azure
    agent = Registry(shared=tmp_path, agents_file=tmp_path / "agents.yaml").get("azure")
    with pytest.raises(Exception, match=r"Use 'max_completion_tokens' instead.*token_limit_key"):
        ask(agent, asking())
