"""What each cook is told, and how its replies are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pytest_collab.core.kitchen.plan import COUNTER, DISH, PANTRY, Layout
from pytest_collab.episode.agent import Reply
from pytest_collab.episode.channel import Message
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.game import Ask, Move, Note, Prompt
from pytest_collab.episode.text import counted
from pytest_collab.families.kitchen import orders, rules, words
from pytest_collab.families.kitchen.macros import LONGEST_WAIT, Macro
from pytest_collab.families.kitchen.scene import PATIENCE, Deed, Scene, begun, over, run
from pytest_collab.families.rounds import Got, RoundGame, one, read, speeches

if TYPE_CHECKING:
    from pytest_collab.families.kitchen.params import Kitchen

SEATS: Final = ("a", "b")
PROTOCOLS: Final[Mapping[str, str]] = {
    "plan": (
        "Before the first step there are two rounds of messages in which nobody acts: in the first one propose who "
        "does what in which order; in the second one agree, or say what to change. Then follow the plan."
    ),
}
"""What `protocol:NAME` adds to both cooks' instructions."""

PLANNING: Final = 2
FACING: Final = ("north", "south", "east", "west")
_SIGNS: Final = {COUNTER: "counter", PANTRY: "pantry"}


class KitchenGame(RoundGame):
    """One episode: a clock of steps, and two cooks who are asked whenever their last action has ended."""

    labels = ("action", "message", "item", "place")

    def __init__(self, params: Kitchen, seed: int, condition: Condition) -> None:
        self.params, self.condition, self.seats = params, condition, SEATS
        self.kitchen: Layout = params.kitchen(seed)
        self.order = params.order(seed)
        self.last = params.last(seed)
        planned = condition.kind == "protocol" and condition.argument == "plan"
        self.state = Scene(rules.initial(self.kitchen), talks=PLANNING if planned else 0)

    def knows(self, seat: str) -> bool:
        """Whether a cook is told the recipe."""
        return self.condition.solo or self.condition.shared or self.params.recipe_known in (seat, "all")

    # What they are told.

    def brief(self, seat: str) -> str:
        lines = [*(self._order(seat) if self.order else self._soups()), *self._side(seat), *self._grammar(seat)]
        if self.params.talk and not self.condition.solo:
            many = "a message" if self.params.talk == 1 else f"up to {self.params.talk} messages"
            lines.append(
                f"With each action you may send {many} to the other cook, in a line `MESSAGE: ...`. It costs no time "
                "and is read when the other cook is asked next; who only waits is asked at once."
            )
        if self.condition.kind == "protocol":
            lines.append(PROTOCOLS[self.condition.argument])
        return "\n".join(lines)

    def _order(self, seat: str) -> list[str]:
        made = self.order
        assert made is not None
        other = "b" if seat == "a" else "a"
        role = "the chef" if seat == "a" else "the assistant"
        lines = [
            f"You are cook {seat}, {role} in a kitchen with two sides. Together with cook {other} you have to cook "
            f"and serve one order, the {made.name}, as fast as you can: within {self.last} steps, or you have "
            "failed.",
        ]
        if self.knows(seat):
            whole = "Both cooks know it" if self.knows(other) else "The other cook does not know it"
            lines += [f"THE RECIPE of the {made.name}. {whole}.", *orders.lines(made)]
        else:
            lines.append("Only the other cook knows the recipe. You are not told it: find out what is needed.")
        return [*lines, "In a utensil, things that belong to no recipe are spoilt when it is started, and are gone."]

    def _soups(self) -> list[str]:
        return [
            f"You are one of two cooks in one kitchen. In {self.last} steps serve as many onion soups as you can, "
            f"together; {self.params.target} at least. A pot with three onions starts by itself and takes 20 steps; "
            f"then somebody with a {DISH} in the hands fills it with soup and serves it at the window.",
        ]

    def _side(self, seat: str) -> list[str]:
        kitchen = self.kitchen
        if self.condition.solo:
            return ["\n".join(self._map()), *(f"Cook {name} reaches {self._within(name)}." for name in SEATS)]
        other = "b" if seat == "a" else "a"
        apart = kitchen.floors[0] != kitchen.floors[1]
        lines = [*self._map(), f"You reach {self._within(seat)}."]
        if apart:
            lines.append(f"Cook {other} reaches {self._within(other)}. What both reach is how you hand things over.")
        if self.order is None:
            lines.append("Two cooks cannot stand in one place nor walk through each other.")
        return lines

    def _map(self) -> list[str]:
        rows = [list(row) for row in self.kitchen.rows]
        for name, (x, y) in zip(SEATS, self.kitchen.starts, strict=True):
            rows[y][x] = name
        letters = {"#": "counter", "S": "serving window", "I": "pantry", "P": "pot", "V": "oven", "C": "board"}
        letters |= {"B": "blender", "D": "dishes", "O": "onions", "%": "wall"}
        used = [
            f"{letter} {name}" for letter, name in letters.items() if any(letter in row for row in self.kitchen.rows)
        ]
        counters = ", ".join(
            f"counter{number} in column {x + 1} of row {y + 1}"
            for number, (x, y) in enumerate(self.kitchen.counters, start=1)
            if self.order is not None or len(self.kitchen.counters) <= 12
        )
        return [
            f"The kitchen ({', '.join(used)}; north is up):",
            *("  " + "".join(row) for row in rows),
            *([f"Counters: {counters}."] if counters else []),
        ]

    def _within(self, seat: str) -> str:
        reach = self.kitchen.reach[SEATS.index(seat)]
        names = [
            name
            for name, cells in self.kitchen.places.items()
            if any(cell in reach for cell in cells) and (len(cells) == 1 or not _numbered(self.kitchen, name))
        ]
        return ", ".join(f"the {name}" if not name[-1].isdigit() else name for name in names)

    def _grammar(self, seat: str) -> list[str]:
        orders_ = self.order is not None
        item, pile = (self.kitchen.shelf[0], "pantry") if orders_ else ("onion", "onions")
        lines = [
            "Each answer has ONE line `ACTION: ...`:",
            f"- `pickup(item, place)`, e.g. `pickup({item}, {pile})` or `pickup({item}, counter)`; you hold one "
            "thing at most",
            "- `put(place)`: what you hold, e.g. `put(counter)` or `put(pot)`",
        ]
        if orders_:
            lines.append("- `start(utensil)`: what was put there begins to cook, e.g. `start(board)`")
        lines += [
            f"- `fill(utensil)`: the {DISH} in your hands, with what is cooked there",
            "- `serve()`: at the window",
            f"- `wait(n)`: 1 to {LONGEST_WAIT} steps; `move(direction)`: one step north, south, east or west",
            "You walk by yourself, one cell a step, and are asked again when it is done, or when you could not get "
            f"on for {PATIENCE} steps. Picking up or filling waits for what is cooking.",
        ]
        return lines

    # Who acts.

    def ask(self) -> Ask | None:
        scene: Scene = self.state
        if scene.talks:
            return Ask(SEATS, "plan")
        if over(self.kitchen, scene, self.last):
            return None
        return Ask(tuple(seat for seat, now in zip(SEATS, scene.doing, strict=True) if now is None), "act")

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        scene: Scene = self.state
        if scene.talks:
            lines = [f"Round {PLANNING + 1 - scene.talks} of {PLANNING} of messages, before the first step."]
        else:
            lines = [f"Step {scene.state.time} of {self.last}."]
            told = scene.told[SEATS.index(seat)]
            lines += [told] if told else []
        lines += self._seen(seat)
        lines += [f"Cook {message.sender} says: {message.text}" for message in inbox]
        lines.append("What do you write?" if scene.talks else "What do you do?")
        return Prompt("\n".join(lines), self.view(seat), may_be_silent=bool(scene.talks))

    def _seen(self, seat: str) -> list[str]:
        state, me = self.state.state, SEATS.index(seat)
        lines = []
        for number in (me, 1 - me):
            (x, y), hand = state.at[number], state.held[number]
            who = "You stand" if number == me else f"Cook {SEATS[number]} stands"
            line = f"{who} in column {x + 1} of row {y + 1}, facing {FACING[state.facing[number]]}, "
            line += f"with {_a(hand)} in the hands" if hand else "with empty hands"
            now = self.state.doing[number]
            line += f", busy with {now.macro}" if number != me and now is not None else ""
            lines.append(line + ".")
        for cell, load in zip(self.kitchen.utensils, state.loads, strict=True):
            lines.append(f"{self.kitchen.names[cell]}: {_loaded(load)}")
        lying = [
            f"{self.kitchen.names[cell]}: {item}"
            for cell, item in zip(self.kitchen.counters, state.lying, strict=True)
            if item
        ]
        lines.append("On counters: " + ("; ".join(lying) if lying else "nothing") + ".")
        if self.order is None:
            lines.append(f"Soups served: {state.served}.")
        elif state.lost:
            lines.append(f"Spoilt or served in vain so far: {state.lost}.")
        return lines

    def view(self, seat: str) -> dict[str, Any]:
        """What the cook knows, as data."""
        me, state = SEATS.index(seat), self.state.state
        known = self.order if self.knows(seat) else None
        hidden = self.order is not None and known is None
        return {
            "phase": "plan" if self.state.talks else "act",
            "seat": me,
            "time": state.time,
            "held": dict(zip(SEATS, state.held, strict=True)),
            "at": dict(zip(SEATS, state.at, strict=True)),
            "counters": dict(zip((self.kitchen.names[c] for c in self.kitchen.counters), state.lying, strict=True)),
            "utensils": {
                self.kitchen.names[cell]: {"items": load.items, "left": load.left}
                for cell, load in zip(self.kitchen.utensils, state.loads, strict=True)
            },
            "told": self.state.told[me],
            "recipe": orders.lines(known) if known else [],
            "scene": self.state,
            "kitchen": orders.kitchen(self.order, self.params.counters, secret=True) if hidden else self.kitchen,
            "order": known,
            "name": self.order.name if self.order else "",
            "last": self.last,
            "talk": self.params.talk if not self.condition.muted else 0,
        }

    # What they do.

    def parse(self, seat: str, reply: Reply) -> Move:
        reading = read(reply.text, self.labels)
        messages = speeches(reading, {}) if self.params.talk else ()
        messages = tuple(replace(speech, to=None) for speech in messages)[: self.params.talk]
        if self.state.talks:
            return Move(None, messages)
        got: Got[Macro] = one(reading, seat, SEATS, lambda value: self._macro(value, reading.of), "action")
        if got.value is None and not reading.of("action"):
            calls = words.calls(reply.text)
            got = words.macro(self.kitchen, calls[0]) if len(calls) == 1 else Got(None, got.why)
            got = Got(None, "it holds more than one action") if len(calls) > 1 else got
        if got.value is None:
            return Move(None, messages, got.why)
        return Move(str(got.value), messages, got.why)

    def _macro(self, value: str, fields: Any) -> Got[Macro]:
        """One action; JSON and lists may say item and place on their own."""
        parts = [field.value for label in ("item", "place") for field in fields(label)]
        return words.macro(self.kitchen, f"{value} {' , '.join(parts)}" if parts else value)

    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        scene: Scene = self.state
        if scene.talks:
            self.state = replace(scene, talks=scene.talks - 1)
            return ()
        told = {SEATS.index(seat): self._ordered(move) for seat, move in moves.items()}
        speakers = {SEATS.index(seat) for seat, move in moves.items() if move.messages}
        heard = frozenset(1 - seat for seat in speakers) if not self.condition.muted else frozenset[int]()
        after = run(self.kitchen, begun(self.kitchen, scene, told, heard), self.last)
        self.state = after
        new = after.log[len(scene.log) :]
        return (Note("state", {"step": after.state.time, "deeds": [_noted(deed) for deed in new]}),)

    def _ordered(self, move: Move) -> Macro | str:
        if move.action is not None:
            value = words.macro(self.kitchen, str(move.action)).value
            assert value is not None  # what is written down can be read again
            return value
        item = self.kitchen.shelf[0] if self.order else "onion"
        place = "pantry" if self.order else "onions"
        return (
            f"Your last answer held no action that could be read: {move.malformed or 'it was empty'}. Write one line "
            f"such as `ACTION: pickup({item}, {place})`; there are pickup(item, place), put(place), "
            f"{'start(utensil), ' if self.order else ''}fill(utensil), serve(), wait(n) and move(direction)."
        )


def _numbered(kitchen: Layout, name: str) -> bool:
    return f"{name}1" in kitchen.places


def _a(item: str) -> str:
    return f"{'an' if item[0].lower() in 'aeiou' else 'a'} {item}" if not item.endswith("slices") else item


def _loaded(load: rules.Load) -> str:
    if not load.items:
        return "empty"
    if load.idle:
        return f"{' and '.join(load.items)}, not started"
    return f"{load.items[0]}, " + (f"ready in {counted(load.left, 'step')}" if load.left else "ready")


def _noted(deed: Deed) -> dict[str, Any]:
    about = {key: value for key, value in (("item", deed.item), ("place", deed.place)) if value}
    return {"step": deed.time, "seat": SEATS[deed.seat], "what": deed.what, **about}
