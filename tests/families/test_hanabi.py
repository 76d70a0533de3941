"""Hanabi: what is told, how replies are read, what conditions do, and who is to blame."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_collab.core.games import hanabi
from pytest_collab.core.games.hanabi import Rules
from pytest_collab.episode.agent import Reply, Request
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import TaskError
from pytest_collab.families.hanabi import Hanabi, HanabiFamily, rules, talk, words
from pytest_collab.families.hanabi.conventions import Convention
from pytest_collab.families.hanabi.seats import TRIES
from pytest_collab.testing import check_family, play_episode
from tests.support.says import Says

FAMILY = HanabiFamily()
SEATS = ("a", "b", "c")


# Replies.


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("ACTION: PLAY 2", "PLAY 2"),
        ("action: play card 2", "PLAY 2"),
        ("**Action:** Play my 2nd card", "PLAY 2"),
        ("I know card 3 is red.\n\nPLAY 2", "PLAY 2"),
        ("I'll play card #2.", "PLAY 2"),
        ("ACTION: PLAY 2 (I will not discard 1)", "PLAY 2"),
        ("ACTION: play my oldest card", "PLAY 1"),
        ("ACTION: discard the newest card", "DISCARD 5"),
        ("ACTION: DISCARD 4 because it is of no use", "DISCARD 4"),
        ('{"action": "play", "card": 2}', "PLAY 2"),
        ('```json\n{"action": "PLAY 2"}\n```', "PLAY 2"),
        ('{"action": {"type": "hint", "target": "b", "color": "red"}}', "HINT b red"),
        ('{"action": "hint", "player": "c", "rank": 3}', "HINT c 3"),
        ("Hint B about red", "HINT b red"),
        ("ACTION: HINT b: red", "HINT b red"),
        ("ACTION: HINT b rank 3", "HINT b 3"),
        ("ACTION: hint player c about her 5s", "HINT c 5"),
        ("ACTION: Tell b that cards 1 and 3 are red", "HINT b red"),
        ("ACTION: clue c fives", "HINT c 5"),
        ("ACTION: HINT b B", "HINT b blue"),
        ("ACTION: HINT c R", "HINT c red"),
        ("<think>PLAY 1? no.</think>\nACTION: PLAY 3", "PLAY 3"),
        ("ACTION: PLAY 3\nACTION: PLAY 3", "PLAY 3"),
        ("ACTION: PLAY 9", "PLAY 9"),
    ],
)
def test_what_models_make_of_the_grammar_is_read(text: str, read: str) -> None:
    game = FAMILY.table(Hanabi(players=3), 0, Condition.parse("team"))
    move = game.parse("a", Reply(text))
    assert (move.action, move.malformed) == (read, None)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("I am not sure.", "names none of PLAY, DISCARD and HINT"),
        ("ACTION: PLAY", "names no card"),
        ("ACTION: PLAY 1 or 2", "more than one card"),
        ("ACTION: PLAY 0", "counted from 1"),
        ("ACTION: PLAY 1\nACTION: DISCARD 2", "two different actions: PLAY 1 and DISCARD 2"),
        ("ACTION: HINT red", "does not say whom: b, c"),
        ("ACTION: HINT b", "names no colour and no rank"),
        ("ACTION: HINT b red 3", "a colour and a rank"),
        ("ACTION: HINT b 7", "there is no rank 7"),
        ("ACTION: HINT b red or blue", "more than one thing"),
    ],
)
def test_what_cannot_be_read_is_said_with_the_reason(text: str, why: str) -> None:
    game = FAMILY.table(Hanabi(players=3), 0, Condition.parse("team"))
    move = game.parse("a", Reply(text))
    assert move.action is None
    assert why in (move.malformed or "")


def test_with_two_players_the_other_one_is_meant_and_every_wording_reads_back() -> None:
    assert words.action_of("HINT red", "a", ("a", "b"), Rules(2)).value == hanabi.Action("colour", 0, 1)
    state = hanabi.start(Rules(5, hand=4), rules.shuffled(Rules(5, hand=4), 1))
    for action in hanabi.legal(state):
        text = words.wording(action, "abcde")
        assert words.action_of(text, "a", tuple("abcde"), Rules(5, hand=4)).value == action


class Fumbles(Says):
    """Answers first what cannot be done, then nothing that can be read, and keeps what it was told."""

    def __init__(self) -> None:
        super().__init__("")
        self.told: list[str] = []

    async def reply(self, request: Request) -> Reply:
        self.told.append(request.text)
        return Reply(("ACTION: DISCARD 1", "hm")[len(self.told) % 2 == 0])


def test_an_impossible_action_is_answered_with_reason_grammar_and_example_and_the_turn_passes_in_the_end() -> None:
    agent = Fumbles()
    played = play_episode(Hanabi(), [agent, "partner"])
    assert "DISCARD 1: nothing may be discarded while all 8 hint tokens are there" in agent.told[1]
    assert "`ACTION: HINT b red`" in agent.told[1]
    assert "names none of PLAY, DISCARD and HINT" in agent.told[2]
    assert "After 1 more such answer your turn passes" in agent.told[2]
    first = played.transcript.of("reply", seat="a")[:TRIES]
    second = played.transcript.of("reply", seat="b")[0]
    assert first[-1].seq < second.seq
    assert played.episode.outcome != Outcome.SUCCESS
    assert any(failure.seats == ("a",) for failure in played.episode.failures)


def test_nobody_who_can_act_ends_the_game() -> None:
    played = play_episode(Hanabi(players=3), ["nop"])
    assert len(played.transcript.of("reply")) == 3 * TRIES
    assert not played.episode.success


# What is shown.


def shown(params: Hanabi, condition: str = "team", moves: tuple[str, ...] = ()) -> str:
    """What the seat whose turn it is reads after some moves."""
    game = FAMILY.replayed(params, 0, Condition.parse(condition))
    for move in moves:
        asked = game.ask()
        assert asked is not None
        seat = asked.seats[0]
        game.apply({seat: game.parse(seat, Reply(move))})
    asked = game.ask()
    assert asked is not None
    return game.prompt(asked.seats[0], ()).text


def own(text: str) -> str:
    return next(line for line in text.splitlines() if "(you)" in line)


def test_scaffolds_differ_in_what_they_show_of_ones_own_cards() -> None:
    deck = rules.shuffled(Rules(2), 0)
    mine = [rules.name(Rules(2), card) for card in deck[:5]]
    assert mine == ["B2", "Y2", "W2", "W5", "W1"]
    details = own(shown(Hanabi(), moves=("ACTION: HINT b 1", "ACTION: HINT a white")))
    assert details == "- a (you): 1: no hint | 2: no hint | 3: white ? | 4: white ? | 5: white ?"
    deductions = own(shown(Hanabi(scaffold="deductions"), moves=("ACTION: HINT b 1", "ACTION: HINT a 1")))
    assert "5: ? 1 (can be R1 Y1 G1 W1 B1: can be played now)" in deductions
    assert "1: no hint (can be R2345 Y2345 G2345 W2345 B2345: cannot be played now)" in deductions
    memory = shown(Hanabi(scaffold="memory"), moves=("ACTION: HINT b 1\nNOTES: b has a 1", "ACTION: HINT a white"))
    assert own(memory) == details
    theirs = next(line for line in memory.splitlines() if line.startswith("- b: "))
    assert "[" not in theirs  # what b was told, a has to remember
    assert "Your notes: b has a 1" in memory
    assert "b hinted a about white: cards 3, 4, 5" in memory


def test_one_card_and_one_turn_are_told_as_one() -> None:
    few = Hanabi(colours=1, hand=4, lives=10)
    plays = ("ACTION: PLAY 1",) * 3
    assert "1 card in the deck" in shown(few, moves=plays[:1])
    assert "the deck is empty, 2 turns left" in shown(few, moves=plays[:2])
    assert "the deck is empty, 1 turn left" in shown(few, moves=plays)


def test_notes_run_over_lines_and_stay_until_they_are_written_anew() -> None:
    assert words.notes_of("NOTES: one\ntwo\nACTION: PLAY 1") == "one\ntwo"
    assert words.notes_of("ACTION: PLAY 1\n**Notes:** mine") == "mine"
    assert words.notes_of("ACTION: PLAY 1") is None


@pytest.mark.parametrize("condition", ["team", "solo", "with:partner", "mute"])
@pytest.mark.parametrize("scaffold", ["details", "deductions", "memory"])
def test_nobody_is_shown_its_own_cards_nor_the_deck(condition: str, scaffold: Any) -> None:
    params = Hanabi(players=3, scaffold=scaffold)
    game = FAMILY.replayed(params, 3, Condition.parse(condition))
    names = ["R1", "Y1", "G1", "W1", "B1", "R2", "Y2", "G2", "W2", "B2"]
    table = game.state.table
    for line in game.prompt("a", ()).text.splitlines():
        if "(you)" in line and scaffold != "deductions":
            assert not [name for name in names if name in line]
    others = {rules.name(table.rules, table.card(held)) for held in table.hands[1]}
    assert others & set(game.prompt("a", ()).text.replace(":", " ").split())


def test_one_agent_on_all_hands_does_not_remember_from_one_hand_what_it_may_not_see_in_another() -> None:
    class Remembers(Says):
        def __init__(self) -> None:
            super().__init__("")
            self.turns: list[int] = []

        async def reply(self, request: Request) -> Reply:
            self.turns.append(len(request.conversation))
            seat = next(iter(request.view["seats"]))
            other = "b" if seat == "a" else "a"
            card = request.view["seats"][seat]["hands"][other][0]
            return Reply(f"SEAT {seat}\nACTION: HINT {other} {card[1]}")

    agent = Remembers()
    play_episode(Hanabi(), [agent], "solo")
    assert set(agent.turns) <= {0, 1}  # the question itself at most


def test_what_everyone_sees_is_shown_to_all_where_all_is_shared() -> None:
    assert own(shown(Hanabi(), "shared")).startswith("- a (you): 1: B2 [no hint] | 2: Y2 [no hint]")


def test_mute_has_no_hints_says_so_and_lets_discard() -> None:
    game = FAMILY.replayed(Hanabi(), 0, Condition.parse("mute"))
    brief = game.brief("a")
    assert "There are no hints in this game" in brief
    assert "HINT" not in brief
    assert "no hints in this game" in shown(Hanabi(), "mute", ("ACTION: HINT b 1",))
    assert shown(Hanabi(), "mute", ("ACTION: DISCARD 1",)).startswith("Turn 2.")
    failed = play_episode(Hanabi(), ["partner"], "mute").episode
    assert failed.failures[0].code == "undelivered"


@pytest.mark.parametrize(
    ("condition", "params", "why"),
    [
        ("relay:2", {}, "a hint is the only message; set talk: 1"),
        ("mute", {"hints": 0}, "there is nothing to mute"),
        ("protocol:convention", {}, "did you mean conventions"),
        ("relay:2", {"talk": 1}, None),
        ("protocol:conventions", {}, None),
    ],
)
def test_conditions_that_make_no_sense_are_refused_with_the_reason(
    condition: str, params: dict[str, Any], why: str | None
) -> None:
    said = FAMILY.refuses(Condition.parse(condition), Hanabi(**params))
    assert (said is None) if why is None else why in (said or "")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"players": 6}, "players"),
        ({"deck": "R1 R2 X9"}, "'X9' is no card"),
        ({"deck": "R1 R2"}, "the deck has R1 1 times"),
        ({"players": 5, "colours": 1, "hand": 5}, "5 hands of 5 are more than the 10 cards"),
        ({"scaffold": "watson"}, "scaffold"),
        ({"colors": 3}, "Did you mean 'colours'"),
    ],
)
def test_params_that_cannot_be_played_are_refused_with_the_value(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(TaskError, match=told):
        Hanabi(**wrong)


def test_a_deck_may_be_given_and_the_small_game_is_the_learning_environments() -> None:
    assert Hanabi(small=True).rules == Rules(2, 2, 5, 2, 3, 1)
    assert Hanabi(small=True, lives=3).rules.lives == 3
    assert Hanabi(players=4).rules.hand == 4
    deck = "R1 R1 R1 R2 R2 R3 R3 R4 R4 R5"
    params = Hanabi(colours=1, hand=2, deck=deck)
    assert [rules.name(params.rules, card) for card in params.dealt(7)] == deck.split()
    assert FAMILY.seeds(params) == 1


# The cast.


def score_of(players: int, seeds: range) -> list[int]:
    """What players who follow the conventions come to."""
    found = []
    size = Hanabi(players=players).rules
    for seed in seeds:
        state, past = hanabi.start(size, rules.shuffled(size, seed)), ()
        heads = [Convention(size) for _ in range(players)]
        while not state.ended:
            action = heads[state.player].choose(rules.look(state, state.player, past))
            state, happened = hanabi.step(state, action)
            past += (happened,)  # type: ignore[assignment]
        found.append(state.score)
    return found


@pytest.mark.parametrize("players", [2, 3, 4, 5])
def test_partners_are_as_strong_as_the_page_says(players: int) -> None:
    scores = score_of(players, range(25))
    assert sum(scores) / len(scores) > 20


def test_who_sees_all_cards_does_better_still() -> None:
    oracle = [play_episode(Hanabi(), ["oracle"], seed=seed).episode.score for seed in range(6)]
    shared = [play_episode(Hanabi(), ["partner"], "shared", seed=seed).episode.score for seed in range(6)]
    assert sum(oracle) / 6 > 0.92
    assert sum(shared) / 6 > 0.92


@pytest.mark.slow
def test_the_family_keeps_what_every_family_promises() -> None:
    check_family(FAMILY, [Hanabi(small=True, lives=2)])


PLANTED: dict[str, set[str]] = {
    "silent": {"withholding"},
    "deaf": {"unresponsive"},
    "stubborn": {"ungrounded"},
    "quitter": {"unresponsive"},
    "nop": {"unresponsive"},
    "overwriter": {"illegal_move"},
    "free_rider": {"own_part_failed"},
    "confabulator": {"false_claim"},
    "promise_breaker": {"broken_commitment"},
}


@pytest.mark.slow
def test_a_planted_fault_comes_back_under_its_own_name_at_its_own_seat() -> None:
    """Attribution is asked only of games that fell short of what partners reach."""
    missed: list[str] = []
    failed = innocent = 0
    for name, codes in PLANTED.items():
        for players, at, seed in ((2, 0, 1), (2, 1, 2), (3, 1, 3), (3, 2, 4)):
            talks = name in ("confabulator", "promise_breaker")  # where cards can be named, false names harm little
            params = Hanabi(players=players, talk=int(talks), target=1 if talks else 0.8)
            team = ["partner"] * players
            team[at] = name
            episode = play_episode(params, team, seed=seed).episode
            if episode.success:
                continue
            failed += 1
            seat = FAMILY.seats(params)[at]
            innocent += any(set(failure.seats) - {seat} for failure in episode.failures)
            if not any(failure.code in codes and failure.seats == (seat,) for failure in episode.failures):
                missed.append(f"{name} {players} {seed}: {episode.score} {episode.failures}")
    assert failed > 20
    assert not innocent
    assert len(missed) <= 0.05 * failed, missed


# Talk.


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("b, your card 2 is the red 1.", [("b", 1, 0, 0)]),
        ("c's card 1 is blue", [("c", 0, 4, -1)]),
        ("b: your card 3 is a 5, keep it", [("b", 2, -1, 4)]),
        ("My card 1 is red", [("a", 0, 0, -1)]),
        ("b, your card 2 might be red", []),
        ("b, is your card 2 red?", []),
        ("your card 2 is red", []),  # whose?
        ("b, your card 2 is not red", []),
    ],
)
def test_statements_about_cards_are_read_and_guesses_are_not(
    text: str, read: list[tuple[str, int, int, int]]
) -> None:
    found = talk.claims(text, "a", SEATS)
    assert [(claim.whose, claim.place, claim.colour, claim.rank) for claim in found] == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("In my next turn I will play card 1.", (("play", 0),)),
        ("I'll discard card 3 next turn", (("discard", 2),)),
        ("Next turn I will hint c", (("hint", -1),)),
        ("I will play card 1", ()),
        ("Next turn you should play card 1", ()),
        ("If b hints me I will play card 2 next turn", ()),
    ],
)
def test_promises_for_the_next_turn_are_read(text: str, read: tuple[tuple[str, int], ...]) -> None:
    assert talk.promises(text) == read


def test_lines_reach_everyone_only_where_there_is_talk() -> None:
    class Talks(Says):
        async def reply(self, request: Request) -> Reply:
            return Reply("ACTION: PLAY 1\nMESSAGE: hello\nMESSAGE: again")

    heard = play_episode(Hanabi(talk=1), [Talks(""), "partner"]).transcript.of("message", seat="a")
    assert heard[0].data["delivered"] == ["b"]
    assert len([event for event in heard if event.data["text"] == "again"]) == 0
    assert not play_episode(Hanabi(), [Talks(""), "partner"]).transcript.of("message", seat="a")


def test_a_game_that_is_struck_out_is_worth_nothing_or_what_lies_there() -> None:
    zero = play_episode(Hanabi(), ["stubborn"]).episode
    keep = play_episode(Hanabi(strikeout="keep"), ["stubborn"]).episode
    assert zero.metrics["struck_out"] == keep.metrics["struck_out"] == 1
    assert zero.score == zero.metrics["points"] == 0
    assert keep.score == keep.metrics["points_kept"] / 25
