"""Who hears whom: everybody, or only those next to one another in a ring, in a chain, or in a star."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

Talk = Literal["all", "ring", "chain", "star"]


def hearers(seats: Sequence[str], talk: str, *, muted: bool = False) -> Mapping[str, tuple[str, ...]]:
    """For each seat, who hears what it says.

    Args:
        seats: in order.
        talk: `ring`: the seats before and after it, the last next to the first; `chain`: the same without that;
            `star`: the first seat hears all, and all hear the first.
        muted: nobody hears anything.
    """
    if muted:
        return dict.fromkeys(seats, ())
    count = len(seats)
    shapes: Mapping[str, Callable[[int, int], bool]] = {
        "all": lambda one, other: True,
        "ring": lambda one, other: (one - other) % count in (1, count - 1),
        "chain": lambda one, other: abs(one - other) == 1,
        "star": lambda one, other: 0 in (one, other),
    }
    near = shapes[talk]
    return {
        seat: tuple(other for at, other in enumerate(seats) if at != place and near(place, at))
        for place, seat in enumerate(seats)
    }
