"""The built-in cooks."""

from __future__ import annotations

from typing import Final

from pytest_collab.episode.agent import Seat
from pytest_collab.families.kitchen.cast.cooks import Cook
from pytest_collab.families.kitchen.cast.faulty import FAULTS
from pytest_collab.families.kitchen.cast.soup_cooks import SoupCook
from pytest_collab.families.rounds import Deaf, Player, Quitter, cast_of


def partner(seat: Seat) -> Player:
    """A competent cook of the kind that is played."""
    return Cook(seat) if seat.params.kind == "orders" else SoupCook(seat)


PLAYERS: Final = cast_of(
    partner,
    **FAULTS,
    deaf=lambda seat: Deaf(seat, partner(seat)),
    quitter=lambda seat: Quitter(seat, partner(seat), answers=2),
)
