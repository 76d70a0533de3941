"""Games of Hanabi as other people's programs play them, in one line a state, to hold `core.games.hanabi` against.

A trace is `{"peer", "rules", "deck", "actions", "states"}`: after each action one more state. Actions are chosen at
random among what the peer calls legal, with a leaning (`cunning`) towards cards that can be played, without which
every game would end with its lives.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from pytest_collab.core.games import hanabi
from pytest_collab.core.games.hanabi import Action, Rules, State

SIZES: Final = (
    Rules(2),
    Rules(3),
    Rules(4, hand=4),
    Rules(5, hand=4),
    Rules(2, colours=2, hand=2, hints=3, lives=1),
    Rules(3, colours=1, hand=2, hints=3, lives=2),
    Rules(4, colours=3, ranks=4, hand=3, hints=5, lives=3),
)
"""The study's four tables, its small and very small game, and odd ones."""


def line(
    *,
    player: int,
    hands: Sequence[Sequence[int]],
    possible: Sequence[Sequence[int]],
    told: Sequence[Sequence[int]],
    fireworks: Sequence[int],
    discards: Iterable[int],
    hints: int,
    lives: int,
    left: int,
    score: int,
    over: bool,
    legal: Iterable[Action],
) -> str:
    """One state in one line: everything that the peers tell of it.

    Args:
        possible: by hand and card, what hints leave open, as bits.
        told: by hand and card, 1 where a hint named its colour, plus 2 where one named its rank.
        legal: empty where the game is over.
    """
    cards = ";".join(
        ",".join(f"{card}:{open_:x}:{known}" for card, open_, known in zip(*hand, strict=True))
        for hand in zip(hands, possible, told, strict=True)
    )
    moves = " ".join(sorted(coded(action) for action in legal))
    numbers = f"{player} {hints} {lives} {left} {score} 0"
    if over:  # jaxmarl still draws a card where the last action ended the game, the learning environment does not
        numbers, cards, moves = f"- {hints} {lives} - {score} 1", "", ""
    return f"{numbers}|{','.join(map(str, fireworks))}|{','.join(map(str, sorted(discards)))}|{cards}|{moves}"


def digest(state: str) -> str:
    """A line in twelve signs, for traces that are kept."""
    return hashlib.sha256(state.encode()).hexdigest()[:12]


def coded(action: Action) -> str:
    """An action in three signs or two: `p0`, `d4`, `c12` (player 1, colour 2), `r13`."""
    if action.kind in ("play", "discard"):
        return f"{action.kind[0]}{action.value}"
    return f"{action.kind[0]}{action.target}{action.value}"


def decoded(code: str) -> Action:
    """The action of a code."""
    if code[0] in "pd":
        return Action("play" if code[0] == "p" else "discard", int(code[1]))
    return Action("colour" if code[0] == "c" else "rank", int(code[2]), int(code[1]))


def ours(state: State) -> str:
    """The line of a state of `core.games.hanabi`."""
    over = bool(state.ended)
    return line(
        player=state.player,
        hands=[[state.card(held) for held in hand] for hand in state.hands],
        possible=[[held.possible for held in hand] for hand in state.hands],
        told=[[held.colour_told + 2 * held.rank_told for held in hand] for hand in state.hands],
        fireworks=state.fireworks,
        discards=state.discards,
        hints=state.hints,
        lives=state.lives,
        left=state.left,
        score=state.score,
        over=over,
        legal=() if over else hanabi.legal(state),
    )


def replayed(trace: dict[str, Any]) -> list[str]:
    """The states of a trace as our rules play it."""
    state = hanabi.start(Rules(**trace["rules"]), trace["deck"])
    lines = [ours(state)]
    for code in trace["actions"]:
        state, _ = hanabi.step(state, decoded(code))
        lines.append(ours(state))
    return lines


def chosen(chance: random.Random, legal: Sequence[Action], playable: Callable[[int], bool], cunning: float) -> Action:
    """A random action; with the chance `cunning` a card that can be played, or else none that cannot."""
    plays = [action for action in legal if action.kind == "play"]
    if chance.random() < cunning:
        good = [action for action in plays if playable(action.value)]
        return chance.choice(good or [action for action in legal if action.kind != "play"] or plays)
    return chance.choice(legal)


