"""The engine: what agents do ends in the transcript, and nothing else happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from pytest_collab.episode.agent import Agent, Reply, Request, Turn, Usage
from pytest_collab.episode.limits import Limits, SeatLimits
from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.plan import Prefix
from pytest_collab.errors import ContextFull, ProviderError
from pytest_collab.testing import Played, check_family, play_episode
from tests.support.handshake import Handshake, HandshakeFamily

FAMILY = HandshakeFamily()


class Scripted(Agent):
    """Answers with what a function returns, or raises."""

    def __init__(self, answer: Callable[[Request], Any], name: str = "scripted") -> None:
        self.name = name
        self.answer = answer
        self.requests: list[Request] = []

    async def reply(self, request: Request) -> Reply:
        self.requests.append(request)
        answer = self.answer(request)
        if asyncio.iscoroutine(answer):
            answer = await answer
        return answer if isinstance(answer, Reply) else Reply(answer)


def play(*team: Any, condition: str = "team", seed: int = 1, turns: int = 4, **kwargs: Any) -> Played:
    from pytest_collab.agents.registry import Registry

    registry = Registry(cast=FAMILY.cast)
    return play_episode(Handshake(turns=turns), team, condition, seed, family=FAMILY, registry=registry, **kwargs)


def raises(error: BaseException) -> Callable[[Request], Any]:
    def answer(request: Request) -> Any:
        raise error

    return answer


def test_the_handshake_family_keeps_the_promises_of_families() -> None:
    class Checked(HandshakeFamily):
        cast = {name: HandshakeFamily.cast[name] for name in ("partner", "silent", "stubborn")}

    check_family(Checked(), [Handshake(), Handshake(numbers=3, turns=2)], seeds=(0, 1))


def test_partners_succeed_as_a_team_and_fail_when_mute() -> None:
    assert play("partner", "partner").episode.success
    assert not play("partner", "partner", condition="mute").episode.success


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda r: "", "no number"),
        (lambda r: b"\x00\xff", "bytes"),
        (lambda r: Reply(text=None), "NoneType"),  # type: ignore[arg-type]
        (raises(ValueError("my parser broke")), "ValueError: my parser broke"),
        (raises(asyncio.CancelledError()), "cancelled"),
        (raises(RecursionError("deep")), "RecursionError"),
    ],
    ids=["empty", "binary", "none", "raises", "cancels-itself", "recurses"],
)
def test_nonsense_is_the_agents_own_fault_and_never_a_crash(answer: Any, why: str) -> None:
    played = play("partner", Scripted(answer))
    assert played.episode.outcome is not Outcome.INFRASTRUCTURE
    malformed = played.transcript.of("malformed", seat="b")
    assert malformed
    assert why in malformed[0].data["why"]


@pytest.mark.parametrize("error", [ProviderError("503", status=503), ConnectionResetError("reset"), TimeoutError()])
def test_a_providers_fault_is_no_evidence_about_the_agents(error: Exception) -> None:
    played = play("partner", Scripted(raises(error)))
    assert played.episode.outcome is Outcome.INFRASTRUCTURE
    assert played.episode.failures[0].code == "provider_error"
    assert played.episode.error
    assert not played.transcript.of("malformed")


def test_ten_megabytes_are_cut_and_say_so() -> None:
    played = play("partner", Scripted(lambda r: "x" * 10_000_000))
    reply = played.transcript.of("reply", seat="b")[0]
    assert len(reply.data["text"]) < 70_000
    assert "characters left out" in reply.data["text"]
    message = played.transcript.of("message", seat="b")[0]
    assert len(message.data["text"]) < 10_000


def test_lone_surrogates_survive_the_way_to_disk(tmp_path: Any) -> None:
    played = play("partner", Scripted(lambda r: "half \ud83d of a pair 7"))
    played.transcript.write(tmp_path / "t.jsonl")
    assert "half" in (tmp_path / "t.jsonl").read_text(encoding="ascii")


def test_an_agent_that_never_answers_hits_the_time_limit_of_its_seat() -> None:
    played = play("partner", "hangs", limits=Limits(seat=SeatLimits(answer_seconds=0.05)))
    assert played.episode.outcome is Outcome.LIMIT
    assert played.episode.failures[0].code == "time_limit"
    assert played.episode.failures[0].seats == ("b",)


def test_the_episodes_own_time_limit_blames_the_whole_team() -> None:
    played = play("partner", "hangs", limits=Limits(seconds=0.05))
    assert played.episode.outcome is Outcome.LIMIT
    assert played.episode.failures[0].seats == ("a", "b")


def test_token_cost_and_turn_limits_end_the_episode_as_limit() -> None:
    def costly(request: Request) -> Reply:
        return Reply("no idea 5000", usage=Usage(input_tokens=90, output_tokens=20, cost_usd=0.5))

    for limits, code, seats in [
        (Limits(tokens=200), "token_limit", ("a", "b")),
        (Limits(seat=SeatLimits(tokens=100)), "token_limit", ("a",)),
        (Limits(cost_usd=0.9), "cost_limit", ("a", "b")),
        (Limits(turns=2), "turn_limit", ("a", "b")),
        (Limits(seat=SeatLimits(turns=1)), "turn_limit", ("a",)),
    ]:
        played = play(Scripted(costly), Scripted(costly), limits=limits)
        assert played.episode.outcome is Outcome.LIMIT, code
        assert played.episode.failures[0].code == code
        assert played.episode.failures[0].seats == seats


def test_usage_is_counted_per_seat_and_unknown_prices_stay_unknown() -> None:
    known = Scripted(
        lambda r: Reply("1", usage=Usage(input_tokens=10, output_tokens=2, cached_tokens=4, cost_usd=0.25))
    )
    unknown = Scripted(lambda r: Reply("1", usage=Usage(input_tokens=7, retries=2, cost_usd=None)), name="other")
    episode = play(known, unknown).episode
    assert episode.usage["a"].input_tokens == 20
    assert episode.usage["a"].cached_tokens == 8
    assert episode.usage["a"].cost_usd == 0.5
    assert episode.usage["b"].retries == 4
    assert episode.usage["b"].cost_usd is None
    assert episode.cost_usd is None


def test_relay_hands_the_first_seat_over_after_k_messages() -> None:
    first, second = Scripted(lambda r: "hm 55", name="first"), Scripted(lambda r: "hm 66", name="second")
    played = play(first, second, condition="relay:1", turns=6)
    seated = [(event.seat, event.data["agent"]) for event in played.transcript.of("seated")]
    assert seated == [("a", "first"), ("b", "second"), ("a", "second")]
    assert len(first.requests) == 1
    taken_over = next(request for request in second.requests if request.seat == "a")
    assert Turn("assistant", "hm 55") in taken_over.conversation, "the second agent inherits what the seat said"
    assert played.episode.usage["a"].agent == "first>second"


@pytest.mark.parametrize(
    ("condition", "seated"),
    [
        ("primer:2", [("a", "first"), ("b", "second"), ("a", "second")]),
        ("recovery:2", [("a", "second"), ("b", "second"), ("a", "first")]),
    ],
)
def test_a_relay_by_turns_counts_those_of_both(condition: str, seated: list[tuple[str, str]]) -> None:
    first, second = Scripted(lambda r: "hm 55", name="first"), Scripted(lambda r: "hm 66", name="second")
    played = play(first, second, condition=condition, turns=6)
    assert [(event.seat, event.data["agent"]) for event in played.transcript.of("seated")] == seated
    spoken = [request.turn for request in first.requests]
    assert spoken == ([0] if condition == "primer:2" else [2, 4]), "turns of both were counted"


def test_a_frozen_beginning_is_the_other_episodes_word_for_word_and_nobody_is_asked_for_it() -> None:
    first, second = Scripted(lambda r: "hm 55", name="first"), Scripted(lambda r: "hm 66", name="second")
    team = play(first, second, turns=6)
    first.requests.clear()
    second.requests.clear()
    prefix = Prefix.of(team.episode.id, team.transcript, 2)
    played = play(first, second, condition="primer:2", turns=6, prefix=prefix)
    texts = [event.data["text"] for event in played.transcript.of("reply")]
    assert texts == ["hm 55", "hm 66", *["hm 66"] * 4]
    assert first.requests == []
    assert min(request.turn for request in second.requests) == 2
    assert played.transcript.of("frozen")[0].data == {"episode": team.episode.id, "turns": 2}
    assert played.episode.usage["b"].calls == 2


def test_with_seats_the_first_agent_and_the_named_one_everywhere_else() -> None:
    played = play("silent", condition="with:partner")
    seated = {event.seat: event.data["agent"] for event in played.transcript.of("seated")}
    assert seated == {"a": "silent", "b": "partner"}
    assert played.episode.team == ("silent",)


def test_solo_sits_alone() -> None:
    played = play("partner", condition="solo")
    assert played.transcript.start["seats"] == ["a"]
    assert played.episode.success


def test_old_conversation_is_trimmed_by_the_declared_policy_and_never_silently() -> None:
    wordy = Scripted(lambda r: "word " * 200 + "99")
    wordy.context_tokens = 1000
    played = play(wordy, wordy, turns=20)
    trims = played.transcript.of("trim")
    assert trims
    assert trims[0].data["policy"] == "oldest_first"
    assert trims[-1].data["tokens_after"] <= 800
    last = wordy.requests[-1]
    assert last.conversation[0].role == "user"
    assert last.conversation[-1].role == "user"
    roles = [turn.role for turn in last.conversation]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]


def test_oracle_alone_is_told_the_solution() -> None:
    seen: dict[str, Any] = {}

    class Nosy(Scripted):
        def seated(self, seat: Any) -> Any:
            seen[self.name] = seat.solution
            return self

    told, untold = Nosy(lambda r: "1", name="told"), Nosy(lambda r: "1", name="untold")
    told.wants_solution = True
    play(told, untold, seed=2)
    assert seen == {"told": 4, "untold": None}


def test_a_bug_in_a_family_names_the_family_and_the_place() -> None:
    class Broken(HandshakeFamily):
        def deal(self, *args: Any) -> Any:
            game = super().deal(*args)

            def apply(moves: Any) -> Any:
                raise KeyError("oops")

            game.apply = apply  # type: ignore[method-assign]
            return game

    played = play_episode(Handshake(), [Scripted(lambda r: "1"), Scripted(lambda r: "1")], family=Broken())
    assert played.episode.outcome is Outcome.INFRASTRUCTURE
    assert "handshake" in (played.episode.error or "")
    assert "test_engine.py" in (played.episode.error or "")


def test_seats_that_act_at_once_are_asked_together() -> None:
    from collections.abc import Mapping, Sequence

    from pytest_collab.episode.game import Ask, Move, Note
    from tests.support.handshake import HandshakeGame

    class AtOnce(HandshakeGame):
        def ask(self) -> Ask | None:
            return Ask(("a", "b")) if self.left > 0 else None

        def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
            self.left = 0
            return super().apply(moves) and []

    class AtOnceFamily(HandshakeFamily):
        def deal(self, params: Any, seed: int, condition: Any) -> AtOnce:
            return AtOnce(params, seed, condition)

    met = asyncio.Event()
    waiting = 0

    async def meet() -> str:
        nonlocal waiting
        waiting += 1
        if waiting == 2:
            met.set()
        await asyncio.wait_for(met.wait(), 5)  # each waits for the other: one after the other would hang
        return "7"

    played = play_episode(
        Handshake(), [Scripted(lambda r: meet(), "x"), Scripted(lambda r: meet(), "y")], family=AtOnceFamily(), seed=1
    )
    assert [event.seat for event in played.transcript.of("reply")] == ["a", "b"]
    assert played.episode.success
    assert played.episode.turns == 1


def test_a_window_that_turns_out_small_is_learnt_and_the_conversation_cut_to_half_of_it() -> None:
    """The server says so; nobody's limit is reached, and it need not say so again."""
    said: list[int] = []

    def answer(request: Request) -> str:
        size = sum(len(turn.text) for turn in request.conversation) // 4
        said.append(size)
        if size > 1000:
            raise ContextFull(1000, request.seat)
        return "word " * 40

    agent = Scripted(answer)
    played = play(agent, agent, turns=60)
    assert played.episode.outcome is not Outcome.LIMIT
    trims = played.transcript.of("trim")
    assert trims
    assert all(trim.data["context_tokens"] == 1000 and trim.data["tokens_after"] <= 500 for trim in trims)
    refused = sum(size > 1000 for size in said)
    assert refused <= 2, "once a seat: from then on it is known"
    assert len(trims) < len(said) / 3, "one deep cut, then growth"


def test_a_conversation_that_cannot_be_cut_any_further_is_a_limit_of_the_seat() -> None:
    def answer(request: Request) -> str:
        if len(request.conversation) > 1:
            raise ContextFull(1000, request.seat)
        return "hm"

    episode = play(Scripted(answer), "partner", turns=6).episode
    assert episode.outcome is Outcome.LIMIT
    assert episode.headline is not None
    assert (episode.headline.code, episode.headline.seats) == ("token_limit", ("a",))
