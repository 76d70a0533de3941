"""What cooks are told to do: macro actions, the places they name, and why one cannot be carried out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pytest_collab.core.kitchen.plan import CAPACITY, COUNTER, DISH, PANTRY, UTENSILS, Cell, Layout
from pytest_collab.families.kitchen.rules import State

PICKUP, PUT, BEGIN, FILL, SERVE, WAIT, MOVE = "pickup", "put", "start", "fill", "serve", "wait", "move"
LONGEST_WAIT: Final = 20
DIRECTIONS: Final = ("north", "south", "east", "west")
WINDOW: Final = "window"


@dataclass(frozen=True, slots=True)
class Macro:
    """One macro action.

    Attributes:
        item: what to pick up (or, with `put`, what the cook believes that it holds; empty where it does not say).
        place: a name of `Layout.places`; empty where the cook leaves it open.
        count: how long to wait; the direction of a move.
    """

    verb: str
    item: str = ""
    place: str = ""
    count: int = 0

    def __str__(self) -> str:
        if self.verb == WAIT:
            return f"wait({self.count})"
        if self.verb == MOVE:
            return f"move({DIRECTIONS[self.count]})"
        return f"{self.verb}({', '.join(part for part in (self.item, self.place) if part)})"

    @property
    def idle(self) -> bool:
        return self.verb == WAIT


def meant(kitchen: Layout, seat: int, macro: Macro) -> tuple[Cell, ...]:
    """The cells that a macro names, or could mean, within the cook's reach."""
    known = kitchen.places
    if macro.place:
        cells: tuple[Cell, ...] = known[macro.place]
    elif macro.verb == SERVE:
        cells = known[WINDOW]
    elif macro.verb in (BEGIN, FILL):
        cells = kitchen.utensils
    else:
        cells = tuple(dict.fromkeys(cell for some in known.values() for cell in some))
    return tuple(cell for cell in cells if cell in kitchen.reach[seat])


def open_to(kitchen: Layout, state: State, seat: int, macro: Macro) -> tuple[Cell, ...]:
    """Where a macro can be carried out now, or will be once what cooks there is done."""
    cells = meant(kitchen, seat, macro)
    if macro.verb == PICKUP:
        return tuple(cell for cell in cells if _gives(kitchen, state, cell, macro.item))
    if macro.verb == PUT:
        return _free(kitchen, cells, state, state.held[seat])
    if macro.verb == BEGIN:
        return tuple(cell for cell in cells if (load := state.load(kitchen, cell)).idle and load.items)
    if macro.verb == FILL:
        loads = [(cell, state.load(kitchen, cell)) for cell in cells if cell in kitchen.utensils]
        return tuple(cell for cell, load in loads if not load.idle and load.items[0] in kitchen.plated)
    return cells


def waiting_at(kitchen: Layout, seat: int, macro: Macro) -> tuple[Cell, ...]:
    """Where a cook waits for what cannot be done yet: at what it named, or at the counters between both."""
    cells = meant(kitchen, seat, macro)
    between = [cell for cell in cells if cell in kitchen.shared]
    if not macro.place or macro.place == "counter":
        return tuple(between) or cells
    return cells


def _gives(kitchen: Layout, state: State, cell: Cell, item: str) -> bool:
    letter = kitchen.cells[cell]
    if letter == COUNTER:
        return state.lies(kitchen, cell) == item
    if letter == PANTRY:
        return item in kitchen.shelf
    if letter in UTENSILS:
        load = state.load(kitchen, cell)
        if load.idle:
            return item in load.items and not kitchen.automatic
        return load.items[0] == item and item not in kitchen.plated
    return kitchen.piles.get(letter) == item


