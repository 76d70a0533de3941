"""Wordings that models use and that mean one thing only: what was agreed, what was claimed, how sure that is."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import maze_talk
import pytest

from pytest_collab.episode.text import MESSAGE_LIMIT, bounded
from pytest_collab.families.maze.reading.reader import Cell, Reading, Utterance, read

HERE = Path(__file__).parent
LETTER = {delta: letter for letter, delta in maze_talk.DELTA.items()}
SURE = 0.9
ENOUGH = 0.75


def heard(*texts: str, size: int = 6, start: Cell = (0, 0), goal: Cell = (5, 5)) -> Reading:
    """Read messages that a and b say in turn."""
    said = [Utterance("ab"[n % 2], text, n, ("ba"[n % 2],)) for n, text in enumerate(texts)]
    return read(said, size=size, start=start, goal=goal, seats=("a", "b"))


def moves(reading: Reading) -> str:
    return "".join(LETTER.get((b[0] - a[0], b[1] - a[1]), "X") for a, b in pairwise(reading.path))


RIGHT = "I propose right."


@pytest.mark.parametrize(
    ("texts", "agreed"),
    [
        ([RIGHT, "Agreed. I propose right.", "Agreed."], "EE"),
        ([RIGHT, "Agreed. From (0, 1) I propose right again.", "Agreed."], "EE"),
        ([RIGHT, "Agreed. We are now at (0, 1). I propose right.", "Agreed."], "EE"),
        ([RIGHT, "Agreed. Another right?", "Agreed."], "EE"),
        (["Move 1: right.", "Agreed. Move 2: right.", "Agreed."], "EE"),
        (["I propose right, right.", "Agreed. From (0, 2) I propose right.", "Agreed."], "EEE"),
        (
            ["I propose right, right.", "Agreed. From (0, 2) I propose right, right, right, down.", "Agreed."],
            "EEEEES",
        ),
        ([RIGHT, "I agree to move right.", "I propose down.", "Agreed, down it is."], "ES"),
        ([RIGHT, "Agreed on right."], "E"),
    ],
)
def test_moves_after_a_yes_follow_what_was_accepted_unless_they_say_it_again(texts: list[str], agreed: str) -> None:
    assert moves(heard(*texts)) == agreed


@pytest.mark.parametrize(
    "text",
    [
        "Let's move right. Shall we move right?",
        "I suggest moving right. Do you agree to move right?",
        "I propose right. Is right fine with you?",
        "How about right? I'd say right is good. Do you agree with going right?",
    ],
)
def test_a_move_said_and_asked_for_is_one_move(text: str) -> None:
    assert moves(heard(text, "Agreed.")) == "E"


@pytest.mark.parametrize(
    ("refusal", "claimed"),
    [
        ("We cannot move down from (2, 1) to (3, 1), because (3, 1) is a wall on my copy.", True),
        ("I disagree. Moving down would take us from (2, 1) to (3, 1), which is a wall on my copy.", True),
        ("You want to go down to (3, 1) and then down to (4, 1), but (3, 1) is a wall here.", True),
        (
            "I must point out an issue: to get from (2, 1) to (4, 1), we would need to pass through (3, 1). My map "
            "clearly shows that (3, 1) is a wall.",
            True,
        ),
        ("Your path (2, 1) -> (3, 1) -> (4, 1) does not work for me: (3, 1) is a wall.", True),
        ("No, (3, 1) is a wall on my map.", True),
        ("Going down from here is impossible, there is a wall.", False),
    ],
)
def test_a_refusal_that_names_the_way_proposes_nothing(refusal: str, claimed: bool) -> None:
    first = "I propose we move down to (3, 1) and down to (4, 1)."
    reading = heard(first, refusal, "I see.", start=(2, 1))
    assert reading.path == ((2, 1),)
    assert [proposal.seat for proposal in reading.proposals] == ["a"]
    assert reading.proposals[0].rejected_by == (("b", 1),)
    assert [(c.seat, c.cell, c.content) for c in reading.claims] == [("b", (3, 1), "#")] * claimed


@pytest.mark.parametrize(
    "answer",
    [
        '{"agree": false}',
        '{"accept": false}',
        "AGREE = FALSE",
        "agree: no",
        "I can agree only if you agree to go down first.",
        "I understand your proposal to go right. What do you see at (1,0)?",
        "I agree that we need a careful plan. Let us first exchange maps.",
        "I agree with your analysis of the start position, but not with the move.",
        "Sure, I would love to, but my copy has a wall there.",
        "Great, I now have a complete picture of row 0.",
    ],
)
@pytest.mark.parametrize("proposal", ['{"move": "right"}', "Right?", "I propose right."])
def test_words_of_agreement_that_agree_to_no_move_agree_to_none(proposal: str, answer: str) -> None:
    assert moves(heard(proposal, answer)) == ""


def test_a_nod_does_not_revive_what_was_refused() -> None:
    assert (
        moves(heard("I propose down.", "That's blocked for me.", "Got it. I'll note that as a wall.", "Perfect."))
        == ""
    )


@pytest.mark.parametrize(
    ("text", "agreed"),
    [
        ("We could go left or up. Left takes us away from the goal, so I suggest up.", "N"),
        ("From (5,5) we can go: left (5,4) - wall, up (4,5) - open. So I propose up.", "N"),
        ("I propose up. As a backup, we could go left later.", "N"),
        ("I considered left, but I propose up.", "N"),
    ],
)
def test_a_way_that_is_only_weighed_is_no_move(text: str, agreed: str) -> None:
    assert moves(heard(text, "Agreed.", start=(5, 5), goal=(0, 0))) == agreed


@pytest.mark.parametrize(
    "text",
    [
        "I think the way to the goal is down. I propose down.",
        "To get to the goal, I propose down.",
        "To find a route to the goal, let's go down first.",
        "The path to the goal seems to be by going down. I propose we move DOWN.",
    ],
)
def test_the_goal_in_passing_is_no_place_to_go(text: str) -> None:
    assert moves(heard(text, "Agreed.")) == "S"


@pytest.mark.parametrize(
    ("text", "agreed"),
    [
        ("My path is up, right. Does that sound right to you?", "NE"),
        ("My path is up, right. Is that right?", "NE"),
        ("My path is up, right. Right?", "NE"),
        ("I propose up, right?", "NE"),
        ("Up, right?", "NE"),
        ("We go up first, that works, right?", "N"),
        ("I'm down to go north.", "N"),
    ],
)
def test_right_and_down_as_words_are_no_moves(text: str, agreed: str) -> None:
    assert moves(heard(text, "Agreed.", start=(5, 0), goal=(0, 5))) == agreed


@pytest.mark.parametrize(
    ("text", "agreed"),
    [
        ("Move from (0, 0) to (0, 1), right, then from (0, 1) to (0, 2), right.", "EE"),
        ('{"from": [0,0], "to": [0,1], "direction": "right"}', "E"),
        (
            "| # | from | to | move |\n|---|---|---|---|\n| 1 | (0,0) | (0,1) | right |\n| 2 | (0,1) | (1,1) | "
            "down |",
            "ES",
        ),
    ],
)
def test_a_direction_beside_the_cells_that_it_leads_to_is_no_further_move(text: str, agreed: str) -> None:
    assert moves(heard(text, "Agreed.")) == agreed


@pytest.mark.parametrize(
    ("texts", "agreed", "where"),
    [
        (
            [
                "1. down\n2. right\n3. down\n4. right",
                "Step 2 hits a wall on my map. What about down, down, right, right?",
                "That works for me too, agreed: down, down, right, right.",
            ],
            "SSEE",
            (0, 0),
        ),
        (["I'm down to go west.", "Sounds good, west agreed."], "W", (0, 3)),
        (["East?", "I don't disagree. Go."], "E", (0, 0)),
        (["Let's walk up to (1,1) through (2,1).", "(2,1) and (1,1) are free here, let's do that."], "NN", (3, 1)),
    ],
)
def test_plans_changed_idioms_and_targets(texts: list[str], agreed: str, where: Cell) -> None:
    assert moves(heard(*texts, start=where)) == agreed


# ---------------------------------------------------------------- claims


@pytest.mark.parametrize(
    ("text", "walls", "free"),
    [
        ("There are walls ('#') at positions (1,5), (2,3).", {(1, 5), (2, 3)}, set()),
        ("Walls ('#'): (1,5)", {(1, 5)}, set()),
        ("Row 1: (1,1)=., (1,2)=#, (1,3)=.", {(1, 2)}, {(1, 1), (1, 3)}),
        ("| (1,3) | # |", {(1, 3)}, set()),
        (
            "- There are clear paths ('.') at positions (1,2), (1,3),\n(1,4) and (2,1).",
            set(),
            {(1, 2), (1, 3), (1, 4), (2, 1)},
        ),
        ("(0,2)=., (1,3)=#, (1,4)=?, (2,2)=.", {(1, 3)}, {(0, 2), (2, 2)}),
        ("Walls: (1,2), (3,4)\nOpen: (0,1), (2,2)\nHidden: (5,4)", {(1, 2), (3, 4)}, {(0, 1), (2, 2)}),
        ("The path from (1,1) to (1,4) is blocked.", set(), set()),
        ("The wall cells in my copy are (2,3), (2,4) and (4,0).", {(2, 3), (2, 4), (4, 0)}, set()),
        ('{"walls": [[1,2],[3,4]], "open": [[0,1]]}', {(1, 2), (3, 4)}, {(0, 1)}),
    ],
)
def test_lists_of_walls_as_models_write_them_are_claims(text: str, walls: set[Cell], free: set[Cell]) -> None:
    reading = heard(text)
    assert {claim.cell for claim in reading.claims if claim.content == "#"} == walls
    assert {claim.cell for claim in reading.claims if claim.content == "."} == free
    assert reading.proposals == ()


# ---------------------------------------------------------------- conventions


def test_a_convention_once_declared_is_not_flipped_by_a_later_slip() -> None:
    reading = heard(
        "I name cells (row, column), both counted from 0. I propose (1, 0).",
        "Agreed. I use the same. I propose (2, 0).",
        "Agreed. Going down would lead to (6, 5), which is not helpful. I propose (2, 1).",
        "Agreed.",
    )
    assert moves(reading) == "SSE"
    assert set(reading.frame.values()) == {"row,col 0-based"}
    assert reading.frame_conflicts == ()


def test_who_keeps_to_the_convention_that_it_named_has_not_left_the_others() -> None:
    """a, who never names one, writes cells first, and its last one looks like the goal in another order."""
    path = "(2, 1) -> (1, 1) -> (1, 2) -> (1, 3) -> (2, 3) -> (3, 3) -> (3, 2) -> (3, 1) -> (3, 0)"
    reading = heard(
        f"I propose this path: {path}. Do you agree?",
        "No. I name cells (row, column), both counted from 0. The start is at (2, 1). The goal is at (0, 3). I "
        "propose (2, 1) -> (1, 1) -> (0, 1) -> (0, 2) -> (0, 3).",
        size=5,
        start=(2, 1),
        goal=(0, 3),
    )
    assert reading.frame_conflicts == ()
    assert reading.proposals[0].path[-1] == (3, 0)


def test_who_names_one_convention_and_uses_another_is_the_one_who_left_it() -> None:
    reading = heard(
        "We stand on (1, 2), the goal is (3, 0) and the start (1, 2). I go (1, 2) -> (0, 2).",
        "I name cells (row, column), both counted from 0. The start is at (2, 1). I propose (2, 1) -> (2, 2).",
        size=5,
        start=(2, 1),
        goal=(0, 3),
    )
    assert reading.frame_conflicts == (0,), "a's cells are the other way round, b's as b says"


def test_a_convention_that_only_the_last_cell_speaks_for_is_not_read_surely() -> None:
    """Counted from the bottom the way would end at the goal; nothing else speaks for that."""
    way = "(2, 4) -> (3, 4) -> (2, 4) -> (3, 4) -> (3, 3) -> (3, 4) -> (4, 4)"
    agreed = "Agreed, let us take that path."
    guess = heard(f"I propose this path: {way}.", agreed, size=5, start=(2, 4), goal=(0, 4))
    assert guess.confidence < ENOUGH
    declared = f"I count rows from the bottom, from 0. I propose this path: {way}."
    assert heard(declared, agreed, size=5, start=(2, 4), goal=(0, 4)).confidence >= ENOUGH


def test_a_move_to_the_cell_that_mirrors_the_start_is_a_move() -> None:
    assert moves(heard("I propose this path: move to (2, 0)", "Agreed.", size=4, start=(1, 0), goal=(2, 0))) == "S"
    way = "(2, 0), (3, 0)"
    assert moves(heard(f"I propose this path: {way}", "Agreed.", size=4, start=(1, 0), goal=(3, 3))) == "SS"


def test_who_follows_the_convention_of_the_other_is_read_as_surely_as_the_other() -> None:
    told = "I name cells (x, y) from 1. I propose (1, 1) -> (2, 1)."
    assert heard(told, "Agreed. I propose (2, 1) -> (2, 2).", "Agreed.").confidence >= ENOUGH


# ---------------------------------------------------------------- done, cuts, thinking, languages


def test_done_with_something_else_is_not_done() -> None:
    assert heard("I am done with my analysis.", "I am done with my analysis too.").done == ()


def test_being_done_is_taken_back_by_going_on() -> None:
    reading = heard(
        "My plan: right, right. With this we have reached the goal! Do you agree?",
        "No, we have not. My plan: down, down. With this we have reached the goal! Do you agree?",
    )
    assert set(reading.done) != {"a", "b"}


@pytest.mark.parametrize(
    "aside",
    [
        "[... 1240 characters left out ...]",
        "<think>maybe left, left, I propose left</think>",
        "I should go left. I propose left.\n</think>\n",
        "> I propose left, left.\n",
    ],
)
def test_cuts_thoughts_and_quotations_are_no_moves(aside: str) -> None:
    assert moves(heard(f"{aside} I propose right.", "Agreed.")) == "E"
    assert moves(heard("I propose right.", f"{aside}\nAgreed.")) == "E"


@pytest.mark.parametrize("text", ["word " * 4000, "window " * 1171], ids=["delivered cut", "read in part"])
def test_the_half_of_a_word_at_a_cut_is_no_move(text: str) -> None:
    said = bounded(text, MESSAGE_LIMIT)
    assert moves(heard(said, said, said, said)) == ""


@pytest.mark.parametrize(
    ("propose", "accept"),
    [
        ("Je propose : droite, jusqu'à (0, 1).", "D'accord."),
        ("Propongo ir a la derecha.", "De acuerdo."),
        ("Ich schlage vor, nach rechts zu gehen.", "Einverstanden."),
        ("Proponho ir para a direita.", "Concordo."),
        ("我建议向右走。", "同意。"),
        ("Предлагаю вправо.", "Согласен."),
    ],
)
def test_other_languages_come_out_unsure(propose: str, accept: str) -> None:
    assert heard(propose, accept).confidence < ENOUGH


# ---------------------------------------------------------------- many at once


def test_dialogues_in_other_words_are_read_right_and_surely_only_when_right() -> None:
    talks = maze_talk.talks(12, seed=2026)
    wrong, sure, misled = [], 0, []
    for talk in talks:
        said = [Utterance(seat, text, n, ("b" if seat == "a" else "a",)) for n, (seat, text) in enumerate(talk.turns)]
        reading = read(said, size=talk.size, start=talk.start, goal=talk.goal, seats=("a", "b"))
        right = moves(reading) == talk.agreed
        if not right and not talk.foreign:
            wrong.append(talk)
        if reading.confidence >= SURE:
            sure += 1
            misled += [talk] * (not right)
    english = sum(not talk.foreign for talk in talks)
    assert len(wrong) <= 0.05 * english, [talk.turns for talk in wrong[:3]]
    assert len(misled) <= 0.01 * sure, [talk.turns for talk in misled[:3]]


def test_probes_of_known_pitfalls_are_read_right() -> None:
    wrong, misled = [], []
    for line in (HERE / "maze_probes.jsonl").read_text("utf-8").splitlines():
        probe = json.loads(line)
        said = [
            Utterance(seat, text, n, ("b" if seat == "a" else "a",))
            for n, (seat, text) in enumerate(probe["messages"])
        ]
        reading = read(
            said, size=probe["size"], start=tuple(probe["start"]), goal=tuple(probe["goal"]), seats=("a", "b")
        )
        if moves(reading) != "".join(probe["agreed"]):
            wrong.append(probe["id"])
            misled += [probe["id"]] * (reading.confidence >= SURE)
    assert len(wrong) <= 3, wrong
    assert not misled
