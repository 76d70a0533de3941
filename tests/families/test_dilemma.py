"""Social dilemmas: payoffs, mechanisms, what is told, and who is to blame."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_collab.episode.condition import Condition
from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import TaskError
from pytest_collab.families.dilemma import Dilemma, DilemmaFamily, rules
from pytest_collab.families.dilemma.games import GAMES
from pytest_collab.testing import check_family, play_episode
from tests.support.says import Says

FAMILY = DilemmaFamily()
NAMED = [game for game in GAMES if game != "bertrand"]
"""Games whose actions are words; where firms set prices, partners compete."""
MECHANISMS = ("none", "repetition", "reputation", "mediation", "contract")


@pytest.mark.parametrize("game", GAMES)
def test_together_is_better_for_each_and_each_is_tempted(game: str) -> None:
    payoffs = GAMES[game]
    assert all(high > low for high, low in zip(payoffs.together, payoffs.apart, strict=True))
    alone = [payoffs.cooperate] * payoffs.places
    if game == "travellers":  # undercutting by one
        alone[-1] = "4"
    else:
        alone[-1] = payoffs.tempt
    tempted = payoffs.pay(tuple(alone))[-1] > payoffs.together[-1]
    assert tempted == (game != "stag_hunt")  # there it is fear, not greed


@pytest.mark.parametrize(
    ("game", "profile", "paid"),
    [
        ("prisoners", ("cooperate", "defect"), (0, 3)),
        ("stag_hunt", ("hare", "stag"), (3, 0)),
        ("trust", ("keep", "give"), (6, 2)),
        ("public_goods", ("contribute", "contribute", "keep"), (1, 1, 2)),
        ("travellers", ("5", "3"), (1, 5)),
        ("travellers", ("4", "4"), (4, 4)),
    ],
)
def test_profiles_are_paid_as_in_coopeval(game: str, profile: tuple[str, ...], paid: tuple[float, ...]) -> None:
    assert tuple(GAMES[game].pay(profile)) == paid


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=2, max_size=5), st.data())
def test_a_contract_moves_points_and_makes_none(profile: list[str], data: Any) -> None:
    amounts = data.draw(st.fixed_dictionaries({action: st.integers(-9, 9) for action in "abc"}))
    assert sum(rules.transfers(tuple(profile), amounts)) == pytest.approx(0)


def test_a_mediator_plays_the_same_for_all_who_delegate() -> None:
    assert rules.mediated([None, "defect"], ("defect", "cooperate")) == ("defect", "defect")
    assert rules.mediated([None, None], ("defect", "cooperate")) == ("cooperate", "cooperate")


def test_the_design_with_the_most_approvals_is_elected_and_none_where_nobody_approves() -> None:
    assert rules.elect([[True, False], [True, True]], 0) == 0
    assert rules.elect([[False, False], [False, False]], 0) is None


def test_how_long_a_repeated_game_lasts_follows_from_the_seed_and_is_told_to_nobody() -> None:
    params = Dilemma(mechanism="repetition")
    lengths = {rules.length(seed, 0.8, 15) for seed in range(200)}
    assert min(lengths) == 1
    assert max(lengths) == 15
    game = FAMILY.deal(params, 3, Condition.parse("team"))
    told = game.brief("a") + game.prompt("a", ()).text
    assert "80%" in told
    assert not re.search(r"\b15\b|of \d+", told.replace("one of 2 players", ""))


def test_with_reputation_the_last_rounds_of_whom_one_meets_are_shown() -> None:
    played = play_episode(Dilemma(mechanism="reputation", continuation=0.95), ["partner", "free_rider"], seed=1)
    acts = [event for event in played.transcript.of("prompt", seat="a") if "Choose" in event.data["text"]]
    assert "nothing is known" in acts[0].data["text"]
    assert re.search(r"Of \w: in round 1 ", acts[1].data["text"])


@pytest.mark.parametrize("game", NAMED)
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_partners_cooperate_under_every_mechanism_and_free_riders_under_none(game: Any, mechanism: Any) -> None:
    params = Dilemma(game=game, mechanism=mechanism)
    together = play_episode(params, ["partner"], seed=1).episode
    assert together.success
    assert together.metrics["payoff"] == pytest.approx(sum(params.payoffs.together) / params.payoffs.places)
    apart = play_episode(params, ["free_rider"], seed=1).episode
    assert apart.score == 0
    assert apart.metrics["cooperation"] == 0


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize(
    ("player", "code"),
    [("free_rider", "free_riding"), ("promise_breaker", "broken_commitment"), ("nop", "free_riding")],
)
def test_a_planted_fault_comes_back_under_its_own_name_at_its_own_seat(
    mechanism: Any, player: str, code: str
) -> None:
    for game in ("prisoners", "trust", "public_goods"):
        params = Dilemma(game=game, mechanism=mechanism, talk=player == "promise_breaker")
        team = [*["partner"] * (params.seats - 1), player]
        guilty = FAMILY.seats(params)[-1]
        for seed in (1, 2):
            episode = play_episode(params, team, seed=seed).episode
            assert episode.success or episode.failures[0].seats == (guilty,), (game, episode.failures)
            assert episode.success or code in {failure.code for failure in episode.failures}
            assert all(failure.seats == (guilty,) for failure in episode.failures)


def test_an_extorter_is_paid_more_than_its_partner_and_a_grim_player_ends_it() -> None:
    params = Dilemma(mechanism="repetition", rounds=60, continuation=0.99)
    fooled = play_episode(params, ["partner", "extorter"], seed=4).transcript.of("state")
    totals = [sum(event.data["paid"][i] for event in fooled) for i in (0, 1)]
    assert totals[1] > totals[0]
    grim = play_episode(params, ["grim", "extorter"], seed=4).episode
    assert grim.metrics["cooperation"] < 0.1


def test_one_who_delegates_to_a_fair_mediator_is_not_to_blame_for_what_it_plays() -> None:
    episode = play_episode(Dilemma(mechanism="mediation"), ["partner", "free_rider"]).episode
    assert [(failure.code, failure.seats) for failure in episode.failures] == [("free_riding", ("b",))]


@pytest.mark.parametrize(
    ("design", "read"),
    [
        ("CONTRACT: COOPERATE=0, DEFECT=-4", {"cooperate": 0.0, "defect": -4.0}),
        ('{"contract": "cooperate: 1, defect: -2"}', {"cooperate": 1.0, "defect": -2.0}),
        ("CONTRACT: DEFECT=-1000", None),
        ("CONTRACT: we should all be nice", None),
    ],
)
def test_contracts_are_read_and_what_is_none_is_counted(design: str, read: dict[str, float] | None) -> None:
    played = play_episode(Dilemma(mechanism="contract"), [Says(design), "partner"])
    moves = played.transcript.of("move", seat="a") or played.transcript.of("action", seat="a")
    first = moves[0].data["action"] if moves else None
    assert first == read
    assert bool(played.transcript.of("malformed", seat="a")) or read is not None


def test_punishment_costs_both_and_says_whom_it_hit() -> None:
    params = Dilemma(mechanism="repetition", punishment=3)
    played = play_episode(params, [Says("ACTION: COOPERATE\nPUNISH: b"), "free_rider"], seed=1)
    first = next(event.data for event in played.transcript.of("state") if "punished" in event.data)
    assert first["paid"] == [-1, 0]
    assert played.episode.metrics["punished_defectors"] == 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"mechanism": "reputation", "groups": 1}, "others to meet"),
        ({"punishment": 2}, "rounds to come"),
        ({"game": "chicken"}, "game"),
    ],
)
def test_a_dilemma_that_cannot_be_played_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(TaskError, match=told):
        Dilemma(**wrong)


def test_the_family_keeps_every_promise() -> None:
    check_family(
        FAMILY,
        [
            Dilemma(rounds=3, mechanism="repetition", talk=True, punishment=2),
            Dilemma(game="public_goods", mechanism="contract"),
            Dilemma(game="travellers", mechanism="mediation"),
        ],
        seeds=(0,),
    )


def told(game: str, mechanism: str, kind: str) -> list[str]:
    played = play_episode(Dilemma(game=game, mechanism=mechanism, prompts="as_published"), ["partner"], seed=1)
    assert played.episode.outcome is Outcome.SUCCESS
    return [event.data["text"] for event in played.transcript.of(kind, seat="a")]


@pytest.mark.parametrize("game", NAMED)
@pytest.mark.parametrize("mechanism", ["none", "repetition", "reputation", "mediation", "contract"])
def test_as_published_no_word_says_what_an_action_is(game: str, mechanism: str) -> None:
    texts = told(game, mechanism, "brief") + told(game, mechanism, "prompt")
    words = [word for word in (*GAMES[game].actions, "delegate,") if not word.isdigit()]
    assert not any(re.search(rf"\b(?:{'|'.join(words)})\b", text, re.IGNORECASE) for text in texts)
    assert "A0" in texts[0]
    assert any("by lot" in text for text in texts) is (mechanism in ("mediation", "contract"))


def test_as_published_leaving_the_choice_to_a_mediator_is_one_of_the_answers() -> None:
    for mechanism, answers in (("mediation", "A0, A1, A2"), ("contract", "A0, A1")):
        assert f"`ACTION: X`, X one of {answers}." in told("prisoners", mechanism, "brief")[0]


def test_a_mediator_is_told_in_words_that_agree_with_their_numbers() -> None:
    designs = next(text for text in told("public_goods", "mediation", "prompt") if text.startswith("The designs"))
    assert re.search(r"\bif 1 delegates, A\d; if 2 delegate, A\d; if 3 delegate, A\d$", designs, re.MULTILINE)


@pytest.mark.parametrize("mechanism", ["repetition", "reputation"])
def test_as_published_one_is_told_that_ones_choices_are_seen_and_weigh(mechanism: str) -> None:
    assert "and may weigh with what they choose" in told("stag_hunt", mechanism, "brief")[0]
    plain = FAMILY.deal(Dilemma(game="stag_hunt", mechanism=mechanism), 1, Condition.parse("team")).brief("a")
    assert "weigh" not in plain


def test_as_published_a_call_stands_alone_and_tells_the_last_three_rounds_the_newest_first() -> None:
    seed = next(seed for seed in range(50) if rules.length(seed, 0.8, 15) > 4)
    params = Dilemma(game="stag_hunt", mechanism="repetition", prompts="as_published")
    last = play_episode(params, ["partner"], seed=seed).transcript.of("prompt", seat="a")[4].data["text"]
    assert last.startswith("So far you have played this game 4 times.")
    assert re.findall(r"In round (\d)", last) == ["4", "3", "2"]
    assert "got" not in last
    recall = FAMILY.deal(params, seed, Condition.parse("team")).recall("a")
    assert recall is not None
    assert not recall.turns


def test_as_published_one_reads_of_oneself_and_of_ones_place_in_a_game_with_places() -> None:
    briefs = told("trust", "reputation", "brief")
    assert {re.search(r"you are player (\d) of 2", text)[1] for text in briefs} == {"1", "2"}  # type: ignore[index]
    assert any("You A1, the other A0: 20 for you, 0 for the other" in text for text in briefs)
    later = told("trust", "reputation", "prompt")[1]
    assert re.search(r"^Of a: in round 1 \w \(player \d\) chose A0 and got 10", later, re.MULTILINE)
