"""The real SDKs against a server that refuses what real ones refuse: nothing that is sent back is ever refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_collab.agents.trouble import notices_file
from pytest_collab.episode.agent import Request, Tool, ToolResult, Turn
from pytest_collab.episode.conversation import Conversation
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import ProviderError
from tests.agents.conftest import PROVIDERS, ask, asking
from tests.support.model_server import Call, ModelServer, Raw, Say

LOOK = Tool("look", "looks around", {"type": "object", "properties": {"way": {"type": "string"}}})
STREAMS = [(provider, stream) for provider in PROVIDERS for stream in (False, True)]


def after(request: Request, reply: Any, text: str = "go on", results: tuple[ToolResult, ...] = ()) -> Request:
    """The next request, made as the engine makes it."""
    conversation = Conversation("a", request.system, Transcript())
    for turn in request.conversation:
        conversation.hear(turn.text, turn.tool_results)
    conversation.say(reply)
    conversation.hear(text, results)
    return replace(request, turn=request.turn + 1, conversation=conversation.turns)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("stop", ["max_tokens", None])
def test_a_turn_of_thinking_alone_can_be_sent_back(
    server: ModelServer, make: Callable[..., Any], stream: bool, stop: str | None
) -> None:
    server.answer = lambda call: Say(thinking="deep") if "hello" in call.text else Say("so")
    server.fault = lambda call: stop if "hello" in call.text else None
    agent = make("anthropic", stream=stream)
    request = asking()
    reply = ask(agent, request)
    assert (reply.text, reply.reasoning, reply.stop) == ("", "deep", "length" if stop else "end")
    assert ask(agent, after(request, reply)).text == "so"
    assert server.refused == []


@pytest.mark.parametrize(("provider", "stream"), STREAMS)
def test_blank_text_beside_thinking_or_calls_is_not_sent_back(
    server: ModelServer, make: Callable[..., Any], provider: str, stream: bool
) -> None:
    server.answer = lambda call: Say("seen") if call.results else Say("\n\n", (("look", {}),), thinking="deep")
    agent = make(provider, stream=stream)
    request = asking(tools=(LOOK,))
    reply = ask(agent, request)
    results = tuple(ToolResult(call.id, "a wall") for call in reply.tool_calls)
    assert ask(agent, after(request, reply, "", results)).text == "seen"
    assert server.refused == []


@pytest.mark.parametrize(("provider", "stream"), STREAMS)
def test_a_call_of_a_tool_that_was_not_offered_is_forgotten(
    server: ModelServer, make: Callable[..., Any], provider: str, stream: bool
) -> None:
    server.answer = lambda call: Say("", (("look", {}),), thinking="deep") if "hello" in call.text else Say("so")
    agent = make(provider, stream=stream)
    request = asking()
    reply = ask(agent, request)
    assert [call.name for call in reply.tool_calls] == ["look"]
    assert ask(agent, after(request, reply)).text == "so"
    assert server.refused == []


@pytest.mark.parametrize(("provider", "stream"), STREAMS)
def test_news_beside_tool_results_keeps_the_order_of_roles(
    server: ModelServer, make: Callable[..., Any], provider: str, stream: bool
) -> None:
    server.answer = lambda call: Say("seen") if call.results else Say("", (("look", {}), ("look", {})))
    agent = make(provider, stream=stream)
    request = asking(tools=(LOOK,))
    reply = ask(agent, request)
    results = tuple(ToolResult(call.id, f"wall {number}") for number, call in enumerate(reply.tool_calls))
    assert ask(agent, after(request, reply, "b writes: I am done", results)).text == "seen"
    assert server.refused == []
    assert "b writes: I am done" in str(server.log[-1].call.body)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_ids_that_stand_twice_and_names_with_template_tokens_are_mended(
    server: ModelServer, make: Callable[..., Any], provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = {
        "anthropic": {
            "id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "tool_use",
            "content": [
                {"type": "tool_use", "id": "same", "name": "look", "input": {}},
                {"type": "tool_use", "id": "same", "name": "look<|channel|>commentary", "input": {}},
            ],
            "usage": {"input_tokens": 1, "output_tokens": 1},
        },
        "openai": {
            "id": "r", "object": "response", "created_at": 1, "model": "m", "status": "completed", "error": None,
            "incomplete_details": None, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
            "output": [
                {"type": "function_call", "call_id": "same", "name": "look", "arguments": "{}"},
                {"type": "function_call", "call_id": "same", "name": "look<|channel|>commentary", "arguments": "{}"},
            ],
        },
        "openai-chat": {
            "id": "c", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": None,
                "tool_calls": [
                    {"id": "same", "type": "function", "function": {"name": "look", "arguments": "{}"}},
                    {"id": "same", "type": "function",
                     "function": {"name": "look<|channel|>commentary", "arguments": "{}"}},
                ]}}],
        },
    }  # fmt: skip
    server.fault = lambda call: None if call.results else Raw(200, bodies[provider])
    server.answer = lambda call: Say("seen")
    agent = make(provider)
    request = asking(tools=(LOOK,))
    reply = ask(agent, request)
    assert [call.name for call in reply.tool_calls] == ["look", "look"]
    results = tuple(ToolResult(call.id, "a wall") for call in reply.tool_calls)
    assert ask(agent, after(request, reply, "", results)).text == "seen"
    assert server.refused == []


def window(tokens: int) -> Callable[[Call], Raw | None]:
    """A vLLM with a small context: it counts four characters as a token, and refuses as vLLM does."""

    def fault(call: Call) -> Raw | None:
        size = sum(len(str(message["content"])) for message in call.body["messages"]) // 4
        wanted = call.body["max_tokens"]
        if size + wanted <= tokens:
            return None
        told = (
            f"This model's maximum context length is {tokens} tokens. However, you requested {size + wanted} tokens "
            f"({size} in the messages, {wanted} in the completion). Please reduce the length."
        )
        return Raw(400, {"error": {"message": told, "type": "BadRequestError", "code": 400}})

    return fault


def test_a_small_server_is_asked_for_a_shorter_answer_and_remembered(
    server: ModelServer, make: Callable[..., Any]
) -> None:
    server.fault = window(8192)
    agent = make("openai-chat")
    assert ask(agent, asking(), asking("again")).text == "I heard: again"
    assert [line.status for line in server.log] == [400, 200, 200]
    assert server.log[0].call.body["max_tokens"] == 16_000
    assert 7000 < server.log[1].call.body["max_tokens"] < 8192


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "answer",
    [
        Raw(413, "<html><head><title>413 Request Entity Too Large</title></head></html>"),
        Raw(413, {"error": {"message": "on tokens per minute (TPM): Limit 6000, Requested 16900",
                            "code": "rate_limit_exceeded"}}),
        Raw(429, {"error": {"message": "You exceeded your current quota, please check your plan", "code": "429"}}),
        Raw(429, {"error": {"message": "slow down"}}, {"retry-after": "3600"}),
    ],
    ids=["gateway", "minute", "quota", "hour"],
)  # fmt: skip
def test_what_waiting_cannot_help_is_the_infrastructures_at_once(
    server: ModelServer, make: Callable[..., Any], provider: str, answer: Raw
) -> None:
    server.fault = lambda call: answer
    with pytest.raises(ProviderError) as caught:
        ask(make(provider), asking())
    assert len(server.log) == 1
    words = answer.body if isinstance(answer.body, str) else answer.body["error"]["message"]
    assert ("413 Request Entity Too Large" if "<html>" in words else words) in str(caught.value)
    if answer.headers:
        assert "asks to wait 1 h" in str(caught.value)


BROKEN = {"finish_reason": "error", "error": {"code": 502, "message": "upstream idle timeout"}}


@pytest.mark.parametrize(
    "answer",
    [
        Raw(200, {"choices": [{"index": 0, **BROKEN, "message": {"role": "assistant", "content": ""}}]}),
        Raw(200, {"error": {"code": 502, "message": "upstream idle timeout"}}),
        Raw(502, "upstream idle timeout"),
        Raw(502, [{"error": {"code": 502, "message": "upstream idle timeout"}}]),
    ],
    ids=["finish", "body", "text", "list"],
)
def test_a_provider_that_fails_behind_a_success_is_asked_again_and_quoted(
    server: ModelServer, make: Callable[..., Any], answer: Raw
) -> None:
    server.fault = lambda call: answer
    with pytest.raises(ProviderError, match="upstream idle timeout"):
        ask(make("openai-chat", max_retries=1), asking())
    assert len(server.log) == 2


def test_a_stream_that_ends_in_an_error_is_asked_again(server: ModelServer, make: Callable[..., Any]) -> None:
    begun = {"id": "c", "created": 1, "model": "m", "object": "chat.completion.chunk"}
    half = {**begun, "choices": [{"index": 0, "delta": {"content": "ha"}, "finish_reason": None}]}
    last = {**begun, "choices": [{"index": 0, "delta": {"content": ""}, **BROKEN}]}
    server.fault = lambda call: Raw(events=(half, last, "[DONE]")) if call.number == 1 else None
    reply = ask(make("openai-chat", stream=True), asking())
    assert (reply.text, reply.usage.retries) == ("I heard: hello", 1)


@pytest.mark.parametrize("stream", [False, True])
def test_reasoning_in_tags_never_reaches_the_text(
    server: ModelServer, make: Callable[..., Any], stream: bool
) -> None:
    server.answer = lambda call: Say("<think>SECRET</think>\nI go left.")
    reply = ask(make("openai-chat", stream=stream), asking())
    assert (reply.text, reply.reasoning) == ("I go left.", "SECRET")
    assert "SECRET" in ask(make("openai-chat", stream=stream, think_tags=[]), asking()).text


@pytest.mark.parametrize("provider", PROVIDERS)
def test_blanks_are_an_empty_answer_and_silence_is_none_where_it_is_allowed(
    server: ModelServer, make: Callable[..., Any], provider: str
) -> None:
    server.answer = lambda call: Say(" \n")
    agent = make(provider)
    assert ask(agent, asking()).usage.retries == 2
    assert ask(agent, asking(may_be_silent=True)).usage.retries == 0
    assert len(server.log) == 4


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None, "completion_tokens": None}])
def test_an_answer_without_figures_has_no_known_cost(
    server: ModelServer, make: Callable[..., Any], usage: Any
) -> None:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "yes"}}
    server.fault = lambda call: Raw(200, {"id": "c", "choices": [choice], "usage": usage})
    spent = ask(make("openai-chat"), asking()).usage
    assert spent.cost_usd is None
    assert spent.guessed_usd > 0


def test_a_message_without_usage_is_an_answer(server: ModelServer, make: Callable[..., Any]) -> None:
    message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn"}
    server.fault = lambda call: Raw(200, {**message, "content": [{"type": "text", "text": "yes"}]})
    reply = ask(make("anthropic"), asking())
    assert (reply.text, reply.usage.retries, reply.usage.cost_usd) == ("yes", 0, None)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_attempt_that_never_ends_takes_no_longer_than_it_may_and_its_cost_is_unknown(
    server: ModelServer, make: Callable[..., Any], provider: str
) -> None:
    """Some gateways send blanks to keep the connection open: that is not an answer."""
    agent = make(provider, timeout_s=2)
    ask(agent, asking())
    server.fault = lambda call: Raw(trickle_s=0.1, trickles=10_000) if call.number == 2 else None
    reply = ask(agent, asking())
    assert (reply.text, reply.usage.retries) == ("I heard: hello", 1)
    assert reply.usage.cost_usd is None
    assert reply.usage.at_least_usd > 0


def test_a_template_without_a_system_role_is_told_of_and_served(
    server: ModelServer, make: Callable[..., Any]
) -> None:
    server.system_role = False
    with pytest.raises(ProviderError, match="system_role: user"):
        ask(make("openai-chat"), asking())
    assert len(server.log) == 1
    assert ask(make("openai-chat", system_role="user"), asking()).text == "I heard: Be brief.\n\nhello"


@pytest.mark.parametrize(
    ("key", "sent"), [(None, {"max_tokens"}), ("max_completion_tokens", {"max_completion_tokens"}), ("none", set())]
)
def test_the_token_limit_goes_by_the_name_that_the_server_knows(
    server: ModelServer, make: Callable[..., Any], key: str | None, sent: set[str]
) -> None:
    ask(make("openai-chat", token_limit_key=key), asking())
    assert {"max_tokens", "max_completion_tokens"} & set(server.log[0].call.body) == sent


def test_a_server_that_wants_a_key_where_none_is_configured_is_explained(
    server: ModelServer, make: Callable[..., Any]
) -> None:
    server.fault = lambda call: "401"
    with pytest.raises(ProviderError, match=r"No key was sent.*api_key_env"):
        ask(make("openai-chat", api_key_env=None), asking())


def test_the_task_survives_a_history_without_an_answer(server: ModelServer, make: Callable[..., Any]) -> None:
    turns = (Turn("user", "1"), Turn("assistant", " "), Turn("user", "2"))
    for provider in PROVIDERS:
        assert ask(make(provider), Request("a", 1, "s", turns)).text == "I heard: 2"
    assert server.refused == []


def test_a_wait_that_a_provider_asks_for_is_told_while_it_lasts(
    server: ModelServer, make: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_collab.agents.model.NOTICED_S", 0.01)
    server.retry_after = "0.05"
    server.fault = lambda call: "429" if call.number == 1 else None
    ask(make("openai"), asking())
    (line,) = notices_file(tmp_path).read_text().splitlines()
    assert re.search(
        r"openai \(http://127.*\) asks to wait 0.05\d* s: HTTP 429: scripted 429", json.loads(line)["text"]
    )
