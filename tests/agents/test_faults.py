"""Every fault of a provider has one defined result, for the agent and for the episode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_collab.agents.retry import classify, pause, retry_after
from pytest_collab.episode.agent import Agent, Reply, Request, Turn
from pytest_collab.episode.limits import Limits, SeatLimits
from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import LimitReached, ProviderError
from pytest_collab.testing import Played, play_episode
from tests.agents.conftest import PROVIDERS, ask, asking
from tests.support.handshake import Handshake, HandshakeFamily
from tests.support.model_server import AGENTS_OWN, RETRIED, Call, ModelServer, Say


def first(count: int, fault: str) -> Callable[[Call], str | None]:
    return lambda call: fault if call.number <= count else None


@pytest.mark.parametrize("fault", RETRIED)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_fault_of_the_provider_is_retried_and_every_attempt_is_counted(
    server: ModelServer, make: Callable[..., Any], provider: str, fault: str
) -> None:
    server.fault = first(2, fault)
    reply = ask(make(provider, timeout_s=0.2 if fault == "slow" else 30), asking())
    assert (reply.text, reply.stop) == ("I heard: hello", "end")
    assert (reply.usage.calls, reply.usage.retries) == (1, 2)
    assert len(server.log) == 3
    assert reply.usage.input_tokens == sum(line.input_tokens for line in server.log)
    assert reply.usage.output_tokens == sum(line.output_tokens for line in server.log)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", ["cut", "invalid_json", "reset", "empty", "529"])
def test_a_cut_stream_is_retried_and_what_it_consumed_is_counted(
    server: ModelServer, make: Callable[..., Any], provider: str, fault: str
) -> None:
    server.fault = first(1, fault)
    reply = ask(make(provider, stream=True), asking())
    assert reply.text == "I heard: hello"
    assert reply.usage.retries == 1
    assert reply.usage.input_tokens == sum(line.input_tokens for line in server.log)
    assert reply.usage.output_tokens == sum(line.output_tokens for line in server.log)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("fault", "stop"), [("refusal", "refusal"), ("filter", "filter"), ("max_tokens", "length")])
def test_what_the_model_did_itself_is_not_retried(
    server: ModelServer, make: Callable[..., Any], provider: str, fault: str, stop: str
) -> None:
    server.fault = lambda call: fault
    reply = ask(make(provider), asking())
    if provider == "anthropic" and fault == "filter":
        stop = "refusal"  # Anthropic has one name for both
    assert reply.stop == stop
    assert reply.usage.retries == 0
    assert reply.text != "I heard: hello"
    assert reply.usage.output_tokens == server.log[0].output_tokens


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_answer_that_stays_empty_is_the_agents_own(
    server: ModelServer, make: Callable[..., Any], provider: str
) -> None:
    server.fault = lambda call: "empty"
    reply = ask(make(provider), asking())
    assert (reply.text, reply.stop) == ("", "end")
    assert reply.usage.retries == len(server.log) - 1 == 2
    assert reply.usage.input_tokens == sum(line.input_tokens for line in server.log)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_conversation_too_long_is_a_limit_of_the_seat(
    server: ModelServer, make: Callable[..., Any], provider: str
) -> None:
    server.fault = lambda call: "overflow"
    history = (Turn("user", "hello"), Turn("assistant", "yes"), Turn("user", "again"))
    with pytest.raises(LimitReached) as caught:
        ask(make(provider), Request("a", 0, "Be brief.", history))
    assert (caught.value.code, caught.value.seat) == ("token_limit", "a")
    assert len(server.log) == 1
    if provider == "anthropic":
        assert caught.value.limit == 200_000


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_task_that_alone_is_too_long_for_the_model_is_nobodys_limit(
    server: ModelServer, make: Callable[..., Any], provider: str
) -> None:
    server.fault = lambda call: "overflow"
    with pytest.raises(ProviderError, match="does not fit the model's context") as caught:
        ask(make(provider), asking())
    assert caught.value.status == 400


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("fault", "remedy"), [("401", "_API_KEY"), ("404", "`model`"), ("400", "scripted 400")])
def test_what_cannot_be_helped_is_not_retried_and_says_what_to_do(
    server: ModelServer, make: Callable[..., Any], provider: str, fault: str, remedy: str
) -> None:
    server.fault = lambda call: fault
    with pytest.raises(ProviderError, match=remedy) as caught:
        ask(make(provider), asking())
    assert caught.value.status == int(fault)
    assert len(server.log) == 1
    assert caught.value.__context__ is None, "a frame of the SDK could show the key"


def test_a_provider_that_stays_down_is_an_infrastructure_error_with_all_it_consumed(
    server: ModelServer, make: Callable[..., Any]
) -> None:
    server.fault = lambda call: None if call.number == 1 else "500"
    played = _shake(make("anthropic", max_retries=2))
    assert played.episode.outcome is Outcome.INFRASTRUCTURE
    assert played.episode.headline is not None
    assert played.episode.headline.code == "provider_error"
    assert "after 3 attempts" in str(played.episode.error)
    usage = played.episode.usage
    assert sum(seat.calls + seat.retries for seat in usage.values()) == len(server.log) == 4
    assert sum(seat.input_tokens for seat in usage.values()) == sum(line.input_tokens for line in server.log)


def test_a_connection_refused_names_the_address(make: Callable[..., Any]) -> None:
    agent = make("openai-chat", base_url="http://127.0.0.1:9/v1", max_retries=0)
    with pytest.raises(ProviderError, match=r"127\.0\.0\.1:9.*connection failed"):
        ask(agent, asking())


@pytest.mark.parametrize("fault", AGENTS_OWN)
def test_a_refusal_fails_the_seat_that_refused_and_not_the_infrastructure(
    server: ModelServer, make: Callable[..., Any], fault: str
) -> None:
    server.answer = shake
    server.fault = lambda call: fault if "The number" in call.text else None
    episode = _shake(make("openai")).episode
    assert episode.outcome not in (Outcome.INFRASTRUCTURE, Outcome.SUCCESS)
    assert episode.headline is not None
    assert "a" in episode.headline.seats


def test_an_overflow_ends_the_episode_as_a_limit_of_the_seat(server: ModelServer, make: Callable[..., Any]) -> None:
    server.answer = lambda call: Say("What is it?")
    server.fault = lambda call: "overflow" if len(call.body["input"]) > 1 else None
    episode = _shake(make("openai")).episode
    assert episode.outcome is Outcome.LIMIT
    assert episode.headline is not None
    assert (episode.headline.code, episode.headline.seats) == ("token_limit", ("a",))


def test_waiting_for_the_provider_is_not_counted_as_the_agents_slowness(
    server: ModelServer, make: Callable[..., Any]
) -> None:
    """The pauses that the provider asks for are longer than the time an answer may take."""
    server.answer = shake
    server.retry_after = "0.3"
    server.fault = first(3, "429")
    limits = Limits(seat=SeatLimits(answer_seconds=0.5), seconds=0.9)
    played = _shake(make("openai-chat"), limits=limits)
    assert played.episode.outcome is Outcome.SUCCESS
    assert played.episode.duration_s > 0.9


def test_an_answer_cut_off_by_its_time_limit_keeps_what_it_consumed(
    server: ModelServer, make: Callable[..., Any]
) -> None:
    server.fault = lambda call: "empty" if call.number == 1 else "slow"
    played = _shake(make("openai-chat"), limits=Limits(seat=SeatLimits(answer_seconds=0.4)))
    assert played.episode.outcome is Outcome.LIMIT
    usage = played.episode.usage["a"]
    assert usage.input_tokens == server.log[0].input_tokens > 0
    assert usage.retries == 1


def shake(call: Call) -> Say:
    """A model that is good at the handshake."""
    digits = "".join(character for character in call.text if character.isdigit())
    return Say(f"I say {digits}." if digits else "What is it?")


def _shake(agent: Agent, limits: Limits | None = None, seed: int = 3) -> Played:
    return play_episode(Handshake(), [agent, agent], seed=seed, family=HandshakeFamily(), limits=limits)


def test_the_engine_books_usage_that_comes_with_a_failure() -> None:
    class Failing(Agent):
        async def reply(self, request: Any) -> Reply:
            error = ProviderError("down")
            error.usage = Reply().usage.__class__(calls=1, input_tokens=7, cost_usd=0.5)  # type: ignore[attr-defined]
            raise error

    played = _shake(Failing())
    assert played.episode.usage["a"].input_tokens == 7
    assert played.episode.usage["a"].cost_usd == 0.5
    assert len(played.transcript.of("failed_call")) == 1


@pytest.mark.parametrize(
    ("status", "message", "code", "kind"),
    [
        (400, "prompt is too long: 210000 tokens > 200000 maximum", "invalid_request_error", "overflow"),
        (400, "This model's maximum context length is 8192 tokens", "context_length_exceeded", "overflow"),
        (400, "the request exceeds the available context size", "exceed_context_size_error", "overflow"),
        (413, "request too large", "request_too_large", "fatal"),
        (400, "The response was filtered", "content_filter", "filter"),
        (400, "temperature: unexpected value", "invalid_request_error", "fatal"),
        (429, "slow down", "rate_limit_error", "slow_down"),
        (429, "You exceeded your current quota", "insufficient_quota", "fatal"),
        (529, "Overloaded", "overloaded_error", "slow_down"),
        (409, "conflict", "", "retry"),
        (501, "not implemented", "", "retry"),
        (None, "connection reset", "", "retry"),
    ],
)
def test_errors_are_told_apart(status: int | None, message: str, code: str, kind: str) -> None:
    assert classify(status, message, code=code).kind == kind


def test_retry_after_is_honoured_in_all_its_forms() -> None:
    assert retry_after({"retry-after": "3"}) == 3
    assert retry_after({"retry-after-ms": "250", "retry-after": "3"}) == 0.25
    assert retry_after({"retry-after": "Mon, 01 Jan 2001 00:00:00 GMT"}) == 0
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({}) is None
    assert min(pause(1, 3.0) for _ in range(100)) >= 3.0


def test_pauses_grow_and_are_spread() -> None:
    drawn = {retry: [pause(retry) for _ in range(200)] for retry in (1, 3, 12)}
    assert max(drawn[1]) <= 0.5 < min(drawn[3]) < max(drawn[3]) <= 2 < min(drawn[12]) < max(drawn[12]) <= 30
    assert len({round(value, 4) for value in drawn[3]}) > 50
