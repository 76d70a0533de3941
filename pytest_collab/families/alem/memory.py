"""The memory that agents share: how entries are written, and which of them can be held against the world.

A fact that names one kind of block and one place is so if that block stands there when it is written, or stood there
when the world began (what has been taken away since is stale, no invention). Other entries are taken as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pytest_collab.families.alem.seats import AlemGame
from pytest_collab.families.rounds import Entry, Notebook

Place = tuple[int, int]

BLOCKS: Final[Mapping[str, tuple[str, ...]]] = {
    "tree": ("tree", "fire_tree"),
    "water": ("water", "fountain"),
    "table": ("crafting_table",),
    "furnace": ("furnace",),
    "stone": ("stone",),
    "coal": ("coal",),
    "iron": ("iron",),
    "diamond": ("diamond",),
    "lava": ("lava",),
}
"""What people call blocks, and the blocks that may be meant."""

FAR: Final = 3
"""Who was nearer to a place than so many steps when it was written of has not come there because of that."""

_AT: Final = re.compile(r"\(\s*(?:x\s*=\s*)?(\d+)\s*,\s*(?:y\s*=\s*)?(\d+)\s*\)|\bx\s*=\s*(\d+)\s*,?\s*y\s*=\s*(\d+)")
_WORD: Final = re.compile(rf"\b({'|'.join(BLOCKS)})s?\b")
_NOT: Final = re.compile(r"\b(?:no|not|never|gone|was|were|used)\b|n['’]t\b|\?")


def located(name: str, text: str) -> tuple[str, Place] | None:
    """The one kind of block and the one place ([row, column]) that a fact names; None where it does not name one."""
    words = f"{name} {text}".lower().replace("_", " ")
    kinds = {found[1] for found in _WORD.finditer(words)}
    places = {(int(found[2] or found[4]), int(found[1] or found[3])) for found in _AT.finditer(words)}
    if _NOT.search(words) or len(kinds) != 1 or len(places) != 1:
        return None
    return kinds.pop(), places.pop()


def notebook(game: AlemGame) -> Notebook:
    """The agents' memory."""
    away: dict[Entry, dict[str, int]] = {}

    def so(entry: Entry) -> bool | None:
        found = located(entry.name, entry.text) if entry.topic == "fact" else None
        if found is None:
            return None
        kind, at = found
        away[entry] = {seat: _steps(game, seat, at) for seat in game.seats}
        return game.world.stood(at, BLOCKS[kind])

    def acting(entry: Entry) -> list[str]:
        found = located(entry.name, entry.text)
        if found is None:
            return []
        then = away.get(entry, {})
        return [seat for seat in game.seats if then.get(seat, 0) >= FAR and _steps(game, seat, found[1]) <= 1]

    return Notebook(
        example="`<memory>fact/water = (x=12, y=20)</memory>`, one entry a line inside the tag",
        name=lambda seat: f"Agent {game.seats.index(seat)}",
        now=lambda: f"step {game.world.step_number}",
        so=so,
        acting=acting,
    )


def _steps(game: AlemGame, seat: str, at: Place) -> int:
    row, column = game.world.where(game.seats.index(seat))
    return abs(row - at[0]) + abs(column - at[1])
