"""What plain-text replies come to, however models dress them up."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_collab.episode.game import Speech
from pytest_collab.families.rounds import choice, number, one, read, sections, speeches

SEATS = ("a", "b", "c")
NAMES = {name: name for name in SEATS} | {"left": "c", "right": "b"}
ACTIONS = ("grab_left", "grab_right", "release", "wait")


def action(text: str, seat: str = "a") -> tuple[str | None, str | None]:
    got = one(read(text), seat, SEATS, lambda value: choice(value, ACTIONS))
    return got.value, got.why


@pytest.mark.parametrize(
    "text",
    [
        "ACTION: GRAB_LEFT",
        "action: grab left",
        "I think it is my turn.\n\n**ACTION:** `GRAB_LEFT`",
        "## Action: Grab-Left!",
        "- **Action**: *grab_left* (because it is free)",
        "1. ACTION: [GRAB_LEFT]",
        "> Final action = <grab_left>",
        "ACTION:\nGRAB_LEFT",
        '```json\n{"Action": "GRAB_LEFT", "message": "hello"}\n```',
        '{"action": "grab_left"}',
        "<think>ACTION: WAIT? no.</think>\nACTION: GRAB_LEFT",
        "ACTION for a: grab_left",
        "ACTION: grab_left\nACTION: GRAB LEFT",
        "Let me see. The fork is free.\nGRAB_LEFT",
        "Action items: none\nMove: grab_left",
        "ACTION: GRAB_LEFT (the right one is not free)",
        "ACTION: GRAB_LEFT, because nobody wants to wait",
        'Sure! {\n  "action": "GRAB_LEFT",\n  "message": "mine"\n}',
    ],
)
def test_one_action_is_read_through_any_markup(text: str) -> None:
    assert action(text) == ("grab_left", None)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no action"),
        ("I would like to eat.", "no action"),
        ("You should not GRAB_LEFT now, I say.", "no action"),
        ("ACTION: GRAB_LEFT\nACTION: WAIT", "two different actions"),
        ("ACTION: grab_left or grab_right", "two different actions"),
        ("ACTION: do not grab_left", "says what not to do"),
        ("ACTION: GRAB_LEFT, WAIT", "two different actions"),
        ("ACTION: GRAB_LEFT then wait", "two different actions"),
        ("ACTION: eat", "is no action of this game"),
        ("ACTION for b: GRAB_LEFT", "in the name of seat b"),
        ("ACTION b: GRAB_LEFT", "in the name of seat b"),
        ("ACTION:", "no action of this game"),
    ],
)
def test_what_is_no_action_says_why(text: str, why: str) -> None:
    value, said = action(text)
    assert value is None
    assert said is not None
    assert why in said


def test_a_foreign_action_does_not_undo_ones_own_but_is_told() -> None:
    assert action("ACTION: WAIT\nACTION b: RELEASE") == ("wait", "acts in the name of seat b")


def test_messages_find_their_recipients() -> None:
    text = (
        "**MESSAGE to b:** I grab left.\nAnd then I wait.\n\nThis is no message.\n"
        "Message (to b and C): both of you\nMESSAGE to everyone: all\nmessage: all again\n"
        "MESSAGE to my right neighbour: psst\nMESSAGE to zoe: who?\nMESSAGE to a: myself\n"
        "MESSAGE: None\nMessage from b: quoted\nACTION: WAIT"
    )
    assert speeches(read(text), NAMES) == (
        Speech("I grab left.\nAnd then I wait.", ("b",)),
        Speech("both of you", ("b", "c")),
        Speech("all", None),
        Speech("all again", None),
        Speech("psst", ("b",)),
        Speech("who?", ("zoe",)),
        Speech("myself", ("a",)),
    )
    assert action(text) == ("wait", None)


@pytest.mark.parametrize(
    "text",
    [
        '{"messages": [{"to": "b", "text": "hi"}, {"to": ["b", "c"], "content": "ho"}], "action": "wait"}',
        '{"messages": {"b": "hi", "b, c": "ho"}, "action": "wait"}',
    ],
)
def test_json_messages_are_messages(text: str) -> None:
    assert [(s.text, s.to) for s in speeches(read(text), NAMES)] == [("hi", ("b",)), ("ho", ("b", "c"))]


def test_a_thousand_messages_are_a_thousand_messages() -> None:
    text = "\n".join(f"MESSAGE to b: number {i}" for i in range(1000)) + "\nACTION: WAIT"
    assert len(speeches(read(text), NAMES)) == 1000
    assert action(text) == ("wait", None)


def test_commands_need_no_colon_and_prose_is_no_command() -> None:
    text = "I will send p3 to b.\nSEND p3 to b\n- **Send:** p4 to c\nSUBMIT t1\nsubmission is later"
    reading = read(text, ("message",), ("send", "submit"))
    assert [(f.label, f.value) for f in reading.fields] == [
        ("send", "p3 to b"),
        ("send", "p4 to c"),
        ("submit", "t1"),
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), ("5 units (half of 10)", 5), ("I take 7.", 7), ("1,000", 1000), ("+3", 3), ("2e1", 20), ("0.0", 0)],
)
def test_numbers_are_read_from_words(text: str, value: float) -> None:
    assert number(text, 0, 1000).value == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("-5", "outside"),
        ("101", "outside"),
        ("nan", "finite"),
        ("inf", "finite"),
        ("-Infinity", "finite"),
        ("1e999", "finite"),
        ("5 or 10", "more than one"),
        ("5-10", "more than one"),
        ("between 5 and 10", "more than one"),
        ("plenty", "no number"),
        ("", "no number"),
        ("2.5", "whole"),
    ],
)
def test_numbers_that_do_not_count_say_why(text: str, why: str) -> None:
    got = number(text, 0, 100, whole=True)
    assert got.value is None
    assert why in str(got.why)


@pytest.mark.parametrize(
    "junk", ["*", "`", " ", "```{", "a ", "<think>", "{", '"', "ACTION ", "- ", "1) ", "SEAT a "]
)
def test_a_long_reply_of_junk_is_read_in_no_time(junk: str) -> None:
    text = junk * (60_000 // len(junk))
    for dressed in (text, text + "x", f"ACTION: {text}", f"MESSAGE {text}: hi", f"SEAT a{text}x"):
        reading = read(dressed, ("action", "message"), ("send",))
        assert action(dressed)[0] is None
        speeches(reading, NAMES)
        sections(dressed, SEATS)
        number(text, 0, 1)


@settings(deadline=None)
@given(st.text(max_size=300), st.sampled_from([*SEATS]))
def test_no_text_breaks_the_reader(text: str, seat: str) -> None:
    for dressed in (text, f"ACTION: {text}", f"MESSAGE to {text}: {text}", f"SEAT b\n{text}", f"{{{text}}}"):
        reading = read(dressed, ("action", "message"), ("send",))
        got = one(reading, seat, SEATS, lambda value: choice(value, ACTIONS))
        assert got.value is None or got.value in ACTIONS
        speeches(reading, NAMES)
        sections(dressed, SEATS)
        amount = number(text, 0, 10).value
        assert amount is None or (math.isfinite(amount) and 0 <= amount <= 10)


@settings(deadline=None)
@given(st.fixed_dictionaries({seat: st.sampled_from(ACTIONS) for seat in SEATS}), st.sampled_from(range(4)))
def test_one_agent_can_command_every_seat(wanted: dict[str, str], style: int) -> None:
    text = [
        "\n".join(f"SEAT {s}\nACTION: {a}\nMESSAGE to b: hello" for s, a in wanted.items()),
        "\n".join(f"## Seat {s}:\n**ACTION:** {a}" for s, a in wanted.items()),
        "My plan is this.\n" + "\n".join(f"ACTION {s}: {a}" for s, a in wanted.items()),
        "{" + ", ".join(f'"{s}": {{"action": "{a}"}}' for s, a in wanted.items()) + "}",
    ][style]
    parts = sections(text, SEATS)
    assert {seat: action(parts[seat], seat)[0] for seat in SEATS} == wanted
