"""What a scripted player knows: the level as far as it has seen it, its mates, and ways through the level."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

Place = tuple[int, int]

WALKABLE: Final = frozenset({"grass", "sand", "path", "fire_grass", "ice_grass", "gravel"})
DIGGABLE: Final = frozenset({"stone", "coal", "tree"})
MOVES: Final[Mapping[Place, str]] = {
    (0, -1): "Move West",
    (0, 1): "Move East",
    (-1, 0): "Move North",
    (1, 0): "Move South",
}
DIG_COST: Final = 3
UNKNOWN_COST: Final = 2
SIZE: Final = 48
CROWDED: Final = 8
"""What a cell costs on which a mate stands: it may move, it may not."""


class Mind:
    """One player's picture of the world, brought up to date by each view.

    Attributes:
        blocks: every cell seen on this level, or told of.
        hearsay: those of them that it was told of and has not seen.
        objects: coordination objects by place, as last seen.
        mates: the others by number, as the view gives them.
    """

    def __init__(self) -> None:
        self.level = -1
        self.blocks: dict[Place, str] = {}
        self.hearsay: set[Place] = set()
        self.objects: dict[Place, Mapping[str, Any]] = {}
        self.items: dict[Place, str] = {}
        self.mates: dict[int, Mapping[str, Any]] = {}
        self.mobs: list[tuple[str, str, Place, int]] = []
        self.me: Mapping[str, Any] = {}
        self.t = 0

    def look(self, view: Mapping[str, Any]) -> None:
        """Take in a view (and those of the others, where they are shown)."""
        if view["level"] != self.level:
            self.level = view["level"]
            self.blocks, self.objects, self.items, self.hearsay = {}, {}, {}, set()
        self.me, self.t = view["me"], view["t"]
        self.mates = {int(mate["seat"]): mate for mate in view["mates"]}
        self.mobs = []
        for one in (*view.get("others", ()), view):
            self._take_in(one)

    def _take_in(self, view: Mapping[str, Any]) -> None:
        top, left = view["origin"]
        for r, row in enumerate(view["blocks"]):
            for c, block in enumerate(row):
                if block is not None:
                    self.blocks[top + r, left + c] = block
                    self.hearsay.discard((top + r, left + c))
                    self.objects.pop((top + r, left + c), None)
        for one in view["objects"]:
            if one["kind"] in ("sync", "handover", "construction"):
                self.objects[place(one["at"])] = one
        for name, at in view["items"]:
            self.items[place(at)] = name
        for name, kind, at, *needs in view["mobs"]:
            self.mobs.append((name, kind, place(at), int(needs[0]) if needs else 0))

    @property
    def at(self) -> Place:
        """Where the player stands."""
        return place(self.me["at"])

    @property
    def facing(self) -> Place:
        """The cell that it faces."""
        return place(self.me["facing"])

    def has(self, item: str) -> int:
        """How many of an item it owns."""
        return int(self.me["inventory"].get(item, 0))

    def walkable(self, at: Place) -> bool:
        """Whether one can stand there, as far as is known."""
        return self.blocks.get(at) in WALKABLE

    def told(self, at: Place, block: str) -> None:
        """Somebody says that a block stands somewhere."""
        if at not in self.blocks:
            self.blocks[at] = block
            self.hearsay.add(at)

    def seen(self, *blocks: str) -> list[Place]:
        """Cells in which it has seen one of these blocks with its own eyes, nearest first."""
        return [at for at in self.known(*blocks) if at not in self.hearsay]

    def known(self, *blocks: str, within: int = 99) -> list[Place]:
        """Cells with one of these blocks, nearest first."""
        found = [at for at, block in self.blocks.items() if block in blocks and self.distance(at) <= within]
        return sorted(found, key=self.distance)

    def distance(self, at: Place, other: Place | None = None) -> int:
        """Steps between two places, were there nothing in the way."""
        r, c = self.at if other is None else other
        return abs(at[0] - r) + abs(at[1] - c)

    def by_hand(self, at: Place) -> bool:
        """Whether one agent can take a block away alone."""
        one = self.objects.get(at)
        return one is None or bool(one.get("soft"))

    def route(self, goals: Iterable[Place], *, avoid: frozenset[Place] = frozenset()) -> list[Place] | None:
        """The cheapest way to one of `goals` that can be stood on (a single cell where one is there already)."""
        wanted = set(goals)
        crowd = {place(mate["at"]) for mate in self.mates.values() if mate.get("alive", True)}
        beasts = {at for _, _, at, _ in self.mobs}
        digs = {"tree"} | ({"stone", "coal"} if self.has("pickaxe") else set())
        queue: list[tuple[int, Place]] = [(0, self.at)]
        cost, came = {self.at: 0}, {self.at: self.at}
        while queue:
            spent, at = heapq.heappop(queue)
            if at in wanted:
                way = [at]
                while came[at] != at:
                    at = came[at]
                    way.append(at)
                return way[::-1]
            if spent > cost[at] or spent > 120:
                continue
            for near in around(at):
                block = self.blocks.get(near)
                if near in avoid or near in beasts or not (0 <= near[0] < SIZE and 0 <= near[1] < SIZE):
                    continue
                if block is None:
                    step = UNKNOWN_COST
                elif block in WALKABLE:
                    step = 1 + (CROWDED if near in crowd else 0)
                elif block in digs and self.by_hand(near):
                    step = DIG_COST
                else:
                    continue
                if spent + step < cost.get(near, 10**6):
                    cost[near], came[near] = spent + step, at
                    heapq.heappush(queue, (spent + step, near))
        return None

    def toward(self, cell: Place) -> str:
        """The action that brings it onto a neighbouring cell: a step, or the next stroke of digging."""
        if self.walkable(cell) or cell not in self.blocks:
            return move(self.at, cell)
        return "Do" if self.facing == cell else move(self.at, cell)

    def go(self, goals: Iterable[Place], *, avoid: frozenset[Place] = frozenset()) -> str | None:
        """The next action on the way to one of `goals`; None when there is no way, or it is there."""
        way = self.route(goals, avoid=avoid)
        return self.toward(way[1]) if way is not None and len(way) > 1 else None

    def reach(self, target: Place, *, avoid: frozenset[Place] = frozenset()) -> str | None:
        """The next action toward standing beside `target` and facing it; None when it does, or cannot."""
        if self.distance(target) == 1:
            return None if self.facing == target else move(self.at, target)
        return self.go((at for at in around(target) if self.walkable(at)), avoid=avoid)

    def frontier(self) -> list[Place]:
        """Cells to stand on beside which the unknown begins."""
        return [
            at
            for at, block in self.blocks.items()
            if block in WALKABLE and any(near not in self.blocks for near in around(at))
        ]

    def stands(self, target: Place) -> list[Place]:
        """Cells from which a block can be worked on, as far as is known."""
        beasts = {at for _, kind, at, _ in self.mobs if kind != "passive"}
        return [at for at in around(target) if self.walkable(at) and at not in beasts]


def place(at: Any) -> Place:
    """A place out of JSON."""
    return int(at[0]), int(at[1])


def around(at: Place) -> Iterator[Place]:
    """The four cells beside a cell."""
    for dr, dc in MOVES:
        yield at[0] + dr, at[1] + dc


def move(start: Place, end: Place) -> str:
    """The move from a cell to the one beside it; it turns there when the cell cannot be entered."""
    return MOVES[end[0] - start[0], end[1] - start[1]]
