"""Teams with an expert: what is dealt, how answers are read and compared, and what held the expert back."""

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
from pytest_collab.families.experts.scenarios import ADVANTAGES, DRAWBACKS, SCENARIOS
from pytest_collab.testing import check_family, play_episode
from tests.support.says import Says

FAMILY = ExpertsFamily()
PAIR = Experts(seats=2, kind="hidden_profile", expertise="distributed")


@settings(max_examples=150, deadline=None)
@given(st.integers(2, 8), st.integers(2, 4), st.booleans(), st.integers(0, 10**6))
def test_in_a_hidden_profile_nobody_can_see_the_best_option_alone_and_all_together_can(
    seats: int, options: int, single: bool, seed: int
) -> None:
    deal = rules.deal_profile(seats, options, single, seed)
    best = deal.truth[0]
    assert [name for name, worth in deal.worth.items() if worth == max(deal.worth.values())] == [best]
    for i, own in enumerate(deal.facts):
        worth = rules.worth_of([*deal.common, *own], deal.items)
        assert (max(worth, key=worth.__getitem__) == best) is (i == deal.expert)
        assert worth[best] < max(worth.values()) or i == deal.expert
    texts = [fact.text for fact in (*deal.common, *(f for own in deal.facts for f in own))]
    assert len(set(texts)) == len(texts)


@given(st.integers(2, 8), st.sampled_from(["any", *SCENARIOS]), st.booleans(), st.integers(0, 10**6))
def test_together_the_seats_know_the_experts_whole_ranking(seats: int, name: str, single: bool, seed: int) -> None:
    deal = rules.deal_ranking(seats, name, single, seed)
    known = {key: place for own in deal.places for key, place in own.items()}
    assert known == {key: number for number, key in enumerate(deal.truth, 1)}
    assert sum(bool(own) for own in deal.places) == (1 if single else seats)


def test_scenarios_are_complete_and_their_keys_can_be_told_apart() -> None:
    assert len(SCENARIOS) >= 3
    for scenario in SCENARIOS.values():
        keys = [item.key for item in scenario.items]
        assert 10 <= len(keys) == len(set(keys)) <= 15
        assert all(item.what and item.reason for item in scenario.items)
    assert len({*ADVANTAGES, *DRAWBACKS}) == len(ADVANTAGES) + len(DRAWBACKS)


@given(st.permutations(list(range(10))))
def test_the_score_is_one_for_the_expert_and_zero_for_the_reverse(order: list[int]) -> None:
    items = tuple("abcdefghij")
    deal = rules.Deal("ranking", None, items, items, items, {}, (), (), (), None)
    assert 0 <= rules.score(deal, tuple(items[i] for i in order)) <= 1
    assert rules.score(deal, items) == 1
    assert rules.score(deal, items[::-1]) == 0
    assert rules.score(deal, None) == 0


def test_more_than_half_decide_and_otherwise_rankings_are_averaged_and_choices_are_none() -> None:
    ranking, choice = rules.deal_ranking(3, "hut", True, 0), rules.deal_profile(3, 3, True, 0)
    one, other = ranking.truth, ranking.truth[::-1]
    assert rules.together(ranking, [one, one, other]) == one
    assert rules.together(ranking, [one, other]) == ranking.items  # all places are equal on average
    a, b = (choice.items[0],), (choice.items[1],)
    assert rules.together(choice, [a, a, b]) == a
    assert rules.together(choice, [a, b]) is None
    assert rules.together(choice, []) is None


PLANTED = {
    "silent": {"withholding"},
    "vague": {"vague"},
    "repeater": {"repetition"},
    "confabulator": {"false_claim"},
    "quitter": {"unresponsive"},
    "nop": {"unresponsive"},
    "deaf": {"disagreement"},
    "stubborn": {"disagreement"},
    "promise_breaker": {"broken_commitment"},
}


