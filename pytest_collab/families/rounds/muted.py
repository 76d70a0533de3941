"""Games in which nothing that a seat writes reaches another one, and every seat knows it."""

from __future__ import annotations

from typing import Final

from pytest_collab.families.rounds.game import Wrapped

UNHEARD: Final = "In this episode nothing that you write reaches the others, and nothing of theirs reaches you."
"""What a seat is told where messages are not delivered: without it mates that never answer look like bad mates."""


class Muted(Wrapped):
    """A game under `mute`: the same game, whose seats are told that nobody hears them.

    The inner game is one without talk (see `RoundFamily.quiet`), so nothing in its instructions offers any.
    """

    def brief(self, seat: str) -> str:
        return f"{self.game.brief(seat)}\n{UNHEARD}"
