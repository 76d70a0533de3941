"""Who is blamed for what in a maze, and who never is."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from pytest_collab import families
from pytest_collab.core.maze.spec import MazeRecord
from pytest_collab.episode.agent import Agent, Reply, Request
from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.record import Episode
from pytest_collab.families.maze import Maze
from pytest_collab.families.maze.rules import STEPS, cheapest_path, neighbours, solve
from pytest_collab.testing import play_episode

SIX = Maze()
FEW = range(6)


def mazes(params: Maze, seeds: Sequence[int]) -> list[MazeRecord]:
    family = families.get("maze")
    family.prepare([(params, list(seeds))])
    return [family._maze(params, seed) for seed in seeds]  # type: ignore[attr-defined]


class Script(Agent):
    """Says its lines one after the other, and the last one again and again."""

    def __init__(self, *lines: str) -> None:
        self.name = "script"
        self.lines = lines
        self.said = 0

    async def reply(self, request: Request) -> Reply:
        line = self.lines[min(self.said, len(self.lines) - 1)]
        self.said += 1
        return Reply(line)


class OneByOne(Agent):
    """Tells its walls once, then goes move by move on a way that both copies allow; never errs."""

    WORDS = {
        "bare": "I propose {way}.",
        "placed": "We are now at {here}. I propose {way}.",
        "next": "Next, I propose {way}.",
        "to": "I propose {way} to {there}.",
        "asked": "I suggest moving {way}. Do you agree to move {way}?",
    }

    def __init__(self, style: str) -> None:
        self.name = style
        self.style = style

    async def reply(self, request: Request) -> Reply:
        view = request.view
        rows = view["copies"][view["seat"]]
        own = [(r, c) for r, row in enumerate(rows) for c, sign in enumerate(row) if sign == "#"]
        at, pending, walls, told, heard = view["start"], None, set(own), False, False
        for who, text in view["dialogue"]:
            if "walls:" in text:
                walls |= {
                    (int(r), int(c))
                    for r, c in re.findall(r"\((\d+), (\d+)\)", text.split("walls:")[1].split(".")[0])
                }
                told, heard = told or who == view["seat"], heard or who != view["seat"]
            if "Agreed." in text:
                at, pending = pending, None
            if move := re.search(r"(?:I propose|moving) (\w+)", text):
                pending = (at[0] + STEPS[move[1]][0], at[1] + STEPS[move[1]][1])
        parts = []
        if not told:
            parts.append("I name cells (row, column) from (0, 0) at the top left.")
            parts.append(f"In my copy these cells are walls: {', '.join(map(str, own)) or 'none'}.")
        if pending:
            parts.append("Agreed.")
            at = pending
        if at != view["goal"]:
            if not heard:
                return Reply(" ".join([*parts, "Which cells are walls in your copy?"]))
            path = cheapest_path(view["size"], at, view["goal"], walls)
            assert path is not None
            way = next(name for name, step in STEPS.items() if (at[0] + step[0], at[1] + step[1]) == path[1])
            parts.append(self.WORDS[self.style].format(way=way, here=at, there=path[1]))
        return Reply(" ".join(parts) or "We have reached the goal.")


@pytest.mark.parametrize("style", list(OneByOne.WORDS))
def test_flawless_pairs_succeed_in_whatever_words(style: str) -> None:
    mazes(SIX, FEW)
    for seed in FEW:
        played = play_episode(SIX, [OneByOne(style), OneByOne(style)], "team", seed)
        said = [event.data["text"] for event in played.transcript.of("message")]
        assert played.episode.success, (seed, said, played.episode.failures)


def _wall_that_only_b_sees(maze: MazeRecord) -> tuple[tuple[int, int], str] | None:
    for near in neighbours(maze.size, maze.start):
        if maze.is_wall(*near) and maze.sees(1, *near) and not maze.sees(0, *near):
            return near, next(w for w, s in STEPS.items() if (maze.start[0] + s[0], maze.start[1] + s[1]) == near)
    return None


REFUSALS = (
    "No, {wall} is a wall on my map.",
    "We cannot move {way} from {start} to {wall}, because {wall} is a wall on my copy.",
    "I disagree. Moving {way} would take us from {start} to {wall}, which is a wall on my copy.",
    "You want to go {way} to {wall} and then on, but {wall} is a wall here.",
    "I must point out an issue: to get anywhere from {start} we would need to pass through {wall}. My map clearly "
    "shows that {wall} is a wall.",
    "Your path {start} -> {wall} does not work for me: {wall} is a wall.",
)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_who_rightly_refuses_a_wall_is_never_blamed(refusal: str) -> None:
    params = Maze(turns=4)
    tried = 0
    for seed, maze in enumerate(mazes(params, range(24))):
        found = _wall_that_only_b_sees(maze)
        if found is None:
            continue
        wall, way = found
        fill = {"wall": str(wall), "way": way, "start": str(maze.start)}
        team = [
            Script("I propose we move {way} to {wall}.".format(**fill), "I see."),
            Script(refusal.format(**fill), "OK."),
        ]
        episode = play_episode(params, team, "team", seed).episode
        assert not episode.success
        assert [f for f in episode.failures if f.seats == ("b",)] == [], (seed, episode.failures)
        assert not any(f.code in ("illegal_move", "withholding") for f in episode.failures)
        tried += 1
    assert tried >= 3


def _into_a_wall(seen_by: int) -> tuple[int, MazeRecord, tuple[int, int], str]:
    params = Maze(turns=4)
    for seed, maze in enumerate(mazes(params, range(40))):
        for near in neighbours(maze.size, maze.start):
            if maze.is_wall(*near) and maze.sees(seen_by, *near) and not maze.sees(1 - seen_by, *near):
                way = next(w for w, s in STEPS.items() if (maze.start[0] + s[0], maze.start[1] + s[1]) == near)
                return seed, maze, near, way
    raise AssertionError("no such maze among these seeds")


def _walked_into(seen_by: int, *lines: str) -> Episode:
    seed, _, wall, way = _into_a_wall(seen_by)
    texts = [line.format(way=way, wall=wall) for line in lines]
    frame = "I name cells (row, column) from (0, 0). "
    return play_episode(
        Maze(turns=4), [Script(frame + texts[0], *texts[2::2]), Script(*texts[1::2])], "team", seed
    ).episode


@pytest.mark.parametrize(
    "answer",
    [
        "I agree to move {way} to {wall}. Walls in my copy: none that matter.",
        "I agree to move {way} to {wall}. My copy has open cells as well.",
    ],
)
def test_who_says_a_move_again_in_accepting_it_has_not_proposed_it(answer: str) -> None:
    episode = _walked_into(1, "I propose we move {way} to {wall}. Do you agree?", answer, "I see.", "OK.")
    assert episode.failures[0].code in ("withholding", "free_riding")
    assert episode.failures[0].seats == ("b",)
    assert episode.outcome is Outcome.COORDINATION


def test_who_proposes_a_wall_that_it_sees_is_the_one_at_fault() -> None:
    episode = _walked_into(
        0, "I propose we move {way} to {wall}. Do you agree?", "I agree to move {way} to {wall}.", "OK.", "OK."
    )
    assert (episode.failures[0].code, episode.failures[0].seats) == ("illegal_move", ("a",))
    assert episode.outcome is Outcome.COMPETENCE


def test_a_post_mortem_changes_nothing() -> None:
    before = ("I propose we move {way} to {wall}. Do you agree?", "I agree to move {way}.")
    plain = _walked_into(1, *before, "OK.", "Fine.")
    after = _walked_into(
        1,
        *before,
        "OK.",
        "Okay, we have moved {way} to {wall}. I have just checked again and it is a wall. We have lost.",
    )
    assert (after.outcome, after.failures[0].code, after.failures[0].seats) == (
        plain.outcome,
        plain.failures[0].code,
        plain.failures[0].seats,
    )


def test_nobody_is_blamed_for_a_dialogue_that_cannot_be_read() -> None:
    mazes(Maze(turns=4), [0])
    episode = play_episode(
        Maze(turns=4), [Script("Je propose : droite."), Script("D'accord, allons-y ensemble.")], "team", 0
    ).episode
    assert episode.failures[0].ungraded
    assert all(failure.seats == () for failure in episode.failures if failure.ungraded)
    assert episode.metrics["ungraded"] == 1.0


def test_silence_is_blamed_however_little_can_be_read() -> None:
    mazes(Maze(turns=6), [0])
    episode = play_episode(Maze(turns=6), [Script("Je propose : droite."), Script("")], "team", 0).episode
    assert (episode.failures[0].code, episode.failures[0].seats) == ("unresponsive", ("b",))


def test_nearly_the_same_again_and_again_is_repetition() -> None:
    mazes(Maze(turns=8), [0])
    lines = [
        f"I think that we should look at the maze {word} and find a good way through it together."
        for word in ("carefully", "closely", "slowly", "calmly")
    ]
    other = [
        "I see many open cells here, tell me of yours please.",
        "What do you see there?",
        "Which walls do you have?",
        "Please say where your walls are.",
    ]
    episode = play_episode(Maze(turns=8), [Script(*lines), Script(*other)], "team", 0).episode
    assert ("repetition", ("a",)) in [(failure.code, failure.seats) for failure in episode.failures]


def test_a_dialogue_without_any_proposal_says_so() -> None:
    mazes(Maze(turns=4), [0])
    team = [Script("I see an open cell at (0, 0).", "I see a few walls."), Script("I see cells as well.", "So do I.")]
    episode = play_episode(Maze(turns=4), team, "team", 0).episode
    assert any("nobody ever proposed a move" in failure.note for failure in episode.failures[:1]), episode.failures


def test_calling_it_done_too_early_is_premature() -> None:
    mazes(Maze(turns=8), [0])
    team = [Script("We have reached the goal."), Script("Yes, we have reached the goal.")]
    episode = play_episode(Maze(turns=8), team, "team", 0).episode
    assert episode.failures[0].code == "premature"


def test_agreeing_in_circles_is_an_agreement_loop() -> None:
    mazes(Maze(turns=8), [0])
    team = [
        Script("Sounds good.", "Agreed.", "Great, agreed.", "Perfect."),
        Script("Agreed.", "I agree.", "Yes, agreed."),
    ]
    episode = play_episode(Maze(turns=8), team, "team", 0).episode
    assert "agreement_loop" in [failure.code for failure in episode.failures]


def test_going_different_ways_is_splitting_up() -> None:
    mazes(Maze(turns=4), [0])
    team = [Script("Let me look first.", "I'll go right and you go down."), Script("What do you see?")]
    episode = play_episode(Maze(turns=4), team, "team", 0).episode
    assert "split_up" in [failure.code for failure in episode.failures]


class Crashed(Agent):
    """A program that ends with an error whenever it is asked."""

    name = "crashed"

    async def reply(self, request: Request) -> Reply:
        raise RuntimeError("exit status 1")


@pytest.mark.parametrize("other", ["random", "silent", Crashed()])
def test_a_flawless_partner_is_never_named(other: str | Agent) -> None:
    """Seeds 2009, 2017, 2023 and 2038 are those on which it was blamed once, for a frame that it had kept to, for
    refusals that named true walls, and for proposing again what had been refused without a reason."""
    params = Maze(size=5, walls=0.40, path=(4, 9))
    seeds = (*range(2000, 2010), 2017, 2023, 2038)
    mazes(params, seeds)
    for seed in seeds if other == "random" else seeds[:2]:
        for team in (other, "partner"), ("partner", other):
            flawless = "ab"[team.index("partner")]
            failures = play_episode(params, list(team), "team", seed).episode.failures
            assert not any(flawless in failure.seats for failure in failures), (seed, team, failures)


def test_insisting_on_a_way_that_was_shown_to_be_walled_is_disagreement_even_where_refusals_were_right() -> None:
    """Seed 0: every way that the stubborn one turns down is walled, which it never says."""
    mazes(SIX, [0])
    headline = play_episode(SIX, ["stubborn", "partner"], "team", 0).episode.headline
    assert headline is not None
    assert (headline.code, headline.seats) == ("disagreement", ("a",))


def test_who_turns_down_walled_ways_without_a_word_and_has_a_better_one_is_not_in_disagreement() -> None:
    seed, maze, wall, way = _into_a_wall(1)
    better = " -> ".join(map(str, solve(maze)))
    insists = Script(f"I name cells (row, column) from (0, 0). I propose we move {way} to {wall}.", "I say no.")
    refuses = Script(f"No. I propose {better}.")
    episode = play_episode(Maze(turns=6), [insists, refuses], "team", seed).episode
    assert not episode.success
    assert ("disagreement", ("b",)) not in [(failure.code, failure.seats) for failure in episode.failures]


SEED_702 = 702
"""A maze of the default params whose wall at (3, 1) only b sees."""


def at_702(*lines: str) -> Episode:
    maze = mazes(Maze(turns=4), [SEED_702])[0]
    assert maze.is_wall(3, 1)
    assert (maze.sees(0, 3, 1), maze.sees(1, 3, 1)) == (False, True)
    return play_episode(Maze(turns=4), [Script(*lines[::2]), Script(*lines[1::2])], "team", SEED_702).episode


@pytest.mark.parametrize(
    ("lines", "outcome", "code"),
    [
        (
            (
                "I propose we move down to (3, 1). Do you agree?",
                "I agree to move down to (3, 1). Next, I propose we move down to (4, 1). Do you agree?",
                "I agree to move down to (4, 1). What next?",
                "Let me see.",
            ),
            Outcome.COORDINATION,
            "withholding",
        ),
        (
            (
                "What do you propose?",
                "I propose we move down to (3, 1). Do you agree?",
                "I agree to move down to (3, 1). Next, I propose we move down to (4, 1). Do you agree?",
                "I agree.",
            ),
            Outcome.COMPETENCE,
            "illegal_move",
        ),
    ],
)
def test_at_seed_702_the_fault_is_that_of_who_saw_the_wall(
    lines: tuple[str, ...], outcome: Outcome, code: str
) -> None:
    episode = at_702(*lines)
    assert (episode.outcome, episode.failures[0].code, episode.failures[0].seats) == (outcome, code, ("b",))
