"""Alem, played in the real world of alem-env: what agents are told, remember and say, and who gets what done."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_collab.agents.registry import Registry
from pytest_collab.core.cache import cache_directory
from pytest_collab.episode.agent import Agent, Reply, Request
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.game import replay
from pytest_collab.episode.outcome import Outcome
from pytest_collab.families.alem import Alem, AlemFamily, protocol
from pytest_collab.families.alem.seats import AlemGame
from pytest_collab.testing import Played, check_family, play_episode

FAMILY = AlemFamily()
LACKING = FAMILY.missing(Alem())

pytestmark = [pytest.mark.slow, pytest.mark.skipif(LACKING is not None, reason=str(LACKING))]

SEED = 9999
CACHE = str(cache_directory())
"""Where compiled worlds are kept; a session inside a test, which has another home, would compile them anew."""


def play(*team: str | Agent, condition: str = "team", seed: int = SEED, **params: object) -> Played:
    return play_episode(
        Alem(**params),  # type: ignore[arg-type]
        team,
        condition,
        seed,
        registry=Registry(cast=FAMILY.cast),
    )


class Told(Agent):
    """Answers what a function says, and keeps what it was asked."""

    def __init__(self, answer: Callable[[Request], str]) -> None:
        self.name = "told"
        self.answer = answer
        self.requests: dict[str, list[Request]] = {}

    async def reply(self, request: Request) -> Reply:
        self.requests.setdefault(request.seat, []).append(request)
        return Reply(self.answer(request))


def chatter(request: Request) -> str:
    t, seat = request.turn, request.seat
    return (
        f"<think>thought {seat}{t}</think><action>Move West</action>"
        f"<communication>word {seat}{t}.</communication><scratchpad>note {seat}{t}.</scratchpad>"
    )


@pytest.fixture(scope="module")
def talk() -> Told:
    """An agent on all three seats that says, thinks and notes something new at each of sixteen steps."""
    agent = Told(chatter)
    play(agent, max_steps=16)
    return agent


def test_a_seat_is_told_alems_own_instructions_and_observations(talk: Told) -> None:
    first = talk.requests["b"][0]
    assert first.system.startswith("You are Agent 1 (forager)")
    assert "<communication>" in first.system
    assert "Step: 0/16" in first.text
    assert "Your status:" in first.text
    assert "- Request Wood" in first.text


def test_messages_arrive_with_the_next_observation(talk: Told) -> None:
    assert "word" not in talk.requests["a"][0].text
    for turn in range(1, 16):
        text = talk.requests["a"][turn].text
        assert f"- Agent 1: word b{turn - 1}." in text
        assert f"- Agent 2: word c{turn - 1}." in text
        assert "word a" not in text
        assert f"word b{turn}." not in text


def test_a_seat_remembers_eight_observations_four_rounds_of_messages_and_its_last_note(talk: Told) -> None:
    """At least: the past is told as it was until there are fifteen observations, and is cut then."""
    for step, first, heard in ((14, 0, range(1, 15)), (15, 8, range(12, 16))):
        last = talk.requests["a"][step]
        seen = [turn.text for turn in last.conversation if turn.role == "user"]
        steps = range(first, step + 1)
        assert [f"Step: {t}/16" in text for t, text in zip(steps, seen, strict=True)] == [True] * len(steps)
        assert [("word b" in text) for text in seen] == [t in heard for t in steps]
        assert "Your status:" not in "".join(seen[:-1])
        whole = "".join(turn.text for turn in last.conversation)
        assert f"note a{step - 1}." in last.text
        assert whole.count("note a") == 1
        acted = [turn.text for turn in last.conversation if turn.role == "assistant"]
        assert acted[-1] == f"<think>thought a{step - 1}</think>\n<action>Move West</action>"
        assert set(acted[:-1]) == {"<action>Move West</action>"}


@pytest.mark.parametrize(
    ("condition", "gone"),
    [("no_memory", "<scratchpad>"), ("no_reasoning", "<think>"), ("no_communication", "<communication>")],
)
def test_an_ablation_takes_its_part_out_of_instructions_and_memory(condition: str, gone: str) -> None:
    agent = Told(chatter)
    transcript = play(agent, condition=condition, max_steps=3).transcript
    last = agent.requests["a"][-1]
    told = last.system[last.system.index("## Your reply") :] + "".join(turn.text for turn in last.conversation)
    assert gone not in told
    assert ("note a" in told) == (condition != "no_memory")
    assert ("thought a" in told) == (condition != "no_reasoning")
    assert ("word b" in told) == (condition != "no_communication")
    assert bool(transcript.of("message")) == (condition != "no_communication")


def test_mute_delivers_nothing_and_shared_shows_everything() -> None:
    agent = Told(chatter)
    play(agent, condition="mute", max_steps=3)
    assert "word b" not in "".join(turn.text for turn in agent.requests["a"][-1].conversation)
    agent = Told(chatter)
    play(agent, condition="shared", max_steps=2)
    text = agent.requests["a"][-1].text
    assert "What Agent 1 observes now:" in text
    assert "Role: miner" in text


def test_one_agent_commands_all_seats_in_one_reply() -> None:
    agent = Told(
        lambda request: "\n".join(
            f"SEAT {seat}\n<action>{act}</action>"
            for seat, act in (("a", "Move East"), ("b", "Noop"), ("c", "Bathe in glory of old"))
        )
    )
    transcript = play(agent, condition="solo", max_steps=2).transcript
    assert [event.data["acts"] for event in transcript.of("state") if "acts" in event.data] == [
        ["Move East", "Noop", "Noop"]
    ] * 2
    text = agent.requests["a"][0].text
    assert all(f"SEAT {seat}\n" in text for seat in "abc")
    assert "not an action of this game: Bathe" in transcript.of("malformed")[0].data["why"]


def test_a_bad_reply_is_a_noop_and_counted() -> None:
    answers = ["<action>Do</action><action>Noop</action>", "nothing", "<action>Do</action>"]
    played = play(Told(lambda request: answers["abc".index(request.seat)]), max_steps=4)
    states = [event.data for event in played.transcript.of("state") if "acts" in event.data]
    assert [state["acts"] for state in states] == [["Noop", "Noop", "Do"]] * 4
    assert played.episode.metrics["parse_rate"] == pytest.approx(1 / 3)
    assert played.episode.metrics["replies_with_two_actions"] == 4
    codes = {(failure.code, failure.seats) for failure in played.episode.failures}
    assert {("malformed_action", ("a",)), ("malformed_action", ("b",))} <= codes


@pytest.mark.parametrize(
    "text",
    [
        "<action>Do</action>",
        "<action> move west. </action>",
        "<action>Make Wood Pickax</action>",
        "<action>Do: chop the tree</action>",
        "<action>Place Table",
        "ACTION: Sleep",
        "Noop",
        "<action>give to agent 2</action>",
        "<action>Xyzzy quux</action>",
        "I think we should go west.",
        "",
    ],
)
def test_replies_are_read_as_the_packages_own_parser_reads_them(text: str) -> None:
    world = AlemGame(Alem(max_steps=5), SEED, Condition.parse("team")).world
    assert (protocol.read(text, world.actions).action or "Noop") == world.canonical(text, 0)


def test_the_same_replies_lead_to_the_same_world() -> None:
    transcript = play("partner", "partner", max_steps=25).transcript
    game = AlemGame(Alem(max_steps=25), SEED, Condition.parse("team"))
    replay(game, transcript)
    end = next(event for event in transcript.of("state") if "ended" in event.data).data
    assert game.world.done
    assert json.loads(json.dumps(game.world.facts()["counters"])) == end["counters"]
    assert game.world.step_number == end["ended"] == 25


def test_partners_take_together_what_takes_several_and_others_do_not() -> None:
    shares = {}
    for team in ("partner+partner", "random+random", "nop+nop"):
        played = play(*team.split("+"), max_steps=80, target=0.01, coordination_target=0.03)
        shares[team] = played.episode.metrics["coordination_reward_pct_of_max"]
        assert played.episode.success == (team == "partner+partner")
    assert shares["partner+partner"] >= 0.05
    assert shares["random+random"] == shares["nop+nop"] == 0


def test_a_handover_is_ended_by_who_acts_and_noted_under_its_own_name() -> None:
    """The one who began stands by and faces the place; the package's text calls what was achieved something else."""
    transcript = play("partner", max_steps=25, seed=10_000).transcript
    ended = next(event for event in transcript.of("state") if "completed" in str(event.data.get("handover", "")))
    (entry,) = ended.data["handover"]
    assert (entry["begun_by"], entry["by"]) == (0, 1)
    assert [act for act in ended.data["acts"] if act == "Do"] == ["Do"]
    assert set(ended.data["unlocked"]["1"]) == {"HANDOVER_COMPLETE", "COORD_MINE_HANDOVER"}
    told = next(event for event in transcript.of("prompt") if event.seq > ended.seq and event.seat == "b")
    assert "Achievements unlocked: Coord Mine Coal Soft, Coord Mine Coal Hard" in told.data["text"]


