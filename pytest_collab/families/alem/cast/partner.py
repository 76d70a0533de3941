"""`partner`: gathers and crafts by itself, and takes what needs several by agreeing on places and a step."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, permutations
from typing import Any, Final

from pytest_collab.episode.agent import Reply, Request, Seat
from pytest_collab.families.alem.cast import plans
from pytest_collab.families.alem.cast.chores import Chores
from pytest_collab.families.alem.cast.mind import Mind, Place, place
from pytest_collab.families.alem.cast.plans import Plan
from pytest_collab.families.alem.memory import BLOCKS, located
from pytest_collab.families.rounds import Player, Say

HEARD: Final = 30
"""Steps after which an agent that said nothing is no longer counted on."""

PATIENCE: Final = 28
"""Steps that a plan may take until everyone is ready."""

REMIND: Final = 9
TRIES: Final = 3
REST: Final = 80
"""Steps for which an object is left alone after a plan for it came to nothing."""

REACH: Final = 14
BUILDINGS: Final[Mapping[str, Mapping[str, int]]] = {
    "Build Forge": {"stone": 10, "iron": 3, "coal": 2},
    "Build Beacon": {"iron": 3, "coal": 2},
    "Build Shelter": {"wood": 10, "stone": 5},
}
WORTH: Final[Mapping[str, int]] = {"Build Shelter": 5, "Build Forge": 8, "Build Beacon": 8}
MATERIAL: Final[Mapping[str, tuple[int, int]]] = {
    "stone": (1, 3),
    "coal": (1, 3),
    "iron": (2, 5),
    "diamond": (3, 5),
}
"""By block: the tier of pickaxe it takes, and what taking it together is worth."""


class Partner(Player):
    """The competent, talkative player of one agent."""

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat)
        self.mind = Mind()
        self.chores = Chores(self.mind)
        self.plan: Plan | None = None
        self.words: list[str] = []
        self.heard: dict[int, int] = {}
        self.spoke = -99
        self.done: set[str] = set()
        self.shunned: dict[Place, int] = {}

    async def reply(self, request: Request) -> Reply:
        return Reply(self.say(request).text)

    def say(self, request: Request) -> Say:
        view = request.view
        self.words = []
        action = self.act(view)
        lines = [f"<think>{self.thought()}</think>", f"<action>{action}</action>"]
        message = " ".join(self.words)[:400]
        if message and view["talk"]:
            self.spoke = view["t"]
            lines.append(f"<communication>{message}</communication>")
        if "memory" in view:
            lines += self.write(view)
        return Say(tuple(lines))

    def write(self, view: Mapping[str, Any]) -> list[str]:
        """What it writes into the memory that all share: where water and a table are, once it has seen them."""
        known = {entry.name for entry in view["memory"] if entry.topic == "fact"}
        blocks = {"water": ("water",), "table": ("crafting_table",)}
        seen = {name: self.mind.seen(*names) for name, names in blocks.items() if name not in known}
        return [f"<memory>fact/{name} = {plans.xy(at[0])}</memory>" for name, at in seen.items() if at]

    def thought(self) -> str:
        """What it has in mind, in a line."""
        return f"{self.plan.action} at {plans.xy(self.plan.target)} together." if self.plan else "My own chores."

    # One step.

    def act(self, view: Mapping[str, Any]) -> str:
        """The action of this step; what it says goes to `words`."""
        self.mind.look(view)
        self.me, self.t = int(view["agent"]), int(view["t"])
        for entry in view.get("memory", ()):
            found = located(entry.name, entry.text) if entry.topic == "fact" else None
            if found is not None and entry.seat != self.seat.name:
                self.mind.told(found[1], BLOCKS[found[0]][0])
        for name in view.get("unlocked", ()):
            self.done.add(name)
        for sender, text in view["heard"]:
            self.heard[sender] = self.t
            self._hear(sender, text)
        if view["inactive"]:
            self.plan = None
            return "Noop"
        self._review()
        if self.plan is None and self._leads():
            self._propose()
        action = self._follow_plan(view)
        if action is None:
            action = self.chores.act(view, self._anchor(), self.random)
            said = self.chores.news
            if said:
                self.words.append(said)
        if not self.words and self._leads() and self.t - self.spoke >= HEARD // 2:
            self.words.append(
                f"Agent {self.me} at {plans.xy(self.mind.at)}, step {self.t}: nothing to do together, follow me."
            )
        return action

    def _leads(self) -> bool:
        """The first agent that lives and speaks calls the plans; the others are heard from first."""
        for other in range(self.me):
            mate = self.mind.mates.get(other)
            if mate is None or not mate.get("alive", True):
                continue
            if self.t < 6 * self.me or self.t - self.heard.get(other, -HEARD) < HEARD:
                return False
        return True

    def _anchor(self) -> Place | None:
        """Whom to stay near: the first living agent before this one."""
        for other in range(self.me):
            mate = self.mind.mates.get(other)
            if mate is not None and mate.get("alive", True) and mate.get("at") is not None:
                return place(mate["at"])
        return None

    # What it hears.

    def _hear(self, sender: int, text: str) -> None:
        table = plans.table(text)
        if table is not None:
            self.mind.told(table, "crafting_table")
        if (
            plans.refuses(text)
            and self.plan is not None
            and self.plan.caller == self.me
            and sender in self.plan.stands
        ):
            self._drop()
        new = plans.called(text, sender, self.me, self.t)
        if new is not None:
            if self.plan is None or sender <= self.plan.caller or self.plan.target == new.target:
                kept = self.plan if self.plan is not None and self.plan.target == new.target else None
                self.plan = kept or new
                self.plan.told = -99
            return
        if self.plan is not None:
            if plans.says_ready(text):
                self.plan.ready.add(sender)
            steps = {
                a: step for a, step in plans.named(text, sender, self.me, self.t).items() if a in self.plan.stands
            }
            if self.me in steps and self.plan.caller != self.me and steps != self.plan.due:
                self.plan.due = dict(steps)
                self.plan.tries += 1
                if self._in_place():
                    self.words.append(plans.confirm(self.plan, self.me))
                else:
                    self.words.append(f"I cannot be at {plans.xy(self.plan.target)} by then, wait for me.")
                    self.plan.due = {}
            return
        wanted = plans.invited(text, sender, self.mind.objects, self.t)
        if wanted is not None:
            free = [at for at in self.mind.stands(wanted) if not self._taken(at)]
            if free:
                one = self.mind.objects[wanted]
                building = one["kind"] == "construction" or one.get("building")
                action = "Build Shelter" if building else "Do"
                stands = {self.me: min(free, key=self.mind.distance), sender: place(self.mind.mates[sender]["at"])}
                self.plan = Plan(wanted, sender, stands, action, one["kind"] == "handover", str(one["block"]), self.t)

    def _taken(self, at: Place) -> bool:
        return any(place(mate["at"]) == at for mate in self.mind.mates.values() if mate.get("alive", True))

    # Plans.

    def _in_place(self) -> bool:
        return (
            self.plan is not None
            and self.mind.distance(self.plan.target) == 1
            and self.mind.facing == self.plan.target
        )

    def _review(self) -> None:
        """Drop a plan that is done, or leads nowhere."""
        plan, mind = self.plan, self.mind
        if plan is None:
            return
        seen = abs(plan.target[0] - mind.at[0]) <= 4 and abs(plan.target[1] - mind.at[1]) <= 5
        if seen and plan.target not in mind.objects:
            self.plan = None
        elif plan.due and self.t > plan.last:
            plan.due = {}
            if (plan.caller == self.me and plan.tries >= TRIES) or (plan.caller == self.me and self._credited(plan)):
                self._drop()
        elif self.t - plan.since > PATIENCE and not plan.due:
            self._drop()

    def _credited(self, plan: Plan) -> bool:
        """Done together although the block still stands (nobody had the tool): no use in doing it again."""
        one = self.mind.objects.get(plan.target)
        return one is not None and self._worth(plan.target, one) == 0

    def _drop(self) -> None:
        if self.plan is not None:
            self.shunned[self.plan.target] = self.t + REST
            self.plan = None

    def _mates(self) -> list[int]:
        """Living mates that can be counted on: who has spoken lately, or has not had the time to."""
        return [
            agent
            for agent, mate in self.mind.mates.items()
            if mate.get("alive", True)
            and (self.t < HEARD or self.t - self.heard.get(agent, -HEARD) < 2 * HEARD)
            and self.mind.distance(place(mate["at"])) <= 2 * REACH
        ]

    def _worth(self, at: Place, one: Mapping[str, Any]) -> int:
        """Points of the achievements that taking an object together would be the first to bring."""
        kind, soft, needs = one["kind"], "SOFT" if one.get("soft") else "HARD", int(one.get("needs") or 2)
        block = str(one["block"])
        if kind == "construction" or one.get("building"):
            action = self._building()
            return WORTH[action] if action else 0
        worth = 0
        if kind == "handover":
            worth += 10 * ("HANDOVER_COMPLETE" not in self.done or "COORD_MINE_HANDOVER" not in self.done)
        else:
            name = f"COORD_{min(needs, 3)}_AGENTS_{soft}"
            worth += {"SOFT": 3, "HARD": 5}[soft] + 2 * (needs > 2) if name not in self.done else 0
            tier, more = MATERIAL.get(block, (9, 0))
            if self.chores.best_tool() >= tier and f"COORD_MINE_{block.upper()}_{soft}" not in self.done:
                worth += more
        return worth

    def _building(self) -> str | None:
        """The most valuable building that this agent can pay for and that the team has not built."""
        for action, costs in BUILDINGS.items():
            built = f"COORD_{action.upper().replace(' ', '_')}"
            if built not in self.done and all(self.mind.has(item) >= count for item, count in costs.items()):
                return action
        return None

    def _propose(self) -> None:
        """Call for the object that brings most for the way to it."""
        mates = self._mates()
        options = []
        for at, one in self.mind.objects.items():
            needs = int(one["needs"])
            if self.shunned.get(at, -1) >= self.t or needs - 1 > len(mates) or self.mind.distance(at) > REACH:
                continue
            worth = self._worth(at, one)
            if worth <= 0 or len(self.mind.stands(at)) < needs:
                continue
            options.append((worth / (6 + self.mind.distance(at)), at, needs, one))
        for _, at, needs, one in sorted(options, key=lambda option: -option[0])[:4]:
            stands = self._assign(at, needs, mates)
            if stands is not None:
                building = one["kind"] == "construction" or one.get("building")
                action, relay = self._building() if building else "Do", one["kind"] == "handover"
                self.plan = Plan(
                    at, self.me, stands, action or "Do", relay, str(one["block"]).replace("_", " "), self.t
                )
                self.plan.told = self.t
                self.words.append(plans.call(self.plan, self.me))
                return
            self.shunned[at] = self.t + 15

    def _assign(self, target: Place, needs: int, mates: list[int]) -> dict[int, Place] | None:
        """Who stands where, with the shortest ways in all; None when it cannot be reached."""
        cells = [at for at in self.mind.stands(target) if self.mind.route([at]) is not None]
        best: tuple[int, dict[int, Place]] | None = None
        where = {agent: place(self.mind.mates[agent]["at"]) for agent in mates} | {self.me: self.mind.at}
        for team in combinations(mates, needs - 1):
            for spots in permutations(cells, needs):
                stands = dict(zip((self.me, *team), spots, strict=True))
                ways = sum(self.mind.distance(where[agent], at) for agent, at in stands.items())
                if best is None or ways < best[0]:
                    best = (ways, stands)
        return None if best is None else best[1]

    def _follow_plan(self, view: Mapping[str, Any]) -> str | None:
        """The next action of the plan; None when there is none, or it can wait."""
        plan = self.plan
        if plan is None:
            return None
        due = plan.due.get(self.me)
        if due is not None:
            if self.t == due:
                return plan.action if self._in_place() else self.mind.reach(plan.target) or "Noop"
            if self.t < due:
                return "Noop" if self._in_place() else self.mind.reach(plan.target) or "Noop"
        danger = self.chores.defend()
        if danger is not None:
            return danger
        if self._in_place():
            plan.ready.add(self.me)
            return self._wait(plan)
        stand = plan.stands.get(self.me)
        action = None
        if stand is not None and self.mind.at != stand and self.mind.walkable(stand) and not self._taken(stand):
            action = self.mind.go([stand])
        if action is None:
            taken = frozenset(place(mate["at"]) for mate in self.mind.mates.values())
            action = self.mind.reach(plan.target, avoid=taken) or self.mind.reach(plan.target)
        if self.t - plan.told >= REMIND:
            if plan.caller == self.me:
                plan.told = self.t
                self.words.append(f"Step {self.t}: {plans.call(plan, self.me)}")
            elif action is None:
                self.words.append(plans.refuse(plan, self.t))
                self.plan = None
        return action or "Noop"

    def _wait(self, plan: Plan) -> str:
        """In place: say so, or name the step once all are; then stand still."""
        if plan.caller != self.me:
            if self.t - plan.told >= REMIND:
                plan.told = self.t
                self.words.append(plans.ready(plan, self.t))
            return "Noop"
        if all(agent in plan.ready for agent in plan.stands):
            if not plan.due:
                first = self.t + 2
                others = [agent for agent in plan.stands if agent != self.me]
                plan.due = {self.me: first, **dict.fromkeys(others, first + plan.relay)}
                plan.tries += 1
                self.words.append(plans.order(plan, self.me))
        elif self.t - plan.told >= REMIND:
            plan.told = self.t
            self.words.append(f"Step {self.t}: {plans.call(plan, self.me)}")
        return "Noop"
