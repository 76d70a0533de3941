"""Card logic: what the cards of a hand can be, given hints, discards, fireworks and the cards that its owner sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_collab.core.games.hanabi import Held, Rules, State


@dataclass(frozen=True, slots=True)
class Board:
    """What lies on the table, and what follows from it for cards, as bits by card.

    Attributes:
        playable: cards that go onto the fireworks now.
        dead: cards that never will: played already, or the way to them is closed.
        critical: cards still needed of which one copy is left.
    """

    playable: int
    dead: int
    critical: int


def board(rules: Rules, fireworks: Sequence[int], discards: Sequence[int]) -> Board:
    """The board of fireworks (by colour, how many lie there) and discards (cards)."""
    gone = [0] * rules.most
    for card in discards:
        gone[card] += 1
    playable = dead = critical = 0
    for colour, high in enumerate(fireworks):
        closed = False
        for rank in range(rules.ranks):
            card = colour * rules.ranks + rank
            if rank < high or closed:
                dead |= 1 << card
                continue
            if rank == high:
                playable |= 1 << card
            left = rules.copies(rank) - gone[card]
            if left == 1:
                critical |= 1 << card
            if left == 0:
                closed = True
                dead |= 1 << card
                playable &= ~(1 << card)
    return Board(playable, dead, critical)


def board_of(state: State) -> Board:
    """The board of a state."""
    return board(state.rules, state.fireworks, state.discards)


def unseen(rules: Rules, fireworks: Sequence[int], seen: Sequence[int]) -> list[int]:
    """By card, how many copies are neither on the table nor among `seen` (discards, and hands in sight)."""
    left = [rules.copies(card % rules.ranks) for card in range(rules.most)]
    for colour, high in enumerate(fireworks):
        for rank in range(high):
            left[colour * rules.ranks + rank] -= 1
    for card in seen:
        left[card] -= 1
    return left


def narrowed(possible: Sequence[int], left: Sequence[int]) -> list[int]:
    """What each card of a hand can be, exactly: what is part of some whole hand that the unseen cards allow.

    Args:
        possible: by card in the hand, what hints leave open, as bits.
        left: by card, how many copies the owner does not see.
    """
    there = sum(1 << card for card, count in enumerate(left) if count > 0)
    found = [open_ & there for open_ in possible]
    size = len(found)
    # Only cards that can be few things can take something from others: any hand has a way to fill the rest.
    tight = [place for place in range(size) if sum(left[card] for card in bits(found[place])) < size]
    if not tight:
        return found
    for place in range(size):
        others = [other for other in tight if other != place]
        for card in bits(found[place]) if others else ():
            rest = list(left)
            rest[card] -= 1
            if not _fits([found[other] for other in others], rest):
                found[place] &= ~(1 << card)
    return found


def _fits(cards: list[int], left: list[int]) -> bool:
    if not cards:
        return True
    cards = sorted(cards, key=int.bit_count)
    for card in bits(cards[0]):
        if left[card] > 0:
            left[card] -= 1
            fine = _fits(cards[1:], left)
            left[card] += 1
            if fine:
                return True
    return False


def bits(cards: int) -> list[int]:
    """The numbers of the bits that are set."""
    found = []
    while cards:
        lowest = cards & -cards
        found.append(lowest.bit_length() - 1)
        cards ^= lowest
    return found


def knowledge(state: State, seat: int) -> list[int]:
    """What each card of a seat's hand can be by all that the seat can know, as bits."""
    seen = [*state.discards]
    for other, hand in enumerate(state.hands):
        if other != seat:
            seen += [state.card(held) for held in hand]
    return narrowed([held.possible for held in state.hands[seat]], unseen(state.rules, state.fireworks, seen))


def chance(possible: int, wanted: int, left: Sequence[int]) -> float:
    """How likely a card that can be `possible` is one of `wanted`, every unseen copy as likely as another, 0..1."""
    total = sum(left[card] for card in bits(possible))
    return sum(left[card] for card in bits(possible & wanted)) / total if total else 0.0


def chop(hand: Sequence[Held]) -> int | None:
    """The place of the oldest card that no hint has touched; None when all have been."""
    return next((place for place, held in enumerate(hand) if not held.touched), None)
