"""Whose fault was it? Dialogues written by hand on one small maze, and the failures that they must be told as.

@ . # .      a sees the two columns on the left, b the two on the right; both see start and goal.
# . . #
. # . .
. . . *
"""

from __future__ import annotations

from typing import ClassVar

import pytest

from pytest_collab.core.maze.spec import MazeRecord
from pytest_collab.episode.agent import Agent, Reply, Request, Seat
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.judge import judge
from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.maze import Maze, MazeFamily
from pytest_collab.testing import Played, play_episode

HAND = MazeRecord(
    seed=0,
    size=4,
    walls=(0b0100, 0b1001, 0b0010, 0b0000),
    start=(0, 0),
    goal=(3, 3),
    path_length=6,
    shortest_paths=2,
    visible=((0b0011, 0b0011, 0b0011, 0b1011), (0b1101, 0b1100, 0b1100, 0b1100)),
    crossing=0.5,
    dead_ends=0,
)


class OneMaze(MazeFamily):
    """The maze family with nothing but that maze."""

    name: ClassVar[str] = "maze"

    def prepare(self, requests: object) -> None:
        """There is nothing to make."""

    @staticmethod
    def _maze(params: Maze, seed: int) -> MazeRecord:
        return HAND


class Reciter(Agent):
    """Says its lines."""

    name = "reciter"

    def __init__(self, lines: dict[str, list[str]]) -> None:
        self.lines = lines
        self.seat = ""

    def seated(self, seat: Seat) -> Agent:
        taken = Reciter(self.lines)
        taken.seat = seat.name
        return taken

    async def reply(self, request: Request) -> Reply:
        return Reply(self.lines[self.seat].pop(0))


def told(*lines: str, condition: str = "team") -> Played:
    """Play a dialogue; a and b speak in turn, and it ends after the last line."""
    parts: dict[str, list[str]] = {"a": [], "b": []}
    for number, line in enumerate(lines):
        parts["a" if condition.startswith("solo") else "ab"[number % 2]].append(line)
    params = Maze(size=4, walls=0.3, path=(6, 6), turns=len(lines))
    return play_episode(params, [Reciter(parts)], condition, family=OneMaze())


GOOD = "I propose (0, 0) -> (0, 1) -> (1, 1) -> (1, 2) -> (2, 2) -> (3, 2) -> (3, 3). Do you agree?"
OWN_WALL = "I propose (0, 0) -> (1, 0) -> (2, 0) -> (3, 0) -> (3, 1) -> (3, 2) -> (3, 3). Do you agree?"
THEIR_WALL = "I propose (0, 0) -> (0, 1) -> (0, 2) -> (1, 2) -> (2, 2) -> (3, 2) -> (3, 3). Do you agree?"
LEAP = "I propose (0, 0) -> (0, 1) -> (2, 2) -> (3, 2) -> (3, 3). Do you agree?"
YES = "Agreed, let us take that path."
NO = "No, I do not agree."


