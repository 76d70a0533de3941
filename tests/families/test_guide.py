"""A guide: one more seat that sees everything and can only tell."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from pytest_collab.episode.agent import Agent, Reply, Request
from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import TaskError
from pytest_collab.families.maze import Maze
from pytest_collab.families.network import Network, NetworkFamily
from pytest_collab.families.task import make_task
from pytest_collab.measure.gaps import gap
from pytest_collab.measure.reader import frame_of
from pytest_collab.testing import play_episode

FAMILY = NetworkFamily()
KINDS = ("leader", "consensus", "colouring", "matching", "cover", "maximum", "sum", "rank", "median", "tracer")


def network(kind: Any, **more: Any) -> Network:
    return Network(kind=kind, seats=5, graph="path", **more) if kind == "tracer" else Network(kind=kind, **more)


def test_the_guide_sees_all_writes_to_any_and_is_written_to_by_nobody() -> None:
    params = Network(kind="sum", seats=6)
    played = play_episode(params, ["partner"], "guide", family=FAMILY)
    transcript = played.transcript
    assert transcript.start["seats"][-1] == "guide"
    briefs = {str(event.seat): event.data["text"] for event in transcript.of("brief")}
    deal = params.deal(0)
    assert all(f"{name} {held}" in briefs["guide"] for name, held in zip(deal.names, deal.inputs, strict=True))
    assert all(str(deal.inputs[1]) not in briefs[seat] for seat in "acdef")
    assert all("There is also a guide" in briefs[seat] for seat in "abcdef")
    assert not any("guide" in event.data["delivered"] for event in transcript.of("message"))
    phases = {event.data["phase"] for event in transcript.of("prompt", seat="guide")}
    assert phases == {"talk"}
    assert not transcript.of("action", seat="guide")
    assert played.episode.success
    team = play_episode(params, ["partner"], family=FAMILY).transcript
    assert "guide" not in {event.seat for event in team}


@pytest.mark.slow
@pytest.mark.parametrize("medium", ["neighbours", "board"])
def test_a_faulty_guide_comes_back_under_its_own_name_and_who_followed_it_is_not_blamed(
    medium: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    found: Counter[tuple[str, str]] = Counter()
    for kind in KINDS:
        params = network(kind, medium=medium)
        for seed in (1, 2):
            for player, code, mates in (
                ("confabulator", "false_claim", "partner"),
                ("silent", "withholding", "free_rider"),
            ):
                team = [*[mates] * params.seats, player]
                episode = play_episode(params, team, "guide", seed, family=FAMILY).episode
                if episode.success:
                    continue
                first = episode.failures[0]
                found[player, "right" if (first.code, first.seats) == (code, ("guide",)) else str(first)] += 1
                if player == "confabulator":
                    assert {seat for failure in episode.failures for seat in failure.seats} == {"guide"}
            led = play_episode(params, [*["free_rider"] * params.seats, "partner"], "guide", seed, family=FAMILY)
            assert led.episode.success
    total = sum(found.values())
    assert total >= 10
    assert sum(n for (_, how), n in found.items() if how == "right") >= 0.95 * total
    with capsys.disabled():
        print(f"\nguide, {medium}:", dict(found))


class Deaf(Agent):
    """Answers its own number, whatever it is told."""

    name = "deaf"

    async def reply(self, request: Request) -> Reply:
        mine = request.view["inputs"][request.view["name"]]
        return Reply("" if request.view["phase"] == "talk" else f"ANSWER: {mine}")


def test_who_is_told_the_right_answer_and_gives_another_one_is_named_with_both() -> None:
    params = Network(kind="maximum", seats=4, graph="path")
    team: list[str | Agent] = [Deaf(), "partner", "partner", "partner", "partner"]
    seed = next(seed for seed in range(20) if params.deal(seed).inputs[0] != max(params.deal(seed).inputs))
    played = play_episode(params, team, "guide", seed, family=FAMILY)
    failure = played.episode.failures[0]
    assert (played.episode.outcome, failure.code, failure.seats) == (Outcome.COORDINATION, "disagreement", ("a",))
    kinds = [(played.transcript[seq].kind, played.transcript[seq].seat) for seq in failure.events]
    assert kinds == [("message", "guide"), ("reply", "a")]


def test_the_value_of_a_guide_is_success_with_it_less_success_without() -> None:
    params = Network(kind="sum", seats=5, graph="ring")
    episodes = []
    for seed in range(6):
        mates = "free_rider" if seed % 2 else "partner"
        for condition, team in (("team", [mates]), ("guide", [*[mates] * 5, "partner"])):
            episode = play_episode(params, team, condition, seed, family=FAMILY).episode
            episodes.append(episode.model_copy(update={"team": ("x", "y"), "task": "t"}))
    estimate = gap(frame_of(episodes), "value_of_guide").estimate
    assert (estimate.value, estimate.n) == (0.5, 6)


def test_families_without_a_guide_refuse_it_with_the_reason() -> None:
    with pytest.raises(TaskError, match="would play alone"):
        make_task("wrong", Maze(), conditions=["guide"])
    with pytest.raises(TaskError, match="takes no argument"):
        make_task("wrong", Network(), conditions=["guide:gpt"])
