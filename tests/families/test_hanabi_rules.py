"""Hanabi's rules against recorded games of other programs, and its card logic against counting everything out."""

from __future__ import annotations

import json
import random
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_collab.core.games import hanabi
from pytest_collab.core.games.hanabi import Action, Rules, State
from pytest_collab.families.hanabi import logic, rules
from tests.support import hanabi_peers as peers

TRACES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "hanabi_traces.json").read_text())


@pytest.mark.parametrize("number", range(len(TRACES)))
def test_a_recorded_game_of_another_program_comes_out_the_same(number: int) -> None:
    """Recorded by benchmarks/hanabi_traces.py."""
    trace = TRACES[number]
    lines = peers.replayed(trace)
    differ = [at for at, line in enumerate(lines) if peers.digest(line) != trace["states"][at]]
    assert not differ, f"{trace['peer']} {trace['rules']}: state {differ[0]}, ours {lines[differ[0]]}"
    assert lines[-1].split("|")[0].endswith("1"), "the game is over"


def test_recorded_games_end_in_every_way_and_come_from_both_programs() -> None:
    ends = set()
    for trace in TRACES:
        last = peers.replayed(trace)[-1].split("|")[0].split()
        most = trace["rules"]["colours"] * trace["rules"]["ranks"]
        ends.add("lives" if last[2] == "0" else "complete" if int(last[4]) == most else "deck")
    assert ends == {"lives", "complete", "deck"}
    assert {trace["peer"].split()[0] for trace in TRACES} == {"hanabi-learning-environment", "jaxmarl"}


def somewhere(size: Rules, seed: int, moves: int) -> State:
    """A game some random moves on, for as long as it lasts."""
    chance = random.Random(seed)
    state = hanabi.start(size, rules.shuffled(size, seed))
    for _ in range(moves):
        if state.ended:
            break
        state, _ = hanabi.step(state, chance.choice(hanabi.legal(state)))
    return state


TABLES = st.sampled_from([Rules(2), Rules(3), Rules(5, hand=4), Rules(2, 2, 5, 2, 3, 1), Rules(3, 2, 3, 3, 4, 5)])


@given(TABLES, st.integers(0, 500), st.integers(0, 60))
def test_no_card_is_ever_lost_and_what_is_held_is_always_possible(size: Rules, seed: int, moves: int) -> None:
    state = somewhere(size, seed, moves)
    held = [state.card(card) for hand in state.hands for card in hand]
    table = [colour * size.ranks + rank for colour, high in enumerate(state.fireworks) for rank in range(high)]
    assert sorted([*held, *table, *state.discards, *state.deck[state.drawn :]]) == list(size.cards())
    assert 0 <= state.hints <= size.hints
    for seat, hand in enumerate(state.hands):
        for card, can_be in zip(hand, logic.knowledge(state, seat), strict=True):
            assert card.possible >> state.card(card) & 1
            assert can_be >> state.card(card) & 1
            assert not can_be & ~card.possible


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(0, 40))
def test_card_logic_finds_exactly_what_counting_out_all_hands_finds(seed: int, moves: int) -> None:
    size = Rules(2, 2, 3, 3, 4, 9)
    state = somewhere(size, seed, moves)
    seen = [*state.discards, *(state.card(held) for held in state.hands[1])]
    left = logic.unseen(size, state.fireworks, seen)
    possible = [held.possible for held in state.hands[0]]
    whole = [
        hand
        for hand in product(range(size.most), repeat=len(possible))
        if all(open_ >> card & 1 for open_, card in zip(possible, hand, strict=True))
        and all(hand.count(card) <= left[card] for card in hand)
    ]
    expected = [sum(1 << card for card in {hand[place] for hand in whole}) for place in range(len(possible))]
    assert logic.knowledge(state, 0) == expected


def test_the_board_knows_what_can_be_played_what_is_dead_and_what_is_the_last_of_its_kind() -> None:
    size = Rules(2)
    found = logic.board(size, (1, 0, 0, 0, 5), [2, 2, 6])  # R1 and all blues lie there; both R3 and a Y2 are gone
    names = [{rules.name(size, card) for card in logic.bits(cards)} for cards in (found.playable, found.dead)]
    assert names[0] == {"R2", "Y1", "G1", "W1"}
    assert names[1] == {"R1", "R3", "R4", "R5", "B1", "B2", "B3", "B4", "B5"}
    assert {rules.name(size, card) for card in logic.bits(found.critical)} == {"Y2", "Y5", "G5", "W5"}


@pytest.mark.parametrize(
    ("action", "why"),
    [
        (Action("discard", 0), "all 8 hint tokens are there"),
        (Action("play", 5), "no card 6 in a hand of 5"),
        (Action("colour", 0, 0), "hint to itself"),
        (Action("rank", 5, 1), "no such rank"),
        (Action("rank", 0, 2), "no such player"),
        (Action("pass"), "nobody may pass"),
    ],
)
def test_what_cannot_be_done_is_told_with_its_reason(action: Action, why: str) -> None:
    state = hanabi.start(Rules(2), rules.shuffled(Rules(2), 0))
    assert why in (hanabi.illegal(state, action) or "")


def test_a_hint_that_points_at_nothing_is_refused() -> None:
    deck = rules.read_deck(["R1", "R1", "R1", "R2", "R2", "R3", "R3", "R4", "R4", "R5"], Rules(2, 1, 5, 2, 3, 1))
    state = hanabi.start(Rules(2, 1, 5, 2, 3, 1), deck)
    assert "point at one card" in (hanabi.illegal(state, Action("rank", 4, 1)) or "")
    state, happened = hanabi.step(state, Action("rank", 1, 1))
    assert happened.touched == (1,)
    assert state.hands[1][0].possible == 0b11101


@pytest.mark.parametrize(
    ("deck", "told"),
    [(["R1", "X2"], "'X2' is no card"), (["R1", "R6"], "'R6' is no card"), (["R1", "R1"], "R1 2 times; it must")],
)
def test_a_wrong_deck_is_refused_with_the_card(deck: list[str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        rules.read_deck(deck, Rules(2))


def test_a_seed_gives_the_same_deck_on_every_machine() -> None:
    deck = rules.shuffled(Rules(2), 0)
    assert [rules.name(Rules(2), card) for card in deck[:10]] == DECK
    assert deck == rules.shuffled(Rules(2), 0)


DECK = ["B2", "Y2", "W2", "W5", "W1", "G1", "R3", "B2", "Y2", "B3"]
