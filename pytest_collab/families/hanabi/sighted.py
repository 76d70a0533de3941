"""How to play when one's own cards are known, too: for `oracle`, and where everyone is shown everything."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_collab.core.games.hanabi import Action
from pytest_collab.families.hanabi.rules import Look


class Sighted:
    """One turn of a player that sees all cards.

    Args:
        cards: by player and place; what the look shows when not given.
    """

    def __init__(self, look: Look, cards: Sequence[Sequence[int]] | None = None) -> None:
        self.look = look
        self.cards = look.cards if cards is None else cards
        self.mine = self.cards[look.seat]

    def choose(self) -> Action:
        """Play the lowest card that goes; else let go what is of no use; else wait with a hint."""
        look, board = self.look, self.look.board
        ready = [place for place, card in enumerate(self.mine) if board.playable >> card & 1]
        if ready:
            return Action("play", min(ready, key=self._turn_of))
        free = not look.rules.hints or look.hints < look.rules.hints
        waiting = self._hint()
        useless = self._useless()
        if free and useless is not None and (look.hints < 4 or waiting is None):
            return Action("discard", useless)
        if waiting is not None:
            return waiting
        if free and self.mine:
            return Action("discard", useless if useless is not None else self._least())
        return Action("play", useless or 0)

    def _turn_of(self, place: int) -> tuple[int, int]:
        card, ranks = self.mine[place], self.look.rules.ranks
        held = {other for hand in self.cards for other in hand}
        return (0 if card + 1 in held and (card + 1) % ranks else 1, card % ranks)

    def _useless(self) -> int | None:
        """The place of a card that is played already, or of which another copy is in somebody's hand."""
        dead = self.look.board.dead
        for place, card in enumerate(self.mine):
            if dead >> card & 1:
                return place
        elsewhere = [card for player, hand in enumerate(self.cards) if player != self.look.seat for card in hand]
        for place, card in enumerate(self.mine):
            if card in elsewhere or card in self.mine[:place]:
                return place
        return None

    def _least(self) -> int:
        """The place of the card that will be missed least: not the last of its kind, then of the highest rank."""
        critical, ranks = self.look.board.critical, self.look.rules.ranks
        places = range(len(self.mine))
        return max(places, key=lambda p: (not critical >> self.mine[p] & 1, self.mine[p] % ranks))

    def _hint(self) -> Action | None:
        """Any hint, to pass the time."""
        look = self.look
        for step in range(1, look.rules.players):
            player = (look.seat + step) % look.rules.players
            if look.hints and self.cards[player]:
                return Action("rank", self.cards[player][0] % look.rules.ranks, player)
        return None