@pytest.mark.parametrize(
    ("lines", "code", "seats", "note"),
    [
        pytest.param((OWN_WALL, YES), "illegal_move", "a", "(1, 0)", id="a wall that the proposer sees"),
        pytest.param((OWN_WALL, NO), "illegal_move", "a", "(1, 0)", id="the same, refused"),
        pytest.param((LEAP, YES), "illegal_move", "", "in one move", id="a leap"),
        pytest.param(
            ("Hello, tell me your walls.", "(1, 3) is a wall.", THEIR_WALL, YES),
            "withholding",
            "b",
            "(0, 2)",
            id="a wall that only the partner sees, and it agreed",
        ),
        pytest.param(
            (THEIR_WALL, YES), "free_riding", "b", "only it could see", id="the same, by one who only agrees"
        ),
        pytest.param(
            ("Is (0, 2) open?", "(0, 2) is open in my copy.", THEIR_WALL, YES),
            "false_claim",
            "b",
            "(0, 2)",
            id="the same, after calling the cell open",
        ),
        pytest.param(
            ("Tell me your walls.", "(0, 2) is a wall.", THEIR_WALL, YES),
            "ungrounded",
            "a",
            "had been told",
            id="a wall that the proposer had been told of",
        ),
        pytest.param(
            ("Tell me your walls.", "(0, 2) is a wall.", THEIR_WALL, NO),
            "ungrounded",
            "a",
            "had been told",
            id="the same, refused",
        ),
        pytest.param(
            (
                "What do you see?",
                "(2, 0) is a wall. (3, 1) is a wall. (2, 1) is open. (2, 3) is open. (3, 2) is open.",
            ),
            "ungrounded",
            "b",
            "rows and columns swapped",
            id="transposed",
        ),
        pytest.param(
            (
                "What do you see?",
                "(0, 1) is a wall. (1, 0) is a wall. (1, 1) is open. (2, 1) is open. (0, 0) is open.",
            ),
            "ungrounded",
            "b",
            "counted from the right",
            id="mirrored",
        ),
        pytest.param(
            ("What do you see?", "(2, 2) is a wall. (0, 3) is open."),
            "false_claim",
            "b",
            "(2, 2)",
            id="a false claim",
        ),
        pytest.param(
            ("What do you see?", "(1, 1) is a wall. (0, 3) is open."),
            "vague",
            "",
            "nobody ever proposed a move",
            id="a wrong guess, and no proposal",
        ),
        pytest.param((GOOD, "", GOOD, ""), "unresponsive", "b", "never wrote anything", id="never a word"),
        pytest.param(
            (
                "(1, 0) is a wall in my copy.",
                "I am not sure what to make of it.",
                "(2, 1) is a wall in my copy.",
                "It looks nice over there.",
                "(0, 1) is open.",
                "Interesting, let us keep that in mind.",
            ),
            "vague",
            "b",
            "nobody ever proposed a move",
            id="vague",
        ),
        pytest.param(
            (
                "(1, 0) is a wall.",
                "(0, 2) is a wall.",
                "(2, 1) is a wall.",
                "(0, 2) is a wall.",
                "(1, 1) is open.",
                "(0, 2) is a wall.",
            ),
            "repetition",
            "b",
            "3 times in a row",
            id="the same again and again",
        ),
        pytest.param(
            (
                "(1, 0) is a wall.",
                "I will tell you all my walls in my next message.",
                "(2, 1) is a wall.",
                "What a fine maze this is.",
            ),
            "broken_commitment",
            "b",
            "did not do what",
            id="a promise not kept",
        ),
        pytest.param(
            (
                GOOD,
                f"{NO} {THEIR_WALL.replace('(0, 2) -> (1, 2)', '(1, 1) -> (1, 2)').replace('(3, 2)', '(2, 3)')}",
                f"{NO} {GOOD}",
                NO,
            ),
            "disagreement",
            "a",
            "proposed its own again",
            id="one insists",
        ),
        pytest.param(("\x00\x01\x02\x03\x04\x05", YES), "malformed_message", "a", "noise", id="noise"),
        pytest.param(
            ("Let's go right.", "Agreed.", "Then down.", "Agreed, (0, 2) is a wall.", "Then right.", "Agreed."),
            "turn_limit",
            "",
            "then the talk was over",
            id="cut while it went well",
        ),
    ],
)
def test_a_failure_is_told_by_its_code_with_the_seat_and_the_events(
    lines: tuple[str, ...], code: str, seats: str, note: str
) -> None:
    played = told(*lines)
    headline = played.episode.headline
    assert headline is not None
    assert (headline.code, "".join(headline.seats)) == (code, seats), played.episode.failures
    assert note in headline.note
    shown = [played.transcript[seq] for seq in headline.events]
    assert {event.seat for event in shown} & set(headline.seats) or headline.ungraded
    assert all(event.kind in ("message", "reply", "malformed") for event in shown)


def test_the_proposer_who_was_misled_is_not_blamed() -> None:
    episode = told("Is (0, 2) open?", "(0, 2) is open in my copy.", THEIR_WALL, YES).episode
    assert {seat for failure in episode.failures for seat in failure.seats} == {"b"}


