"""Ranking tasks and hidden profiles: what is dealt, how answers are scored and put together.

A ranking is scored by the sum of the distances of all items from the expert's places (L1, as in the study,
arXiv 2602.01011), a choice by what the options are worth: advantages minus drawbacks.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from pytest_collab.families.experts.scenarios import ADVANTAGES, DRAWBACKS, OPTIONS, SCENARIOS, Scenario

Answer = tuple[str, ...]
"""A ranking (all items, best first) or a choice (one option)."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing known about an option."""

    option: str
    text: str
    good: bool


@dataclass(frozen=True, slots=True)
class Deal:
    """What does not change during an episode.

    Attributes:
        items: what can be ranked or chosen, in the order in which it is shown.
        truth: the right ranking, or the best option.
        told: what the expert takes for right: the truth, but for a ranking with an error.
        worth: what each option is worth (choices).
        common: facts that everyone knows.
        private: by seat, what it alone knows: an item's place (from 1), or facts.
        expert: the seat that knows everything; None when knowledge is spread over all seats.
    """

    kind: Literal["ranking", "hidden_profile"]
    scenario: Scenario | None
    items: tuple[str, ...]
    truth: Answer
    told: Answer
    worth: Mapping[str, int]
    common: tuple[Fact, ...]
    places: tuple[Mapping[str, int], ...]
    facts: tuple[tuple[Fact, ...], ...]
    expert: int | None


@lru_cache(maxsize=256)
def deal_ranking(seats: int, scenario: str, single: bool, seed: int, error: int = 0) -> Deal:
    """Shuffle the items, and give the expert's places to one seat or spread them over all.

    Args:
        error: the L1 distance of the expert's ranking from the right one, even.
    """
    chance = random.Random(f"experts:ranking:{seed}")
    name = scenario if scenario != "any" else sorted(SCENARIOS)[seed % len(SCENARIOS)]
    chosen = SCENARIOS[name]
    truth = tuple(item.key for item in chosen.items)
    items = list(truth)
    chance.shuffle(items)
    told = erring(truth, error, seed)
    place = {key: number for number, key in enumerate(told, 1)}
    expert = chance.randrange(seats) if single else None
    spread = list(items)
    chance.shuffle(spread)
    places: list[dict[str, int]] = [{} for _ in range(seats)]
    for number, key in enumerate(spread):
        places[number % seats if expert is None else expert][key] = place[key]
    return Deal("ranking", chosen, tuple(items), truth, told, {}, (), tuple(places), ((),) * seats, expert)


@lru_cache(maxsize=256)
def deal_profile(seats: int, options: int, single: bool, seed: int) -> Deal:
    """Generate a hidden profile: what everyone knows speaks for the wrong option, what single seats know settles it.

    The advantages of the best option are private, and so are the drawbacks of the one that looks best: whatever one
    seat sees (the expert apart, when there is one) speaks for the latter.
    """
    chance = random.Random(f"experts:profile:{seed}")
    names = list(OPTIONS[:options])
    chance.shuffle(names)
    best, decoy, *rest = names
    good, bad = list(ADVANTAGES), list(DRAWBACKS)
    chance.shuffle(good)
    chance.shuffle(bad)
    hidden = max(3, seats)
    lead = 4 if seats == 2 else 3  # more than what any seat's own facts can make up for
    common = [Fact(decoy, good.pop(), True) for _ in range(lead)]
    common += [Fact(best, good.pop(), True), Fact(best, bad.pop(), False)]
    for name in rest:
        common += [Fact(name, good.pop(), True), Fact(name, bad.pop(), False)]
    private = [Fact(best, good.pop(), True) for _ in range(hidden)]
    private += [Fact(decoy, bad.pop(), False) for _ in range(hidden)]
    chance.shuffle(common)
    expert = chance.randrange(seats) if single else None
    facts: list[list[Fact]] = [[] for _ in range(seats)]
    for number, fact in enumerate(private):
        # advantages of the best go round from the first seat, drawbacks of the decoy from the last
        facts[(number if fact.good else -number) % seats if expert is None else expert].append(fact)
    worth = worth_of([*common, *private], names)
    shown = tuple(sorted(names))
    nothing: tuple[Mapping[str, int], ...] = ({},) * seats
    own = tuple(map(tuple, facts))
    return Deal("hidden_profile", None, shown, (best,), (best,), worth, tuple(common), nothing, own, expert)


