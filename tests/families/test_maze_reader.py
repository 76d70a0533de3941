"""Reading free-form maze dialogues: what the reader promises, and how well it does on dialogues labelled by hand."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import mean
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_collab.families.maze.reading import reader
from pytest_collab.families.maze.reading.notation import atomise
from pytest_collab.families.maze.reading.plaintext import TEXT_LIMIT, clean, clip
from pytest_collab.families.maze.reading.reader import Cell, Reading, Utterance, read

ROOT = Path(__file__).resolve().parent.parent.parent


def _load_table() -> ModuleType:
    spec = importlib.util.spec_from_file_location("maze_reader_table", ROOT / "benchmarks" / "maze_reader_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


table = _load_table()


def heard(
    *turns: tuple[str, str],
    size: int = 6,
    start: Cell = (0, 0),
    goal: Cell = (5, 5),
    seats: str = "ab",
    mute: bool = False,
) -> Reading:
    """Read turns that every other seat hears, or none of them."""
    utterances = [
        Utterance(seat, text, event, () if mute else tuple(other for other in seats if other != seat))
        for event, (seat, text) in enumerate(turns)
    ]
    return read(utterances, size=size, start=start, goal=goal, seats=tuple(seats))


# ---------------------------------------------------------------- the labelled dialogues


@pytest.fixture(scope="module")
def scored() -> list[table.Scored]:
    return [table.score(entry) for entry in table.load()]


def test_the_labelled_set_is_large_and_well_formed() -> None:
    entries = table.load()
    assert len(entries) >= 200
    assert len({entry["id"] for entry in entries}) == len(entries)
    for entry in entries:
        size = entry.get("size", 6)
        seats = entry.get("seats", ["a", "b"])
        path = table.walk(entry.get("start", [0, 0]), entry["moves"])
        assert all(0 <= row < size and 0 <= col < size for row, col in path), entry["id"]
        assert entry["answer"] in table.ANSWERS
        assert {seat for seat, _ in entry["turns"]} <= set(seats)


# What the reader is held to, in each part. The figures of the doc come from benchmarks/maze_reader_table.py.
FLOORS = {
    "development": {
        "path right": 0.94,
        "path precision": 0.95,
        "path recall": 0.93,
        "acceptance precision": 0.98,
        "acceptance recall": 0.95,
        "claim precision": 0.97,
        "claim recall": 0.93,
    },
    "held-out": {
        "path right": 0.79,
        "path precision": 0.85,
        "path recall": 0.75,
        "acceptance precision": 0.96,
        "acceptance recall": 0.82,
        "claim precision": 0.95,
        "claim recall": 0.75,
    },
}


@pytest.mark.parametrize("part", list(FLOORS))
def test_paths_agreement_and_claims_are_read_as_by_hand(part: str, scored: list[table.Scored]) -> None:
    print(table.tables(scored))
    rates = table.rates([one for one in scored if one.part == part])
    short = {name: (rates[name], floor) for name, floor in FLOORS[part].items() if rates[name] < floor}
    assert not short


def test_the_doc_shows_the_figures_of_today(scored: list[table.Scored]) -> None:
    assert table.tables(scored) in table.DOC.read_text("utf-8"), "python benchmarks/maze_reader_table.py --write"


@pytest.mark.parametrize("part", list(FLOORS))
def test_confidence_is_higher_where_the_reader_is_right(part: str, scored: list[table.Scored]) -> None:
    ones = [one for one in scored if one.part == part]
    right = mean(one.reading.confidence for one in ones if one.right)
    wrong = mean(one.reading.confidence for one in ones if not one.right)
    assert right > wrong


def test_other_languages_are_read_with_little_confidence_rather_than_wrongly(scored: list[table.Scored]) -> None:
    for one in scored:
        if one.part == "out of scope":
            assert one.right or len(one.reading.path) == 1
            assert one.reading.confidence < 0.7


# ---------------------------------------------------------------- notations

WORDS = {(-1, 0): "up", (1, 0): "down", (0, -1): "left", (0, 1): "right"}
COMPASS = {(-1, 0): "north", (1, 0): "south", (0, -1): "west", (0, 1): "east"}
ARROWS = {(-1, 0): "↑", (1, 0): "↓", (0, -1): "←", (0, 1): "→"}


def deltas(path: list[Cell]) -> list[Cell]:
    return [(two[0] - one[0], two[1] - one[1]) for one, two in pairwise(path)]


def grouped(path: list[Cell]) -> list[tuple[str, int]]:
    runs: list[tuple[str, int]] = []
    for delta in deltas(path):
        word = WORDS[delta]
        runs = [*runs[:-1], (word, runs[-1][1] + 1)] if runs and runs[-1][0] == word else [*runs, (word, 1)]
    return runs


NOTATIONS: dict[str, Callable[[list[Cell]], str]] = {
    "words": lambda path: ", ".join(WORDS[delta] for delta in deltas(path)),
    "then": lambda path: " then ".join(WORDS[delta] for delta in deltas(path)),
    "compass": lambda path: ", ".join(COMPASS[delta] for delta in deltas(path)),
    "letters": lambda path: ", ".join(WORDS[delta][0].upper() for delta in deltas(path)),
    "lower-case letters": lambda path: (
        ", ".join(WORDS[delta][0] for delta in deltas(path)) + (", " * (len(path) > 2))
    ),
    "arrows": lambda path: "".join(ARROWS[delta] for delta in deltas(path)),
    "spaced arrows": lambda path: " ".join(ARROWS[delta] for delta in deltas(path)),
    "arrows between words": lambda path: " -> ".join(WORDS[delta] for delta in deltas(path)),
    "counts before": lambda path: ", ".join(f"{count} {word}" for word, count in grouped(path)),
    "counts after": lambda path: ", ".join(f"{word} {count}" for word, count in grouped(path)),
    "times": lambda path: ", ".join(f"{word} x{count}" for word, count in grouped(path)),
    "letter and count": lambda path: " ".join(f"{word[0].upper()}{count}" for word, count in grouped(path)),
    "steps": lambda path: ", then ".join(f"{count} step{'s' * (count > 1)} {word}" for word, count in grouped(path)),
    "numbered list": lambda path: (
        "\n" + "\n".join(f"{number}. {WORDS[delta]}" for number, delta in enumerate(deltas(path), 1))
    ),
    "bullets": lambda path: "\n" + "\n".join(f"- Move **{WORDS[delta]}**" for delta in deltas(path)),
    "json": lambda path: str([WORDS[delta] for delta in deltas(path)]),
    "tuples": lambda path: " -> ".join(f"({row},{col})" for row, col in path),
    "tuples without the start": lambda path: "move to " + ", ".join(f"({row}, {col})" for row, col in path[1:]),
    "brackets": lambda path: str([list(cell) for cell in path]),
    "latex": lambda path: "$" + r" \rightarrow ".join(f"({row},{col})" for row, col in path) + "$",
    "rNcM": lambda path: " → ".join(f"r{row}c{col}" for row, col in path),
    "row and column": lambda path: "go to " + ", then ".join(f"row {row}, column {col}" for row, col in path[1:]),
    "column and row": lambda path: "go to " + ", then ".join(f"column {col}, row {row}" for row, col in path[1:]),
    "one-based": lambda path: (
        "I count from 1, (row, col), so start is at "
        + f"({path[0][0] + 1},{path[0][1] + 1}). Path: "
        + " -> ".join(f"({row + 1},{col + 1})" for row, col in path)
    ),
    "x,y": lambda path: (
        "I write (x, y), counting from 0 at the top left. Path: " + " -> ".join(f"({col},{row})" for row, col in path)
    ),
    "x,y one-based": lambda path: (
        f"(x, y), 1-based. The start is ({path[0][1] + 1},{path[0][0] + 1}). Path: "
        + " -> ".join(f"({col + 1},{row + 1})" for row, col in path)
    ),
    "direction and cell": lambda path: ", ".join(
        f"{WORDS[delta]} to ({row},{col})" for delta, (row, col) in zip(deltas(path), path[1:], strict=True)
    ),
}


@st.composite
def walks(draw: st.DrawFn) -> tuple[int, list[Cell], Cell]:
    """A grid's size, a path in it that never visits a cell twice, and a goal."""
    size = draw(st.integers(3, 32))
    path = [(draw(st.integers(0, size - 1)), draw(st.integers(0, size - 1)))]
    for _ in range(draw(st.integers(1, 10))):
        row, col = path[-1]
        free = [
            cell
            for cell in ((row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1))
            if 0 <= cell[0] < size and 0 <= cell[1] < size and cell not in path
        ]
        if not free:
            break
        path.append(draw(st.sampled_from(free)))
    return size, path, path[-1]