def test_who_tells_and_proposes_the_truth_is_never_blamed() -> None:
    episode = told(GOOD, "(0, 2) is a wall and (1, 3) is a wall.").episode
    (failure,) = episode.failures
    assert (failure.code, failure.seats, failure.ungraded) == ("disagreement", (), True)
    assert not episode.settled, "only the seats' solo play can tell skill from coordination"


def test_a_dialogue_without_any_proposal_says_so() -> None:
    episode = told("(0, 2) is a wall.", "(1, 3) is a wall.").episode
    assert (episode.outcome, episode.failures[0].note) == (Outcome.UNSETTLED, "nobody ever proposed a move")
    assert not any(failure.seats for failure in episode.failures), "both told what they see; neither is at fault"
    assert episode.metrics["ungraded"] == 0.0, "it was read surely, and a solo episode can settle it"
    assert episode.metrics["proposals"] == 0


def test_agreement_on_a_legal_path_to_the_goal_is_success() -> None:
    episode = told(GOOD, YES).episode
    assert episode.outcome is Outcome.SUCCESS
    assert episode.score == 1.0
    assert episode.failures == ()
    assert episode.metrics["optimality"] == 1.0
    assert episode.metrics["first_proposal"] == 1.0
    assert episode.metrics["proposals"] == 1.0


def test_the_score_is_the_way_left_behind_by_the_legal_prefix() -> None:
    half = told("Let's go right, down, right.", "Agreed.", "And on?", "I wonder.").episode
    assert half.score == pytest.approx(3 / 6)
    assert half.metrics["legal_moves"] == 3
    through = told("Let's go right, down, down, down.", "Agreed.").episode
    assert through.score == pytest.approx(2 / 6), "what lies behind a wall counts for nothing"
    assert through.metrics["agreed_moves"] == 4
    assert through.metrics["legal_moves"] == 2


def test_claims_are_counted_by_whether_they_are_true_and_new_to_others() -> None:
    metrics = told("(1, 0) is a wall. (2, 1) is a wall. (1, 1) is a wall.", "(0, 2) is a wall.").episode.metrics
    assert metrics["cells_shared"] == 3
    assert metrics["wrong_claims"] == 1
    assert metrics["words"] == 20


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (OWN_WALL, "illegal_move"),
        (LEAP, "illegal_move"),
        ("I take (0, 0) -> (0, 1) -> (1, 1).", "wrong_solution"),
        ("I would rather not.", "malformed_action"),
        ("", "malformed_action"),
    ],
)
def test_alone_every_failure_is_one_of_competence(line: str, code: str) -> None:
    for condition in ("solo", "solo:views"):
        episode = told(line, condition=condition).episode
        assert episode.outcome is Outcome.COMPETENCE, episode.failures
        assert episode.failures[0].code == code
        assert episode.settled


def test_alone_the_right_path_is_success() -> None:
    assert told(GOOD.replace(" Do you agree?", ""), condition="solo").episode.success


def test_in_shared_everybody_sees_every_wall() -> None:
    headline = told(THEIR_WALL, YES, condition="shared").episode.headline
    assert headline is not None
    assert (headline.code, headline.seats) == ("illegal_move", ("a",))


def test_when_mute_only_the_same_path_from_both_counts() -> None:
    assert told(GOOD, GOOD, condition="mute").episode.success
    assert not told(GOOD, YES, condition="mute").episode.success


@pytest.mark.parametrize("lines", [(GOOD, YES), (OWN_WALL, YES), (GOOD, ""), ("", ""), (NO, "\x00\x01")])
def test_an_episode_judged_again_from_its_file_is_judged_the_same(lines: tuple[str, ...]) -> None:
    played = told(*lines)
    copy = Transcript.parse([event.json_line() for event in played.transcript])
    params = Maze(size=4, walls=0.3, path=(6, 6), turns=len(lines))
    again = judge(OneMaze(), params, 0, Condition.parse("team"), copy)
    assert again == judge(OneMaze(), params, 0, Condition.parse("team"), played.transcript)
    assert (again.outcome, again.score, again.failures) == (
        played.episode.outcome,
        played.episode.score,
        played.episode.failures,
    )
