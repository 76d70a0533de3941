"""The game of The Collaboration Gap: its mechanics, its figure, its published tables."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import ValidationError

from pytest_collab.core.maze.cache import mazes
from pytest_collab.core.maze.spec import MazeSpec
from pytest_collab.episode.agent import Agent, Reply, Request
from pytest_collab.episode.channel import Message
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import TaskError
from pytest_collab.families.maze import Maze, MazeFamily, paper
from pytest_collab.families.maze.game import MazeGame
from pytest_collab.families.maze.hearers import hearers
from pytest_collab.families.maze.layout import drawn
from pytest_collab.families.maze.published import as_markdown, published, source
from pytest_collab.families.maze.rules import neighbours, solve, weighted_outcome
from pytest_collab.families.taskfile import read_task
from pytest_collab.testing import play_episode

ROOT = Path(__file__).parent.parent.parent
PAPER = Maze(rules="paper", start=(0, 0))
TEAM = Condition("team")


class Says(Agent):
    """Says its lines, one a turn, then nothing of interest; keeps what it was told."""

    def __init__(self, *lines: str) -> None:
        self.name = self.model = "says"
        self.lines = list(lines)
        self.told: list[Request] = []

    async def reply(self, request: Request) -> Reply:
        self.told.append(request)
        return Reply(self.lines.pop(0) if self.lines else "I am thinking.")


def game(condition: Condition = TEAM, params: Maze = PAPER, seed: int = 3) -> MazeGame:
    family = MazeFamily()
    family.prepare([(params, [seed])])
    dealt = family.deal(params, seed, condition)
    assert isinstance(dealt, MazeGame)
    return dealt


def test_the_start_is_where_it_was_pinned_and_the_path_in_its_window() -> None:
    found = mazes(PAPER.spec(), range(12))
    assert {maze.start for maze in found.values()} == {(0, 0)}
    assert all(7 <= maze.path_length <= 9 and not maze.is_wall(0, 0) for maze in found.values())
    assert len({maze.goal for maze in found.values()}) > 1
    assert found[0] == mazes(PAPER.spec(), [0])[0]


def test_both_ends_can_be_pinned() -> None:
    spec = MazeSpec(size=6, walls=0.3, path=(8, 10), start=(5, 5), goal=(0, 2))
    for maze in mazes(spec, range(4)).values():
        assert (maze.start, maze.goal) == ((5, 5), (0, 2))


def test_pins_change_nothing_where_there_are_none() -> None:
    plain = MazeSpec(size=6, walls=0.3, path=(7, 9))
    assert "start" not in MazeFamily().identity(Maze())
    assert plain.content_key() != MazeSpec(size=6, walls=0.3, path=(7, 9), start=(0, 0)).content_key()
    assert MazeFamily().identity(PAPER)["start"] == [0, 0]


@pytest.mark.parametrize("pin", [(6, 0), (-1, 0), (0,)])
def test_a_pin_outside_the_maze_is_refused(pin: tuple[int, ...]) -> None:
    with pytest.raises((TaskError, ValidationError), match="start"):
        Maze(start=pin)  # type: ignore[arg-type]
    with pytest.raises(TaskError, match="two different cells"):
        Maze(start=(0, 0), goal=(0, 0))


def test_the_relay_is_told_in_the_system_prompt_and_the_task_comes_from_the_user() -> None:
    first, second = Says("Hello."), Says("Hello to you.")
    play_episode(PAPER, [first, second], seed=3)
    system, opening = first.told[0].system, first.told[0].text
    assert "[other agent]:" in system
    assert "[user]:" in system
    assert opening.startswith("[user]: ")
    assert first.told[1].text == "[other agent]: Hello to you."
    assert second.told[0].text.startswith("[user]: ")
    assert second.told[0].text.endswith("[other agent]: Hello.")
    for words in ("one move a turn", "the moment both of you have agreed", paper.PHRASE, "leader board", "wall"):
        assert words in opening
    assert "50" not in system + opening, "how long the talk may be is not told"


def test_it_is_cut_after_fifty_turns() -> None:
    assert (PAPER.turns, Maze().turns, Maze(rules="paper", turns=10).turns) == (50, 30, 10)
    played = play_episode(PAPER, [Says(), Says()], seed=3)
    assert len(played.transcript.of("message")) == 50
    under = play_episode(Maze(), [Says(), Says()], condition="protocol:paper", seed=0)
    assert len(under.transcript.of("message")) == 50


def test_the_completion_phrase_ends_it_whoever_says_it_and_wherever_they_are() -> None:
    played = play_episode(PAPER, [Says("We should say **ACTI!** at the goal."), Says()], seed=3)
    assert len(played.transcript.of("message")) == 1
    assert not played.episode.success
    assert not paper.says_phrase("Activate! Action! acti")


def test_reaching_the_goal_ends_nothing_until_somebody_says_so() -> None:
    dealt = game()
    dealt.said = (("a", "I propose something."), ("b", "Agreed."))
    assert not dealt.finished_talking()
    dealt.said = (*dealt.said, ("a", "ACTI!"))
    assert dealt.finished_talking()


def test_those_who_are_not_heard_are_not_told_to_agree_and_nobody_is_told_the_size() -> None:
    team, mute, solo = (
        play_episode(PAPER, ["partner"], condition, 3).transcript.of("prompt", seat="a")[0].data["text"]
        for condition in ("team", "mute", "solo")
    )
    assert "6" not in team + mute + solo  # the study shows a map and no number
    assert "agree on where to go" in team
    assert "both of you have agreed" in team
    assert "agree" not in mute
    assert "nobody hears what you write" in mute


def test_a_move_into_a_wall_ends_it() -> None:
    seed, wall = next(
        (seed, near)
        for seed, maze in mazes(PAPER.spec(), range(12)).items()
        for near in neighbours(6, (0, 0))
        if maze.is_wall(*near)
    )
    name = {(0, 1): "right", (1, 0): "down"}[wall]
    frame = "I name cells (row, column), both counted from 0. The start is at (0, 0)."
    lines = [f"{frame} I propose to move {name} to {wall}.", "Agreed.", "And now?", "Well."]
    played = play_episode(PAPER, [Says(lines[0], lines[2]), Says(lines[1], lines[3])], seed=seed)
    assert len(played.transcript.of("message")) == 2
    assert played.episode.metrics["legal_moves"] == 0.0
    house = Maze(start=(0, 0), turns=4)
    played = play_episode(house, [Says(lines[0], lines[2]), Says(lines[1], lines[3])], seed=seed)
    assert len(played.transcript.of("message")) == 4, "in the house's game nobody tells them"


def way(seed: int = 3) -> list[str]:
    path = solve(mazes(PAPER.spec(), [seed])[seed])
    names = {(0, 1): "right", (1, 0): "down", (0, -1): "left", (-1, 0): "up"}
    return [names[b[0] - a[0], b[1] - a[1]] for a, b in pairwise(path)]


def test_what_was_agreed_is_made_at_once_and_not_taken_back() -> None:
    first, *_ = way()
    lines = [f"I propose {first}.", "Agreed.", "Wait, I take that back. Let us not do this move.", "ACTI!"]
    played = play_episode(PAPER, [Says(lines[0], lines[2]), Says(lines[1], lines[3])], seed=3)
    assert played.episode.metrics["agreed_moves"] == 1.0


def test_alone_there_is_one_shot_and_one_review_and_the_review_counts() -> None:
    right = ", ".join(way())
    wrong = ", ".join(way()[:2])
    for lines, success in (
        ((wrong, right), True),
        ((right, wrong), False),
        ((right, "I have nothing to add."), True),
    ):
        agent = Says(*(f"My way: {line}." if "add" not in line else line for line in lines))
        played = play_episode(PAPER, [agent], condition="solo", seed=3)
        assert len(agent.told) == 2
        assert "final way" in agent.told[1].text
        assert "not at the goal" not in agent.told[1].text, "nobody says whether it was right"
        assert played.episode.success is success, lines


def test_alone_on_both_copies_there_are_two_maps() -> None:
    agent = Says("I pass.")
    play_episode(PAPER, [agent], condition="solo:views", seed=3)
    assert agent.told[0].text.count("Map ") == 2


def test_the_weighted_outcome_may_be_negative_and_the_score_may_not() -> None:
    spec = MazeSpec(size=6, walls=0.0, path=(5, 5), start=(1, 1), goal=(3, 4))
    maze = mazes(spec, [0])[0]
    assert weighted_outcome(maze, (1, 1)) == 0.0
    assert weighted_outcome(maze, (3, 4)) == 1.0
    assert weighted_outcome(maze, (0, 0)) == pytest.approx(1 - 7 / 5)
    params = Maze(rules="paper", walls=0.0, path=(5, 5), start=(1, 1), goal=(3, 4))
    played = play_episode(params, [Says("I propose up.", "ACTI!"), Says("Agreed.")], seed=0).episode
    assert played.metrics["weighted_outcome"] == pytest.approx(1 - 6 / 5)
    assert played.score == 0.0


def test_the_built_in_partners_play_it_one_move_a_turn_and_say_the_phrase() -> None:
    for seed in range(4):
        played = play_episode(PAPER, ["partner", "partner"], seed=seed)
        assert played.episode.outcome is Outcome.SUCCESS
        assert played.transcript.of("message")[-1].data["text"].endswith(paper.PHRASE)
        assert play_episode(PAPER, ["partner"], condition="solo:views", seed=seed).episode.success


def test_three_seats_are_told_who_speaks() -> None:
    text = paper.prompt(("a", "b", "c"), [Message(0, "b", ("c",), "Hi.")], 1, "task")
    assert text == "[agent b]: Hi."


def test_who_hears_whom() -> None:
    assert hearers("abcd", "ring") == {"a": ("b", "d"), "b": ("a", "c"), "c": ("b", "d"), "d": ("a", "c")}
    assert hearers("abcd", "chain") == {"a": ("b",), "b": ("a", "c"), "c": ("b", "d"), "d": ("c",)}
    assert hearers("abc", "star") == {"a": ("b", "c"), "b": ("a",), "c": ("a",)}
    assert hearers("abc", "ring") == hearers("abc", "all"), "three in a ring are all next to one another"
    assert hearers("ab", "chain", muted=True) == {"a": (), "b": ()}


@pytest.mark.parametrize(("seats", "talk"), [(3, "chain"), (3, "star"), (4, "ring")])
def test_only_neighbours_hear_a_seat_and_all_have_to_agree(seats: int, talk: str) -> None:
    params = Maze(seats=seats, talk=talk, turns=60)
    names = ("first", "second", "third", "fourth")[:seats]
    agents = [Says(f"I am the {name}.") for name in names]
    played = play_episode(params, agents, seed=0)
    expected = hearers("abcd"[:seats], talk)
    for message in played.transcript.of("message"):
        assert tuple(message.data["delivered"]) == expected[str(message.seat)]
    for agent, seat in zip(agents, expected, strict=True):
        told = " ".join(request.text for request in agent.told)
        near = {name for name, other in zip(names, expected, strict=True) if other in expected[seat]}
        assert {name for name in names if name in told} == near
        if len(near) < seats - 1:
            assert "only they hear you" in agent.told[0].system
    assert play_episode(params, ["partner"], seed=0).episode.success


def test_the_maze_is_shown_in_three_layouts() -> None:
    rows = ("@?", "#*")
    assert drawn(rows, "ascii") == "@?\n#*"
    assert drawn(rows, "json") == '[\n  ["start", "hidden"],\n  ["wall", "goal"]\n]'
    assert drawn(rows, "list").splitlines()[:2] == ["row 0, column 0: start", "row 0, column 1: hidden"]
    for params in (Maze(view="json"), Maze(view="list", rules="paper")):
        agent = Says()
        play_episode(params, [agent, Says("ACTI!")], seed=0)
        assert "hidden" in agent.told[0].system + agent.told[0].text


def test_the_shipped_task_is_the_papers_game() -> None:
    task = read_task(ROOT / "tasks" / "maze" / "collaboration_gap.collab.yaml")
    params = task.params
    assert isinstance(params, Maze)
    assert (params.rules, params.turns, params.start, params.size, params.path) == ("paper", 50, (0, 0), 6, (7, 9))
    assert [str(condition) for condition in task.conditions] == ["solo", "solo:views", "team"]


def test_the_published_tables_are_there_and_on_the_page() -> None:
    found = {(one.metric, one.first, one.second): (one.value, one.half) for one in published()}
    assert found["weighted_outcome", "o3", "gpt-4.1-mini"] == (0.77, 0.03)
    assert found["weighted_outcome", "gpt-4.1-mini", "o3"] == (0.62, 0.05)
    assert found["success_rate", "gpt-5", "gpt-5"] == (0.97, 0.02)
    assert found["success_rate", "command-a", "command-r7b"] == (0.05, 0.10)
    assert ("success_rate", "gpt-5", "o3") not in found
    page = (ROOT / "docs" / "families" / "maze-paper.md").read_text("utf-8")
    assert source() in page
    for metric in ("weighted_outcome", "success_rate"):
        assert as_markdown(metric) in page