def _free(kitchen: Layout, cells: tuple[Cell, ...], state: State, hand: str) -> tuple[Cell, ...]:
    """Counters that are empty, those between the cooks if there is one, and utensils that take what is held."""
    counters = [cell for cell in cells if cell in kitchen.counters and not state.lies(kitchen, cell)]
    between = [cell for cell in counters if cell in kitchen.shared]
    takes = hand != DISH and hand not in kitchen.plated
    loads = [(cell, state.load(kitchen, cell)) for cell in cells if cell in kitchen.utensils]
    utensils = [cell for cell, load in loads if takes and load.idle and len(load.items) < CAPACITY]
    return tuple((between or counters) + utensils)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a macro is not carried out.

    Attributes:
        waits: it may become possible by itself or by the other cook: waiting a little for it is no mistake.
    """

    why: str
    waits: bool = False


def refusal(kitchen: Layout, state: State, seat: int, macro: Macro) -> Refusal | None:
    """Why a cook cannot do this now; None when it can."""
    hand, place = state.held[seat], macro.place
    if macro.verb in (WAIT, MOVE):
        return None
    if place and not meant(kitchen, seat, macro):
        return Refusal(f"the {place} is out of your reach")
    if macro.verb == PICKUP:
        return _no_pickup(kitchen, state, seat, macro)
    if macro.verb == PUT:
        return _no_put(kitchen, state, seat, macro)
    if macro.verb == BEGIN:
        if place and not set(kitchen.places[place]) & set(kitchen.utensils):
            return Refusal(f"the {place} is nothing to start")
        if kitchen.automatic:
            return Refusal("pots start by themselves when they are full")
        if open_to(kitchen, state, seat, macro):
            return None
        return Refusal(f"nothing lies ready to be started in {f'the {place}' if place else 'your utensils'}")
    if macro.verb == FILL:
        if hand != DISH:
            return Refusal(f"filling takes a {DISH} in your hands, and {_holds(hand)}")
        if open_to(kitchen, state, seat, macro):
            return None
        return Refusal(f"nothing that needs a {DISH} cooks in {f'the {place}' if place else 'your utensils'}", True)
    if not meant(kitchen, seat, macro):
        return Refusal("the serving window is out of your reach")
    if hand not in kitchen.products:
        return Refusal(f"only what was cooked can be served, and {_holds(hand)}")
    return None


def _no_pickup(kitchen: Layout, state: State, seat: int, macro: Macro) -> Refusal | None:
    hand, item, place = state.held[seat], macro.item, macro.place
    if hand:
        return Refusal(f"your hands are full: you hold the {hand}")
    if open_to(kitchen, state, seat, macro):
        return None
    cells = meant(kitchen, seat, macro)
    inside = [state.load(kitchen, cell) for cell in cells if cell in kitchen.utensils]
    if any(not load.idle and load.items[0] == item for load in inside):
        return Refusal(f"the {item} is taken out with a {DISH}: hold one and use fill")
    where = f"in the {place}" if place and not place.startswith("counter") else "on any counter within your reach"
    where = f"on {place}" if place.startswith("counter") and place != "counter" else where
    waits = not place or any(cell in kitchen.counters or cell in kitchen.utensils for cell in cells)
    return Refusal(f"there is no {item} {where}", waits)


def _no_put(kitchen: Layout, state: State, seat: int, macro: Macro) -> Refusal | None:
    hand, place = state.held[seat], macro.place
    if not hand:
        return Refusal("your hands are empty")
    if macro.item and macro.item != hand:
        return Refusal(f"you do not hold the {macro.item}: you hold the {hand}")
    if not place:
        return Refusal("say where to put it: put(counter) or put(a utensil)")
    cells = meant(kitchen, seat, macro)
    if not any(cell in kitchen.counters or cell in kitchen.utensils for cell in cells):
        return Refusal(f"nothing can be put on the {place}")
    if open_to(kitchen, state, seat, macro):
        return None
    if cells[0] in kitchen.counters:
        return Refusal("it is occupied" if len(cells) == 1 else "every counter within your reach is occupied", True)
    if hand == DISH or hand in kitchen.plated:
        return Refusal(f"the {hand} does not go into the {place}")
    loads = [state.load(kitchen, cell) for cell in cells]
    return Refusal(f"the {place} is {'full' if any(load.idle for load in loads) else 'cooking'}", True)


def _holds(hand: str) -> str:
    return f"you hold the {hand}" if hand else "your hands are empty"