@pytest.mark.parametrize("notation", list(NOTATIONS))
@settings(max_examples=40, deadline=None)
@given(walk=walks())
def test_a_path_is_read_back_from_every_notation(notation: str, walk: tuple[int, list[Cell], Cell]) -> None:
    size, path, goal = walk
    text = f"I propose this path: {NOTATIONS[notation](path)}"
    reading = heard(("a", text), ("b", "Agreed."), size=size, start=path[0], goal=goal)
    assert list(reading.path) == path


@settings(max_examples=40, deadline=None)
@given(walk=walks())
def test_a_path_is_read_back_from_letters_and_numbers(walk: tuple[int, list[Cell], Cell]) -> None:
    size, path, goal = walk
    text = "Path: " + " -> ".join(f"{chr(ord('A') + col)}{row + 1}" for row, col in path)
    letters = {chr(ord("a") + col) for _, col in path}
    if size > 26 or letters <= set("udlr") or letters <= set("nesw") or letters <= set("rc"):
        return  # no cells, but moves with counts, or beyond the alphabet
    assert list(heard(("a", text), ("b", "ok"), size=size, start=path[0], goal=goal).path) == path


@settings(max_examples=60, deadline=None)
@given(
    walk=walks(),
    notation=st.sampled_from(["words", "compass", "counts before", "tuples", "numbered list"]),
    before=st.sampled_from(["", "Hello there! ", "Hi partner, I hope you are well. ", "Thank you so much. ", "🙂 "]),
    after=st.sampled_from(["", " Please tell me what you think.", " Thank you!", "\n\nBest regards, A.", " 🙏"]),
    case=st.sampled_from([str, str.upper, str.lower, str.title]),
)
def test_case_and_courtesy_change_nothing(
    walk: tuple[int, list[Cell], Cell], notation: str, before: str, after: str, case: Callable[[str], str]
) -> None:
    size, path, goal = walk
    text = case(f"{before}I propose this path: {NOTATIONS[notation](path)}.{after}")
    answer = case(f"{before}I agree.{after}")
    assert list(heard(("a", text), ("b", answer), size=size, start=path[0], goal=goal).path) == path


