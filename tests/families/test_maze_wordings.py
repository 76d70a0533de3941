"""Hundreds of dialogues in the words of many makers' models: what was agreed, and that no innocent seat is named."""

from __future__ import annotations

import maze_scripts

ENOUGH = 0.75
CORPUS = maze_scripts.wordings()


def test_what_was_agreed_is_read_right_or_left_open() -> None:
    read = [(one, one.reading()) for one in CORPUS]
    right = [maze_scripts.moves(reading.path) == one.agreed for one, reading in read]
    misled = [
        (one.kind, one.said, one.agreed, maze_scripts.moves(reading.path))
        for (one, reading), exact in zip(read, right, strict=True)
        if not exact and reading.confidence >= ENOUGH
    ]
    assert not misled
    assert sum(right) >= 0.94 * len(right)


def test_the_seat_at_fault_is_named_and_no_innocent_one() -> None:
    judged = [(one, one.failures()) for one in CORPUS]
    accused = [(one.kind, one.said, failures) for one, failures in judged if one.innocents(failures)]
    assert not accused
    faulty = [(one, failures) for one, failures in judged if one.fault]
    hits = sum(one.at_fault(failures[0] if failures else None) for one, failures in faulty)
    assert hits >= 0.9 * len(faulty)
