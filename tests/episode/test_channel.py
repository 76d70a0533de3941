"""The channel knows who got what when, and what was dropped."""

from __future__ import annotations

from pytest_collab.episode.channel import MESSAGES_PER_TURN, Channel
from pytest_collab.episode.transcript import Transcript


def channel(**kwargs: bool) -> tuple[Channel, Transcript]:
    transcript = Transcript()
    return Channel(("a", "b", "c"), transcript, **kwargs), transcript


def test_a_message_reaches_all_others_once() -> None:
    made, transcript = channel()
    assert made.send("a", "hello") == {"b": "delivered", "c": "delivered"}
    assert [message.text for message in made.collect("b")] == ["hello"]
    assert made.collect("b") == ()
    assert made.waiting("c") == 1
    assert transcript[0].data["delivered"] == ["b", "c"]


def test_what_is_dropped_keeps_its_reason() -> None:
    made, transcript = channel()
    made.leave("b")
    fate = made.send("a", "hello", ["a", "b", "c", "z"])
    assert fate == {"a": "self", "b": "left", "c": "delivered", "z": "nobody"}
    assert transcript[0].data["dropped"] == {"a": "self", "b": "left", "z": "nobody"}
    assert made.send("a", "   ") == {"b": "empty", "c": "empty"}


def test_mute_delivers_nothing_and_says_so() -> None:
    made, transcript = channel(muted=True)
    assert set(made.send("a", "hello").values()) == {"mute"}
    assert made.collect("b") == ()
    assert transcript[0].data["delivered"] == []


def test_a_flood_is_stopped_and_does_not_fill_the_transcript() -> None:
    made, transcript = channel()
    for number in range(1000):
        made.send("a", f"message {number}")
    assert len(made.collect("b")) == MESSAGES_PER_TURN
    assert len(transcript) == MESSAGES_PER_TURN + 1
    assert transcript[-1].data["dropped"] == {"b": "flood", "c": "flood"}


def test_the_flood_gate_opens_again_when_the_seat_is_asked() -> None:
    made, _ = channel()
    for _ in range(MESSAGES_PER_TURN + 5):
        made.send("a", "x")
    made.collect("a")
    assert made.send("a", "y")["b"] == "delivered"