@pytest.mark.slow
def test_a_planted_fault_comes_back_under_its_own_name_at_its_own_seat(capsys: pytest.CaptureFixture[str]) -> None:
    confusion: Counter[tuple[str, str]] = Counter()
    tables = (
        Experts(),
        Experts(kind="hidden_profile", revealed=True),
        Experts(expertise="distributed"),
        PAIR,
        Experts(seats=2, expertise="distributed"),
        Experts(seats=8, expert_error=14),
    )
    for player, codes in PLANTED.items():
        failed = found = 0
        for params in tables:
            for seed in (0, 1, 2):
                expert = params.deal(seed).expert or 0
                team = ["partner"] * params.seats
                team[expert] = player
                episode = play_episode(params, team, seed=seed, family=FAMILY).episode
                if episode.success:
                    continue
                failed += 1
                confusion[player, episode.failures[0].code] += 1
                found += any(f.code in codes and "abcdefgh"[expert] in f.seats for f in episode.failures)
                assert {seat for f in episode.failures for seat in f.seats} == {"abcdefgh"[expert]}, (
                    player,
                    params,
                    seed,
                )
        assert failed >= 4, player
        assert found >= 0.95 * failed, player
    with capsys.disabled():
        print("\nexperts, planted fault and headline:", *(f"\n  {p} -> {c}: {n}" for (p, c), n in confusion.items()))


@given(st.sampled_from([*SCENARIOS]), st.integers(0, 18), st.integers(0, 10**6))
def test_an_expert_that_errs_is_told_a_ranking_at_just_that_distance(name: str, half: int, seed: int) -> None:
    deal = rules.deal_ranking(4, name, True, seed, 2 * half)
    assert deal.expert is not None
    assert rules.distance(deal.told, deal.truth) == 2 * half
    assert deal.places[deal.expert] == {key: number for number, key in enumerate(deal.told, 1)}
    exact = rules.deal_ranking(4, name, True, seed)
    assert (deal.items, deal.truth, deal.expert) == (exact.items, exact.truth, exact.expert)


def test_the_studys_relative_gap_is_there_where_the_expert_errs_and_only_there() -> None:
    erring = Experts(expert_error=14)
    flawless = play_episode(erring, ["partner"], family=FAMILY).episode
    assert flawless.success
    assert flawless.metrics["expert_l1_error"] == flawless.metrics["l1_error"] == 14
    assert flawless.metrics["relative_synergy_gap"] == 0
    assert flawless.score == 1 - 14 / 72
    expert = erring.deal(0).expert
    assert expert is not None
    team: list[str | Agent] = ["deaf"] * 4
    team[expert] = "partner"
    held_back = play_episode(erring, team, family=FAMILY).episode
    gap = (held_back.metrics["l1_error"] - 14) / 14
    assert held_back.metrics["relative_synergy_gap"] == pytest.approx(gap)
    assert gap > 0
    assert not [failure for failure in held_back.failures if failure.code == "own_part_failed"]
    exact = play_episode(Experts(), ["partner"], family=FAMILY).episode.metrics
    assert exact["l1_error"] == 0
    assert "relative_synergy_gap" not in exact


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"expert_error": 7}, "which is even"),
        ({"expert_error": 4, "kind": "hidden_profile"}, "about rankings"),
        ({"adversary": True, "seats": 2}, "raise seats to 3"),
        ({"seats": 9}, "seats"),
    ],
)
def test_a_team_that_cannot_be_dealt_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(TaskError, match=told):
        Experts(**wrong)


def test_an_adversary_is_told_alone_and_is_not_blamed_for_what_it_was_told() -> None:
    for kind in ("ranking", "hidden_profile"):
        params = Experts(adversary=True, kind=kind)
        for seed in range(3):
            misled = params.misled(seed)
            assert misled is not None
            assert misled != params.deal(seed).expert
            played = play_episode(params, ["partner"], seed=seed, family=FAMILY)
            briefs = {str(event.seat): event.data["text"] for event in played.transcript.of("brief")}
            assert {seat for seat, text in briefs.items() if "you want the team to fail" in text} == {"abcd"[misled]}
            answers = played.transcript.of("state")[-1].data["final"]
            assert played.episode.success
            assert len({tuple(answer) for answer in answers.values()}) == 2
            failed = play_episode(params, ["vague"], seed=seed, family=FAMILY).episode
            assert not failed.success
            assert "abcd"[misled] not in {seat for failure in failed.failures for seat in failure.seats}
        assert "want the team to fail" not in FAMILY.deal(params, 0, Condition.parse("solo")).brief("a")


