"""The form in which a grader says what was moved and considered, and how cells are named."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_collab import families
from pytest_collab.core.maze.spec import MazeRecord
from pytest_collab.episode.agent import Agent, Reply, Request
from pytest_collab.families.maze import Maze
from pytest_collab.families.maze.reading.grader import read_answer
from pytest_collab.families.maze.reading.gradings import Scheme, grading_in
from pytest_collab.families.maze.rules import STEPS, Cell, solve
from pytest_collab.testing import Played, play_episode

MAZE = Maze(size=4, walls=0.2, path=(4, 6), turns=6)
PLAIN = {"origin": 0, "corner": "top-left", "order": "row,column"}
UPSIDE_DOWN = {"origin": 1, "corner": "bottom-left", "order": "column,row"}


class Grader(Agent):
    """Gives its answers one after the other, the last one again and again."""

    name = model = "grader"

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []

    async def reply(self, request: Request) -> Reply:
        self.asked.append(request)
        return Reply(self.answers[min(len(self.asked), len(self.answers)) - 1])


@pytest.fixture(scope="module")
def maze() -> MazeRecord:
    family = families.get("maze")
    family.prepare([(MAZE, [0])])
    found: MazeRecord = family._maze(MAZE, 0)  # type: ignore[attr-defined]
    return found


def answer(to: list[Any], scheme: dict[str, Any] | None = None, **more: Any) -> str:
    turn = {"turn": 2, "type": "move", "by": ["a", "b"], "to": to, **more}
    considered = {"turn": 1, "type": "consider", "by": ["a"], "to": ["up"]}
    return f"They agree.\n```json\n{json.dumps({'scheme': scheme or PLAIN, 'turns': [considered, turn]})}\n```"


def named(cell: Cell, scheme: dict[str, Any]) -> str:
    """A cell as the scheme writes it: the inverse of `Scheme.cell`, found by trying."""
    made = Scheme.model_validate(scheme)
    return next(f"({one},{two})" for one in range(6) for two in range(6) if made.cell(str(one), str(two), 4) == cell)


def read(text: str, maze: MazeRecord) -> dict[str, Any]:
    found = read_answer(text, maze, ("a", "b"), 4)
    assert not isinstance(found, str), found
    return found


def graded(*answers: str, gradings: int = 1) -> Played:
    return play_episode(MAZE, ["partner", "vague"], grader=Grader(*answers), gradings=gradings)


@pytest.mark.parametrize("scheme", [PLAIN, UPSIDE_DOWN])
def test_cells_are_read_in_the_scheme_that_the_grader_names(maze: MazeRecord, scheme: dict[str, Any]) -> None:
    way = solve(maze)
    found = read(answer([named(cell, scheme) for cell in way], scheme), maze)
    assert found["path"] == found["strict"] == [list(cell) for cell in way]
    assert {key: found["read_in"][key] for key in scheme} == scheme


def test_directions_need_no_scheme(maze: MazeRecord) -> None:
    way = solve(maze)
    names = {delta: name for name, delta in STEPS.items()}
    moves = [names[b[0] - a[0], b[1] - a[1]] for a, b in pairwise(way)]
    for words in (moves, [move[0].upper() for move in moves]):
        assert read(answer(words, UPSIDE_DOWN), maze)["path"] == [list(cell) for cell in way]


@pytest.mark.parametrize("form", ["({row},{column})", "[{row}, {column}]", "{row}:{column}", "{letter}{column}"])
def test_cells_may_be_written_in_several_ways(maze: MazeRecord, form: str) -> None:
    row, column = maze.start
    start = form.format(row=row, column=column, letter="ABCD"[row])
    found = read(answer([start, "up"]), maze)["strict"]
    assert found == [[row, column], [row - 1, column]]


def test_only_moves_count_and_each_goes_on_where_the_one_before_ended(maze: MazeRecord) -> None:
    turns = [
        {"turn": 1, "type": "consider", "by": ["a"], "to": ["left", "left"]},
        {"turn": 2, "type": "move", "by": ["a", "b"], "to": ["down"]},
        {"turn": 3, "type": "none", "by": ["a"]},
        {"turn": 4, "type": "move", "by": ["b"], "to": ["up"]},
    ]
    found = read(json.dumps({"scheme": PLAIN, "turns": turns}), maze)
    (row, column) = maze.start
    assert found["strict"] == [[row, column], [row + 1, column], [row, column]]
    assert [turn["type"] for turn in found["turns"]] == ["consider", "move", "none", "move"]


def test_the_most_favourable_scheme_counts_and_the_strict_reading_is_told_beside_it(maze: MazeRecord) -> None:
    """The grader names the plain scheme; the cells are those of a way to the goal counted from the bottom, from 1."""
    way = [named(cell, UPSIDE_DOWN) for cell in solve(maze)]
    episode = graded(answer(way, PLAIN)).episode
    assert episode.success
    assert episode.metrics["weighted_outcome"] == 1.0
    assert episode.metrics["strict_outcome"] < 1.0
    assert episode.metrics["ungrounded_gain"] == pytest.approx(1.0 - episode.metrics["strict_outcome"])
    right = graded(answer(way, UPSIDE_DOWN)).episode
    assert (right.metrics["strict_outcome"], right.metrics["ungrounded_gain"]) == (1.0, 0.0)


def test_every_grading_leaves_what_it_came_to(maze: MazeRecord) -> None:
    way = [named(cell, PLAIN) for cell in solve(maze)]
    played = graded(answer(way), answer(way), answer(way[:1]), gradings=3)
    assert [played.episode.metrics[f"grading_{n}"] for n in (1, 2, 3)] == [1.0, 1.0, 0.0]
    assert played.episode.metrics["gradings_agree"] == pytest.approx(2 / 3)
    assert played.episode.success, "what most gradings read counts"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (answer(["right"], {**PLAIN, "origin": 2}), "scheme.origin"),
        (answer(["right"], {**PLAIN, "corner": "middle"}), "scheme.corner"),
        (answer(["sideways"]), "'sideways' in turn 2 is neither a direction nor a cell"),
        (answer([]), "turn 2 is a move that leads nowhere"),
        (answer(["right"], turn=9), "no turn 9, the messages are numbered 1 to 4"),
        (answer(["right"], by=["z"]), "turn 2 is by z; the players are a, b"),
        (answer(["right", "left"] * 40), "80 moves, more than any dialogue"),
        ('{"turns": [{"turn": 1}]}', "scheme"),
        ("{" * 5000, "no JSON object"),
    ],
)
def test_an_answer_that_cannot_be_used_says_why(maze: MazeRecord, text: str, why: str) -> None:
    found = read_answer(text, maze, ("a", "b"), 4)
    assert isinstance(found, str)
    assert why in found


def test_a_bad_answer_is_asked_again_with_the_complaint(maze: MazeRecord) -> None:
    grader = Grader(answer(["sideways"]), answer(["down"]))
    played = play_episode(MAZE, ["partner", "vague"], grader=grader)
    assert "'sideways' in turn 2" in grader.asked[1].text
    grade = played.transcript.last("grade")
    assert grade is not None
    assert len(grade.data["strict"]) == 2


def test_in_the_papers_game_the_grader_is_told_that_nothing_is_taken_back() -> None:
    grader = Grader(answer(["down"]))
    for params in (MAZE, Maze(rules="paper", size=4, walls=0.2, path=(4, 6))):
        play_episode(params, ["partner", "vague"], grader=grader)
    assert "take back later is considered" in grader.asked[0].system
    assert "nothing takes it back" in grader.asked[-1].system


@given(st.text(max_size=200))
def test_no_text_breaks_the_form(text: str) -> None:
    for whole in (text, f"```json\n{text}\n```", f'{{"scheme": 0, "turns": {text}}}'):
        found = grading_in(whole)
        assert found is None or isinstance(found, str) or found.turns is not None
