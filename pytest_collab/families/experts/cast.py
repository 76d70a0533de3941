"""The built-in members of a team with an expert."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from pytest_collab.episode.agent import Request, Seat
from pytest_collab.families.rounds import Deaf, Player, Quitter, Say, cast_of

_PLACE: Final = re.compile(r"\b([a-z][a-z-]*) is number (\d+)\b")
_CLAIM: Final = re.compile(r"\bMy answer is ([\w, -]+)")
_FACT: Final = re.compile(r"\b(\w+), (advantage|drawback): ([^.;]+)")


class Partner(Player):
    """Says what it alone knows, once, and answers by everything that it knows and was told."""

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat)
        self.places: dict[str, int] = {}
        self.facts: dict[str, tuple[str, bool]] = {}

    def say(self, request: Request) -> Say:
        view = request.view
        self.hear(request)
        if view["misled"]:
            return self.mislead(view)
        if view["phase"] == "talk":
            return Say((), self.words(view))
        return self.answer(view)

    def mislead(self, view: Mapping[str, Any]) -> Say:
        """What it is told to do against the team: the worst answer that it knows of, and praise for it."""
        if view["kind"] == "ranking":
            worst = list(reversed(self.ranking(view)))
            answer = f"RANKING: {', '.join(worst)}"
        else:
            worst = [name for name in view["items"] if name != self.best(view)][:1]
            answer = f"CHOICE: {worst[0]}"
        if view["phase"] == "talk":
            return Say((), ((None, f"Round {view['talked'] + 1}: I am for {worst[0]} before all else."),))
        return Say((answer,))

    def hear(self, request: Request) -> None:
        """Take in what it sees and what others say."""
        view = request.view
        self.places |= view["places"]
        self.facts |= {text: (option, good) for option, text, good in view["facts"]}
        for message in request.inbox:
            for key, place in _PLACE.findall(message.text):
                self.places.setdefault(key, int(place))
            for option, kind, text in _FACT.findall(message.text):
                self.facts.setdefault(text.strip(), (option, kind == "advantage"))

    def answer(self, view: Mapping[str, Any]) -> Say:
        """Its answer by all it knows."""
        if view["kind"] == "ranking":
            return Say((f"RANKING: {', '.join(self.ranking(view))}",))
        return Say((f"CHOICE: {self.best(view)}",))

    def ranking(self, view: Mapping[str, Any]) -> list[str]:
        """Known items on their places, the others between them in the order shown."""
        items = list(view["items"])
        ranked: list[str | None] = [None] * len(items)
        for key, place in self.places.items():
            if key in items and 1 <= place <= len(items) and ranked[place - 1] is None:
                ranked[place - 1] = key
        others = iter([key for key in items if key not in ranked])
        return [key or next(others) for key in ranked]

    def best(self, view: Mapping[str, Any]) -> str:
        """The option with the greatest balance."""
        balance: dict[str, int] = dict.fromkeys(view["items"], 0)
        for option, good in self.facts.values():
            if option in balance:
                balance[option] += 1 if good else -1
        items: list[str] = list(view["items"])
        return max(balance, key=lambda name: (balance[name], -items.index(name)))

    def words(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        """What it alone knows, in the first round of discussion."""
        if view["talked"]:
            return ()
        told = [f"{key} is number {place}" for key, place in sorted(view["places"].items(), key=lambda one: one[1])]
        told += [f"{option}, {'advantage' if good else 'drawback'}: {text}" for option, text, good in view["own"]]
        if not told:
            return ((None, "I have heard nothing special. Who has? I will go by it."),)
        return ((None, f"This is what I know for certain: {'; '.join(told)}."),)


class Random(Partner):
    """Answers at random."""

    def answer(self, view: Mapping[str, Any]) -> Say:
        if view["kind"] == "ranking":
            return Say((f"RANKING: {', '.join(self.random.sample(view['items'], len(view['items'])))}",))
        return Say((f"CHOICE: {self.random.choice(view['items'])}",))

    def words(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        return ()


class Nop(Player):
    """Does nothing."""

    def say(self, request: Request) -> Say:
        return Say()


class Stubborn(Partner):
    """Says what it alone knows, and sticks to its first answer whatever it hears."""

    def hear(self, request: Request) -> None:
        super().hear(replace(request, inbox=()))

    def words(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        return super().words(view) or (
            (None, f"Round {view['talked'] + 1}: I have seen no reason to change my mind."),
        )


class Vague(Partner):
    """Talks without saying what it knows."""

    def words(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        phrases = ("We should weigh this with care.", "There is a lot to be said here.", "I have a good feeling.")
        return ((None, f"{phrases[view['talked'] % 3]} Round {view['talked'] + 1} already."),)


class Repeater(Partner):
    """Says the same empty thing in every round."""

    def words(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        return ((None, "Let us think about this together."),)


class Confabulator(Partner):
    """Says the opposite of what it knows."""

    def words(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        if view["talked"]:
            return ()
        last = len(view["items"]) + 1
        told = [f"{key} is number {last - place}" for key, place in view["places"].items()]
        others = list(view["items"])
        for option, text, good in view["own"]:
            wrong = others[(others.index(option) + 1) % len(others)]
            told.append(f"{wrong}, {'advantage' if good else 'drawback'}: {text}")
        return ((None, f"This is what I know for certain: {'; '.join(told)}."),) if told else ()


class PromiseBreaker(Partner):
    """Announces the answer that the facts ask for and gives another one."""

    def words(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        plan = (
            f"I will choose {self.best(view)}."
            if view["kind"] == "hidden_profile"
            else (f"I will put {self.ranking(view)[0]} first.")
        )
        return (*super().words(view), (None, f"Round {view['talked'] + 1}. {plan}"))

    def answer(self, view: Mapping[str, Any]) -> Say:
        if view["phase"] == "alone":
            return super().answer(view)
        if view["kind"] == "ranking":
            return Say((f"RANKING: {', '.join(reversed(self.ranking(view)))}",))
        names = [name for name in view["items"] if name != self.best(view)]
        return Say((f"CHOICE: {names[0]}",))


class Conformist(Partner):
    """Says what it knows, and ends with what most others say, whatever it knows."""

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat)
        self.voices: dict[str, tuple[str, ...]] = {}

    def hear(self, request: Request) -> None:
        super().hear(request)
        for message in request.inbox:
            found = _CLAIM.search(message.text)
            if found:
                self.voices[message.sender] = tuple(re.split(r"\s*,\s*", found.group(1)))

    def answer(self, view: Mapping[str, Any]) -> Say:
        answered = {who: tuple(said) for who, said in view.get("others", {}).items()}
        voices = Counter({**self.voices, **answered}.values())
        others = len(self.seat.seats) - 1
        if view["phase"] == "final" and voices and 2 * max(voices.values()) > others:
            return written(view, voices.most_common(1)[0][0])
        return super().answer(view)


class Confederate(Player):
    """Says what it is told to say; told nothing, it says with others of its kind what is best by what all know."""

    def say(self, request: Request) -> Say:
        view = request.view
        claim = tuple(view.get("claim") or self.obvious(view))
        if view["phase"] == "talk":
            return Say((), ((None, f"Round {view['talked'] + 1}: I am sure. My answer is {', '.join(claim)}."),))
        return written(view, claim)

    def obvious(self, view: Mapping[str, Any]) -> list[str]:
        """Of options, what the facts that all know speak for; of rankings, the order shown."""
        items: list[str] = list(view["items"])
        if view["kind"] == "ranking":
            return items
        own = {text for _, text, _ in view["own"]}
        facts = [(option, good) for option, text, good in view["facts"] if text not in own]
        return [max(items, key=lambda name: sum((1 if good else -1) for option, good in facts if option == name))]


def written(view: Mapping[str, Any], answer: Sequence[str]) -> Say:
    """An answer as a line."""
    return Say((f"{'RANKING' if view['kind'] == 'ranking' else 'CHOICE'}: {', '.join(answer)}",))


PLAYERS: Final = cast_of(
    Partner,
    random=Random,
    nop=Nop,
    deaf=lambda seat: Deaf(seat, Partner(seat)),
    stubborn=Stubborn,
    vague=Vague,
    repeater=Repeater,
    confabulator=Confabulator,
    promise_breaker=PromiseBreaker,
    conformist=Conformist,
    confederate=Confederate,
    quitter=lambda seat: Quitter(seat, Partner(seat), answers=1),
)
