"""One episode's moment: the kitchen, what each cook is about to do, and what has happened; and how the clock runs.

A cook that is told what to do walks there by the shortest way, one step of the kitchen at a time, does it, and is
asked again. Who cannot get on for three steps is asked again, too, and told why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from pytest_collab.core.kitchen.plan import FLOOR, INTERACT, START, STAY, Cell, Layout, around
from pytest_collab.episode.text import counted
from pytest_collab.families.kitchen import rules
from pytest_collab.families.kitchen.macros import BEGIN, MOVE, PICKUP, WAIT, Macro, open_to, refusal, waiting_at
from pytest_collab.families.kitchen.rules import Act, State

PATIENCE: Final = 3
"""So many steps without getting on end a macro."""

AROUND: Final = 6
"""So many steps a cook that was held up keeps to a way around the other."""

DETOUR: Final = 12
"""So many steps in which a cook came no nearer end it, too: two can make way for each other for ever."""


@dataclass(frozen=True, slots=True)
class Doing:
    """What a cook is about.

    Attributes:
        stuck: steps in a row in which it did not get on.
        passed: steps since it began.
        nearest: the fewest steps that were left to where it has to stand.
        late: steps since it came nearest.
        around: so many more steps it looks for a way around the other cook; else it takes the shortest way, as if the
            other were going to move on. The second cook gives way first.
        illegal: it was refused as soon as it was told; the cook stands for a step.
    """

    macro: Macro
    stuck: int = 0
    passed: int = 0
    nearest: int = 1 << 20
    late: int = 0
    around: int = 0
    illegal: bool = False


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that happened in a step.

    Attributes:
        time: the step, from 1.
        what: `took`, `put`, `started`, `spoilt`, `filled`, `served`, `wasted` (served, and not what was ordered),
            `blocked` (the other body stood in the way), `done`, `refused`, `unread` or `returned`
            (the end of a macro).
        item, place: what it is about; `returned` and `refused` have the macro as item and the reason as place.
    """

    time: int
    seat: int
    what: str
    item: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """Where the episode stands.

    Attributes:
        doing: by cook, None where it has to be asked.
        told: by cook, what became of its last macro.
        log: what has happened, in order.
        talks: rounds of talk before the first step that are still to come.
    """

    state: State
    doing: tuple[Doing | None, Doing | None] = (None, None)
    told: tuple[str, str] = ("", "")
    log: tuple[Deed, ...] = ()
    talks: int = 0

    def __str__(self) -> str:
        return f"step {self.state.time}"


def begun(kitchen: Layout, scene: Scene, orders: Mapping[int, Macro | str], heard: frozenset[int]) -> Scene:
    """The scene after cooks were told what to do.

    Args:
        orders: by cook, its macro, or why none could be read; then it stands still for a step, as it does after one
        that
            is not possible.
        heard: cooks to whom somebody has spoken: they stop waiting.
    """
    doing, told, log = list(scene.doing), list(scene.told), list(scene.log)
    for seat, order in orders.items():
        told[seat] = ""
        why = None if isinstance(order, str) else refusal(kitchen, scene.state, seat, order)
        if isinstance(order, Macro) and (why is None or why.waits):
            doing[seat] = Doing(order)
            continue
        doing[seat] = Doing(Macro(WAIT, count=1), illegal=True)
        if why is None:
            told[seat] = f"{order} You stood still for a step."
            log.append(Deed(scene.state.time, seat, "unread"))
        else:
            told[seat] = f"Your {order} was not possible: {why.why}. You stood still for a step."
            log.append(Deed(scene.state.time, seat, "refused", str(order), why.why))
    for seat in heard:
        now = doing[seat]
        if now is not None and now.macro.idle and not now.illegal:
            doing[seat] = replace(now, macro=Macro(WAIT, count=now.passed + 1))
    return replace(scene, doing=(doing[0], doing[1]), told=(told[0], told[1]), log=tuple(log))


def run(kitchen: Layout, scene: Scene, last: int) -> Scene:
    """Let the clock run until somebody has to be asked, the order is served, or step `last` is over."""
    while not over(kitchen, scene, last) and None not in scene.doing:
        scene = tick(kitchen, scene)
    return scene


