"""Conventions of play: what a hint means beyond what it says, and what to do by it.

Everybody who follows them keeps the same book, from what happens before everyone's eyes alone:

- A hint of a rank that reaches the oldest untouched card (the next to be discarded), where a card of that rank
  may be the last copy of its kind, saves: keep what it touches.
- Any other hint says that one card can be played now: the newest of the cards that no hint had touched before, else
  the newest that it touches.
- Cards that hints have touched are worth having: not on the table already, not touched in another hand, too.
- Who has nothing to play and no hint to give discards its oldest untouched card.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from pytest_collab.core.games.hanabi import Action, Happened, Rules, mask
from pytest_collab.families.hanabi import logic
from pytest_collab.families.hanabi.logic import Board, bits
from pytest_collab.families.hanabi.rules import Look


@dataclass(frozen=True, slots=True)
class Marked:
    """A card as everyone at the table has it in the book.

    Attributes:
        possible: by hints.
        promise: what it is if the hint meant what hints mean; 0 for no promise.
        saved: it is to be kept.
    """

    at: int
    possible: int
    touched: bool = False
    promise: int = 0
    saved: bool = False

    @property
    def kept(self) -> bool:
        """Whether its owner would not discard it."""
        return self.touched or self.saved


class Book:
    """What everyone at the table knows, conventions included; brought up to date by `follow`."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        whole = (1 << rules.most) - 1
        self.hands = [
            [Marked(player * rules.hand + place, whole) for place in range(rules.hand)]
            for player in range(rules.players)
        ]
        self.fireworks = [0] * rules.colours
        self.discards: list[int] = []
        self.read = 0
        self.board = logic.board(rules, self.fireworks, self.discards)
        self.masks: dict[str, list[int]] = {
            "colour": [mask(rules, "colour", colour) for colour in range(rules.colours)],
            "rank": [mask(rules, "rank", rank) for rank in range(rules.ranks)],
        }

    def follow(self, past: Sequence[Happened]) -> None:
        """Take in what has happened since the last time."""
        for happened in past[self.read :]:
            self._take(happened)
        self.read = len(past)

    def _take(self, happened: Happened) -> None:
        action = happened.action
        if action.kind in ("play", "discard"):
            hand = self.hands[happened.player]
            del hand[action.value]
            if happened.drew >= 0:
                hand.append(Marked(happened.drew, (1 << self.rules.most) - 1))
            if happened.scored:
                self.fireworks[happened.card // self.rules.ranks] += 1
            else:
                self.discards.append(happened.card)
            self.board = logic.board(self.rules, self.fireworks, self.discards)
        elif action.kind != "pass":
            self.hands[action.target] = self.after(action, happened.touched)

    def chop(self, player: int) -> int | None:
        """The place of the card that a player would discard next."""
        return next((place for place, card in enumerate(self.hands[player]) if not card.kept), None)

    def after(self, action: Action, touched: Sequence[int]) -> list[Marked]:
        """The target's hand as everyone has it in the book after a hint."""
        wanted, hand = self.masks[action.kind][action.value], self.hands[action.target]
        told = [
            replace(card, possible=card.possible & wanted, touched=True)
            if place in touched
            else replace(card, possible=card.possible & ~wanted)
            for place, card in enumerate(hand)
        ]
        chop = self.chop(action.target)
        if chop is not None and chop in touched and action.kind == "rank" and self.saves(told[chop].possible):
            return [replace(c, saved=True) if place in touched else c for place, c in enumerate(told)]
        fresh = [place for place in touched if not hand[place].kept]
        focus = max(fresh or touched)
        promise = told[focus].possible & self.board.playable
        told[focus] = replace(told[focus], promise=promise)
        return told

    def saves(self, possible: int) -> bool:
        """Whether a card, so much being known of it, may be the last of its kind and not playable at once."""
        return bool(possible & self.board.critical & ~self.board.playable)

    def meant(self, card: Marked, possible: int, elsewhere: int) -> int:
        """What a card is if everybody has followed the conventions.

        Args:
            possible: what it can be by card logic.
            elsewhere: cards that lie in other hands, touched by hints.
        """
        found = possible
        if card.promise and found & card.promise:
            found &= card.promise
        if card.touched:
            found = found & ~(self.board.dead | elsewhere) or found & ~self.board.dead or found
        return found


MISREAD: Final = -100.0
"""What a hint is worth by which somebody would play a card that cannot be played."""

LIE, USELESS, TWICE = 4.0, 6.0, 3.0
"""What it costs that a card is taken for what it is not, and to touch a useless one, or two of a kind."""

SURE: Final = 0.9
"""On its last life a player plays a card that was not promised only if it is so likely to go."""


class Convention:
    """A player's head: the book, and what it does by it."""

    def __init__(self, rules: Rules) -> None:
        self.book = Book(rules)

    def choose(self, look: Look) -> Action:
        """What to do now."""
        self.book.follow(look.past)
        board = self.book.board
        meant = self.own(look)
        play = self.play(look, meant, board)
        if play is not None:
            return play
        hint = self.hint(look, meant) if look.hints else None
        if hint is not None:
            return hint
        return self.rest(look, meant, board)

    def own(self, look: Look) -> list[int]:
        """What its own cards are, as far as it can tell."""
        elsewhere = self.elsewhere(look, look.seat)
        hand = self.book.hands[look.seat]
        return [self.book.meant(card, open_, elsewhere) for card, open_ in zip(hand, look.own, strict=True)]

    def elsewhere(self, look: Look, but: int) -> int:
        """Cards in sight in hands other than a player's, touched by hints."""
        found = 0
        for player, hand in enumerate(self.book.hands):
            if player not in (but, look.seat):
                for card, marked in zip(look.cards[player], hand, strict=True):
                    found |= 1 << card if marked.touched else 0
        return found

    def play(self, look: Look, meant: Sequence[int], board: Board) -> Action | None:
        """The card to play: of those that can be, the one of the lowest rank, then the one longest known."""
        found = [place for place, cards in enumerate(meant) if cards and not cards & ~board.playable]
        if look.lives == 1:
            hand, own, unseen = self.book.hands[look.seat], look.own, look.unseen
            found = [p for p in found if hand[p].promise or logic.chance(own[p], board.playable, unseen) >= SURE]
        if not found:
            return None
        return Action("play", min(found, key=lambda place: (self._rank(meant[place]), place)))

    def _rank(self, cards: int) -> int:
        return min(card % self.book.rules.ranks for card in bits(cards))

    # Hints.

    def hint(self, look: Look, meant: Sequence[int]) -> Action | None:
        """The best hint, if one is worth its token."""
        best, worth = None, 0.0
        for step in range(1, look.rules.players):
            target = (look.seat + step) % look.rules.players
            for action, touched in self.hints_to(look, target):
                value = self.worth(look, action, touched, step, meant)
                if value > worth:
                    best, worth = action, value
        return best

    def hints_to(self, look: Look, target: int) -> list[tuple[Action, list[int]]]:
        """Every hint that can be given to a player, with what it touches."""
        cards, ranks = look.cards[target], look.rules.ranks
        found = []
        for colour in {card // ranks for card in cards}:
            places = [place for place, card in enumerate(cards) if card // ranks == colour]
            found.append((Action("colour", colour, target), places))
        for rank in {card % ranks for card in cards}:
            places = [place for place, card in enumerate(cards) if card % ranks == rank]
            found.append((Action("rank", rank, target), places))
        return sorted(found, key=lambda hint: (hint[0].kind, hint[0].value))

    def worth(self, look: Look, action: Action, touched: Sequence[int], step: int, meant: Sequence[int]) -> float:
        """What a hint is worth, by what its target would do: plays it brings, cards it saves, and what it spoils.

        Below zero for hints that would be misread.
        """
        book, target, board = self.book, action.target, self.book.board
        before, after, cards = book.hands[target], book.after(action, touched), look.cards[target]
        known = self.known_to(look, target, [card.possible for card in before])
        told = self.known_to(look, target, [card.possible for card in after])
        elsewhere = self.elsewhere(look, target)
        claimed = self.claimed(look, target, meant)
        value, plays = 0.0, 0
        seen: set[int] = set()
        for place, card in enumerate(cards):
            was = book.meant(before[place], known[place], elsewhere)
            now = book.meant(after[place], told[place], elsewhere)
            could, would = not was & ~board.playable, not now & ~board.playable
            fine = bool(board.playable >> card & 1) and not claimed >> card & 1
            if would and not could:
                if not fine or card in seen:
                    return MISREAD
                plays += 1
                value += 10 + (look.rules.ranks - card % look.rules.ranks) * 0.2
            elif would and not fine:
                value -= 3
            if would:
                seen.add(card)
            if place in touched and not before[place].kept:
                useless = board.dead >> card & 1 or claimed >> card & 1 or elsewhere >> card & 1
                twice = any(cards[other] == card for other in touched if other != place)
                value += -USELESS if useless else -TWICE if twice else 0.3
            if not now >> card & 1:
                value -= LIE
        return value + self.saving(look, action, after, step, plays) - 0.3 * step

    def known_to(self, look: Look, target: int, possible: Sequence[int]) -> list[int]:
        """What a player's cards can be to it, by what this seat knows that it sees."""
        seen = [*look.discards]
        for player, hand in enumerate(look.cards):
            if player not in (target, look.seat):
                seen += hand
        left = logic.unseen(look.rules, look.fireworks, seen)
        there = sum(1 << card for card, count in enumerate(left) if count > 0)
        return [open_ & there for open_ in possible]

    def claimed(self, look: Look, target: int, meant: Sequence[int]) -> int:
        """Cards that somebody else is about to play: no use in hinting them again."""
        found, board = 0, self.book.board
        for player, hand in enumerate(self.book.hands):
            if player in (target, look.seat):
                continue
            known = self.known_to(look, player, [card.possible for card in hand])
            elsewhere = self.elsewhere(look, player)
            for place, card in enumerate(look.cards[player]):
                if not self.book.meant(hand[place], known[place], elsewhere) & ~board.playable:
                    found |= 1 << card
        for cards in meant:
            if cards.bit_count() == 1:
                found |= cards
        return found

    def saving(self, look: Look, action: Action, after: Sequence[Marked], step: int, plays: int) -> float:
        """What it is worth that the target no longer discards the card that it would have."""
        board, target = self.book.board, action.target
        chop = self.book.chop(target)
        if chop is None or not after[chop].kept or plays:
            return 0.0
        card = look.cards[target][chop]
        if not board.critical >> card & 1 or board.dead >> card & 1:
            return 0.0
        if self.busy(look, target):
            return 0.5
        return 30.0 if step == 1 else 4.0

    def busy(self, look: Look, player: int) -> bool:
        """Whether a player has a card to play, and so will not discard."""
        known = self.known_to(look, player, [card.possible for card in self.book.hands[player]])
        elsewhere, hand = self.elsewhere(look, player), self.book.hands[player]
        return any(
            not self.book.meant(card, open_, elsewhere) & ~self.book.board.playable
            for card, open_ in zip(hand, known, strict=True)
        )

    # What is left to do.

    def rest(self, look: Look, meant: Sequence[int], board: Board) -> Action:
        """Discard; where that is not allowed, the hint that spoils least; at the very end, play on the off chance."""
        if not look.left and look.lives > 1:
            chances = [logic.chance(open_, board.playable, look.unseen) for open_ in look.own]
            if max(chances) > 0:
                return Action("play", chances.index(max(chances)))
        if look.rules.hints and look.hints >= look.rules.hints:
            return self.filler(look, meant)
        return Action("discard", self.discard(look, meant, board))

    def discard(self, look: Look, meant: Sequence[int], board: Board) -> int:
        """The place of the card to discard: one that is of no use, the oldest untouched one, the least bad."""
        sure = [place for place, cards in enumerate(look.own) if not cards & ~board.dead]
        if sure:
            return sure[0]
        chop = self.book.chop(look.seat)
        if chop is not None:
            return chop
        risk = [logic.chance(cards, board.critical, look.unseen) for cards in look.own]
        return risk.index(min(risk))

    def filler(self, look: Look, meant: Sequence[int]) -> Action:
        """The least harmful hint."""
        options = [
            (self.worth(look, action, touched, step, meant), -step, action)
            for step in range(1, look.rules.players)
            for action, touched in self.hints_to(look, (look.seat + step) % look.rules.players)
        ]
        if not options:
            return Action("play", 0)
        return max(options, key=lambda option: option[:2])[2]
