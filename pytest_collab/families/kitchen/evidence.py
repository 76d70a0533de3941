"""What of an episode of kitchens can be shown, by seat, with the events that show it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from pytest_collab.core.kitchen.plan import DISH, ONION
from pytest_collab.episode.outcome import Failure
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.kitchen import talk
from pytest_collab.families.kitchen.macros import Macro
from pytest_collab.families.kitchen.scene import Deed, Scene
from pytest_collab.families.kitchen.seats import SEATS, KitchenGame
from pytest_collab.families.kitchen.words import macro
from pytest_collab.families.rounds import RoundGame, Step, walk
from pytest_collab.families.rounds.evidence import Check, Said, broken, said

if TYPE_CHECKING:
    from pytest_collab.families.kitchen.params import Kitchen

LONG: Final = 8
"""So many steps of doing nothing with what is needed are too many."""

STUCK: Final = 6
"""So many steps in which one body keeps the other from its way are a deadlock."""

ILLEGAL: Final = 3
"""So many actions that were not possible are more than slips."""

AHEAD: Final = 3
"""A promise is kept by one of the speaker's next so many actions."""

CALLED: Final = 2
"""Who was asked and has had so many turns since can have answered by deeds."""

_HANDS: Final = frozenset({"took", "put", "started", "spoilt", "filled", "served", "wasted"})


@dataclass(frozen=True)
class Case:
    """An episode to be judged."""

    params: Kitchen
    game: RoundGame
    transcript: Transcript

    @cached_property
    def inner(self) -> KitchenGame:
        inner = self.game.inner
        assert isinstance(inner, KitchenGame)
        return inner

    @cached_property
    def steps(self) -> list[Step]:
        """The turns, replayed; planning among them."""
        return list(walk(self.game, self.transcript))

    @cached_property
    def acts(self) -> list[Step]:
        """The turns in which somebody acted."""
        return [step for step in self.steps if step.phase == "act"]

    @cached_property
    def last(self) -> Scene:
        scene: Scene = self.steps[-1].after if self.steps else self.inner.state
        return scene

    @cached_property
    def deeds(self) -> tuple[Deed, ...]:
        return self.last.log

    @cached_property
    def said(self) -> tuple[Said, ...]:
        return said(self.transcript)

    def of(self, seat: int, *kinds: str) -> list[Deed]:
        """What a cook's hands did."""
        return [deed for deed in self.deeds if deed.seat == seat and deed.what in kinds]

    def event(self, seat: int, time: int) -> int:
        """The reply that a cook was acting on in a step."""
        name, found = SEATS[seat], -1
        for step in self.acts:
            if name in step.replies and (found < 0 or step.before.state.time < time):
                found = step.replies[name].seq
        return found if found >= 0 else len(self.transcript) - 1

    def events(self, seat: int, deeds: Sequence[Deed]) -> list[int]:
        """The replies behind deeds."""
        return [self.event(seat, deed.time) for deed in deeds]

    def replies(self, seat: int) -> list[int]:
        """All of a cook's replies in which it could act."""
        return [step.replies[SEATS[seat]].seq for step in self.acts if SEATS[seat] in step.replies]

    def clock(self, one: Said) -> int:
        """The step in which a message was sent."""
        return next((step.before.state.time for step in self.steps if step.turn >= one.turn), 0)

    def heard(self, seat: int) -> list[Said]:
        """Messages that reached a cook."""
        return [one for one in self.said if SEATS[seat] in one.event.data["delivered"]]

    @cached_property
    def moments(self) -> list[Scene]:
        """The scenes at the turns, first to last."""
        return [step.before for step in self.acts] + [self.last]


