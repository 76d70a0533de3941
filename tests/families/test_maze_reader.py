"""Reading free-form maze dialogues."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_collab.families.maze.reader import Cell, Reading, Utterance, read


def heard(
    *turns: tuple[str, str], size: int = 6, start: Cell = (0, 0), goal: Cell = (5, 5), seats: str = "ab"
) -> Reading:
    """Read turns that every other seat hears."""
    utterances = [
        Utterance(seat, text, event, tuple(other for other in seats if other != seat))
        for event, (seat, text) in enumerate(turns)
    ]
    return read(utterances, size=size, start=start, goal=goal, seats=tuple(seats))


@pytest.mark.parametrize(
    ("turns", "path"),
    [
        ([("a", "Let's go right, right, down."), ("b", "Agreed.")], [(0, 1), (0, 2), (1, 2)]),
        (
            [("a", "I propose RRDD"), ("b", "yes but then right"), ("a", "ok")],
            [(0, 1), (0, 2), (1, 2), (2, 2), (2, 3)],
        ),
        ([("a", "right right down"), ("b", "ok for the first two moves")], [(0, 1), (0, 2)]),
        ([("a", "Shall we go right?"), ("b", "Yes. Next: down"), ("a", "👍")], [(0, 1), (1, 1)]),
        ([("a", "Right, right."), ("b", "I don't agree.")], []),
    ],
)
def test_moves_count_once_the_other_seat_has_agreed(turns: list[tuple[str, str]], path: list[Cell]) -> None:
    assert list(heard(*turns).path) == [(0, 0), *path]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abx"), st.text(max_size=300)), max_size=6), st.integers(3, 32))
def test_no_text_makes_the_reader_raise(turns: list[tuple[str, str]], size: int) -> None:
    reading = heard(*turns, size=size, goal=(size - 1, size - 1))
    assert reading.path[0] == (0, 0)
    assert 0 <= reading.confidence <= 1
