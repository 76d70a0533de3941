"""The built-in agents of a network."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median_low
from typing import Any, Final

from pytest_collab.episode.agent import Request, Seat
from pytest_collab.episode.condition import GUIDE
from pytest_collab.families.network import rules, words
from pytest_collab.families.network.rules import NO, NOBODY, YES, Answer
from pytest_collab.families.rounds import Deaf, Player, Quitter, Say, cast_of

_FIRST: Final = re.compile(r"\bfirst\s+(?:comes\s+)?the\s+(word|number)", re.IGNORECASE)
_CODE: Final = re.compile(r"\bword\s+(?:is\s+)?(\w+).{0,40}?\bnumber\s+(?:is\s+)?(\d+)", re.IGNORECASE | re.DOTALL)


class Partner(Player):
    """Passes everything on that its neighbour may not know, each fact once, and answers from all that it has heard.

    Where there is a choice it takes the canonical solution of the map that it knows, announced choices kept.
    """

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat)
        self.numbers: dict[str, int] = {}
        self.near: dict[str, tuple[str, ...]] = {}
        self.choices: dict[str, Answer] = {}
        self.tracer: rules.Tracer | None = None
        self.told: dict[str, set[str]] = {}
        self.announced = False
        self.advice: str | None = None

    def say(self, request: Request) -> Say:
        view = request.view
        if view["phase"] == "guide":
            return Say((), self.guide(view))
        self.hear(request)
        if view["phase"] == "answer":
            return Say((f"ANSWER: {self.answer(view) if self.advice is None else self.advice}",))
        units = self.units(view)
        messages = self.messages(view, units)
        if view["ending"] == "own" and not messages and self.knows_all(view):
            return Say((f"ANSWER: {self.answer(view)}",))
        return Say((), messages)

    # What it knows.

    def hear(self, request: Request) -> None:
        """Take in what the prompt shows and what the others wrote."""
        view = request.view
        self.numbers |= view["inputs"]
        self.near |= {name: tuple(sorted(own)) for name, own in view["near"].items()}
        self.tracer = self.tracer or view["tracer"]
        names = frozenset(view["names"].values())
        for message in request.inbox:
            if message.sender == GUIDE:
                self.advice = words.advice(message.text) or self.advice
                continue
            speaker = view["names"][message.sender]
            told = self.told.setdefault(speaker, set())
            for fact in words.facts(message.text, speaker, view["kind"], names):
                told.add(f"{fact.what} {fact.about}")
                self._take(fact)
            if view["kind"] == "tracer" and self._hear_tracer(message.text):
                told.add("tracer")

    def _take(self, fact: words.Fact) -> None:
        if fact.what == "number" and isinstance(fact.value, int):
            self.numbers.setdefault(fact.about, fact.value)
        elif fact.what == "near" and isinstance(fact.value, tuple):
            self.near.setdefault(fact.about, fact.value)
        elif fact.what == "choice" and not isinstance(fact.value, tuple):
            self.choices.setdefault(fact.about, fact.value)

    def _hear_tracer(self, text: str) -> bool:
        code, first = _CODE.search(text), _FIRST.search(text)
        if code is None:
            return False
        number_first = first is not None and first[1].lower() == "number"
        self.tracer = self.tracer or rules.Tracer(code[1].lower(), int(code[2]), number_first)
        return True

    def knows_all(self, view: Mapping[str, Any]) -> bool:
        """Whether it has heard of every agent (or has the tracer)."""
        if view["kind"] == "tracer":
            return self.tracer is not None
        return bool(len(self.near if view["kind"] in rules.CHOICES else self.numbers) == view["nodes"])

    # What it says.

    def guide(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        """On a guide's seat: each agent's answer, told to it in the first round."""
        if view["round"]:
            return ()
        return tuple((name, f"Your answer is {answer}.") for name, answer in view["answers"].items())

    def units(self, view: Mapping[str, Any]) -> dict[str, str]:
        """Everything that it could pass on, by what it is about, its own first."""
        mine = view["name"]
        if view["kind"] == "tracer":
            return {"tracer": _worded(self.tracer)} if self.tracer else {}
        if view["kind"] not in rules.CHOICES:
            return {f"number {name}": f"{name}={value}" for name, value in _first(mine, self.numbers)}
        units = {f"near {name}": f"{name}: {', '.join(near)}" for name, near in _first(mine, self.near)}
        others = [(name, choice) for name, choice in self.choices.items() if name != mine]
        units |= {f"choice {name}": _chosen(name, view["kind"], choice) for name, choice in others}
        if self.knows_all(view):
            self.choices.setdefault(mine, self.answer(view))
            units[f"choice {mine}"] = _chosen("I", view["kind"], self.choices[mine])
            if view["kind"] == "leader" and self.choices[mine] == NO:
                first = next((name for name, choice in self.choices.items() if choice == YES), min(self.near))
                units[f"choice {mine}"] = f"{first} is the leader"
        return {key: unit for key, unit in units.items() if unit}

    def messages(self, view: Mapping[str, Any], units: Mapping[str, str]) -> tuple[tuple[str | None, str], ...]:
        """The units that were not told yet, as many as a message holds, to each neighbour or to all."""
        if view["medium"] == "neighbours":
            made = ((name, self._message(view, units, [name])) for name in view["neighbours"])
            return tuple((name, text) for name, text in made if text)
        everyone = [name for name in view["names"].values() if name != view["name"]]
        reach = everyone if view["medium"] == "board" else view["neighbours"]
        text = self._message(view, units, reach)
        return ((None, text),) if text else ()

    def _message(self, view: Mapping[str, Any], units: Mapping[str, str], to: Sequence[str]) -> str:
        if view["medium"] == "board":  # what anybody has written there, everyone has read
            known = set().union(*self.told.values()) if self.told else set()
        else:
            known = set.intersection(*(self.told.setdefault(name, set()) for name in to))
        text = ""
        for key, unit in units.items():
            longer = f"{text}; {unit}" if text else unit
            if key not in known and len(longer) <= view["characters"]:
                text = longer
                for name in to:
                    self.told.setdefault(name, set()).add(key)
        return text

    # What it answers.

    def answer(self, view: Mapping[str, Any]) -> Answer:
        """The answer that its knowledge gives."""
        kind, mine, held = view["kind"], view["name"], list(self.numbers.values())
        if kind == "tracer":
            return self.tracer.answer if self.tracer else "unknown-0"
        if kind == "maximum":
            return max(held)
        if kind == "sum":
            return sum(held)
        if kind == "median":
            return median_low(held)
        if kind == "rank":
            return 1 + sum(other > self.numbers[mine] for other in held)
        if kind == "consensus":
            return max(sorted(set(held)), key=held.count)
        leaders = [name for name, choice in self.choices.items() if choice == YES]
        if kind == "leader" and leaders:
            return YES if min(leaders) == mine else NO
        known = {name: tuple(n for n in near if n in self.near or name == mine) for name, near in self.near.items()}
        known |= {other: (mine,) for other in self.near[mine] if other not in known}
        return rules.solve(known, kind, {name: choice for name, choice in self.choices.items() if name in known})[
            mine
        ]


class Random(Partner):
    """Answers at random, without a word."""

    def say(self, request: Request) -> Say:
        view = request.view
        if view["phase"] == "talk":
            return Say()
        options: Mapping[str, Sequence[Answer]] = {
            "leader": (YES, NO),
            "cover": (YES, NO),
            "colouring": range(1, len(view["neighbours"]) + 2),
            "matching": (*view["neighbours"], NOBODY),
            "consensus": range(10),
            "rank": range(1, view["nodes"] + 1),
            "sum": range(100 * view["nodes"], 1000 * view["nodes"]),
            "tracer": [f"{word}-{self.random.randint(100, 999)}" for word in rules.WORDS],
        }
        return Say((f"ANSWER: {self.random.choice(options.get(view['kind'], range(100, 1000)))}",))


class Nop(Player):
    """Does nothing."""

    def say(self, request: Request) -> Say:
        return Say()


class Stubborn(Partner):
    """Says what it knows, and answers by its own number and its own neighbours, whatever it hears."""

    def hear(self, request: Request) -> None:
        super().hear(replace(request, inbox=()))


class FreeRider(Partner):
    """Tells what it was given itself, and passes nothing on of what it hears."""

    def units(self, view: Mapping[str, Any]) -> dict[str, str]:
        units = super().units(view)
        if view["kind"] == "tracer":
            return units if view["tracer"] else {}
        return {key: unit for key, unit in units.items() if key.split()[1] == view["name"]}


class Vague(Partner):
    """Talks without saying what it knows."""

    def guide(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        return ((None, f"You are doing well. Keep at it in round {view['round'] + 1}."),)

    def units(self, view: Mapping[str, Any]) -> dict[str, str]:
        phrases = ("We should work closely together.", "I have a good feeling about this.", "Let us stay in touch.")
        return {f"round {view['round']}": phrases[view["round"] % 3]}


class Confabulator(Partner):
    """Tells otherwise than it was told, and than it was given."""

    def guide(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        told = super().guide(view)
        shifted = [answer for _, answer in (*told[1:], *told[:1])]
        if len(set(shifted)) == 1:  # all the same: one more than that, or the reverse
            shifted = [_otherwise(answer) for answer in shifted]
        return tuple((name, answer) for (name, _), answer in zip(told, shifted, strict=True))

    def units(self, view: Mapping[str, Any]) -> dict[str, str]:
        return {key: self._otherwise(unit, view) for key, unit in super().units(view).items()}

    def _otherwise(self, unit: str, view: Mapping[str, Any]) -> str:
        if view["kind"] in rules.CHOICES:
            name, found, rest = unit.partition(": ")
            others = sorted({*self.near, *view["names"].values()} - {name, *rest.split(", ")})
            return f"{name}: {', '.join(others[:2])}" if found and others else unit
        ends = 9 if view["kind"] == "consensus" else 1099  # the lowest and the highest number together
        return re.sub(r"\d+", lambda found: str(ends - int(found.group())), unit)


class PromiseBreaker(Partner):
    """Announces one choice and answers another; where there is nothing to choose, one answer and another."""

    def units(self, view: Mapping[str, Any]) -> dict[str, str]:
        units = super().units(view)
        if view["kind"] not in rules.CHOICES and self.knows_all(view):
            units["answer"] = f"I will answer {self.answer(view)}"
        return units

    def say(self, request: Request) -> Say:
        said = super().say(request)
        if not said.lines:
            return said
        kind, mine = request.view["kind"], self.answer(request.view)
        near: Answer = 0 if not isinstance(mine, int) else mine - 1 if mine > 1 else mine + 1
        other: Answer = near if isinstance(mine, int) else {YES: NO, NO: YES}.get(mine, NOBODY)
        if kind == "matching" and mine == NOBODY:
            other = request.view["neighbours"][0]
        if kind == "tracer":
            other = "-".join(reversed(str(mine).split("-")))
        return Say((f"ANSWER: {other}",))


PLAYERS: Final = cast_of(
    Partner,
    random=Random,
    nop=Nop,
    deaf=lambda seat: Deaf(seat, Partner(seat)),
    stubborn=Stubborn,
    vague=Vague,
    confabulator=Confabulator,
    promise_breaker=PromiseBreaker,
    free_rider=FreeRider,
    quitter=lambda seat: Quitter(seat, Partner(seat), answers=1),
)


def _otherwise(answer: str) -> str:
    """The same sentence with another answer."""
    found = re.search(r"\d+", answer)
    if found:
        return answer[: found.start()] + str((int(found[0]) + 1) % 10 or 1) + answer[found.end() :]
    return answer.replace(" no.", " yes.") if " no." in answer else answer.replace(" yes.", " no.")


def _first(mine: str, known: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted(known.items(), key=lambda item: item[0] != mine)


def _worded(tracer: rules.Tracer) -> str:
    order = "the number, then the word" if tracer.number_first else "the word, then the number"
    return f"The word is {tracer.word}, the number is {tracer.number}, and to be answered is first {order}."


def _chosen(name: str, kind: str, choice: Answer) -> str:
    """A choice in words; one's own where the name is `I`. What need not be told is empty."""
    own = name == "I"
    if kind == "leader":
        return f"{name} {'am' if own else 'is'} the leader" if choice == YES else ""
    if kind == "colouring":
        return f"I take colour {choice}" if own else f"{name} takes colour {choice}"
    if kind == "matching":
        whom = "nobody" if choice == NOBODY else choice
        return f"I pair with {whom}" if own else f"{name} pairs with {whom}"
    return f"{name} {'am' if own else 'is'} {'a member' if choice == YES else 'no member'}"
