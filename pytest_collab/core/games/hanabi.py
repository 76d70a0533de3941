"""The rules of Hanabi, exactly, in pure Python: what the Hanabi Learning Environment 0.0.4 and jaxmarl 0.2 play.

A card is a number, `colour * ranks + rank`, both from 0. Hands are in order of age, the oldest card first: what is
drawn goes to the end. Everything that happens follows from the deck and the actions; nothing here is random.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

T = TypeVar("T")
Kind = Literal["play", "discard", "colour", "rank", "pass"]


@dataclass(frozen=True, slots=True)
class Rules:
    """The size of a game.

    Attributes:
        hand: cards in a hand.
        hints: tokens at the beginning, and the most there can be. With 0 there are no hints, and a discard, which
            otherwise needs a token to win back, is always allowed.
    """

    players: int
    colours: int = 5
    ranks: int = 5
    hand: int = 5
    hints: int = 8
    lives: int = 3

    def copies(self, rank: int) -> int:
        """How many cards of each colour have a rank: three of the lowest, one of the highest, two of the rest."""
        return 3 if rank == 0 else 1 if rank == self.ranks - 1 else 2

    def cards(self) -> Iterator[int]:
        """Every card there is, by number, ascending, as often as it is there."""
        for colour in range(self.colours):
            for rank in range(self.ranks):
                yield from [colour * self.ranks + rank] * self.copies(rank)

    @property
    def most(self) -> int:
        """Points when everything has been played."""
        return self.colours * self.ranks


@dataclass(frozen=True, slots=True)
class Held:
    """A card in a hand, as far as hints tell.

    Attributes:
        at: its place in the deck, by which it can be followed.
        possible: what it can be by the hints about this hand, given and not touching: bit `card` is set.
        colour_told, rank_told: a hint has touched it by its colour, by its rank.
    """

    at: int
    possible: int
    colour_told: bool = False
    rank_told: bool = False

    @property
    def touched(self) -> bool:
        """Whether a hint has pointed at it."""
        return self.colour_told or self.rank_told


@dataclass(frozen=True, slots=True)
class Action:
    """What a player does.

    Attributes:
        value: for `play` and `discard` the card's place in the hand, from 0; for hints the colour or the rank.
        target: for hints, the player who is told.
    """

    kind: Kind
    value: int = 0
    target: int = -1


@dataclass(frozen=True, slots=True)
class Happened:
    """One action and what came of it.

    Attributes:
        card, at: the card that was played or discarded, and its place in the deck; -1 for hints.
        scored: it went onto the fireworks.
        regained: a hint token came back.
        touched: places in the target's hand that a hint pointed at.
        told: the same cards' places in the deck.
        drew: the place in the deck of the card that was drawn; -1 for none.
    """

    player: int
    action: Action
    card: int = -1
    at: int = -1
    scored: bool = False
    regained: bool = False
    touched: tuple[int, ...] = ()
    told: tuple[int, ...] = ()
    drew: int = -1


@dataclass(frozen=True, slots=True)
class State:
    """Where a game stands.

    Attributes:
        deck: the whole deck; the first `drawn` cards of it have been dealt or drawn.
        fireworks: by colour, how many cards lie on the table.
        discards: cards that were discarded or misplayed, in order.
        player: whose turn it is.
        turns_left: turns that remain once the deck is empty.
    """

    rules: Rules
    deck: tuple[int, ...]
    drawn: int
    hands: tuple[tuple[Held, ...], ...]
    fireworks: tuple[int, ...]
    discards: tuple[int, ...]
    hints: int
    lives: int
    player: int
    turns_left: int

    def card(self, held: Held) -> int:
        """Which card it really is."""
        return self.deck[held.at]

    @property
    def left(self) -> int:
        """Cards in the deck."""
        return len(self.deck) - self.drawn

    @property
    def points(self) -> int:
        """Cards on the table."""
        return sum(self.fireworks)

    @property
    def ended(self) -> str:
        """Why the game is over: `lives`, `complete` or `deck`; empty while it goes on."""
        if self.lives < 1:
            return "lives"
        if self.points == self.rules.most:
            return "complete"
        return "deck" if self.turns_left < 1 else ""

    @property
    def score(self) -> int:
        """Points as both peers count them: none when all lives are lost."""
        return 0 if self.lives < 1 else self.points


def start(rules: Rules, deck: Sequence[int]) -> State:
    """Deal a deck: the first cards to the first player, and so on.

    Raises:
        ValueError: it is not the deck of these rules.
    """
    if sorted(deck) != list(rules.cards()):
        raise ValueError("this is not the deck of these rules")
    whole = (1 << rules.most) - 1
    hands = tuple(
        tuple(Held(player * rules.hand + place, whole) for place in range(rules.hand))
        for player in range(rules.players)
    )
    dealt = rules.players * rules.hand
    return State(
        rules, tuple(deck), dealt, hands, (0,) * rules.colours, (), rules.hints, rules.lives, 0, rules.players
    )


def mask(rules: Rules, kind: Kind, value: int) -> int:
    """The cards of a colour or a rank, as bits."""
    if kind == "colour":
        return ((1 << rules.ranks) - 1) << (value * rules.ranks)
    return sum(1 << (colour * rules.ranks + value) for colour in range(rules.colours))


def touches(state: State, action: Action) -> tuple[int, ...]:
    """The places in the target's hand that a hint points at."""
    wanted = mask(state.rules, action.kind, action.value)
    return tuple(place for place, held in enumerate(state.hands[action.target]) if wanted >> state.card(held) & 1)


