"""What counts as saying that one is going to do something."""

from __future__ import annotations

import re

import pytest

from pytest_collab.families.rounds import deeds, intents

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
        ("I planned to grab the left fork; now I will wait instead.", [("wait", False)]),
        ("I would like to grab left but I will wait.", [("wait", False)]),
        ("I think I'll grab left", [("grab_left", False)]),
        ("b should grab left, I'll wait.", [("wait", False)]),
        ("I would give 20, but for the sake of all I will give 8.", [("give", False)]),
        ("We agreed that I grab left first and you wait.", [("grab_left", False)]),
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
        'You said "I will grab left". Please do.',
        "> I will grab left",
        "b told me: I'll grab left. So be careful.",
        "c says I release, which is wrong.",
        "Suppose I grab left: then you can grab right.",
        "I would grab left, were it not for you.",
        "I'd grab left.",
        "I may grab left.",
        "Either I grab left or I wait.",
        "I hope nobody grabs left.",
        "I think b will grab left.",
        "I want b to grab left.",
        "I suggest that even seats grab left first.",
        "I propose: a grabs left, b waits.",
        "Nobody should believe that I wait!",
        "I will give 10, scratch that, 12.",
        "I will give 10 or 12.",
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


TOOK = re.compile(r"\bI (?:only )?took (\d+)", re.IGNORECASE)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("I took 10.", ["10"]),
        ("I only took 10 as promised.", ["10"]),
        ("Did I take 10? No, I took 8.", ["8"]),
        ("I took 5 tons and b took 20 in the first month.", ["5"]),
        ("If I took 10 you would take 20.", []),
        ("Suppose I took 10.", []),
        ("I never said I took 10.", []),
        ("You said I took 12.", []),
        ('"I took 10" is what b wrote.', []),
        ("I took 10 in the first month.", []),
        ("I took 10 fewer than you.", []),
    ],
)
def test_what_one_says_to_have_done_last(text: str, told: list[str]) -> None:
    assert [match[1] for match in deeds(text, TOOK)] == told