def test_as_published_nobody_is_told_how_answers_are_put_together() -> None:
    briefs = [
        FAMILY.deal(Experts(prompts=prompts), 0, Condition.parse("team")).brief("a")
        for prompts in ("plain", "as_published")
    ]
    assert ["more than half" in text for text in briefs] == [True, False]
    assert ["Agree on one answer" in text for text in briefs] == [False, True]


def test_as_published_those_who_cannot_talk_are_not_asked_to_agree() -> None:
    brief = FAMILY.deal(Experts(prompts="as_published"), 0, Condition.parse("mute")).brief("a")
    assert "nothing that you write reaches the others" in brief
    assert "Agree" not in brief


class Averages(Agent):
    """Answers with the mean of its own first ranking and the expert's, which it has heard."""

    name = "averages"

    async def reply(self, request: Request) -> Reply:
        view = request.view
        if view["phase"] == "talk":
            return Reply("MESSAGE: Let us find a compromise, some middle ground between all our lists.")
        items = list(view["items"])
        if view["phase"] == "final":
            said = next(message.text for message in request.inbox or self.heard if "is number" in message.text)
            place = {part.split(" is number ")[0].split()[-1]: i for i, part in enumerate(said.split("; "))}
            items.sort(key=lambda key: view["items"].index(key) + place[key])
        return Reply("RANKING: " + ", ".join(items))

    heard: tuple[Any, ...] = ()


def test_an_integrative_compromise_against_a_known_expert_shows_in_figures_and_failures() -> None:
    params = Experts(seats=3, scenario="hut", discussion=1, revealed=True)
    expert = params.deal(1).expert
    assert expert is not None
    team: list[str | Agent] = [Averages(), Averages(), Averages()]
    team[expert] = "partner"
    played = play_episode(params, team, seed=1, family=FAMILY)
    metrics = played.episode.metrics
    assert metrics["best_member"] == 1
    assert metrics["synergy"] < 0
    assert 0 < metrics["expert_leverage"] < 1
    assert 0 < metrics["compromise"] <= 1
    assert metrics["compromise_talk"] == pytest.approx(2 / 3)
    assert {f.code for f in played.episode.failures} == {"ungrounded"}
    assert {seat for f in played.episode.failures for seat in f.seats} == set("abc") - {"abc"[expert]}
    kinds = {played.transcript[seq].kind for f in played.episode.failures for seq in f.events}
    assert kinds == {"message", "reply"}


def alone(params: Experts, text: str) -> tuple[Any, float]:
    played = play_episode(params, [Says(text), "partner"], family=FAMILY)
    return played.transcript.of("state")[0].data["alone"].get("a"), played.episode.metrics["malformed_replies"]


HUT = [item.key for item in SCENARIOS["hut"].items]


@pytest.mark.parametrize(
    "text",
    [
        "RANKING: " + ", ".join(HUT),
        "**Ranking:**\n" + "\n".join(f"{i}. {key} - because it matters" for i, key in enumerate(HUT, 1)),
        "I think a lot.\nFinal ranking:\n"
        + "\n".join(f"- {key.replace('-', ' ').title()}" for key in HUT)
        + "\nMESSAGE: hi",
        "Here is my ranking:\n" + "\n".join(f"{i}) {key}, more than {HUT[i - 2]}" for i, key in enumerate(HUT, 1)),
        "<think>RANKING: rope</think>\nRANKING: " + " > ".join(HUT) + "\n\nMats matter more than rope.",
        '{"ranking": ["' + '", "'.join(HUT) + '"]}',
    ],
)
def test_a_ranking_is_read_from_one_line_many_lines_or_json(text: str) -> None:
    assert alone(Experts(seats=2, scenario="hut", discussion=0), text) == (HUT, 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hm.",
        "RANKING: rope, rope",
        "RANKING: " + ", ".join(HUT[1:]),
        "RANKING: " + ", ".join([*HUT, HUT[0]]),
        "RANKING: 3",
    ],
)
def test_a_ranking_that_lacks_or_repeats_an_item_is_none_and_is_counted(text: str) -> None:
    answer, malformed = alone(Experts(seats=2, scenario="hut", discussion=0), text)
    assert answer is None
    assert malformed > 0


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("CHOICE: Birchley", "Birchley"),
        ("choice: **birchley** because of the well", "Birchley"),
        ("CHOICE: Birchley (drier than Ashford)", "Birchley"),
        ("CHOICE: I am for Birchley", "Birchley"),
        ("CHOICE: Birchley or Ashford", None),
        ("CHOICE: Birchley\nCHOICE: Ashford", None),
        ("CHOICE: not Birchley", None),
        ("CHOICE: Atlantis", None),
        ("CHOICE: NaN", None),
        ("CHOICE b: Birchley", None),
        ("", None),
    ],
)
def test_a_choice_is_one_of_the_options_or_none(text: str, chosen: str | None) -> None:
    params = Experts(seats=2, kind="hidden_profile", discussion=0)
    answer, malformed = alone(params, text)
    assert answer == ([chosen] if chosen else None)
    assert bool(malformed) is (chosen is None)


