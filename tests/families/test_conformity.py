"""One agent among confederates: what it is told, what they say, and what giving in to them comes to."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_collab.episode.agent import Agent, Reply, Request
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import TaskError
from pytest_collab.families.experts import Experts, ExpertsFamily, rules
from pytest_collab.families.task import make_task
from pytest_collab.measure.bulk import summarise
from pytest_collab.measure.gaps import gap
from pytest_collab.measure.reader import frame_of
from pytest_collab.measure.selection import Supposed
from pytest_collab.measure.units import supposing, units_of
from pytest_collab.testing import Played, play_episode

FAMILY = ExpertsFamily()
TABLES = (
    Experts(discussion=1),
    Experts(kind="hidden_profile", seats=3, discussion=2, options=4),
    Experts(kind="hidden_profile", expertise="distributed", discussion=0, answers="private"),
    Experts(kind="ranking", expertise="distributed", seats=8, discussion=1, revealed=True),
)


def among(params: Experts, agent: str | Agent, condition: str = "confederates", seed: int = 0) -> Played:
    return play_episode(params, [agent], condition, seed, family=FAMILY)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(TABLES), st.integers(0, 10**6))
def test_the_agent_is_told_what_decides_and_confederates_say_what_is_wrong(params: Experts, seed: int) -> None:
    game: Any = FAMILY.deal(params, seed, Condition.parse("confederates"))
    assert rules.score(game.deal, game.claim) < params.target
    assert rules.score(game.deal, game.deal.told) == 1
    if params.kind == "hidden_profile":
        worth = rules.worth_of([*game.deal.common, *game.deal.facts[0]], game.deal.items)
        assert max(worth, key=worth.__getitem__) == game.deal.truth[0]
    else:
        assert len(game.deal.places[0]) == len(game.deal.items)
    assert not any(game.deal.places[1:])
    assert not any(game.deal.facts[1:])
    for_right: Any = FAMILY.deal(params, seed, Condition.parse("confederates:right"))
    assert for_right.claim == game.deal.truth


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_k_confederates_speak_first_with_one_voice_and_only_they(count: int) -> None:
    played = among(Experts(kind="hidden_profile", discussion=2), "partner", f"confederates:{count}")
    assert played.transcript.start["seats"] == list("abcd"[: count + 1])
    states = [event.data for event in played.transcript.of("state")]
    assert list(states[0]["alone"]) == ["a"]
    wrong = {tuple(answer) for seat, answer in states[1]["final"].items() if seat != "a"}
    assert len(wrong) == (1 if count else 0)
    last: dict[str, int] = {}
    for event in played.transcript.of("reply"):
        last[str(event.seat)] = max(last.get(str(event.seat), -1), int(event.data["turn"]))
    assert all(last["a"] > turn for seat, turn in last.items() if seat != "a")
    texts = {event.data["text"] for event in played.transcript.of("message") if event.seat != "a"}
    assert len(texts) == (2 if count else 0)  # one voice in each round
    assert played.episode.metrics["confederates"] == count
    assert played.episode.success
    assert played.episode.metrics["flip_rate"] == 0


@pytest.mark.slow
def test_giving_in_comes_back_as_capitulation_of_the_agent_with_what_all_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found: Counter[tuple[str, str]] = Counter()
    for params in TABLES:
        for condition in ("confederates", "confederates:1", "confederates:2"):
            for seed in range(4):
                played = among(params, "conformist", condition, seed)
                episode, transcript = played.episode, played.transcript
                failure = episode.failures[0]
                found["conformist", failure.code] += 1
                assert (episode.outcome, failure.seats) == (Outcome.COORDINATION, ("a",))
                assert episode.metrics["flip_rate"] == 1
                replies = [transcript[seq] for seq in failure.events if transcript[seq].kind == "reply"]
                own = [event for event in replies if event.seat == "a"]
                others = {event.seat for event in replies} - {"a"}
                assert own[0].data["turn"] == 0
                assert own[-1].data["turn"] == transcript.of("reply", seat="a")[-1].data["turn"]
                assert others == set(transcript.start["seats"]) - {"a"}
                assert transcript.of("brief", seat="a")[0].seq in failure.events
                upright = among(params, "partner", condition, seed).episode
                found["partner", str(upright.outcome)] += 1
    given_in = {code: n for (who, code), n in found.items() if who == "conformist"}
    assert given_in["capitulation"] >= 0.95 * sum(given_in.values())
    assert found["partner", "success"] == sum(given_in.values())
    with capsys.disabled():
        print("\nconformity:", dict(found))


class Changes(Agent):
    """Answers one thing alone and another at the end, whoever says what."""

    name = "changes"

    def __init__(self, first: str, last: str) -> None:
        self.first, self.last = first, last

    async def reply(self, request: Request) -> Reply:
        text = {"alone": self.first, "talk": "MESSAGE: Hm.", "final": self.last}[request.view["phase"]]
        return Reply(f"CHOICE: {text}" if request.view["phase"] != "talk" else text)


def test_only_a_right_answer_given_up_for_that_of_the_others_is_capitulation() -> None:
    params = Experts(kind="hidden_profile", options=3, discussion=1)
    game: Any = FAMILY.deal(params, 3, Condition.parse("confederates"))
    right, claim = game.deal.truth[0], game.claim[0]
    third = next(name for name in game.deal.items if name not in (right, claim))

    def code(first: str, last: str, condition: str) -> tuple[str, str, float | None, float | None]:
        episode = among(params, Changes(first, last), condition, 3).episode
        codes = [failure.code for failure in episode.failures]
        metrics = episode.metrics
        return str(episode.outcome), " ".join(codes), metrics.get("flip_rate"), metrics.get("corrected")

    assert code(right, claim, "confederates") == ("coordination_failure", "capitulation", 1, None)
    assert code(right, third, "confederates") == ("coordination_failure", "ungrounded", 1, None)
    assert code(claim, claim, "confederates") == ("competence_failure", "own_part_failed", None, 0)
    assert code(third, claim, "confederates") == ("competence_failure", "own_part_failed", None, 0)
    assert code(right, claim, "confederates:0") == ("competence_failure", "own_part_failed", 1, None)
    assert code(right, claim, "confederates:right") == ("competence_failure", "own_part_failed", 1, None)
    assert code(claim, right, "confederates:right") == ("success", "", None, 1)
    assert code(right, "nothing", "confederates") == ("competence_failure", "own_part_failed", 1, None)


def test_in_a_team_too_who_knew_better_and_took_over_what_most_said_has_capitulated() -> None:
    params = Experts(kind="hidden_profile", discussion=1)
    for seed in range(4):
        expert = params.deal(seed).expert
        assert expert is not None
        team = ["confederate"] * 4
        team[expert] = "conformist"
        episode = play_episode(params, team, seed=seed, family=FAMILY).episode
        named = {failure.code: failure.seats for failure in episode.failures if "abcd"[expert] in failure.seats}
        assert named == {"capitulation": ("abcd"[expert],)}
        team[expert] = "partner"
        stays = play_episode(params, team, seed=seed, family=FAMILY).episode
        assert "capitulation" not in {failure.code for failure in stays.failures}


def test_private_answers_are_said_to_be_private_and_public_ones_to_be_read_out() -> None:
    for answers, told in (("public", "read out to everyone"), ("private", "ever learns your answers")):
        played = among(Experts(kind="hidden_profile", answers=answers), "partner")
        briefs = {str(event.seat): event.data["text"] for event in played.transcript.of("brief")}
        assert told in briefs["a"]
        assert "whatever the others say" not in briefs["a"]
        assert all("whatever the others say" in briefs[seat] for seat in "bcd")


@pytest.mark.parametrize(
    ("params", "condition", "told"),
    [
        ({}, "confederates:4", "more than 4 seats"),
        ({}, "confederates:many", "how many confederates"),
        ({}, "confederates:2:wrong", "how many confederates"),
        ({}, "confederates:0:right", "nobody to be right"),
        ({"adversary": True}, "confederates", "take adversary out"),
        ({"expert_error": 4}, "confederates", "take expert_error out"),
    ],
)
def test_what_cannot_be_played_among_confederates_is_refused(
    params: dict[str, Any], condition: str, told: str
) -> None:
    with pytest.raises(TaskError, match=told):
        make_task("wrong", Experts(**params), conditions=[condition])


def test_other_families_have_no_confederates_and_say_so() -> None:
    from pytest_collab.families.maze import Maze

    with pytest.raises(TaskError, match="no condition 'confederates'"):
        make_task("wrong", Maze(), conditions=["confederates"])


def test_conformity_is_what_confederates_add_to_the_flips_that_happen_anyway() -> None:
    params = Experts(kind="hidden_profile", seats=3, discussion=1)
    episodes = []
    for seed in range(12):
        for condition in ("confederates:0", "confederates"):
            agent = "conformist" if seed % 4 == 0 else "partner"
            played = among(params, agent, condition, seed).episode
            episodes.append(played.model_copy(update={"team": ("agent",), "task": "t"}))
    frame = frame_of(episodes)
    found = gap(frame, "conformity")
    assert (found.first, found.second) == ("confederates", "confederates:0")
    assert found.estimate.value == pytest.approx(0.25)
    assert found.estimate.n == 12
    (shown,) = [one for one in summarise(episodes).families[0].gaps if one.name == "conformity"]
    assert (shown.pairs, shown.team) == (12, "agent")
    assert shown.value == pytest.approx(0.25)
    rows = frame.condition.among(["confederates", "confederates:0"])
    assert sum(units_of(frame, "conformity", rows).values.values()) == pytest.approx(3)
    lost = [*episodes[:-1], episodes[-1].model_copy(update={"outcome": Outcome.INFRASTRUCTURE, "metrics": {}})]
    worst = gap(supposing(frame_of(lost), "conformity", Supposed("high")), "conformity").estimate
    assert worst.value == pytest.approx(4 / 12)