def illegal(state: State, action: Action) -> str | None:
    """Why the player whose turn it is cannot do this, in words; None when it can."""
    rules = state.rules
    if action.kind in ("play", "discard"):
        if not 0 <= action.value < len(state.hands[state.player]):
            return f"there is no card {action.value + 1} in a hand of {len(state.hands[state.player])}"
        if action.kind == "discard" and rules.hints and state.hints >= rules.hints:
            return f"nothing may be discarded while all {rules.hints} hint tokens are there"
        return None
    if action.kind == "pass":
        return "nobody may pass"
    if not rules.hints:
        return "there are no hints in this game"
    if state.hints < 1:
        return "no hint token is left"
    if action.target == state.player:
        return "nobody may give a hint to itself"
    if not 0 <= action.target < rules.players:
        return "there is no such player"
    if not 0 <= action.value < (rules.colours if action.kind == "colour" else rules.ranks):
        return f"there is no such {action.kind}"
    return None if touches(state, action) else "a hint must point at one card at least"


def legal(state: State) -> list[Action]:
    """Everything that the player whose turn it is can do."""
    rules, size = state.rules, len(state.hands[state.player])
    actions = [Action(kind, place) for kind in ("play", "discard") for place in range(size)]
    for target in range(rules.players):
        actions += [Action("colour", colour, target) for colour in range(rules.colours)]
        actions += [Action("rank", rank, target) for rank in range(rules.ranks)]
    return [action for action in actions if illegal(state, action) is None]


def step(state: State, action: Action) -> tuple[State, Happened]:
    """Let an action happen.

    `pass` is no move of the game: it is what becomes of a turn in which a player did nothing that it could do.

    Raises:
        ValueError: the action is not legal, or the game is over.
    """
    if state.ended:
        raise ValueError(f"the game is over ({state.ended})")
    why = None if action.kind == "pass" else illegal(state, action)
    if why:
        raise ValueError(why)
    turns_left = state.turns_left - (state.left == 0)
    if action.kind in ("play", "discard"):
        after, happened = _lay_down(state, action)
    elif action.kind == "pass":
        after, happened = state, Happened(state.player, action)
    else:
        after, happened = _tell(state, action)
    return replace(after, player=(state.player + 1) % state.rules.players, turns_left=turns_left), happened


def _lay_down(state: State, action: Action) -> tuple[State, Happened]:
    rules, hand = state.rules, state.hands[state.player]
    held = hand[action.value]
    card = state.card(held)
    colour, rank = divmod(card, rules.ranks)
    scored = action.kind == "play" and state.fireworks[colour] == rank
    regains = action.kind == "discard" or (scored and rank == rules.ranks - 1)
    regained = regains and state.hints < rules.hints
    kept = hand[: action.value] + hand[action.value + 1 :]
    fireworks = state.fireworks
    if scored:
        fireworks = _with(fireworks, colour, rank + 1)
    after = replace(
        state,
        hands=_with(state.hands, state.player, kept),
        fireworks=fireworks,
        discards=state.discards if scored else (*state.discards, card),
        hints=state.hints + regained,
        lives=state.lives - (action.kind == "play" and not scored),
    )
    happened = Happened(state.player, action, card, held.at, scored, regained)
    if after.ended in ("lives", "complete") or not state.left:
        return after, happened
    drawn = (*kept, Held(state.drawn, (1 << rules.most) - 1))
    hands = _with(state.hands, state.player, drawn)
    return replace(after, hands=hands, drawn=state.drawn + 1), replace(happened, drew=state.drawn)


def _tell(state: State, action: Action) -> tuple[State, Happened]:
    wanted, touched = mask(state.rules, action.kind, action.value), touches(state, action)
    hand = state.hands[action.target]
    told = tuple(
        replace(
            held,
            possible=held.possible & wanted,
            colour_told=held.colour_told or action.kind == "colour",
            rank_told=held.rank_told or action.kind == "rank",
        )
        if place in touched
        else replace(held, possible=held.possible & ~wanted)
        for place, held in enumerate(hand)
    )
    hands = _with(state.hands, action.target, told)
    after = replace(state, hands=hands, hints=state.hints - 1)
    where = tuple(hand[place].at for place in touched)
    return after, Happened(state.player, action, touched=touched, told=where)


def _with(items: tuple[T, ...], place: int, item: T) -> tuple[T, ...]:
    """The same with one item replaced."""
    return (*items[:place], item, *items[place + 1 :])
