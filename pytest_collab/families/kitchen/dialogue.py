"""An episode to be judged, and what its words come to beside what is so and what was done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from pytest_collab.core.kitchen.plan import DISH
from pytest_collab.episode.outcome import Failure
from pytest_collab.episode.text import counted
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.kitchen import memory, talk
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

AHEAD: Final = 3
"""A promise is kept by one of the speaker's next so many actions."""

CALLED: Final = 2
"""Who was asked and has had so many turns since can have answered by deeds."""

HANDS: Final = frozenset({"took", "put", "started", "spoilt", "filled", "served", "wasted"})


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
        """Messages, and what was written into a memory that both read."""
        both = (*said(self.transcript), *memory.said(self.transcript))
        return tuple(sorted(both, key=lambda one: one.event.seq))

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
                fell = [] if put else [turn for turn, _ in self.misled(1 - seat, one, claim.item)]
                events = (one.event.seq, self.case.event(seat, time), *fell)
                checks.append(Check(one.seat, events, put, note))
        yield from broken(checks, "false_claim", least=1)
        yield from self._other_recipe()

    def misled(self, seat: int, one: Said, item: str) -> list[tuple[int, str]]:
        """The replies in which a cook, told that an item lies on a counter, went for it in vain, with its actions."""
        if SEATS[seat] not in one.event.data["delivered"]:
            return []
        vain = [deed for deed in self.case.of(seat, "refused", "returned") if deed.time >= self.case.clock(one)]
        vain = [deed for deed in vain if deed.item.startswith(f"pickup({item}") and "pantry" not in deed.item]
        return [(self.case.event(seat, deed.time), deed.item) for deed in vain]

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
                fetched = [deed for deed in self.case.of(1 - seat, "took") if talk.raw_of(deed.item) in wrong]
                events = [*wrong.values(), *self.case.events(1 - seat, fetched)]
                yield Failure.of("false_claim", name, events=events, note=note[:300])

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
                mine = [deed for deed in self.case.of(seat, *HANDS, "returned") if begin <= deed.time <= end]
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
                note = f"sent {counted(len(own), 'message')}, and none names anything that the recipe needs"
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
                for deed in self.case.of(seat, *HANDS)
                if deed.time >= begin and any(talk.raw_of(part) in raws for part in deed.item.split(" + "))
            ]
            able = any(item in self.kitchen.shelf or item == DISH for item in raws) and self._reaches_store(seat)
            if able and not touched and len(turns) >= CALLED:
                note = (
                    f"was asked for {items[0]}, and in {counted(len(turns), 'turn')} did nothing of "
                    "what it was asked for"
                )
                yield Failure.of("unresponsive", name, events=[first.event.seq, *turns], note=note)

    def _reaches_store(self, seat: int) -> bool:
        return any(cell in self.kitchen.reach[seat] for cell in self.kitchen.places.get("pantry", ()))