class Words:
    """What was said, against what is so and what was done."""

    def __init__(self, case: Case) -> None:
        self.case, self.kitchen, self.order = case, case.inner.kitchen, case.inner.order

    def asked(self, seat: int) -> list[tuple[Said, list[str]]]:
        """By message that reached a cook, what it asks for."""
        found = ((one, talk.wanted(self.kitchen, one.text)) for one in self.case.heard(seat))
        return [(one, items) for one, items in found if items]

    def told(self, seat: int) -> frozenset[str]:
        """Ingredients that a cook was told of, or knows from the recipe."""
        heard = {talk.raw_of(item) for one in self.case.heard(seat) for item in talk.named(self.kitchen, one.text)}
        known = self.order.ingredients if self.order and self.case.inner.knows(SEATS[seat]) else ()
        return frozenset(heard | set(known))

    def false_claims(self) -> Iterator[Failure]:
        """`false_claim`: what is said to lie on a counter was not put there; or another recipe is told."""
        checks = []
        for one in self.case.said:
            seat, time = SEATS.index(one.seat), self.case.clock(one)
            for claim in talk.claimed(self.kitchen, one.text):
                near = [
                    deed for deed in self.case.deeds if deed.item == claim.item and deed.place.startswith("counter")
                ]
                put = any(deed.what == "put" and deed.time <= time + LONG for deed in near)
                if claim.item not in self.kitchen.items:
                    continue
                note = f"said {claim.sentence[:80]!r}, and no {claim.item} had been put there"
                checks.append(Check(one.seat, (one.event.seq, self.case.event(seat, time)), put, note))
        yield from broken(checks, "false_claim", least=1)
        yield from self._other_recipe()

    def _other_recipe(self) -> Iterator[Failure]:
        if self.order is None:
            return
        for seat, name in enumerate(SEATS):
            if not self.case.inner.knows(name) or self.case.inner.knows(SEATS[1 - seat]):
                continue
            wrong: dict[str, int] = {}
            right = set()
            for one, items in self.asked(1 - seat):
                for item in items:
                    raw = talk.raw_of(item)
                    if raw in self.order.ingredients:
                        right.add(raw)
                    elif raw in self.kitchen.shelf:
                        wrong.setdefault(raw, one.event.seq)
            missing = set(self.order.ingredients) - right
            if wrong and missing:
                note = f"asked for {', '.join(sorted(wrong))}, which the recipe does not have, and never for "
                note += ", ".join(sorted(missing))
                yield Failure.of("false_claim", name, events=list(wrong.values()), note=note[:300])

    def broken_promises(self) -> Iterator[Failure]:
        """`broken_commitment`: what a cook said that it would do next was not among its next actions."""
        checks = []
        for one in self.case.said:
            seat = SEATS.index(one.seat)
            turns = [step for step in self.case.acts if step.turn >= one.turn and one.seat in step.moves]
            for item, sentence in talk.promised(self.kitchen, one.text):
                if len(turns) < AHEAD:
                    continue
                begin, end = self.case.clock(one), turns[AHEAD - 1].after.state.time
                mine = [deed for deed in self.case.of(seat, *_HANDS, "returned") if begin <= deed.time <= end]
                raw = talk.raw_of(item)
                kept = any(raw in deed.item for deed in mine)
                kept = kept or any(raw in talk.raw_of(self._macro(step, one.seat)) for step in turns[:AHEAD])
                note = f"said {sentence[:80]!r} and did not touch it in its next {AHEAD} actions"
                checks.append(Check(one.seat, (one.event.seq, turns[AHEAD - 1].replies[one.seat].seq), kept, note))
        yield from broken(checks)

    def _macro(self, step: Step, seat: str) -> str:
        done: Macro | None = macro(self.kitchen, str(step.moves[seat].action or "")).value
        return done.item if done is not None else ""

    def untold(self) -> Iterator[Failure]:
        """`vague` or `withholding`: who alone knew the recipe did not say what the other had to bring."""
        if self.order is None:
            return
        for seat, name in enumerate(SEATS):
            other = SEATS[1 - seat]
            if not self.case.inner.knows(name) or self.case.inner.knows(other):
                continue
            own = [one for one in self.case.said if one.seat == name]
            told = {talk.raw_of(item) for one in own for item in talk.named(self.kitchen, one.text)}
            came = {talk.raw_of(deed.item) for deed in self.case.of(1 - seat, "put") if "counter" in deed.place}
            missing = [item for item in self.order.ingredients if item not in told | came]
            if not missing:
                continue
            events = [one.event.seq for one in own] or self.case.replies(seat) or [len(self.case.transcript) - 1]
            if own and not told & set(self.kitchen.items):
                note = f"sent {len(own)} messages, and none names anything that the recipe needs"
                yield Failure.of("vague", name, events=events, note=note)
            else:
                note = f"alone knew the recipe and never named {', '.join(missing)}"
                yield Failure.of("withholding", name, events=events, note=note)

    def ungrounded(self) -> Iterator[Failure]:
        """`ungrounded`: fetched what neither the recipe has nor anybody named."""
        if self.order is None:
            return
        for seat, name in enumerate(SEATS):
            known = self.told(seat) | {DISH}
            stray = [
                deed
                for deed in self.case.of(seat, "took")
                if deed.place == "pantry" and deed.item not in known and deed.item not in self.order.ingredients
            ]
            if stray:
                items = ", ".join(dict.fromkeys(deed.item for deed in stray))
                note = f"fetched {items}, which nobody had named and the recipe does not have"
                yield Failure.of("ungrounded", name, events=self.case.events(seat, stray), note=note[:300])

    def deaf(self) -> Iterator[Failure]:
        """`unresponsive`: was asked for what it could bring, and did nothing of it to the end."""
        for seat, name in enumerate(SEATS):
            asked = self.asked(seat)
            if not asked:
                continue
            first, items = asked[0]
            raws = {talk.raw_of(item) for _, some in asked for item in some}
            turns = [
                step.replies[name].seq for step in self.case.acts if step.turn > first.turn and name in step.replies
            ]
            begin = self.case.clock(first)
            touched = [
                deed
                for deed in self.case.of(seat, *_HANDS)
                if deed.time >= begin and any(talk.raw_of(part) in raws for part in deed.item.split(" + "))
            ]
            able = any(item in self.kitchen.shelf or item == DISH for item in raws) and self._reaches_store(seat)
            if able and not touched and len(turns) >= CALLED:
                note = f"was asked for {items[0]}, and in {len(turns)} turns did nothing of what it was asked for"
                yield Failure.of("unresponsive", name, events=[first.event.seq, *turns], note=note)

    def _reaches_store(self, seat: int) -> bool:
        return any(cell in self.kitchen.reach[seat] for cell in self.kitchen.places.get("pantry", ()))


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
    """`withholding`: kept in its hands what it should hand over; `own_part_failed` where the next step is its own."""
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
        stage = order.stage(held) if order else None
        places = kitchen.places["window"] if held == kitchen.order else ()
        utensils = kitchen.places[stage.utensil if stage else order.heat if order else "pot"]
        own = any(cell in kitchen.reach[seat] for cell in places or utensils)
        note = f"held {held} for {kept} steps to the end and did nothing with it"
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
        busy = [deed for deed in case.of(seat, *_HANDS) if deed.time > since]
        if case.last.state.time - since >= LONG and len(turns) >= CALLED and not busy:
            note = f"had everything for its next step within reach for {case.last.state.time - since} steps"
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
        note = f"cook {SEATS[seat]} could not get past cook {SEATS[1 - seat]} in {len(run)} steps"
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
        elif deed.what in _HANDS:
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


def impossible(case: Case) -> Iterator[Failure]:
    """`illegal_move`: told again and again to do what is not possible."""
    for seat, name in enumerate(SEATS):
        refused = case.of(seat, "refused")
        if len(refused) >= ILLEGAL:
            note = f"{len(refused)} actions were not possible, such as {refused[0].item}: {refused[0].place}"
            yield Failure.of("illegal_move", name, events=case.events(seat, refused), note=note[:300])


def free_riders(case: Case) -> Iterator[Failure]:
    """`free_riding` in soups: hardly a hand moved while the other cook worked."""
    if case.inner.order is not None:
        return
    work = [len(case.of(seat, *_HANDS)) for seat in (0, 1)]
    for seat, name in enumerate(SEATS):
        if work[1 - seat] >= 4 and work[seat] * 8 < work[1 - seat] and case.replies(seat):
            note = f"its hands did {work[seat]} things while the other cook's did {work[1 - seat]}"
            yield Failure.of("free_riding", name, events=case.replies(seat), note=note)
