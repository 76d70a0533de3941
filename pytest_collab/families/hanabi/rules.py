"""Decks by seed, and what a seat sees of a game; the rules themselves are `pytest_collab.core.games.hanabi`."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pytest_collab.core.games.hanabi import Happened, Held, Rules, State
from pytest_collab.families.hanabi import logic

COLOURS: Final = ("red", "yellow", "green", "white", "blue")
"""Colours by number, as the learning environment has them; a game with fewer has the first of them."""

LETTERS: Final = "RYGWB"


@lru_cache(maxsize=512)
def shuffled(rules: Rules, seed: int) -> tuple[int, ...]:
    """The deck of a seed: the same on every machine, and for every number of players with the same cards."""
    deck = list(rules.cards())
    random.Random(f"hanabi:{rules.colours}:{rules.ranks}:{seed}").shuffle(deck)
    return tuple(deck)


def name(rules: Rules, card: int) -> str:
    """A card in two signs: `R1` is the red 1."""
    colour, rank = divmod(card, rules.ranks)
    return f"{LETTERS[colour]}{rank + 1}"


def worded(rules: Rules, card: int) -> str:
    """A card in words."""
    colour, rank = divmod(card, rules.ranks)
    return f"{COLOURS[colour]} {rank + 1}"


def read_deck(text: Sequence[str], rules: Rules) -> tuple[int, ...]:
    """Cards written as `R1 B5 ...`, the first one dealt first.

    Raises:
        ValueError: a sign is no card of these rules, or the cards are not the whole deck.
    """
    cards = []
    for sign in text:
        colour, rank = LETTERS.find(sign[:1].upper()), sign[1:]
        if not 0 <= colour < rules.colours or not rank.isdecimal() or not 1 <= int(rank) <= rules.ranks:
            raise ValueError(
                f"{sign!r} is no card: it is one of {', '.join(LETTERS[: rules.colours])} and 1 to {rules.ranks}, "
                "as in R1"
            )
        cards.append(colour * rules.ranks + int(rank) - 1)
    for card in range(rules.most):
        wanted, found = rules.copies(card % rules.ranks), cards.count(card)
        if wanted != found:
            raise ValueError(f"the deck has {name(rules, card)} {found} times; it must have it {wanted} times")
    return tuple(cards)


@dataclass(frozen=True, slots=True)
class Look:
    """What one seat can see, and everything that has happened before everyone's eyes.

    Attributes:
        cards: by player and place, which card it is; -1 for cards that the seat cannot see (its own).
    """

    rules: Rules
    seat: int
    cards: tuple[tuple[int, ...], ...]
    hands: tuple[tuple[Held, ...], ...]
    fireworks: tuple[int, ...]
    discards: tuple[int, ...]
    hints: int
    lives: int
    left: int
    turns_left: int
    past: tuple[Happened, ...] = ()

    @property
    def seen(self) -> list[int]:
        """Discards and the cards of all hands in sight."""
        return [*self.discards, *(card for hand in self.cards for card in hand if card >= 0)]

    @property
    def unseen(self) -> list[int]:
        """By card, copies that the seat does not see."""
        return logic.unseen(self.rules, self.fireworks, self.seen)

    @property
    def board(self) -> logic.Board:
        """What lies on the table."""
        return logic.board(self.rules, self.fireworks, self.discards)

    @property
    def own(self) -> list[int]:
        """What each of its own cards can be, as bits."""
        mine = self.cards[self.seat]
        if all(card >= 0 for card in mine):
            return [1 << card for card in mine]
        return logic.narrowed([held.possible for held in self.hands[self.seat]], self.unseen)


def look(state: State, seat: int, past: tuple[Happened, ...] = (), *, shared: bool = False) -> Look:
    """What a seat sees; its own hand, too, where everything is shown to all."""
    cards = tuple(
        tuple(state.card(held) if shared or player != seat else -1 for held in hand)
        for player, hand in enumerate(state.hands)
    )
    return Look(
        state.rules, seat, cards, state.hands, state.fireworks, state.discards,
        state.hints, state.lives, state.left, state.turns_left, past,
    )  # fmt: skip
