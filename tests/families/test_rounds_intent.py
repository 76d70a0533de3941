"""What counts as saying that one is going to do something."""

from __future__ import annotations

import pytest

from pytest_collab.families.rounds import intents

PHRASES = {
    "grab_left": (r"(?:grab|take|pick\w* up)\w*\s+(?:(?:my|the)\s+)?left",),
    "grab_right": (r"(?:grab|take|pick\w* up)\w*\s+(?:(?:my|the)\s+)?right",),
    "release": (r"releas\w*", r"let(?:ting)? go"),
    "wait": (r"wait\w*",),
    "give": (r"(?:give|contribute)\w*\s+(\d+)",),
}


def read(text: str) -> list[tuple[str, bool]]:
    return [(intent.name, intent.negated) for intent in intents(text, PHRASES)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I'll grab left.", [("grab_left", False)]),
        ("I will take the left fork now", [("grab_left", False)]),
        ("Grabbing left now!", [("grab_left", False)]),
        ("My plan: grab my right fork", [("grab_right", False)]),
        ("I won't grab left", [("grab_left", True)]),
        ("I won’t grab left", [("grab_left", True)]),
        ("I will not grab left but release.", [("grab_left", True), ("release", False)]),
        ("I'm not going to grab left, I will wait", [("grab_left", True), ("wait", False)]),
        ("I grab left now and release after eating", [("grab_left", False)]),
        ("I will wait instead of grabbing left", [("wait", False), ("grab_left", True)]),
        ("I am waiting. You should release.", [("wait", False)]),
        ("I release so that you take the right fork", [("release", False)]),
    ],
)
def test_intents_and_their_negations(text: str, found: list[tuple[str, bool]]) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "Please grab left.",
        "You grab left, I beg you",
        "Will you release?",
        "Should I grab left?",
        "If you wait, I grab left",
        "I will grab left once you release",
        "I grabbed left last turn",
        "I've released.",
        "I will grab left next turn",
        "Everyone: release!",
        "Let's all wait",
        "Forks are cold.",
        "Release it, please",
        "I might grab left",
    ],
)
def test_what_binds_nobody_now(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize("junk", ["I will ", "not ", " ", "grab ", "if ", "x", ". ", "I'll release and "])
def test_long_junk_is_read_in_no_time(junk: str) -> None:
    text = junk * (8_000 // len(junk))
    assert {intent.name for intent in intents(text, PHRASES)} <= {"release"}


def test_an_intent_carries_its_number() -> None:
    (intent,) = intents("I will contribute 12 this time.", PHRASES)
    assert (intent.name, intent.value) == ("give", "12")
