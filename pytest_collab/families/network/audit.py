"""Which networks measure nothing: those that are solved by doing nothing, or without a word between the seats."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from pytest_collab.families.network import rules
from pytest_collab.families.network.rules import NO, NOBODY, YES, Answer, Deal

IDLE: Final = 0.25
"""The share of seeds in which answers that look at nothing may be right."""

BY_SIGHT: Final = 0.9
"""The share of seeds in which everybody may be right by what it sees of its neighbours alone."""

SEEDS: Final = 40


@lru_cache(maxsize=128)
def idle(kind: str, shape: str, nodes: int) -> tuple[str, float]:
    """The best of the ways to answer without looking, in words, and the share of seeds that it solves."""
    won: dict[str, int] = {}
    for dealt in _deals(kind, shape, nodes):
        for how, answers in _unasked(dealt).items():
            won[how] = won.get(how, 0) + rules.judge(dealt, answers).success
    how, times = max(won.items(), key=lambda item: item[1])
    return how, times / SEEDS


@lru_cache(maxsize=128)
def by_sight(kind: str, shape: str, nodes: int) -> float:
    """The share of seeds solved when everyone goes by the order of the names among its neighbours, without talk."""
    if kind not in rules.CHOICES:
        return 0.0
    deals = _deals(kind, shape, nodes)
    won = [rules.judge(dealt, [_seen(dealt, node) for node in range(nodes)]).success for dealt in deals]
    return sum(won) / SEEDS


def complaint(kind: str, shape: str, nodes: int) -> str | None:
    """Why such a network is no test of working together; None when it is one."""
    where, remedy = f"({kind}, {shape}, {nodes} seats)", "take more seats or another graph"
    how, share = idle(kind, shape, nodes)
    if share > IDLE:
        return f"{how} solves {share:.0%} of these networks {where}; {remedy}"
    seen = by_sight(kind, shape, nodes)
    if seen > BY_SIGHT:
        return f"what everyone sees of its neighbours solves {seen:.0%} of these networks {where}; {remedy}"
    return None


def _deals(kind: str, shape: str, nodes: int) -> list[Deal]:
    return [rules.deal(kind, shape, nodes, seed) for seed in range(SEEDS)]


def _unasked(dealt: Deal) -> dict[str, Sequence[Answer | None]]:
    nodes = range(dealt.nodes)
    options: dict[str, Sequence[Answer]] = {
        "leader": (YES, NO),
        "cover": (YES, NO),
        "matching": (NOBODY,),
        "colouring": range(1, dealt.colours + 1),
        "consensus": range(10),
        "rank": range(1, dealt.nodes + 1),
    }
    constants = options.get(dealt.kind, ())
    ways: dict[str, Sequence[Answer | None]] = {"saying nothing": [None for _ in nodes]}
    ways |= {f"everyone saying {constant!r}": [constant for _ in nodes] for constant in constants}
    return ways | ({"everyone giving its own number": list(dealt.inputs)} if dealt.inputs else {})


def _seen(dealt: Deal, node: int) -> Answer:
    name, near = dealt.names[node], [dealt.names[other] for other in dealt.near[node]]
    return rules.solve({name: near, **{other: [name] for other in near}}, dealt.kind)[name]