# ---------------------------------------------------------------- agreement


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
        ([("a", "Right, right."), ("b", "Agreed."), ("a", "Wait, I was wrong, (0,2) is a wall.")], [(0, 1)]),
        ([("a", "Right."), ("b", "Agreed."), ("a", "Full path: right, down."), ("b", "Agreed.")], [(0, 1), (1, 1)]),
    ],
)
def test_moves_count_once_the_other_seat_has_agreed(turns: list[tuple[str, str]], path: list[Cell]) -> None:
    assert list(heard(*turns).path) == [(0, 0), *path]


def test_nobody_can_agree_to_what_they_have_not_heard() -> None:
    assert heard(("a", "right, right"), ("b", "Agreed."), mute=True).path == ((0, 0),)


def test_the_same_path_said_by_each_seat_is_agreed_even_unheard() -> None:
    reading = heard(("a", "Path: right, right"), ("b", "My path is (0,0) -> (0,1) -> (0,2)"), mute=True)
    assert reading.path == ((0, 0), (0, 1), (0, 2))


def test_every_seat_must_agree() -> None:
    assert heard(("a", "down"), ("b", "ok"), seats="abc").path == ((0, 0),)
    assert heard(("a", "down"), ("b", "ok"), ("c", "ok"), seats="abc").path == ((0, 0), (1, 0))


def test_a_seat_alone_is_held_to_its_last_word() -> None:
    reading = heard(("a", "right, right"), ("a", "Scratch that. Final path: down, down"), seats="a")
    assert reading.path == ((0, 0), (1, 0), (2, 0))


def test_proposals_say_who_made_took_and_refused_them() -> None:
    reading = heard(("a", "right, right"), ("b", "No, (0,2) is a wall. Down?"), ("a", "Agreed."))
    first, second = reading.proposals
    assert (first.seat, first.path, first.rejected_by) == ("a", ((0, 1), (0, 2)), (("b", 1),))
    assert (second.seat, second.event, second.path, second.agreed_by) == ("b", 1, ((1, 0),), (("a", 2),))
    assert reading.disagreements == (("b", 1),)
    assert [(claim.seat, claim.event, claim.cell, claim.content) for claim in reading.claims] == [
        ("b", 1, (0, 2), "#")
    ]


def test_a_withdrawn_proposal_cannot_be_taken() -> None:
    reading = heard(("a", "right, right"), ("a", "Scratch that."), ("b", "Agreed."))
    assert reading.path == ((0, 0),)
    assert reading.proposals[0].retracted


def test_seats_that_say_they_are_done_are_named() -> None:
    reading = heard(
        ("a", "right, down"), ("b", "Agreed, we reached the goal!"), ("a", "Not yet done I think."), goal=(1, 1)
    )
    assert reading.done == ("b",)


def test_a_picture_of_the_map_is_no_proposal() -> None:
    reading = heard(("a", "@.#\n..#\n#.*"), ("b", "Agreed."), size=3, goal=(2, 2))
    assert reading.path == ((0, 0),)
    assert reading.proposals == ()
    assert {claim.cell for claim in reading.claims if claim.content == "#"} == {(0, 2), (1, 2), (2, 0)}


