"""Who had announced lines that two rewrote."""

from __future__ import annotations

import pytest

from pytest_collab.episode.condition import Condition
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.coding.findings import Findings
from pytest_collab.families.coding.rules import Deal
from pytest_collab.families.coding.verdict import Judge

FILE = "I will edit src/shop.py."
HERE = "I'm going to change lines 10-20 of src/shop.py"
AWAY = "I will only change lines 50-60 of src/shop.py."


def overlapping(*said: tuple[str, str]) -> tuple[str, ...]:
    """Whose fault it is that both rewrote lines 12 to 14, where this was said before."""
    made = Transcript()
    for seat, text in said:
        made.add("message", seat, text=text, delivered=["b" if seat == "a" else "a"])
    for seat in "ab":
        made.add("grade", what="tests", on="own", feature=seat, passed=True)
    place = {"path": "src/shop.py", "rewritten": True, "spans": {"a": [12, 14], "b": [12, 14]}}
    made.add("grade", what="overlap", places=[place])
    clash = [{"path": "src/shop.py", "hunks": [{}]}]
    made.add("grade", what="merge", strategy="naive", status="conflicts", conflicts=clash, seats=["a", "b"])
    deal = Deal({"a": ("a",), "b": ("b",)}, "merge")
    found = Judge(deal, Condition.parse("team"), made, Findings.of(made), "naive").failures()
    return next(failure.seats for failure in found if failure.code == "work_overlap")


@pytest.mark.parametrize(
    ("said", "blamed"),
    [
        ([], ("a", "b")),
        ([("a", FILE), ("b", FILE)], ("b",)),
        ([("a", HERE), ("b", HERE)], ("b",)),
        ([("a", FILE), ("b", HERE)], ("a",)),
        ([("b", HERE), ("a", FILE)], ("a",)),
        ([("a", FILE), ("a", AWAY), ("b", FILE)], ("a",)),
        ([("a", FILE), ("a", AWAY)], ("a", "b")),
        ([("a", FILE), ("a", HERE), ("b", HERE)], ("b",)),
        ([("a", AWAY), ("a", FILE), ("b", FILE)], ("b",)),
    ],
    ids=[
        "nobody said a word",
        "the first of two files",
        "the first of two stretches",
        "lines count more than the file",
        "also when they come first",
        "who has named other lines since has left these",
        "and then nobody had announced them",
        "a file, then its lines",
        "lines, then the file after all",
    ],
)
def test_the_more_precise_announcement_counts(said: list[tuple[str, str]], blamed: tuple[str, ...]) -> None:
    assert overlapping(*said) == blamed