def of_learning_environment(rules: Rules, seed: int, cunning: float) -> dict[str, Any]:
    """A game of `hanabi-learning-environment` 0.0.4, which shuffles by itself: the deck is read off what it deals."""
    from hanabi_learning_environment import pyhanabi as peer

    chance = random.Random(f"learning environment {seed}")
    game = peer.HanabiGame(
        {
            "players": rules.players,
            "colors": rules.colours,
            "ranks": rules.ranks,
            "hand_size": rules.hand,
            "max_information_tokens": rules.hints,
            "max_life_tokens": rules.lives,
            "observation_type": peer.AgentObservationType.CARD_KNOWLEDGE.value,
            "seed": seed,
        }
    )
    state = game.new_initial_state()

    def deal() -> None:
        while not state.is_terminal() and state.cur_player() == peer.CHANCE_PLAYER_ID:
            state.deal_random_card()

    def number(card: Any) -> int:
        return int(card.color() * rules.ranks + card.rank())

    def told() -> str:
        hands = [[number(card) for card in hand] for hand in state.player_hands()]
        seen = state.observation(0)  # its knowledge points into it
        known = seen.card_knowledge()
        possible = [
            [
                sum(
                    1 << (colour * rules.ranks + rank)
                    for colour in range(rules.colours)
                    for rank in range(rules.ranks)
                    if card.color_plausible(colour) and card.rank_plausible(rank)
                )
                for card in hand
            ]
            for hand in known
        ]
        marks = [[(card.color() is not None) + 2 * (card.rank() is not None) for card in hand] for hand in known]
        over = state.is_terminal()
        return line(
            player=state.cur_player(),
            hands=hands,
            possible=possible,
            told=marks,
            fireworks=state.fireworks(),
            discards=[number(card) for card in state.discard_pile()],
            hints=state.information_tokens(),
            lives=state.life_tokens(),
            left=state.deck_size(),
            score=state.score(),
            over=over,
            legal=() if over else [read(move) for move in state.legal_moves()],
        )

    def read(move: Any) -> Action:
        kind, me = move.type(), state.cur_player()
        if kind in (peer.HanabiMoveType.PLAY, peer.HanabiMoveType.DISCARD):
            return Action("play" if kind == peer.HanabiMoveType.PLAY else "discard", move.card_index())
        target = (me + move.target_offset()) % rules.players
        colour = kind == peer.HanabiMoveType.REVEAL_COLOR
        return Action("colour", move.color(), target) if colour else Action("rank", move.rank(), target)

    deal()
    deck = [number(card) for hand in state.player_hands() for card in hand]
    states, actions = [told()], []
    while not state.is_terminal():
        moves = {coded(read(move)): move for move in state.legal_moves()}
        hand = state.player_hands()[state.cur_player()]
        action = chosen(
            chance,
            [decoded(code) for code in sorted(moves)],
            lambda place: state.fireworks()[hand[place].color()] == hand[place].rank(),  # noqa: B023
            cunning,
        )
        me, before = state.cur_player(), state.deck_size()
        state.apply_move(moves[coded(action)])
        deal()
        if state.deck_size() < before:
            deck.append(number(state.player_hands()[me][-1]))
        actions.append(coded(action))
        states.append(told())
    return _trace("hanabi-learning-environment 0.0.4", rules, deck, states, actions)


