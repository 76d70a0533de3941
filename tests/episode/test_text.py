"""Agents' text never reaches a terminal or a page raw."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_collab.episode.text import bounded, counted, one_line, printable, valid, without_omissions

ANYTHING = st.text(st.characters(codec=None, categories=None))


@given(ANYTHING)
def test_printable_text_holds_no_control_character(text: str) -> None:
    shown = printable(text)
    assert all(character in "\n\t" or unicodedata.category(character) != "Cc" for character in shown)
    shown.encode("utf-8")


@given(ANYTHING)
def test_printable_is_idempotent(text: str) -> None:
    assert printable(printable(text)) == printable(text)


def test_ansi_sequences_leave_nothing() -> None:
    assert printable("\x1b[31mred\x1b[0m \x1b]0;title\x07done") == "red done"
    assert printable("a\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\b") == "alinkb"
    assert "\u202e" not in printable("abc\u202edef")


@given(ANYTHING, st.integers(10, 100))
def test_bounded_text_says_what_it_left_out(text: str, limit: int) -> None:
    cut = bounded(text, limit)
    if len(text) <= limit:
        assert cut == text
    else:
        assert f"{len(text) - limit} characters left out" in cut


@given(st.integers(20, 400))
def test_what_is_read_of_a_cut_text_is_whole_words_and_nothing_else(limit: int) -> None:
    assert set(without_omissions(bounded("word " * 400, limit)).split()) <= {"word"}


@given(ANYTHING)
def test_valid_text_encodes(text: str) -> None:
    valid(text).encode("utf-8")


@given(ANYTHING, st.integers(5, 50))
def test_one_line_is_one_short_line(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert "\n" not in line


@pytest.mark.parametrize(
    ("count", "words", "told"),
    [
        (0, ("episode",), "0 episodes"),
        (1, ("episode",), "1 episode"),
        (2, ("more seed",), "2 more seeds"),
        (1, ("retry", "retries"), "1 retry"),
        (3, ("retry", "retries"), "3 retries"),
    ],
)
def test_a_noun_goes_with_its_count(count: int, words: tuple[str, ...], told: str) -> None:
    assert counted(count, *words) == told
