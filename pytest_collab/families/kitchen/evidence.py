"""What cooks did and left undone that can be shown, by seat, with the events that show it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from pytest_collab.core.kitchen.plan import DISH, ONION
from pytest_collab.episode.outcome import Failure
from pytest_collab.episode.text import counted
from pytest_collab.families.kitchen import talk
from pytest_collab.families.kitchen.dialogue import CALLED, HANDS, LONG, Case, Words
from pytest_collab.families.kitchen.scene import Deed, Scene
from pytest_collab.families.kitchen.seats import SEATS

STUCK: Final = 6
"""So many steps in which one body keeps the other from its way are a deadlock."""

ILLEGAL: Final = 3
"""So many actions that were not possible are more than slips."""


def spoilt(case: Case, words: Words) -> Iterator[Failure]:
    """`divergent_design`: knew what belongs together, and started or served something else."""
    order = case.inner.order
    if order is None:
        return
    good = {stage.product for stage in order.stages}
    for seat, name in enumerate(SEATS):
        wrong = [
            deed
            for deed in case.of(seat, "started", "spoilt", "wasted")
            if deed.what != "started" or deed.item not in good
        ]
        asked = {item for _, items in words.asked(seat) for item in items}
        wrong = [
            deed
            for deed in wrong
            if deed.item not in asked
            and {talk.raw_of(part) for part in deed.item.split(" + ")} <= words.told(seat) | {order.name}
        ]
        if wrong:
            ways = {"spoilt": "spoilt {} in the {}", "wasted": "served {}", "started": "made {} in the {}"}
            note = ways[wrong[0].what].format(wrong[0].item, wrong[0].place) + ", which the recipe does not have"
            yield Failure.of("divergent_design", name, events=case.events(seat, wrong), note=note[:300])


def hoarded(case: Case) -> Iterator[Failure]:
    """`withholding`: kept in its hands what it should hand over; `own_part_failed` for who serves."""
    kitchen, order = case.inner.kitchen, case.inner.order
    for seat, name in enumerate(SEATS):
        held = case.last.state.held[seat]
        if not held:
            continue
        since = [deed.time for deed in case.of(seat, "took", "filled") if deed.item == held]
        kept = case.last.state.time - (since[-1] if since else 0)
        needed = held in order.needed if order else held in (ONION, DISH, kitchen.order)
        moved = [deed for deed in case.of(seat, "blocked", "returned", "refused") if since and deed.time > since[-1]]
        if kept < LONG or not needed or moved:
            continue
        own = any(cell in kitchen.reach[seat] for cell in kitchen.places["window"])
        note = f"held {held} for {counted(kept, 'step')} to the end and did nothing with it"
        code = "own_part_failed" if own else "withholding"
        yield Failure.of(
            code, name, events=[case.event(seat, since[-1] if since else 0), *case.replies(seat)[-2:]], note=note
        )


def idle(case: Case) -> Iterator[Failure]:
    """`own_part_failed`: what a cook needed for its next step lay ready, and it left it there to the end."""
    if case.inner.order is None:
        return
    for seat, name in enumerate(SEATS):
        since = _ready_since(case, seat)
        if since is None:
            continue
        turns = [
            step.replies[name].seq for step in case.acts if name in step.replies and step.before.state.time >= since
        ]
        busy = [deed for deed in case.of(seat, *HANDS) if deed.time > since]
        if case.last.state.time - since >= LONG and len(turns) >= CALLED and not busy:
            note = (
                f"had everything for its next step within reach for {counted(case.last.state.time - since, 'step')}"
            )
            yield Failure.of("own_part_failed", name, events=turns, note=note)


def _ready_since(case: Case, seat: int) -> int | None:
    """The step since which a cook that knows the recipe could have gone on, without a break to the end."""
    if not case.inner.knows(SEATS[seat]):
        return None
    since = None
    for scene in case.moments:
        first = scene.state.time if since is None else since
        since = first if _could(case, scene, seat) else None
    return since


def _could(case: Case, scene: Scene, seat: int) -> bool:
    kitchen, order, state = case.inner.kitchen, case.inner.order, scene.state
    assert order is not None
    hand = state.held[seat]
    if hand == order.name:
        return any(cell in kitchen.reach[seat] for cell in kitchen.places["window"])
    for stage in order.stages:
        for cell in kitchen.places[stage.utensil]:
            if cell not in kitchen.reach[seat]:
                continue
            load = state.load(kitchen, cell)
            if load.idle and load.items == stage.inputs:
                return True
            if load.ready and load.items[0] == stage.product and not hand and not stage.plated:
                return True
            lying = [
                item for spot, item in zip(kitchen.counters, state.lying, strict=True) if spot in kitchen.reach[seat]
            ]
            if load.ready and load.items[0] == stage.product and stage.plated and (DISH in lying or hand == DISH):
                return True
            open_ = load.idle and set(load.items) < set(stage.inputs)
            if open_ and any(
                (item in lying and not hand) or item == hand for item in set(stage.inputs) - set(load.items)
            ):
                return True
    return False


def deadlocks(case: Case) -> Iterator[Failure]:
    """`deadlock`: one body kept the other from its way; or every counter is covered with what nobody needs."""
    runs = [_longest(case, seat) for seat in (0, 1)]
    for seat, run in enumerate(runs):
        if len(run) < STUCK:
            continue
        mutual = len(runs[1 - seat]) >= STUCK
        names = SEATS if mutual else (SEATS[1 - seat],)
        if mutual and seat == 1:
            continue
        note = f"cook {SEATS[seat]} could not get past cook {SEATS[1 - seat]} in {counted(len(run), 'step')}"
        events = case.events(seat, run) + case.replies(1 - seat)[-2:]
        yield Failure.of("deadlock", *names, events=events, note=note)
    yield from _covered(case)


def _longest(case: Case, seat: int) -> list[Deed]:
    """The steps in which a cook ran against the other, who did nothing with hands or feet meanwhile."""
    found: list[Deed] = []
    best: list[Deed] = []
    for deed in case.deeds:
        if deed.seat == seat and deed.what == "blocked":
            found.append(deed)
            best = max(best, found, key=len)
        elif deed.what in HANDS:
            found = []
    return list(best)


def _covered(case: Case) -> Iterator[Failure]:
    kitchen, order, state = case.inner.kitchen, case.inner.order, case.last.state
    if order is None or not all(state.lies(kitchen, cell) for cell in kitchen.shared):
        return
    names = {kitchen.names[cell]: state.lies(kitchen, cell) for cell in kitchen.shared}
    junk = Counter(names.values())
    junk.subtract({item: 1 for item in order.needed if item in junk})
    useless = +junk
    if not useless:
        return
    put = [deed for deed in case.deeds if deed.what == "put" and deed.place in names and deed.item in useless]
    words = Words(case)
    asked = [{item for _, items in words.asked(seat) for item in items} for seat in (0, 1)]
    put = [deed for deed in put if deed.item not in asked[deed.seat]]
    last = {deed.place: deed for deed in put if names[deed.place] == deed.item}
    by = Counter(deed.seat for deed in last.values())
    if not by or case.last.state.time - max(deed.time for deed in last.values()) < LONG:
        return
    seat = by.most_common(1)[0][0]
    note = (
        f"covered every counter between them: {', '.join(sorted(names.values()))}; nobody needs {next(iter(useless))}"
    )
    yield Failure.of("deadlock", SEATS[seat], events=case.events(seat, list(last.values())), note=note[:300])


def overlaps(case: Case) -> Iterator[Failure]:
    """`work_overlap`: both fetched a dish for one soup within six steps, and one of them had to put it away."""
    if case.inner.order is not None:
        return
    for seat, name in enumerate(SEATS):
        for put in case.of(seat, "put"):
            if put.item != DISH or not put.place.startswith("counter"):
                continue
            mine = [deed for deed in case.of(seat, "took") if deed.item == DISH and deed.time < put.time]
            theirs = [deed for deed in case.of(1 - seat, "took") if deed.item == DISH]
            if mine and any(abs(mine[-1].time - deed.time) <= STUCK for deed in theirs):
                note = f"both fetched a dish within {STUCK} steps, and cook {name} put its own away again"
                yield Failure.of("work_overlap", *SEATS, events=case.events(seat, [mine[-1], put]), note=note)
                return


def impossible(case: Case, words: Words) -> Iterator[Failure]:
    """`illegal_move`: told again and again to do what is not possible, and what nobody had said was there."""
    for seat, name in enumerate(SEATS):
        claims = [(one, claim) for one in case.heard(seat) for claim in talk.claimed(case.inner.kitchen, one.text)]
        told = {action for one, claim in claims for _, action in words.misled(seat, one, claim.item)}
        refused = [deed for deed in case.of(seat, "refused") if deed.item not in told]
        if len(refused) >= ILLEGAL:
            note = f"{len(refused)} actions were not possible, such as {refused[0].item}: {refused[0].place}"
            yield Failure.of("illegal_move", name, events=case.events(seat, refused), note=note[:300])


def free_riders(case: Case) -> Iterator[Failure]:
    """`free_riding` in soups: hardly a hand moved while the other cook worked."""
    if case.inner.order is not None:
        return
    work = [len(case.of(seat, *HANDS)) for seat in (0, 1)]
    for seat, name in enumerate(SEATS):
        if work[1 - seat] >= 4 and work[seat] * 8 < work[1 - seat] and case.replies(seat):
            note = f"its hands did {work[seat]} things while the other cook's did {work[1 - seat]}"
            yield Failure.of("free_riding", name, events=case.replies(seat), note=note)
