"""The words that prove a failure, and what seats did, as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_collab.episode.outcome import Failure
from pytest_collab.episode.transcript import Transcript
from pytest_collab.report.marks import from_proof, in_units, spans, spans_of
from pytest_collab.report.telling import deed, size, tool


@pytest.mark.parametrize(
    ("note", "text", "marked"),
    [
        (
            "said 'I took 1, and no more.' and had taken 35",
            "Well. I took 1, and no more.",
            ["I took 1, and no more."],
        ),
        ('said "Sorry, I don\'t have p8.", which is not so', "Sorry, I don't have p8.", ["Sorry, I don't have p8."]),
        (
            "b said that (0, 1), (3, 1) are walls",
            "Walls: (0, 1), (3, 1), (3,3). Open: (1, 4).",
            ["(0, 1), (3, 1)"],
        ),
        ("held back p7, which b needs", "Please send me p7 and p17.", ["p7"]),
        (
            "found out that rents there are the lowest",
            "Ashford: rents there are the lowest!",
            ["rents there are the lowest"],
        ),
        ("b never wrote anything", "Agreed, let us take that path.", []),
    ],
)
def test_what_a_note_names_is_found_in_what_was_said(note: str, text: str, marked: list[str]) -> None:
    assert [text[start:end] for start, end in spans(note, text)] == marked


@given(st.text(max_size=200), st.text(max_size=400))
def test_marks_are_ascending_and_inside_the_text(note: str, text: str) -> None:
    found = spans_of([Failure.of("vague", "a", events=[3], note=note)] * 2, 3, text)
    ends = [at for span in found for at in span]
    assert ends == sorted(ends)
    assert all(0 <= at <= len(text) for at in ends)
    assert all(start < end for start, end in found)
    assert spans_of([Failure.of("vague", "a", events=[3], note=note)], 4, text) == []


def test_a_long_text_begins_with_the_sentence_that_proves() -> None:
    text = "I name cells row first. " * 10 + "These are walls: (0, 2), (2, 1). Yours?"
    assert from_proof("b said that (0, 2) is a wall", text, 140) == "… These are walls: (0, 2), (2, 1). Yours?"
    assert from_proof("b said that (0, 2) is a wall", text, 1000) == text
    assert from_proof("b never wrote anything", text, 140) == text


def test_marks_are_counted_as_a_browser_counts() -> None:
    assert in_units("😀 p7", [(2, 4)]) == [[3, 5]]


def test_tools_are_told_by_what_they_do() -> None:
    patch = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n-old\n+new\n+more\n"
    assert size(patch * 2) == "2 files +4 -2"
    assert tool("apply_patch", {"patch": patch}) == "apply_patch: 1 file +2 -1"
    assert tool("write_file", {"path": "a/b.py", "content": "x\ny\n"}) == "write_file: a/b.py, 2 lines"
    assert tool("run", {"command": "pytest  -q\n"}) == "run: pytest -q"
    assert tool("finish", {}) == tool("finish", None) == "finish"
    assert len(tool("run", {"command": "x" * 500})) < 200


def test_actions_are_told_in_the_familys_words_and_never_cost_the_page() -> None:
    def told(family: str, action: object) -> str | None:
        transcript = Transcript()
        transcript.add("start", family=family, params={}, seats=["a", "b"])
        return deed(transcript.add("action", "a", turn=0, action=action), transcript)

    sends = {"send": [["p7", "b"], ["p6", "b"], ["p7", "c"]], "submit": ["a1"]}
    assert told("market", sends) == "sends p7, p6 to b; sends p7 to c; submits a1"
    assert told("philosophers", {"a": "grab_left", "b": "wait"}) == "a takes the left fork; b waits"
    assert told("market", 7) == "does 7", "what a family cannot tell is shown as it is"
    assert told("of somebody else", {"x": [1, 2]}) == "does x 1 2"