@pytest.mark.parametrize(
    ("team", "code", "seats"),
    [
        ("partner+promise_breaker", "broken_commitment", ("b", "c")),
        ("partner+silent", "unresponsive", ("b", "c")),
        ("partner+nop", "own_part_failed", ("b", "c")),
    ],
)
def test_a_planted_fault_comes_back_under_its_own_name(team: str, code: str, seats: tuple[str, ...]) -> None:
    episode = play(*team.split("+"), max_steps=80, target=0.01, coordination_target=0.03).episode
    assert episode.outcome in (Outcome.COORDINATION, Outcome.COMPETENCE)
    headline = episode.failures[0]
    assert headline.code == code
    blamed = {seat for failure in episode.failures if failure.code == code for seat in failure.seats}
    assert blamed == set(seats)
    assert headline.events


def test_alem_keeps_the_promises_of_families() -> None:
    check_family(FAMILY, [Alem(max_steps=3, target=0.01, coordination_target=0.0)], seeds=(SEED,))


ABLATION = """
family: alem
params: {difficulty: easy, max_steps: 6}
seeds: [9999, 10000]
conditions: [team, no_communication, no_reasoning, no_memory, mute]
"""


def test_one_command_makes_the_ablation_table(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_COLLAB_CACHE", CACHE)
    pytester.makefile(".collab.yaml", ablation=ABLATION)
    played = pytester.runpytest_subprocess("ablation.collab.yaml", "--agents=partner", "--collab-run-dir=run")
    table = [line.split() for line in played.outlines]
    assert ["base", "coordination", "total", "parsed"] in [line[-4:] for line in table]
    for condition in ("team", "no_communication", "no_reasoning", "no_memory", "mute"):
        (row,) = [line for line in table if line[:2] == [condition, "partner+partner"]]
        assert row[2] == "2"
        assert row[-1] == "100.0%"
    summary = json.loads(Path("run/summary.json").read_text())
    cells = [cell for family in summary["families"] for cell in family["cells"]]
    assert {cell["condition"] for cell in cells} == {"team", "no_communication", "no_reasoning", "no_memory", "mute"}
    assert all("coordination_reward_pct_of_max" in cell["metrics"] for cell in cells)


# Compiled once on a machine: a minute or two.
def test_four_agents_of_hard_specialisation_play() -> None:
    played = play_episode(Alem(agents=4, soft_specialisation=False, max_steps=3), ["partner"], seed=9999).episode
    assert played.error is None
    assert played.metrics["steps"] == 3
    assert sorted(played.usage) == ["a", "b", "c", "d"]


def test_agents_share_a_memory_and_who_writes_what_is_not_so_is_named() -> None:
    played = play("partner", "confabulator", "partner", condition="memory:shared", max_steps=60, frames=False)
    notes = played.transcript.of("memory")
    false = [event for event in notes if event.data.get("so") is False]
    assert {event.seat for event in false} == {"b"}
    assert all(event.data["so"] for event in notes if event.seat in ("a", "c") and "so" in event.data)
    prompts = "\n".join(event.data["text"] for event in played.transcript.of("prompt", seat="a"))
    assert f"= {false[0].data['text']} (Agent 1, step" in prompts
    assert "<memory>" in played.transcript.of("brief")[0].data["text"]
    assert not played.episode.success
    failure = played.episode.failures[0]
    assert (failure.code, failure.seats) == ("false_claim", ("b",))
