"""Dining philosophers: the rules, the refusal of idle rewards, and who is to blame."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_collab.episode.agent import Reply, Request
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import TaskError
from pytest_collab.families.philosophers import STUDY, Philosophers, PhilosophersFamily, Reward, rules
from pytest_collab.families.philosophers.reward import IDLE, audit
from pytest_collab.families.philosophers.telling import VARIANTS
from pytest_collab.testing import check_family, play_episode
from tests.support.says import Says

FAMILY = PhilosophersFamily()
DINNERS = st.integers(3, 20).flatmap(
    lambda n: st.lists(st.lists(st.sampled_from(rules.ACTIONS), min_size=n, max_size=n), min_size=1, max_size=30)
)


@settings(max_examples=200, deadline=None)
@given(DINNERS, st.booleans())
def test_forks_are_held_by_those_who_sit_beside_them_and_meals_only_grow(
    dinner: list[list[str]], at_once: bool
) -> None:
    n = len(dinner[0])
    state = rules.initial(n)
    for actions in dinner:
        before = state
        if at_once:
            state = rules.simultaneous(state, actions)
        else:
            for i, action in enumerate(actions):
                state = rules.alone(state, i, action)
        assert all(holder in (rules.FREE, fork, (fork - 1) % n) for fork, holder in enumerate(state.forks))
        assert all(0 <= now - then <= 1 for now, then in zip(state.meals, before.meals, strict=True))
        assert rules.is_deadlock(state) == (
            not any(state.eating) and all(a + b == 1 for a, b in zip(state.left, state.right, strict=True))
        )


@pytest.mark.parametrize("n", range(3, 21))
def test_taking_turns_feeds_everyone_without_deadlock(n: int) -> None:
    state = rules.taking_turns(n, 60, "simultaneous")
    assert min(state.meals) >= 9
    assert sum(state.meals) <= rules.capacity(n, 60, "simultaneous")
    assert min(rules.taking_turns(n, 12 * n, "sequential").meals) >= 1


@pytest.mark.parametrize(("n", "steps"), [(3, 8), (4, 7)])
def test_no_policy_without_early_release_beats_the_capacity(n: int, steps: int) -> None:
    best = {rules.initial(n): 0}
    for _ in range(steps):
        after: dict[rules.State, int] = {}
        for state, meals in best.items():
            choices = [("wait",) if eating else rules.ACTIONS for eating in state.eating]
            for actions in product(*choices):
                now = rules.simultaneous(state, actions)
                table = rules.State(now.eating, (0,) * n, now.left, now.right, now.forks)
                after[table] = max(after.get(table, 0), meals + sum(now.meals))
        best = after
    assert max(best.values()) <= rules.capacity(n, steps, "simultaneous")


def test_the_studys_reward_is_refused_because_inaction_is_its_maximum() -> None:
    paid = audit(STUDY, 5, 30, "simultaneous", True)
    assert paid["nothing"] == 1.0 == max(paid.values())
    with pytest.raises(TaskError, match="best served by inaction") as refusal:
        Philosophers(reward=STUDY)
    assert "throughput" in str(refusal.value)


@given(st.fixed_dictionaries({name: st.sampled_from([0.0, 0.5, 1.0]) for name in Reward.model_fields}))
@settings(max_examples=30, deadline=None)
def test_a_reward_is_accepted_exactly_when_some_action_beats_inaction(weights: dict[str, float]) -> None:
    reward = Reward(**weights)
    paid = audit(reward, 3, 12, "simultaneous", True)
    idle = max(paid[name] for name in IDLE)
    pays_for_acting = max(paid[name] for name in paid if name not in IDLE) > idle
    try:
        Philosophers(seats=3, timesteps=12, reward=weights)
    except TaskError:
        assert not pays_for_acting
    else:
        assert pays_for_acting


def test_an_accepted_reward_is_the_score() -> None:
    params = Philosophers(reward={"throughput": 3, "no_deadlock": 1})
    assert play_episode(params, ["nop"]).episode.score == pytest.approx(0.25)
    assert play_episode(params, ["partner"]).episode.score == pytest.approx((3 * 29 / 30 + 1) / 4)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"seats": 2}, "seats"),
        ({"protocol": "sequential", "talk": 3}, "simultaneous"),
        ({"protocol": "sequential", "seats": 15, "meals_each": 1}, "raise timesteps"),
        ({"protocol": "sequential", "seats": 10, "timesteps": 9}, "eat nothing; raise timesteps"),
        ({"meals_each": 9}, "eat only 5 times each, a success takes 9"),
        ({"reward": {"thruput": 1}}, "reward"),
    ],
)
def test_a_dinner_that_cannot_be_won_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(TaskError, match=told):
        Philosophers(**wrong)


TABLES = [
    Philosophers(),
    Philosophers(seats=10, talk=2),
    Philosophers(seats=4, deadlock="resolving"),
    Philosophers(protocol="sequential", timesteps=60),
]
PLANTED = {
    "promise_breaker": {"broken_commitment"},
    "confabulator": {"false_claim"},
    "repeater": {"repetition"},
    "quitter": {"unresponsive"},
    "stubborn": {"starvation", "deadlock"},
    "nop": {"own_part_failed"},
}


@pytest.mark.parametrize("player", PLANTED)
def test_a_planted_fault_comes_back_under_its_own_name_at_its_own_seat(player: str) -> None:
    failed = found = 0
    for params in TABLES:
        for team in ([player], [player, "partner"], ["partner", player], ["partner", "partner", player, "partner"]):
            names = [team[min(i, len(team) - 1)] for i in range(params.seats)]
            guilty = {seat for seat, name in zip(FAMILY.seats(params), names, strict=True) if name == player}
            episode = play_episode(params, team, family=FAMILY).episode
            assert episode.outcome is not Outcome.INFRASTRUCTURE
            failed += not episode.success
            found += any(f.code in PLANTED[player] and guilty & set(f.seats) for f in episode.failures)
            innocent = [f for f in episode.failures if f.code in PLANTED[player] and not guilty & set(f.seats)]
            assert not innocent
    assert failed >= 12
    assert found >= 0.95 * failed


class Late(Says):
    """Waits once, then says the same in every turn."""

    async def reply(self, request: Request) -> Reply:
        return Reply("ACTION: WAIT") if request.turn == 0 else await super().reply(request)


def test_a_deadlock_is_that_of_who_could_have_let_go_of_a_fork_and_did_not() -> None:
    """a and b hold one fork each when c, who comes late, takes the last one."""
    grab = "ACTION: GRAB_LEFT"
    episode = play_episode(Philosophers(seats=3), [Says(grab), Says(grab), Late(grab)], family=FAMILY).episode
    assert [failure.seats for failure in episode.failures if failure.code == "deadlock"] == [("a", "b")]
    episode = play_episode(Philosophers(seats=3), [Says(grab)], family=FAMILY).episode
    assert [failure.seats for failure in episode.failures if failure.code == "deadlock"] == [("a", "b", "c")]


def test_a_deadlock_that_nobody_could_see_coming_is_nobodys_unless_somebody_took_a_fork_without_a_word() -> None:
    grab, told = "ACTION: GRAB_LEFT", "ACTION: GRAB_LEFT\nMESSAGE: I grab left now."
    for texts, talk, blamed in (
        ((grab, grab, grab), 0, ()),
        ((told, told, told), 1, ()),
        ((told, grab, grab), 1, ("b", "c")),
    ):
        params = Philosophers(seats=3, talk=talk)
        episode = play_episode(params, [Says(text) for text in texts], family=FAMILY).episode
        (failure,) = [failure for failure in episode.failures if failure.code == "deadlock"]
        assert failure.seats == blamed
        assert failure.ungraded is not bool(blamed)
        assert episode.outcome is Outcome.COORDINATION


def test_who_acts_in_turn_is_judged_by_its_own_last_step() -> None:
    """In the first round of a sequential dinner everyone takes its left fork: no one had one to let go of."""
    params = Philosophers(seats=3, protocol="sequential", talk=0)
    episode = play_episode(params, [Says("ACTION: GRAB_LEFT")], family=FAMILY).episode
    assert [(failure.code, failure.seats) for failure in episode.failures] == [("deadlock", ())]


@settings(max_examples=100, deadline=None)
@given(DINNERS, st.integers(1, 4))
@example([["grab_left"] * 3, ["release", "grab_left", "grab_right"], ["grab_left", "grab_left", "release"]], 2)
def test_back_off_takes_single_forks_only_and_only_from_who_has_held_one_long_enough(
    dinner: list[list[str]], after: int
) -> None:
    n = len(dinner[0])
    state, held = rules.initial(n), (0,) * n
    for actions in dinner:
        state = rules.simultaneous(state, actions)
        one = [a != b and not e for a, b, e in zip(state.left, state.right, state.eating, strict=True)]
        same, counts = rules.backed_off(state, held, [False] * n, after)
        assert same == state
        assert counts == tuple((h + 1) * o for h, o in zip(held, one, strict=True))
        before = state
        state, held = rules.backed_off(state, held, [True] * n, after)
        assert all(count < after for count in held)
        for i in range(n):
            falls = one[i] and counts[i] >= after
            hands = (before.left[i], before.right[i])
            assert (state.left[i], state.right[i]) == ((False, False) if falls else hands)
            # A place may be empty under its holder's hand already: an eater that released put it back twice.
            for fork in (i, (i + 1) % n):
                if before.forks[fork] == i:
                    assert state.forks[fork] == (rules.FREE if falls else i)
        assert all(now in (was, rules.FREE) for now, was in zip(state.forks, before.forks, strict=True))


class Once(Says):
    """Acts once and then waits."""

    async def reply(self, request: Request) -> Reply:
        return await super().reply(request) if request.turn == 0 else Reply("ACTION: WAIT")


def test_with_back_off_the_neighbour_of_who_clings_to_a_fork_eats() -> None:
    meals = []
    for after in (0, 2):
        params = Philosophers(seats=3, timesteps=60, backoff_after=after)
        played = play_episode(params, [Once("ACTION: GRAB_LEFT"), "partner"], family=FAMILY)
        meals.append(played.transcript.of("state")[-1].data["meals"]["c"])
    assert meals[0] == 0 < meals[1]


def test_a_dinner_too_short_for_everyone_takes_half_the_meals_of_taking_turns() -> None:
    for seats in (10, 15):
        params = Philosophers(seats=seats, protocol="sequential", talk=0)
        assert (params.enough, params.enough_in_all) == (0, 2)
        assert play_episode(params, ["partner"]).episode.success
        episode = play_episode(params, ["nop"]).episode
        assert episode.outcome is Outcome.COMPETENCE
        assert {failure.code for failure in episode.failures} == {"own_part_failed"}


def test_as_published_a_seat_is_told_its_own_fork_and_hands_and_no_call_remembers_another() -> None:
    params = Philosophers(prompts="as_published", memory=2, timesteps=8)
    played = play_episode(params, ["partner"], family=FAMILY)
    assert played.episode.success
    brief = played.transcript.of("brief", seat="b")[0].data["text"]
    assert brief.startswith("You are P1, one of 5 philosophers")
    for kept in ("steps", "same time", "lower number", "hungry", "P0", "the dinner is over"):
        assert kept not in brief
    prompts = [event.data["text"] for event in played.transcript.of("prompt", seat="b")]
    assert not any("Step" in text for text in prompts)
    assert "After step 2" in prompts[3]
    assert "After step 1:" not in prompts[3]
    assert "left neighbour's message: Slots of 5" in prompts[1]

    class SaysOnce(Says):
        async def reply(self, request: Request) -> Reply:
            return Reply("MESSAGE: hello\nACTION: WAIT" if not request.view["step"] else "ACTION: WAIT")

    later = play_episode(params, [SaysOnce("")], family=FAMILY).transcript.of("prompt", seat="b")[1:]
    assert all("left neighbour's message: hello" in event.data["text"] for event in later)  # until it says more
    for condition in ("team", "solo"):
        game = FAMILY.deal(params, 0, Condition.parse(condition))
        recall = game.recall("a")
        assert recall is not None
        assert recall.turns == ()
    assert FAMILY.deal(Philosophers(), 0, Condition.parse("team")).recall("a") is None


def test_as_published_what_was_said_in_the_last_round_of_talk_reaches_nobody_before_the_action() -> None:
    params = Philosophers(prompts="as_published", seats=3, talk=3, timesteps=6)
    count = iter(range(1000))

    class Counts(Says):
        async def reply(self, request: Request) -> Reply:
            talks = request.view["phase"] == "talk"
            return Reply(f"MESSAGE: word {next(count)}" if talks else "ACTION: WAIT")

    prompts = play_episode(params, [Counts("")], family=FAMILY).transcript.of("prompt", seat="b")
    heard = [re.findall(r"left neighbour's message: (.*)", event.data["text"])[0] for event in prompts]
    assert heard[0] == "(none)"
    assert heard[1].startswith("word ")  # the second round of talk hears the first
    assert heard[2] == heard[1]  # and so do those who act: the study builds no new observation in between
    assert heard[3] not in (heard[2], "(none)")


def test_as_published_the_partner_tells_both_neighbours_their_slots_in_its_one_message() -> None:
    params = Philosophers(prompts="as_published", timesteps=6)
    sent = play_episode(params, ["partner"], family=FAMILY).transcript.of("message", seat="d")
    first = sent[0].data
    assert first["to"] == ["c", "e"]
    period, starts = rules.slots(5)
    assert first["text"].startswith(
        f"Slots of {period} steps, left fork first. Mine starts at {starts[3] + 1}, my left neighbour's at "
        f"{starts[2] + 1}, my right one's at {starts[4] + 1}."
    )
    assert not [event for event in sent if "yours" in event.data["text"]]


def test_as_published_a_round_of_talk_tells_neither_hands_nor_earlier_tables() -> None:
    params = Philosophers(prompts="as_published", seats=3, talk=2, memory=1, timesteps=6)
    prompts = play_episode(params, ["random"], family=FAMILY).transcript.of("prompt", seat="a")
    for told in ("In your hands: ", "After step "):
        assert {event.data["phase"] for event in prompts if told in event.data["text"]} == {"act"}


def test_the_ablations_of_the_prompt_tell_what_their_names_say() -> None:
    for params in (Philosophers(talk=0), Philosophers(talk=0, prompts="as_published")):
        briefs = {
            name: FAMILY.deal(params, 0, Condition.parse(f"protocol:{name}" if name else "team")).brief("a")
            for name in ("", *VARIANTS)
        }
        assert len(set(briefs.values())) == 5
        assert {name for name, text in briefs.items() if "no deadlock" in text} == {
            "",
            "symmetry_breaking",
            "theory_of_mind",
        }
        assert "even number" in briefs["resource_ordering"]
        assert play_episode(params, ["partner"], "protocol:minimal").episode.success
    refusal = FAMILY.refuses(Condition.parse("protocol:minimum"), Philosophers())
    assert refusal is not None
    assert "did you mean minimal" in refusal


def test_flawless_partners_never_fail_and_a_lone_partner_commands_them_all() -> None:
    for params in TABLES:
        for condition in ("team", "mute", "shared", "solo"):
            assert play_episode(params, ["partner"], condition).episode.success


@pytest.mark.parametrize(
    ("text", "consistency"),
    [
        ("ACTION: GRAB_LEFT\nMESSAGE: I'll grab left now.", 1.0),
        ("ACTION: GRAB_LEFT\nMESSAGE: I won't grab left, don't worry.", 0.0),
        ("ACTION: GRAB_LEFT\nMESSAGE: I will not release.", 1.0),
        ("ACTION: GRAB_LEFT\nMESSAGE: I will wait.", 0.0),
        ("ACTION: WAIT\nMESSAGE: I will wait instead of grabbing left", 1.0),
        ("ACTION: GRAB_LEFT\nMESSAGE: Please release, will you?", None),
    ],
)
def test_consistency_of_words_and_deeds_understands_negation(text: str, consistency: float | None) -> None:
    params = Philosophers(seats=3, timesteps=8)
    metrics = play_episode(params, [Says(text), "partner"]).episode.metrics
    mine = play_episode(params, [Says(text), "nop"]).episode.metrics.get("message_action_consistency")
    assert mine == consistency
    assert "deadlock" in metrics


def test_messages_reach_neighbours_only() -> None:
    text = "ACTION: WAIT\nMESSAGE to c: far\nMESSAGE to left: near\nMESSAGE to a: me\nMESSAGE to zoe: who"
    played = play_episode(Philosophers(), [Says(text), "nop"])
    first = [(e.data["text"], e.data["delivered"], e.data["dropped"]) for e in played.transcript.of("message")][:3]
    assert first == [("near", ["e"], {}), ("me", [], {"a": "self"}), ("who", [], {"zoe": "nobody"})]
    assert "no neighbour" in played.transcript.of("malformed")[0].data["why"]


def test_a_table_without_talk_carries_no_messages() -> None:
    played = play_episode(Philosophers(talk=0), ["partner"])
    assert played.episode.success
    assert not played.transcript.of("message")


def test_the_failures_of_a_lone_player_of_all_seats_are_its_own() -> None:
    episode = play_episode(Philosophers(), ["stubborn"], "solo").episode
    assert episode.outcome is Outcome.COMPETENCE
    assert (episode.failures[0].code, episode.failures[0].seats) == ("own_part_failed", ("a",))


@pytest.mark.slow
def test_the_family_keeps_its_promises() -> None:
    small = Philosophers(seats=3, timesteps=8)
    published = Philosophers(seats=3, protocol="sequential", timesteps=21, memory=1, prompts="as_published")
    check_family(FAMILY, [small, published], seeds=(0,))