def test_a_thousand_messages_and_messages_to_nobody_are_dropped_and_counted() -> None:
    text = "CHOICE: Birchley\nMESSAGE to a: me\nMESSAGE to zoe: who\n" + "\n".join(
        f"MESSAGE: {i}" for i in range(1000)
    )
    played = play_episode(Experts(kind="hidden_profile"), [Says(text), "partner"], family=FAMILY)
    why = Counter(what for event in played.transcript.of("message") for what in event.data["dropped"].values())
    assert why["self"] == why["nobody"] > 0
    assert why["flood"] > 0
    assert played.episode.metrics["messages_dropped"] == sum(why.values())


def test_who_the_expert_is_is_told_only_where_the_task_says_so() -> None:
    for revealed in (False, True):
        played = play_episode(Experts(revealed=revealed), ["partner"], family=FAMILY)
        briefs = [event.data["text"] for event in played.transcript.of("brief")]
        assert all(("is the expert here" in text) is revealed for text in briefs)
        assert sum("You alone have heard" in text for text in briefs) == 1


def test_what_single_seats_know_is_lost_when_nothing_is_delivered_and_shared_gives_it_to_all() -> None:
    for params in (Experts(), PAIR):
        muted = play_episode(params, ["partner"], "mute", family=FAMILY).episode
        assert (muted.outcome, muted.failures[0].code) == (Outcome.COORDINATION, "undelivered")
        for condition in ("shared", "solo"):
            assert play_episode(params, ["partner"], condition, family=FAMILY).episode.success


def test_facts_told_in_other_words_are_not_withheld() -> None:
    params = Experts(seats=2, kind="hidden_profile", expertise="distributed", discussion=1)
    own = params.deal(0).facts[0]
    told = " ".join(f"Concerning {f.option}, I learnt {f.text.upper().replace('IT ', 'THAT IT ')}!" for f in own)
    played = play_episode(params, [Says(f"CHOICE: Dunmore\nMESSAGE: {told}"), "nop"], family=FAMILY)
    assert "withholding" not in {f.code for f in played.episode.failures if "a" in f.seats}


def test_one_agent_on_all_seats_fails_by_its_own_fault() -> None:
    episode = play_episode(Experts(), ["random"], "solo").episode
    assert episode.outcome is Outcome.COMPETENCE
    assert (episode.failures[0].code, episode.failures[0].seats) == ("own_part_failed", ("a",))


@pytest.mark.slow
def test_the_family_keeps_its_promises() -> None:
    check_family(
        FAMILY, [Experts(seats=2, discussion=1), Experts(seats=3, kind="hidden_profile", discussion=1)], seeds=(0,)
    )


def test_who_says_the_same_again_to_mates_that_say_nothing_is_not_at_fault() -> None:
    for seed in range(3):
        params = Experts(seats=3)
        team = ["silent"] * 3
        team[params.deal(seed).expert or 0] = "repeater"
        episode = play_episode(params, team, seed=seed, family=FAMILY).episode
        assert "repetition" not in [failure.code for failure in episode.failures]