def erring(truth: Answer, error: int, seed: int) -> Answer:
    """A ranking at the L1 distance `error` from the right one, by exchanges of neighbours drawn by the seed."""
    chance = random.Random(f"experts:error:{seed}")
    right = {key: number for number, key in enumerate(truth)}
    while True:
        ranking = list(truth)
        for _ in range(error // 2):
            # Both of two neighbours go further off where the upper belongs no lower and the lower no higher.
            worse = [i for i in range(len(ranking) - 1) if right[ranking[i]] <= i and right[ranking[i + 1]] > i]
            if not worse:
                break  # a dead end, hardly ever: begin again
            i = chance.choice(worse)
            ranking[i], ranking[i + 1] = ranking[i + 1], ranking[i]
        else:
            return tuple(ranking)


def pooled(deal: Deal, seats: int) -> Deal:
    """A deal in which the first of `seats` seats is given what all have, and the others nothing."""
    places = {key: place for own in deal.places for key, place in own.items()}
    facts = tuple(fact for own in deal.facts for fact in own)
    none: tuple[Mapping[str, int], ...] = ({},) * (seats - 1)
    return replace(deal, places=(places, *none), facts=(facts, *((),) * (seats - 1)), expert=0)


def wrong(deal: Deal, seed: int) -> Answer:
    """An answer that is wrong and could pass for right.

    Of a ranking, one at half of the greatest distance; of options, the one that what everyone knows speaks for.
    """
    if deal.kind == "ranking":
        return erring(deal.told, 2 * (len(deal.truth) ** 2 // 8), seed)
    worth = worth_of(deal.common, deal.items)
    return (max((name for name in deal.items if name != deal.truth[0]), key=worth.__getitem__),)


def facts_of(deal: Deal) -> tuple[tuple[Fact, tuple[int, ...]], ...]:
    """All facts of a hidden profile, each with the numbers of the seats that know it from the start."""
    everyone = tuple(range(len(deal.facts)))
    common = [(fact, everyone) for fact in deal.common]
    return (*common, *((fact, (i,)) for i, own in enumerate(deal.facts) for fact in own))


def worth_of(facts: Sequence[Fact], options: Sequence[str]) -> dict[str, int]:
    """Advantages minus drawbacks of each option, by the facts given."""
    return {name: sum((1 if fact.good else -1) for fact in facts if fact.option == name) for name in options}


def distance(one: Answer, other: Answer) -> int:
    """The sum of the distances of all items between two rankings; for choices 0 or 1."""
    if len(one) == 1:
        return int(one != other)
    place = {key: number for number, key in enumerate(other)}
    return sum(abs(number - place[key]) for number, key in enumerate(one))


def score(deal: Deal, answer: Answer | None) -> float:
    """0..1: 1 for the right ranking or the best option, 0 for the reverse or the worst, or no answer."""
    if answer is None:
        return 0.0
    if deal.kind == "ranking":
        return 1 - distance(answer, deal.truth) / (len(deal.truth) ** 2 // 2)
    low, high = min(deal.worth.values()), max(deal.worth.values())
    return (deal.worth[answer[0]] - low) / (high - low)


def as_told(deal: Deal, answer: Answer) -> float:
    """How near an answer is to what the expert says, 0..1, on the scale of `score`."""
    if deal.kind == "ranking":
        return 1 - distance(answer, deal.told) / (len(deal.told) ** 2 // 2)
    return score(deal, answer)


def together(deal: Deal, answers: Sequence[Answer]) -> Answer | None:
    """The answer of a group: what more than half of those who answer say.

    Without such a majority a ranking is the order of mean places (ties in the order shown), and a choice is none.
    """
    if not answers:
        return None
    counted, votes = Counter(answers).most_common(1)[0]
    if 2 * votes > len(answers):
        return counted
    return average(deal, answers) if deal.kind == "ranking" else None


def average(deal: Deal, answers: Sequence[Answer]) -> Answer:
    """The items in the order of their mean places."""
    places = [{key: number for number, key in enumerate(answer)} for answer in answers]
    return tuple(sorted(deal.items, key=lambda key: sum(place[key] for place in places)))