def over(kitchen: Layout, scene: Scene, last: int) -> bool:
    """Whether nothing more is to be played; soups are cooked until the last step."""
    return scene.state.time >= last or (scene.state.served > 0 and not kitchen.automatic)


def tick(kitchen: Layout, scene: Scene) -> Scene:
    """One step; everybody must be about something."""
    before = scene.state
    acts = [next_act(kitchen, before, seat, now) for seat, now in enumerate(scene.doing) if now is not None]
    after = rules.step(kitchen, before, acts)
    deeds = list(happened(kitchen, before, after, acts))
    doing, told = list(scene.doing), list(scene.told)
    for seat, now in enumerate(scene.doing):
        assert now is not None
        ended = _ended(kitchen, before, after, acts[seat], seat, now)
        if ended is None:
            doing[seat] = _gone_on(kitchen, before, after, seat, now)
            continue
        doing[seat] = None
        if ended and not now.illegal:
            told[seat] = f"Your {now.macro} was given up: {ended}."
            deeds.append(Deed(after.time, seat, "returned", str(now.macro), ended))
        elif not now.illegal:
            told[seat] = "" if now.macro.idle else f"Your {now.macro} is done."
            deeds.append(Deed(after.time, seat, "done", str(now.macro)))
    return replace(scene, state=after, doing=(doing[0], doing[1]), told=(told[0], told[1]), log=(*scene.log, *deeds))


def next_act(kitchen: Layout, state: State, seat: int, now: Doing) -> Act:
    """The next step towards the end of a macro."""
    macro = now.macro
    if macro.verb == WAIT:
        return Act()
    if macro.verb == MOVE:
        return Act(macro.count)
    goals = open_to(kitchen, state, seat, macro)
    facing = rules.ahead(state, seat)
    if not goals:
        there = _nearest_to(state.at[1 - seat], waiting_at(kitchen, seat, macro))
        return Act() if facing in there else Act(_heading(kitchen, state, seat, there, now.around > 0))
    if facing in goals:
        if facing in kitchen.utensils and macro.verb != BEGIN and state.load(kitchen, facing).left > 0:
            return Act()
        return Act(START) if macro.verb == BEGIN else Act(INTERACT, macro.item if macro.verb == PICKUP else "")
    return Act(_heading(kitchen, state, seat, goals, now.around > 0))


