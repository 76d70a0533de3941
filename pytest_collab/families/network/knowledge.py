"""What was told wrongly, kept back, or not made use of in a network: failures, with the events that show them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_collab.episode.outcome import Failure
from pytest_collab.episode.text import counted
from pytest_collab.episode.transcript import Event
from pytest_collab.families.network import rules
from pytest_collab.families.network.flow import Case, Told
from pytest_collab.families.network.rules import Answer, Deal
from pytest_collab.families.network.words import Fact, numbers_in
from pytest_collab.families.rounds import evidence as show


class Knowledge:
    """The failures of a case that follow from who knew what, and when."""

    def __init__(self, case: Case) -> None:
        self.case = case

    def false_claims(self) -> list[Failure]:
        """`false_claim` for seats that told anything otherwise than they had it."""
        return show.broken(self._claims(), "false_claim", least=1, share=0.0)

    def _claims(self) -> Iterator[show.Check]:
        """Inputs and neighbours told otherwise than they were given or heard."""
        deal, at = self.case.deal, {name: node for node, name in enumerate(self.case.deal.names)}
        heard: dict[tuple[int, int, str], dict[object, int]] = {}
        for one in sorted(self.case.flow.told, key=lambda told: told.round):
            for fact in one.facts:
                if fact.what == "choice" or fact.about not in at:
                    continue
                about = at[fact.about]
                true = self._true(about, fact.what)
                if true is None:
                    continue
                if about == one.node:
                    kept, source = fact.value == true, self.case.brief(one.seat)
                else:
                    before = {
                        value: event
                        for value, event in heard.get((one.node, about, fact.what), {}).items()
                        if event < one.said.event.seq
                    }
                    kept = fact.value == true or fact.value in before
                    source = list(before.values())
                if about == one.node or not kept or fact.value == true:
                    note = f"said of {fact.about}: {_shown(fact.value)}; it was told {_shown(true)}"
                    yield show.Check(one.seat, (*source, one.said.event.seq), kept, note)
                for other in one.to:
                    heard.setdefault((other, about, fact.what), {}).setdefault(fact.value, one.said.event.seq)
        if deal.tracer is not None:
            yield from self._false_tracers()

    def _true(self, about: int, what: str) -> Answer | tuple[str, ...] | None:
        deal = self.case.deal
        if what == "number":
            return deal.inputs[about] if deal.inputs else None
        return tuple(sorted(deal.names[other] for other in deal.near[about]))

    def _false_tracers(self) -> Iterator[show.Check]:
        """A word told with another number, by one who had been told the right one."""
        deal, tracer = self.case.deal, self.case.deal.tracer
        assert tracer is not None
        heard = {deal.source: self.case.brief(self.case.seats[deal.source])}
        wrong: dict[int, set[int]] = {}
        for one in sorted(self.case.flow.told, key=lambda told: told.round):
            other = self._numbers_beside(one) - {tracer.number}
            if one.node in heard and (one.carries or other):
                made_up = other - wrong.get(one.node, set())
                note = f"was told {tracer.word} and {tracer.number}, and passed on {one.said.text[:80]!r}"
                yield show.Check(one.seat, (*heard[one.node][-1:], one.said.event.seq), not made_up, note)
            for node in one.to:
                wrong.setdefault(node, set()).update(other)
                if one.carries:
                    heard.setdefault(node, [one.said.event.seq])

    def _numbers_beside(self, one: Told) -> set[int]:
        assert self.case.deal.tracer is not None
        return set(numbers_in(one.said.text)) if self.case.deal.tracer.word in one.said.text.lower() else set()

    def keeping_quiet(self) -> list[Failure]:
        """Those who never wrote a word: with something to tell, or spoken to again and again."""
        found = []
        wrote = {one.node for one in self.case.flow.told}
        for node, seat in enumerate(self.case.seats):
            replies = [step.replies[seat] for step in self.case.steps if seat in step.moves and step.phase == "talk"]
            if node in wrote or len(replies) < 2 or not any(event.data["text"].strip() for event in self._all(seat)):
                continue
            heard = [one.said.event.seq for one in self.case.flow.told if node in one.to]
            kept = self._kept_back(node)
            if kept:
                note = f"never wrote a word, and knew {self._what(kept[0][1])}"
            elif not self.case.flow.needed and len(heard) >= show.CALLS:
                note = f"was sent {counted(len(heard), 'message')} and never wrote a word"
            else:
                continue
            events = [*self.case.brief(seat), *heard, *(event.seq for event in replies)]
            found.append(Failure.of("unresponsive", seat, events=events, note=note))
        return found

    def _all(self, seat: str) -> list[Event]:
        return [step.replies[seat] for step in self.case.steps if seat in step.moves]

    def withholding(self) -> list[Failure]:
        """Those who knew what a neighbour lacked to the end and never passed it on; `vague` if they talked, too."""
        found = []
        for node, seat in enumerate(self.case.seats):
            own = [one for one in self.case.flow.told if one.node == node]
            events = [one.said.event.seq for one in own]
            if len(own) >= 2 and not any(one.carries or one.facts or _tells(one, self.case.deal) for one in own):
                note = f"sent {counted(len(own), 'message')} without a name or a number in them"
                found.append(Failure.of("vague", seat, events=events, note=note))
            kept = self._kept_back(node) if self.case.flow.needed else self._map_kept_back(node)
            if not kept:
                continue
            others, origin = sorted({other for other, _ in kept}), kept[0][1]
            since = self.case.flow.known[node].get(origin, 0)
            first = self.case.brief(seat) if since == 0 else self.case.flow.heard[node]
            first = first or [one.said.event.seq for one in self.case.flow.told if node in one.to]
            note = (
                f"{self.case.deal.names[node]} knew {self._what(origin)} and never passed it on to "
                f"{', '.join(self.case.deal.names[other] for other in others[:3])}"
            )
            shown = [*first, *events, *self.case.replies([node, *others])]
            found.append(Failure.of("withholding", seat, events=shown, note=note))
        return found

    def _map_kept_back(self, node: int) -> list[tuple[int, int]]:
        """(neighbour, whose neighbours) that the node had read and never passed on, where the others do."""
        if not self.case.flow.told or not any(
            fact.what == "near" and fact.about != self.case.deal.names[one.node]
            for one in self.case.flow.told
            if one.node != node
            for fact in one.facts
        ):
            return []
        at = {name: number for number, name in enumerate(self.case.deal.names)}
        read: dict[int, set[int]] = {number: set() for number in range(self.case.deal.nodes)}
        last = self.case.game.rounds - 1
        passed: dict[int, set[int]] = {}
        in_time: set[int] = set()
        for one in self.case.flow.told:
            about = {at[fact.about] for fact in one.facts if fact.what == "near" and fact.about in at}
            for other in one.to:
                read[other] |= about
                if one.node == node:
                    passed.setdefault(other, set()).update(about)
            if node in one.to and one.round < last:
                in_time |= about
        return [
            (other, origin)
            for other in self._reach(node)
            if (other in self.case.result.wrong or node in self.case.result.wrong)
            and not passed.get(other, set()) - {node}
            for origin in sorted(in_time - read[other] - {node, other})
        ]

    def _what(self, origin: int) -> str:
        if self.case.deal.tracer is not None:
            return "word and number"
        if not self.case.flow.needed:
            return f"who is next to {self.case.deal.names[origin]}"
        return f"what {self.case.deal.names[origin]} holds"

    def _kept_back(self, node: int) -> list[tuple[int, int]]:
        """(neighbour, whose input) that the node could have told and did not.

        One that passes on numbers which nobody was given may have put them together: it is not counted. Nor is one
        that said something else of the same agent: that is another matter.
        """
        known, last, names = self.case.flow.known, self.case.game.rounds - 1, self.case.deal.names
        sent = [one for one in self.case.flow.told if one.node == node]
        if any(self._put_together(one) for one in sent):
            return []
        doubtful = {
            fact.about
            for one in self.case.flow.told
            if node in one.to or one.node == node
            for fact in one.facts
            if self._is_false(fact, one)
        }
        kept = []
        for other in self._reach(node):
            passed = frozenset().union(*(one.carries for one in sent if other in one.to))
            kept += [
                (other, origin)
                for origin in sorted(self.case.flow.needed)
                if origin not in known[other]
                and origin not in passed
                and names[origin] not in doubtful
                and known[node].get(origin, last + 1) <= min(last, self._leaves(node))
            ]
        return kept

    def _reach(self, node: int) -> Sequence[int]:
        return [self.case.seats.index(seat) for seat in self.case.game.hears(self.case.seats[node])]

    def _leaves(self, node: int) -> int:
        """The last round in which the node could write."""
        talks = [number for number, step in enumerate(self.case.steps) if self.case.seats[node] in step.moves]
        return max(talks, default=-1)

    def _put_together(self, one: Told) -> bool:
        if self.case.deal.kind in ("consensus", "tracer"):
            return False
        return bool(numbers_in(one.said.text) - set(self.case.deal.inputs)) or any(
            len(word) > 3 for word in one.said.text.replace(",", " ").split() if word.isdigit()
        )

    def premature(self) -> list[Failure]:
        """Those who answered for good before they knew what they needed, with rounds left to hear it."""
        found = []
        for node, step in self.case.answered.items():
            if step.phase != "talk" or node not in self.case.result.wrong or not self.case.flow.needed:
                continue
            number = self.case.steps.index(step)
            lacked = [
                origin for origin in self.case.flow.needed if self.case.flow.known[node].get(origin, 1000) > number
            ]
            if lacked and number < self.case.game.rounds - 1:
                note = (
                    f"answered {self.case.answers[node]} in round {number + 1} of {self.case.game.rounds}, before it "
                    f"had heard {self._what(min(lacked))}"
                    + (f" and {len(lacked) - 1} more" if len(lacked) > 1 else "")
                )
                found.append(
                    Failure.of("premature", self.case.seats[node], events=[self.case.reply(node)], note=note)
                )
        return found

    def ungrounded(self) -> list[Failure]:
        """Wrong answers of those who had been told everything that they needed, and nothing false."""
        found = []
        misled = {
            node for one in self.case.flow.told for fact in one.facts for node in one.to if self._is_false(fact, one)
        } | {node for one in self.case.flow.told for node in one.to if self.case.deal.tracer and self._misleads(one)}
        for node in self.case.result.wrong:
            answer = self.case.answers[node]
            if (
                answer is None
                or not self.case.flow.complete(node)
                or node in misled
                or node not in self.case.answered
            ):
                continue
            right = rules.truth(self.case.deal)[node]
            note = f"had been told all that it needs for {right}, and answered {answer}"
            events = [*(self.case.flow.heard[node] or self.case.brief(self.case.seats[node])), self.case.reply(node)]
            code = "own_part_failed" if self.case.game.told_all else "ungrounded"
            found.append(Failure.of(code, self.case.seats[node], events=events, note=note))
        return found

    def _is_false(self, fact: Fact, one: Told) -> bool:
        if fact.what != "number" or fact.about not in self.case.deal.names:
            return False
        return self._true(self.case.deal.names.index(fact.about), "number") != fact.value

    def _misleads(self, one: Told) -> bool:
        assert self.case.deal.tracer is not None
        return bool(self._numbers_beside(one) - {self.case.deal.tracer.number})


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _tells(one: Told, deal: Deal) -> bool:
    """Whether a message holds a name or a number at all."""
    text = one.said.text.lower()
    return any(letter.isdigit() for letter in text) or any(name.lower() in text for name in deal.names)
