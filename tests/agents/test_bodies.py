"""Whatever conversation the engine hands over, what is sent keeps the provider's rules."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_collab.agents.model import last_digest
from pytest_collab.agents.registry import Registry
from pytest_collab.agents.settings import AgentSettings
from pytest_collab.episode.agent import Request, ToolCall, ToolResult, Turn

texts = st.sampled_from(["", " ", "\n", "hello", "two\nlines ", "ünïcode"])


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Turn, ...]:
    """Alternating turns, as the engine makes them: results of all calls stand in the next user turn."""
    turns = [Turn("user", draw(texts))]
    number = 0
    for _ in range(draw(st.integers(0, 4))):
        calls = []
        for _ in range(draw(st.integers(0, 3))):
            number += 1
            calls.append(ToolCall(f"id{number}", "look", {"n": number}))
        foreign = draw(
            st.none() | st.just({"provider": "anthropic", "model": "m", "after": "?", "blocks": ["stale"]})
        )
        turns.append(Turn("assistant", draw(texts), tuple(calls), opaque=foreign))
        results = tuple(ToolResult(call.id, draw(texts), draw(st.booleans())) for call in calls)
        turns.append(Turn("user", draw(texts), tool_results=results))
    return tuple(turns)


@cache
def agent(provider: str, folder: Path) -> Any:
    made = AgentSettings.model_validate({"provider": provider, "model": "m", "base_url": "http://127.0.0.1:9/v2"})
    return Registry(shared=folder)._model("tested", made)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lanes")


@settings(max_examples=60)
@given(conversations())
def test_anthropic_gets_alternating_roles_no_empty_text_and_every_result_after_its_call(
    folder: Path, turns: tuple[Turn, ...]
) -> None:
    messages = agent("anthropic", folder).body(Request("a", 0, "s", turns))["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant"] * (len(messages) // 2) + ["user"]
    for message in messages:
        assert message["content"]
        assert all(part["text"].strip() for part in message["content"] if part["type"] == "text")
    for before, after in pairwise(messages):
        calls = [part["id"] for part in before["content"] if part["type"] == "tool_use"]
        head = after["content"][: len(calls)]
        assert [part.get("tool_use_id") for part in head] == calls
    assert "stale" not in str(messages)


@settings(max_examples=60)
@given(conversations())
def test_openai_gets_every_call_before_its_result_and_no_empty_message(folder: Path, turns: tuple[Turn, ...]) -> None:
    items = agent("openai", folder).body(Request("a", 0, "s", turns))["input"]
    open_calls: list[str] = []
    for item in items:
        if item.get("type") == "function_call":
            open_calls.append(item["call_id"])
        elif item.get("type") == "function_call_output":
            open_calls.remove(item["call_id"])
        else:
            assert item["content"].strip()
    assert not open_calls


@settings(max_examples=60)
@given(conversations())
def test_chat_servers_get_tool_messages_right_after_the_calls(folder: Path, turns: tuple[Turn, ...]) -> None:
    messages = agent("openai-chat", folder).body(Request("a", 0, "s", turns))["messages"]
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            assert message["tool_call_id"] == waiting.pop(0)
            continue
        assert not waiting
        waiting = [call["id"] for call in message.get("tool_calls", [])]
        assert waiting or message["content"].strip()
    assert not waiting


@given(conversations())
def test_the_same_conversation_has_the_same_digest_and_a_longer_one_another(turns: tuple[Turn, ...]) -> None:
    request = Request("a", 0, "s", turns)
    assert last_digest(request) == last_digest(Request("b", 5, "s", turns))
    longer = (*turns, Turn("assistant", "x"), Turn("user", "y"))
    assert last_digest(request) != last_digest(Request("a", 0, "s", longer))
    assert last_digest(request) != last_digest(Request("a", 0, "other", turns))