def of_jaxmarl(rules: Rules, games: Iterable[tuple[int, float]]) -> list[dict[str, Any]]:
    """Games of `jaxmarl` 0.2, dealt from explicit decks by its `reset_from_deck_of_pairs`: (seed, cunning) each."""
    import jax
    import numpy as np
    from jaxmarl.environments.hanabi.hanabi import HanabiEnv

    env = HanabiEnv(
        num_agents=rules.players,
        num_colors=rules.colours,
        num_ranks=rules.ranks,
        hand_size=rules.hand,
        max_info_tokens=rules.hints,
        max_life_tokens=rules.lives,
        num_cards_of_rank=np.array([rules.copies(rank) for rank in range(rules.ranks)]),
    )
    allowed, step = jax.jit(env.get_legal_moves), jax.jit(env.step_game)
    size, others = rules.hand, rules.players - 1

    def read(number: int, me: int) -> Action:
        if number < 2 * size:
            return Action("discard" if number < size else "play", number % size)
        rest, per = number - 2 * size, rules.colours
        kind = "colour" if rest < others * per else "rank"
        if kind == "rank":
            rest, per = rest - others * per, rules.ranks
        return Action("colour" if kind == "colour" else "rank", rest % per, (me + 1 + rest // per) % rules.players)

    def moves(state: Any) -> dict[str, int]:
        me = int(np.argmax(state.cur_player_idx))
        table = np.asarray(allowed(state)[f"agent_{me}"])
        fine = {number: read(number, me) for number in np.nonzero(table)[0].tolist() if number < len(table) - 1}
        return {coded(action): number for number, action in fine.items()}

    def told(state: Any) -> str:
        cards = np.asarray(state.player_hands).reshape(rules.players, size, -1)
        there = cards.any(axis=-1)
        hands = [[int(np.argmax(card)) for card in hand[there[i]]] for i, hand in enumerate(cards)]
        knows = np.asarray(state.card_knowledge)
        possible = [
            [sum(1 << int(bit) for bit in np.nonzero(card)[0]) for card in knows[i][there[i]]]
            for i in range(rules.players)
        ]
        by_colour, by_rank = np.asarray(state.colors_revealed).any(-1), np.asarray(state.ranks_revealed).any(-1)
        marks = [
            [int(c) + 2 * int(r) for c, r in zip(by_colour[i][there[i]], by_rank[i][there[i]], strict=True)]
            for i in range(rules.players)
        ]
        piles = np.asarray(state.discard_pile).reshape(len(state.discard_pile), -1)
        over = bool(state.terminal)
        return line(
            player=int(np.argmax(state.cur_player_idx)),
            hands=hands,
            possible=possible,
            told=marks,
            fireworks=[int(pile) for pile in np.asarray(state.fireworks).sum(axis=1)],
            discards=[int(np.argmax(card)) for card in piles if card.any()],
            hints=int(np.asarray(state.info_tokens).sum()),
            lives=int(np.asarray(state.life_tokens).sum()),
            left=int(np.asarray(state.deck).any(axis=(1, 2)).sum()),
            score=int(state.score),
            over=over,
            legal=() if over else [decoded(code) for code in moves(state)],
        )

    traces = []
    for seed, cunning in games:
        chance = random.Random(f"jaxmarl {seed}")
        deck = list(rules.cards())
        chance.shuffle(deck)
        pairs = np.array([divmod(card, rules.ranks) for card in deck])
        _, state = env.reset_from_deck_of_pairs(pairs)
        states, actions = [told(state)], []
        while not bool(state.terminal):
            table, me = moves(state), int(np.argmax(state.cur_player_idx))
            cards, piles = np.asarray(state.player_hands)[me], np.asarray(state.fireworks).sum(axis=1)
            playable = [
                bool(card.any()) and bool(piles[card.any(1).argmax()] == card.any(0).argmax()) for card in cards
            ]
            action = chosen(chance, [decoded(code) for code in sorted(table)], playable.__getitem__, cunning)
            state, _ = step(state, me, table[coded(action)])
            actions.append(coded(action))
            states.append(told(state))
        traces.append(_trace("jaxmarl 0.2.0", rules, deck, states, actions))
    return traces


def _trace(peer: str, rules: Rules, deck: list[int], states: list[str], actions: list[str]) -> dict[str, Any]:
    """A trace; what was never drawn stands at the end of the deck in ascending order."""
    rest = list(rules.cards())
    for card in deck:
        rest.remove(card)
    given = {name: getattr(rules, name) for name in ("players", "colours", "ranks", "hand", "hints", "lives")}
    return {"peer": peer, "rules": given, "deck": [*deck, *rest], "actions": actions, "states": states}
