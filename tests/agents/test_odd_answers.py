"""Answers as odd as real servers give them: whatever is wrong with them is never taken for the model's own doing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_collab.agents.calls import arguments_of
from pytest_collab.agents.counted import counted
from pytest_collab.episode.agent import UNREADABLE, Tool
from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import ProviderError
from pytest_collab.testing import play_episode
from tests.agents.conftest import PROVIDERS, ask, asking
from tests.support.handshake import Handshake, HandshakeFamily
from tests.support.model_server import ModelServer, Raw

NAMES = {"anthropic": ("input_tokens", "output_tokens"), "openai": ("input_tokens", "output_tokens")}
USUAL = {"prompt_tokens": 10, "completion_tokens": 5, "input_tokens": 10, "output_tokens": 5}


def whole(provider: str, *, finish: str = "stop", status: str = "completed", usage: Any = None) -> Raw:
    """An answer that says `fine`, of the given provider's form."""
    told = USUAL if usage is None else usage
    if provider == "anthropic":
        said: Any = [{"type": "text", "text": "fine"}]
        body: dict[str, Any] = {"type": "message", "role": "assistant", "content": said, "stop_reason": "end_turn"}
    elif provider == "openai":
        text = {"type": "output_text", "text": "fine", "annotations": []}
        said = [{"type": "message", "role": "assistant", "content": [text]}]
        body = {
            "object": "response",
            "status": status,
            "output": said if status == "completed" else [],
            "error": None,
        }
    else:
        message = {"role": "assistant", "content": "fine"}
        body = {"choices": [{"index": 0, "finish_reason": finish, "message": message}]}
    return Raw(200, {"id": "x", "model": "m", "usage": told, **body})


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("usage", [(-5, -1), ("some", "few"), (None, 5), (1.5, 2), "n/a", [1]], ids=str)
def test_figures_that_are_no_counts_make_the_cost_unknown_and_nothing_else(
    server: ModelServer, make: Callable[..., Any], provider: str, usage: Any
) -> None:
    if isinstance(usage, tuple):
        usage = dict(zip(NAMES.get(provider, ("prompt_tokens", "completion_tokens")), usage, strict=True))
    server.fault = lambda call: whole(provider, usage=usage)
    reply = ask(make(provider), asking())
    assert (reply.text, reply.usage.cost_usd, reply.usage.retries) == ("fine", None, 0)
    assert reply.usage.input_tokens == 0


@given(*[st.none() | st.integers() | st.floats() | st.text(max_size=3) | st.booleans()] * 4)
def test_what_is_counted_is_never_negative_and_its_parts_fit_into_it(a: Any, b: Any, c: Any, d: Any) -> None:
    tokens = counted(a, b, cached=c, stored=d)
    if tokens is not None:
        assert min(tokens.input, tokens.output, tokens.cached, tokens.written) >= 0
        assert tokens.cached + tokens.written <= tokens.input
    assert counted(12.0, "3") is not None
    assert counted(math.nan, 3) is None


@pytest.mark.parametrize(
    ("finish", "stop"),
    [("MAX_TOKENS", "length"), ("SAFETY", "filter"), ("content-filter", "filter"), ("sensitive", "filter"),
     ("refusal", "refusal"), ("something_new", "end")],
)  # fmt: skip
def test_other_servers_words_for_the_end_of_an_answer_are_understood(
    server: ModelServer, make: Callable[..., Any], finish: str, stop: str
) -> None:
    server.fault = lambda call: whole("openai-chat", finish=finish)
    assert ask(make("openai-chat"), asking()).stop == stop


@pytest.mark.parametrize(
    ("provider", "answer"),
    [
        ("openai-chat", whole("openai-chat", finish="insufficient_system_resource")),
        ("openai-chat", whole("openai-chat", finish="network_error")),
        ("openai-chat", whole("openai-chat", finish="abort")),
        ("openai", whole("openai", status="queued")),
        ("openai", whole("openai", status="in_progress")),
    ],
)
def test_an_answer_that_the_server_broke_off_is_asked_for_again(
    server: ModelServer, make: Callable[..., Any], provider: str, answer: Raw
) -> None:
    server.fault = lambda call: answer if call.number == 1 else None
    reply = ask(make(provider), asking())
    assert (reply.text, reply.usage.retries) == ("I heard: hello", 1)
    server.fault = lambda call: answer
    with pytest.raises(ProviderError, match="insufficient_system|network_error|abort|queued|in_progress"):
        ask(make(provider, max_retries=1), asking())


def test_what_cannot_be_read_at_all_is_the_infrastructures(
    make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = make("openai-chat")

    async def attempt(*ignored: Any) -> Any:
        return object()

    monkeypatch.setattr(agent, "_attempt", attempt)
    episode = play_episode(Handshake(), [agent, agent], seed=3, family=HandshakeFamily()).episode
    assert episode.outcome is Outcome.INFRASTRUCTURE
    assert "cannot be used" in str(episode.error)


@pytest.mark.parametrize(
    ("raw", "arguments"),
    [
        (None, {}),
        ("", {}),
        ('"{\\"way\\": 1}"', {"way": 1}),
        ("{} x", {UNREADABLE: "{} x"}),
        ("[1]", {UNREADABLE: "[1]"}),
    ],
)
def test_arguments_are_read_from_whatever_a_server_makes_of_them(raw: Any, arguments: dict[str, Any]) -> None:
    assert arguments_of(raw) == arguments


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_long_wait_is_told_whatever_the_status(
    server: ModelServer, make: Callable[..., Any], provider: str
) -> None:
    server.fault = lambda call: Raw(503, {"error": {"message": "maintenance"}}, {"retry-after": "3600"})
    with pytest.raises(ProviderError, match="maintenance.*asks to wait 1 h; max_wait_s allows"):
        ask(make(provider), asking())
    assert len(server.log) == 1


def test_a_key_that_is_wrong_with_status_400_is_told_by_its_variable(
    server: ModelServer, make: Callable[..., Any]
) -> None:
    server.fault = lambda call: Raw(400, [{"error": {"code": 400, "message": "API key expired. Renew the API key."}}])
    with pytest.raises(ProviderError, match="Check the key in OPENAI_API_KEY"):
        ask(make("openai-chat"), asking())


@pytest.mark.parametrize(("retries", "asked"), [(0, 1), (1, 2), (5, 3)])
def test_an_answer_that_stays_empty_is_the_agents_own_however_few_retries_there_are(
    server: ModelServer, make: Callable[..., Any], retries: int, asked: int
) -> None:
    server.fault = lambda call: "empty"
    reply = ask(make("openai-chat", max_retries=retries), asking())
    assert (reply.text, reply.stop, len(server.log)) == ("", "end", asked)


LOOK = Tool("look", "looks around", {"type": "object", "properties": {}})


def test_blocks_without_text_are_passed_over(server: ModelServer, make: Callable[..., Any]) -> None:
    content = [None, {"type": "text", "text": None}, {"type": "tool_use", "id": "1", "name": "look", "input": {}}]
    body = {"type": "message", "role": "assistant", "content": content, "stop_reason": "tool_use", "usage": USUAL}
    server.fault = lambda call: Raw(200, {"id": "x", "model": "m", **body})
    reply = ask(make("anthropic"), asking(tools=(LOOK,)))
    assert ([call.name for call in reply.tool_calls], reply.text) == (["look"], "")
