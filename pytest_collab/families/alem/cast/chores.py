"""What a scripted player does by itself: stay alive, gather, craft, give what mates ask for, keep near the others."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pytest_collab.families.alem.cast.mind import Mind, Place, around, place
from pytest_collab.families.alem.cast.plans import xy

LOW: Final = 3
NEAR: Final = 6
"""Steps from its leader that a player strays for its chores."""

TRIES: Final = 7
"""How often a player tries one craft; who is no specialist often fails."""

LATE: Final = 45
"""The step from which others than the miner put up tables."""

PICKAXES: Final = ("", "Make Wood Pickaxe", "Make Stone Pickaxe", "Make Iron Pickaxe")
SWORDS: Final = ("", "Make Wood Sword", "Make Stone Sword", "Make Iron Sword")
TIER: Final[Mapping[str, int]] = {"stone": 1, "coal": 1, "iron": 2, "diamond": 3}
"""The pickaxe that a block takes."""


class Chores:
    """One player's own work.

    Attributes:
        news: what the others should know of the last action; empty for nothing.
    """

    def __init__(self, mind: Mind) -> None:
        self.mind = mind
        self.news = ""
        self.tried: dict[str, int] = {}
        self.stuck = 0
        self.before: tuple[Place, str] | None = None
        self.heading: Place | None = None

    def best_tool(self) -> int:
        """The tier of its pickaxe; 0 for none."""
        return self.mind.has("pickaxe")

    def act(self, view: Mapping[str, Any], anchor: Place | None, chance: random.Random) -> str:
        """The next action."""
        self.news = ""
        legal = set(view["legal"])
        action = (
            self.defend()
            or self._give(legal)
            or self._needs(view, legal)
            or self._craft(view, legal)
            or self._stay(anchor)
            or self._gather(anchor)
            or self._explore(anchor)
            or "Noop"
        )
        now = (self.mind.at, action)
        self.stuck = self.stuck + 1 if now == self.before and action.startswith("Move") else 0
        self.before = now
        if self.stuck >= 3:
            self.stuck = 0
            return chance.choice(["Move North", "Move South", "Move East", "Move West"])
        return action

    def defend(self) -> str | None:
        """Strike at what attacks from the next cell."""
        for _, kind, at, _ in self.mind.mobs:
            if kind != "passive" and self.mind.distance(at) == 1:
                return "Do" if self.mind.facing == at else self.mind.reach(at)
        return None

    def _give(self, legal: set[str]) -> str | None:
        """One of what a mate asks for, if there is more than it needs itself."""
        for agent, mate in self.mind.mates.items():
            item = str(mate.get("request") or "").lower()
            if f"Give to Agent {agent}" in legal and item:
                vital = item in ("food", "drink")
                own = int(self.mind.me[item]) if vital else self.mind.has(item)
                if own > (LOW + 2 if vital else 1):
                    self.news = f"Agent {agent}, I gave you {item}."
                    return f"Give to Agent {agent}"
        return None

    def _needs(self, view: Mapping[str, Any], legal: set[str]) -> str | None:
        """Drink, eat, heal."""
        mind, t = self.mind, int(view["t"])
        forager = mind.me.get("specialisation") == "forager"
        for vital, blocks in (("drink", ("water", "fountain")), ("food", ())):
            level = int(mind.me[vital])
            if level > (LOW + (2 if forager else 0)):
                continue
            if not forager and level > 1 and t % 12 == 0:
                return f"Request {vital.capitalize()}"
            action = self._use(mind.known(*blocks, within=25)) if blocks else self._hunt(25)
            if action is not None:
                return action
        safe = all(kind == "passive" for _, kind, _, _ in mind.mobs)
        fed = all(int(mind.me[vital]) > 0 for vital in ("food", "drink", "energy"))
        return "Rest" if safe and fed and int(mind.me["health"]) <= LOW else None

    def _use(self, targets: Sequence[Place]) -> str | None:
        """Do at the nearest of some blocks that can be reached."""
        for at in targets[:4]:
            if self.mind.distance(at) == 1 and self.mind.facing == at:
                return "Do"
            action = self.mind.reach(at)
            if action is not None:
                return action
        return None

    def _hunt(self, within: int) -> str | None:
        """Strike at the nearest animal that one can take alone."""
        animals = [
            at
            for _, kind, at, needs in self.mind.mobs
            if kind == "passive" and needs < 2 and self.mind.distance(at) <= within
        ]
        return self._use(sorted(animals, key=self.mind.distance))

    def _craft(self, view: Mapping[str, Any], legal: set[str]) -> str | None:
        """The next thing to be made: here, or at a table that is known, or a table itself."""
        mind = self.mind
        role = mind.me.get("specialisation")
        wanted = self._wanted(str(role))
        for action in wanted:
            if action in legal and self.tried.get(action, 0) < TRIES:
                self.tried[action] = self.tried.get(action, 0) + 1
                return action
        if "Place Torch" in legal and not self.tried.get("Place Torch"):
            self.tried["Place Torch"] = 1
            return "Place Torch"
        if "Place Plant" in legal and mind.has("sapling"):
            return "Place Plant"
        spare = role == "miner" and mind.has("stone") > 3 and not self.tried.get("Place Stone")
        if spare and "Place Stone" in legal and self._free_ahead():
            self.tried["Place Stone"] = 1
            return "Place Stone"
        tables = mind.known("crafting_table", within=16)
        beside = bool(tables) and max(abs(tables[0][0] - mind.at[0]), abs(tables[0][1] - mind.at[1])) == 1
        smelts = any("Iron" in action for action in wanted)
        furnaces = mind.known("furnace", within=16)
        if beside and not furnaces and mind.has("stone") >= 2 and "Place Furnace" in legal and self._free_ahead():
            return "Place Furnace"
        able = [action for action in wanted if self._affords(action) and self.tried.get(action, 0) < TRIES]
        if not able:
            return None
        if not tables:
            enough = mind.has("wood") >= 4 and (role == "miner" or view["t"] >= LATE)
            if enough and "Place Table" in legal and self._free_ahead():
                self.news = f"Table at {xy(mind.facing)}."
                return "Place Table"
            return self._turn_to_free() if enough else None
        goals = [at for at in self._around8(tables[0]) if mind.walkable(at)]
        if smelts and furnaces:
            both = [at for at in goals if max(abs(at[0] - furnaces[0][0]), abs(at[1] - furnaces[0][1])) == 1]
            goals = both or goals
        return mind.go(goals)

    def _wanted(self, role: str) -> list[str]:
        """Crafts in order of use: tools one tier up, the role's own first."""
        pickaxe, sword = self.mind.has("pickaxe"), self.mind.has("sword")
        tools = [PICKAXES[pickaxe + 1]] if pickaxe < 3 else []
        blades = [SWORDS[sword + 1]] if sword < 3 else []
        wanted = [*tools, *blades] if role != "warrior" else [*blades, *tools]
        if role == "warrior" and not self.mind.has("arrows"):
            wanted.append("Make Arrow")
        if role == "miner" and not self.mind.has("torches") and not self.tried.get("Place Torch"):
            wanted.append("Make Torch")
        return wanted

    def _affords(self, action: str) -> bool:
        has = self.mind.has
        if "Iron" in action:
            return all(has(item) >= 1 for item in ("wood", "stone", "iron", "coal"))
        if "Stone" in action or action == "Make Arrow":
            return has("wood") >= 1 and has("stone") >= 1
        if action == "Make Torch":
            return has("wood") >= 1 and has("coal") >= 1
        return has("wood") >= 1

    def _free_ahead(self) -> bool:
        mind = self.mind
        crowd = {place(mate["at"]) for mate in mind.mates.values()} | {at for _, _, at, _ in mind.mobs}
        return mind.walkable(mind.facing) and mind.facing not in crowd

    def _turn_to_free(self) -> str | None:
        free = [at for at in around(self.mind.at) if self.mind.walkable(at)]
        return self.mind.toward(free[0]) if free else None

    @staticmethod
    def _around8(at: Place) -> list[Place]:
        return [(at[0] + r, at[1] + c) for r in (-1, 0, 1) for c in (-1, 0, 1) if r or c]

    def _stay(self, anchor: Place | None) -> str | None:
        """Back to the others when too far from them."""
        if anchor is None or self.mind.distance(anchor) <= NEAR + 2:
            return None
        near = [at for at in self._ring(anchor) if self.mind.walkable(at)]
        return self.mind.go(near) if near else None

    @staticmethod
    def _ring(at: Place) -> list[Place]:
        return [(at[0] + r, at[1] + c) for r in range(-3, 4) for c in range(-3, 4) if abs(r) + abs(c) >= 2]

    def _gather(self, anchor: Place | None) -> str | None:
        """The nearest material of which there is too little."""
        mind = self.mind
        role, tool = mind.me.get("specialisation"), mind.has("pickaxe")
        lacking = []
        if mind.has("wood") < (12 if anchor is None else 6):
            lacking.append("tree")
        for block, count in (("iron", 4), ("diamond", 3), ("coal", 4), ("stone", 12 if anchor is None else 6)):
            if tool >= TIER[block] and mind.has(block) < count:
                lacking.append(block)
        within = 12 if anchor is None else 2 * NEAR
        targets = [
            at
            for at in mind.known(*lacking, within=within)
            if mind.by_hand(at) and (anchor is None or mind.distance(at, anchor) <= NEAR + 2)
        ]
        rare = [at for at in targets if mind.blocks[at] in ("iron", "diamond", "coal")]
        action = self._use([*rare[:2], *targets])
        if action is not None:
            return action
        if role == "forager":
            if int(mind.me["drink"]) < 8 and mind.known("water", within=8):
                return self._use(mind.known("water", within=8))
            animal = self._hunt(8) if int(mind.me["food"]) < 9 or not self.tried.get("cow") else None
            if animal is not None:
                self.tried["cow"] = self.tried.get("cow", 0) + 1
                return animal
            if (
                not mind.has("sapling")
                and self.tried.get("sapling", 0) < 15
                and mind.blocks.get(mind.facing) == "grass"
            ):
                self.tried["sapling"] = self.tried.get("sapling", 0) + 1
                return "Do"
        return None

    def _explore(self, anchor: Place | None) -> str | None:
        """The leader goes on to where the unknown begins; the others keep near."""
        if anchor is not None:
            return self._near(anchor)
        edge = self.mind.frontier()
        if not edge:
            return None
        last = self.heading or self.mind.at
        edge.sort(key=lambda at: self.mind.distance(at) + self.mind.distance(at, last))
        self.heading = edge[0]
        return self.mind.go(edge[:12])

    def _near(self, anchor: Place) -> str | None:
        if self.mind.distance(anchor) <= 4:
            return None
        return self.mind.go([at for at in self._ring(anchor) if self.mind.walkable(at)])
