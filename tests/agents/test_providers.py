"""The real SDKs against a loopback server: what is sent, and what is made of the answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_collab.agents.limiter import FileLane
from pytest_collab.agents.settings import RateLimits
from pytest_collab.episode.agent import UNREADABLE, Request, Tool, ToolResult, Turn
from tests.agents.conftest import KEY, PROVIDERS, ask, asking
from tests.support.model_server import ModelServer, Say

LOOK = Tool(
    "look", "looks around", {"type": "object", "properties": {"way": {"type": "string"}}, "required": ["way"]}
)
STREAMS = [(provider, stream) for provider in PROVIDERS for stream in (False, True)]

pytestmark = pytest.mark.filterwarnings("error::ResourceWarning")


@pytest.mark.parametrize(("provider", "stream"), STREAMS)
def test_an_answer_comes_back_with_its_text_model_and_tokens(
    server: ModelServer, make: Callable[..., Any], provider: str, stream: bool
) -> None:
    reply = ask(make(provider, stream=stream), asking("hello there"))
    (line,) = server.log
    assert reply.text == "I heard: hello there"
    assert (reply.stop, reply.model) == ("end", "tested-model")
    assert line.call.system == "Be brief."
    assert line.call.text == "hello there"
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (line.input_tokens, line.output_tokens)
    assert (reply.usage.calls, reply.usage.retries) == (1, 0)
    header = line.call.headers.get("x-api-key") or line.call.headers["authorization"]
    assert KEY in header


@pytest.mark.parametrize(("provider", "stream"), STREAMS)
def test_cached_tokens_are_part_of_the_input_and_cost_their_own_price(
    server: ModelServer, make: Callable[..., Any], provider: str, stream: bool
) -> None:
    server.answer = lambda call: Say("yes", cached=4000)
    usage = ask(make(provider, stream=stream), asking()).usage
    (line,) = server.log
    assert usage.cached_tokens == 4000
    assert usage.input_tokens == line.input_tokens > 4000
    fresh = line.input_tokens - 4000
    assert usage.cost_usd == pytest.approx((fresh * 1 + 4000 * 0.1 + line.output_tokens * 2) / 1e6)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_unknown_price_is_said_and_never_taken_as_zero(make: Callable[..., Any], provider: str) -> None:
    agent = make(provider, price=None)
    assert ask(agent, asking()).usage.cost_usd is None
    assert agent.describe()["price"] is None
    assert "not known" in agent.describe()["price_from"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_sdk_is_loaded_before_a_call_has_its_moment(
    make: Callable[..., Any], provider: str, tmp_path: Path
) -> None:
    """It takes seconds on a busy machine, by which the call would come late, beside those of the next minute."""
    agent = make(provider)
    seen: list[int] = []

    class Watched(FileLane):
        def _reserve(self, tokens: int) -> float:
            seen.append(len(agent._clients))
            return super()._reserve(tokens)

    agent._lane = Watched(tmp_path / "watched", RateLimits())
    ask(agent, asking())
    assert seen == [1]


@pytest.mark.parametrize(("provider", "stream"), STREAMS)
def test_parallel_tool_calls_and_their_results_make_the_round_trip(
    server: ModelServer, make: Callable[..., Any], provider: str, stream: bool
) -> None:
    calls = (("look", {"way": "north"}), ("look", {"way": "south"}))
    server.answer = lambda call: Say("looked") if call.results else Say("let me see", tools=calls, thinking="hm")
    agent = make(provider, stream=stream)
    first_request = asking("what is there?", tools=(LOOK,))
    first = ask(agent, first_request)
    assert first.stop == "tool"
    assert [(call.name, dict(call.arguments)) for call in first.tool_calls] == list(calls)
    assert len({call.id for call in first.tool_calls}) == 2
    results = tuple(ToolResult(call.id, f"a wall {call.arguments['way']}") for call in first.tool_calls)
    told = Turn("assistant", first.text, first.tool_calls, opaque=first.opaque)
    second = ask(
        agent,
        Request("a", 1, "Be brief.", (*first_request.conversation, told, Turn("user", "", (), results)), (LOOK,)),
    )
    assert second.text == "looked"
    assert server.log[1].call.results == ("a wall north", "a wall south")


def _after(reply: Any, *, opening: str = "what?") -> Request:
    told = Turn("assistant", reply.text, reply.tool_calls, opaque=reply.opaque)
    return Request("a", 1, "Be brief.", (Turn("user", opening), told, Turn("user", "go on")))


def test_anthropic_gets_its_signed_thinking_back_unchanged(server: ModelServer, make: Callable[..., Any]) -> None:
    server.answer = lambda call: Say("so", thinking="deep")
    agent = make("anthropic")
    reply = ask(agent, asking("what?"))
    assert reply.reasoning == "deep"
    ask(agent, _after(reply))
    blocks = server.log[1].call.body["messages"][1]["content"]
    assert blocks[0] == {"type": "thinking", "thinking": "deep", "signature": "signed-1"}
    assert blocks[1] == {"type": "text", "text": "so"}


def test_openai_gets_its_encrypted_reasoning_back_and_stores_nothing(
    server: ModelServer, make: Callable[..., Any]
) -> None:
    server.answer = lambda call: Say("so", thinking="deep")
    agent = make("openai")
    reply = ask(agent, asking("what?"))
    ask(agent, _after(reply))
    body = server.log[1].call.body
    assert body["store"] is False
    assert body["include"] == ["reasoning.encrypted_content"]
    assert [item.get("encrypted_content") for item in body["input"]].count("sealed-1") == 1


def test_openais_commentary_is_no_part_of_the_answer_and_goes_back_with_its_phase(
    server: ModelServer, make: Callable[..., Any]
) -> None:
    server.answer = lambda call: Say("the answer", commentary="let me see")
    agent = make("openai")
    reply = ask(agent, asking("what?"))
    assert (reply.text, reply.reasoning) == ("the answer", "let me see")
    ask(agent, _after(reply))
    phases = [item.get("phase") for item in server.log[1].call.body["input"]]
    assert phases == [None, "commentary", "final_answer", None]
    server.answer = lambda call: Say(commentary="only this", tools=(("look", {}),))
    assert ask(agent, asking("what?", tools=(LOOK,))).text == "only this"


@pytest.mark.parametrize("provider", ["anthropic", "openai"])
def test_reasoning_is_left_out_when_the_conversation_before_it_has_changed(
    server: ModelServer, make: Callable[..., Any], provider: str
) -> None:
    server.answer = lambda call: Say("so", thinking="deep")
    agent = make(provider)
    reply = ask(agent, asking("what?"))
    ask(agent, _after(reply, opening="another opening"))
    sent = str(server.log[1].call.body)
    assert "signed-1" not in sent
    assert "sealed-1" not in sent
    assert "so" in sent


@pytest.mark.parametrize("provider", PROVIDERS)
def test_another_providers_reasoning_is_ignored(server: ModelServer, make: Callable[..., Any], provider: str) -> None:
    foreign = {"provider": "elsewhere", "model": "tested-model", "after": "x", "blocks": [{"type": "secret sauce"}]}
    conversation = (Turn("user", "1"), Turn("assistant", "2", opaque=foreign), Turn("user", "3"))
    assert ask(make(provider), Request("a", 0, "", conversation)).text == "I heard: 3"
    assert "secret sauce" not in str(server.log[0].call.body)


def test_anthropic_is_told_which_prefix_to_cache(server: ModelServer, make: Callable[..., Any]) -> None:
    ask(make("anthropic"), asking())
    body = server.log[0].call.body
    assert body["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert body["messages"][-1]["content"][-1]["cache_control"] == {"type": "ephemeral"}
    ask(make("anthropic", cache=False), asking())
    assert "cache_control" not in str(server.log[1].call.body)
    past = (Turn("user", "step 1"), Turn("assistant", "<think>hm</think> go"), Turn("user", "step 2"))
    ask(make("anthropic"), Request("a", 0, "", past, passing=2))
    cached = [message for message in server.log[2].call.body["messages"] if "cache_control" in str(message)]
    assert ["step 1" in str(message) for message in cached] == [True]


@pytest.mark.parametrize(
    ("provider", "where"),
    [
        ("anthropic", lambda body: (body["temperature"], body["output_config"]["effort"], body["max_tokens"])),
        ("openai", lambda body: (body["temperature"], body["reasoning"]["effort"], body["max_output_tokens"])),
        ("openai-chat", lambda body: (body["temperature"], body["reasoning_effort"], body["max_tokens"])),
    ],
)
def test_settings_reach_the_provider(
    server: ModelServer, make: Callable[..., Any], provider: str, where: Callable[[Any], Any]
) -> None:
    agent = make(
        provider,
        temperature=0.25,
        reasoning_effort="low",
        max_tokens=77,
        system_prefix="Mind: ",
        headers={"x-team": "blue"},
        extra_body={"top_k": 3},
    )
    ask(agent, asking())
    call = server.log[0].call
    assert where(call.body) == (0.25, "low", 77)
    assert call.system == "Mind: Be brief."
    assert call.headers["x-team"] == "blue"
    assert call.body["top_k"] == 3


@pytest.mark.parametrize("provider", ["openai", "openai-chat"])
def test_arguments_that_are_no_json_reach_the_tool_as_text(
    server: ModelServer, make: Callable[..., Any], provider: str
) -> None:
    server.answer = lambda call: Say(tools=(("look", {}),), raw_arguments='{"way": "nor')
    (call,) = ask(make(provider), asking(tools=(LOOK,))).tool_calls
    assert call.arguments == {UNREADABLE: '{"way": "nor'}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_empty_turns_are_sent_as_something_that_providers_accept(
    server: ModelServer, make: Callable[..., Any], provider: str
) -> None:
    ask(make(provider), Request("a", 0, "", (Turn("user", " "), Turn("assistant", ""), Turn("user", ""))))
    body = server.log[0].call.body
    for message in body.get("messages", body.get("input")):
        content = message["content"]
        texts = [content] if isinstance(content, str) else [part["text"] for part in content]
        assert all(text.strip() for text in texts)


def test_long_answers_of_anthropic_are_streamed_by_themselves(server: ModelServer, make: Callable[..., Any]) -> None:
    assert ask(make("anthropic", max_tokens=64_000), asking()).text == "I heard: hello"
    assert server.log[0].call.stream


def test_an_agent_works_in_one_event_loop_after_another(server: ModelServer, make: Callable[..., Any]) -> None:
    agent = make("openai-chat")
    assert [ask(agent, asking(str(number))).text for number in range(3)] == [f"I heard: {n}" for n in range(3)]