# ---------------------------------------------------------------- frames


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ("Path: (0,1) -> (0,2) -> (1,2)", "row,col 0-based"),
        ("The start is (1,2), the goal (6,5). Path: (1,3) -> (1,4)", "row,col 1-based"),
        ("The start is at (1,0) for me. Path: (1,0) -> (2,0)", "x,y 0-based"),
        ("Path: B1 -> C1 -> C2", "A1 (letter is the column)"),
    ],
)
def test_the_convention_is_told_from_what_both_know(text: str, frame: str) -> None:
    assert heard(("a", text), start=(0, 1), goal=(5, 4)).frame == {"a": frame}


def test_coordinates_that_only_fit_transposed_are_a_conflict() -> None:
    reading = heard(
        ("a", "I use (row, col). The start is (0,1). I propose (0,2)."),
        ("b", "The start is (1,0), and I propose (1,0) -> (2,0)."),
        start=(0, 1),
        goal=(5, 3),
    )
    assert reading.frame_conflicts == (1,)
    assert reading.frame["b"].startswith("x,y")


def test_the_same_convention_is_no_conflict() -> None:
    reading = heard(("a", "(0,0) -> (0,1)"), ("b", "Agreed: (0,0) -> (0,1). Next (1,1)."))
    assert reading.frame_conflicts == ()


# ---------------------------------------------------------------- any text at all


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abx"), st.text(max_size=300)), max_size=6), st.integers(3, 32))
def test_no_text_makes_the_reader_raise(turns: list[tuple[str, str]], size: int) -> None:
    reading = heard(*turns, size=size, goal=(size - 1, size - 1))
    assert reading.path[0] == (0, 0)
    assert 0 <= reading.confidence <= 1


FRAGMENTS = [
    "right", "2", "down", "(", ")", "(0,1)", "[1,2]", "r1c2", "B3", "R", "D", "3", "->", "→", "↓", "agreed",
    "no", "yes", "but", "then", "if", "(2,3)", "is", "a", "wall", ".", "#", "?", ",", ";", ":", "\n", "wait",
    "scratch", "that", "first", "two", "moves", "up", "to", "option", "1", "row", "3:", ".", "#", ".",
    "column", "full", "path", "not", "don't", "instead", "ok", "goal", "start", "\ue000", "\uf000", "**",
    "`", "~~", "$", "\\to", "\\text", "x=1", "1.", "-", "99", "(99,99)",
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.lists(st.sampled_from(FRAGMENTS), max_size=25)), max_size=6))
def test_no_mixture_of_the_words_it_knows_makes_the_reader_raise(turns: list[tuple[str, list[str]]]) -> None:
    said = [(seat, " ".join(words)) for seat, words in turns]
    reading = heard(*said)
    assert reading == heard(*said)
    assert len(reading.path) <= 4 * 36 + 1


@pytest.mark.parametrize(
    "unit",
    ["right ", "(1,1)", "(1,1) and ", "R ", "→", "-> ", "1 ", "1. ", "if ", "not a b c ", "agree to ", "row ", "\n",
     " ", ".", "#", ". # ", "(", "*", "~~a", "<think>", "\\left", "wall at ", "(1,1) is ", "up to ", "\ufdfa",
     "\ud800", "`.`"],
)  # fmt: skip
def test_long_hostile_texts_cost_bounded_work(unit: str) -> None:
    text = unit * (64 * 1024 // len(unit))
    assert len(clip(text)) <= TEXT_LIMIT + 1
    atoms = atomise(clean(clip(text)), 6)
    assert len(atoms.text) <= 4 * TEXT_LIMIT
    assert len(atoms.mentions) + len(atoms.steps) <= TEXT_LIMIT
    reading = heard(("a", text), ("b", "Agreed."))
    assert len(reading.path) <= 4 * 36 + 1


# ---------------------------------------------------------------- reading again after every message


def test_a_dialogue_read_message_by_message_comes_to_the_same_as_read_at_once() -> None:
    for entry in table.load():
        seats = tuple(entry.get("seats", ["a", "b"]))
        said = [
            Utterance(seat, text, event, tuple(other for other in seats if other != seat))
            for event, (seat, text) in enumerate(entry["turns"])
        ]
        size = entry.get("size", 6)
        start, goal = tuple(entry.get("start", [0, 0])), tuple(entry.get("goal", [size - 1, size - 1]))
        reader._kept.clear()
        grown = [read(said[:count], size=size, start=start, goal=goal, seats=seats) for count in range(len(said) + 1)]
        reader._kept.clear()
        for count in range(len(said), -1, -1):  # no dialogue goes on from the one before it
            assert read(said[:count], size=size, start=start, goal=goal, seats=seats) == grown[count], entry["id"]