def _nearest_to(at: Cell, cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """Those of some cells that are nearest to the other cook: there it will put what is waited for."""
    away = [abs(x - at[0]) + abs(y - at[1]) for x, y in cells]
    return tuple(cell for cell, steps in zip(cells, away, strict=True) if steps == min(away))


def _heading(kitchen: Layout, state: State, seat: int, goals: tuple[Cell, ...], around_other: bool) -> int:
    """The direction of the shortest way to stand in front of a goal, around the other cook if it is to be so."""
    at, other = state.at[seat], state.at[1 - seat]
    stands = {cell for goal in goals for cell in around(goal) if kitchen.cells.get(cell) == FLOOR}
    for blocked in ([frozenset({other})] if around_other else []) + [frozenset[Cell]()]:
        steps = kitchen.distances(sorted(stands - blocked), blocked)
        if at in steps:
            if steps[at] == 0:
                return next(facing for facing, near in enumerate(around(at)) if near in goals)
            return min(range(4), key=lambda facing: steps.get(around(at)[facing], 1 << 20))
    return STAY


def _wants(kitchen: Layout, state: State, act: Act, seat: int) -> Cell | None:
    """The floor that a step would lead to."""
    if act.kind >= STAY:
        return None
    cell = around(state.at[seat])[act.kind]
    return cell if kitchen.cells.get(cell) == FLOOR else None


def _gone_on(kitchen: Layout, before: State, after: State, seat: int, now: Doing) -> Doing:
    """What a cook is about after a step that did not end it."""
    still = before.at[seat] == after.at[seat] and before.facing[seat] == after.facing[seat]
    stuck = now.stuck + 1 if still and not now.macro.idle else 0
    left = _steps_left(kitchen, after, seat, now.macro)
    late = 0 if left < now.nearest else now.late + 1
    around = AROUND if stuck > 1 - seat else max(0, now.around - 1)
    nearest = min(left, now.nearest)
    return replace(now, passed=now.passed + 1, stuck=stuck, nearest=nearest, late=late, around=around)


def _steps_left(kitchen: Layout, state: State, seat: int, macro: Macro) -> int:
    """Steps to where a macro is carried out, as if nobody were in the way."""
    if macro.verb in (WAIT, MOVE):
        return 0
    goals = open_to(kitchen, state, seat, macro) or waiting_at(kitchen, seat, macro)
    stands = {cell for goal in goals for cell in around(goal) if cell in kitchen.floors[seat]}
    return kitchen.distances(sorted(stands)).get(state.at[seat], 1 << 19)


def _ended(kitchen: Layout, before: State, after: State, act: Act, seat: int, now: Doing) -> str | None:
    """None while a macro goes on; an empty text when it is done; else why it was given up."""
    macro = now.macro
    if macro.idle:
        return "" if now.passed + 1 >= macro.count else None
    if macro.verb == MOVE:
        free = _wants(kitchen, before, act, seat) is None or before.at[seat] != after.at[seat]
        return "" if free else "the other cook stood in the way"
    if act.kind in (INTERACT, START):
        changed = before.held[seat] != after.held[seat] or act.kind == START
        return "" if changed else "the other cook was faster"
    if act.kind == STAY and open_to(kitchen, before, seat, macro):
        return None  # it watches what is cooking
    if now.late + 1 >= DETOUR:
        return _why(kitchen, after, seat, now, DETOUR)
    if before.at[seat] == after.at[seat] and before.facing[seat] == after.facing[seat]:
        return _given_up(kitchen, after, seat, now)
    return None


def _given_up(kitchen: Layout, after: State, seat: int, now: Doing) -> str | None:
    if now.stuck + 1 < PATIENCE:
        return None
    return _why(kitchen, after, seat, now, PATIENCE)


def _why(kitchen: Layout, after: State, seat: int, now: Doing, steps: int) -> str:
    why = refusal(kitchen, after, seat, now.macro)
    return (
        f"{why.why}, for {counted(steps, 'step')}"
        if why
        else f"the other cook stood in the way for {counted(steps, 'step')}"
    )


def happened(kitchen: Layout, before: State, after: State, acts: list[Act]) -> Iterator[Deed]:
    """What a step came to, hand by hand."""
    time, middle = after.time, before
    for seat, act in enumerate(acts):
        wanted = _wants(kitchen, before, act, seat)
        if wanted is not None and before.at[seat] == after.at[seat]:
            yield Deed(time, seat, "blocked", place=f"{wanted[0]},{wanted[1]}")
        if act.kind not in (INTERACT, START):
            continue
        then = rules.hands(kitchen, middle, seat, act)
        yield from _hands(kitchen, middle, then, seat, act, time)
        middle = then


def _hands(kitchen: Layout, before: State, then: State, seat: int, act: Act, time: int) -> Iterator[Deed]:
    cell = rules.ahead(before, seat)
    place, had, has = kitchen.names.get(cell, "floor"), before.held[seat], then.held[seat]
    if act.kind == START:
        if before.loads != then.loads:
            spoilt = then.lost > before.lost
            load = (before if spoilt else then).load(kitchen, cell)
            yield Deed(time, seat, "spoilt" if spoilt else "started", " + ".join(load.items), place)
    elif has and had:
        yield Deed(time, seat, "filled", has, place)
    elif has:
        yield Deed(time, seat, "took", has, place)
    elif had and cell in kitchen.utensils + kitchen.counters:
        yield Deed(time, seat, "put", had, place)
        if cell in kitchen.utensils and not then.load(kitchen, cell).idle:
            yield Deed(time, seat, "started", then.load(kitchen, cell).items[0], place)
    elif had:
        yield Deed(time, seat, "served" if then.served > before.served else "wasted", had, place)
