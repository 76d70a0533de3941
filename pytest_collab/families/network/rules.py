"""The problems of a network: what is dealt, which answers are right, and how they could be found with the whole map.

`leader`, `consensus`, `colouring`, `matching` and `cover` are AgentsNet's (arXiv 2507.08616), with two repairs: what
is agreed on in `consensus` must be what most seats were given (else "0" from everybody, unasked, is a perfect
score), and a `cover` is judged by what its seats are told. `maximum`, `sum`, `rank` and `median` put private numbers
together, as Silo-Bench does (arXiv 2603.01045); `tracer` passes a message on from hand to hand, as AgentCollabBench
does (arXiv 2605.08647).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import median_low
from typing import Final

from pytest_collab.families.network import graphs
from pytest_collab.families.network.graphs import Neighbours

Answer = str | int
YES, NO, NOBODY = "yes", "no", "none"

CHOICES: Final = ("leader", "colouring", "matching", "cover")
"""Kinds in which seats choose, and many solutions are right."""

NUMBERS: Final = ("maximum", "sum", "rank", "median")
"""Kinds in which the private inputs are different numbers of three digits, and everyone needs all of them."""

KINDS: Final = (*CHOICES, "consensus", *NUMBERS, "tracer")

_NAMES: Final = """
Abel Ada Aiko Alma Amir Anja Aron Aziz Bela Bodo Bram Brit Cleo Cora Cruz Dana Dario Dima Dora Edda
Edo Elif Elsa Emil Enzo Erik Esra Ezra Faye Felix Fiona Franz Gaia Galo Gina Gleb Greta Gus Hana
Hans Hedy Henk Hugo Ida Igor Ines Ingo Iris Ivo Jana Jens Jin Joao Jora Juno Kaan Kaja Kenji Kira
Klaus Lada Lars Leif Lena Lior Lola Luca Lutz Magda Malik Mara Milo Mina Moira Nadia Naim Nell Nico
Nils Noor Odin Olga Omar Orla Oskar Paco Petra Pia Piotr Quinn Raul Rena Rolf Rosa Ruben Sana Saul
Selma Silas Suri Tara Theo Tilda Tomas Uma Ursa Vera Viggo Wanda Wim Xenia Yara Yusuf Zeno Zora
"""
NAMES: Final = tuple(_NAMES.split())
"""What nodes are called, by seed: were they called by their seats, a would know unasked that it is the first."""

WORDS: Final = (
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "inlet", "jetty", "kelp", "larch",
    "maple", "north", "ochre", "pearl", "quartz", "raven", "slate", "tidal", "umber", "vapor", "willow", "yarrow",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tracer:
    """What the first seat is told to pass on: a word, a number, and in which order they are to be answered."""

    word: str
    number: int
    number_first: bool

    @property
    def answer(self) -> str:
        return f"{self.number}-{self.word}" if self.number_first else f"{self.word}-{self.number}"


@dataclass(frozen=True, slots=True)
class Deal:
    """One problem.

    Attributes:
        names: by node, what it is called.
        near: by node, its neighbours.
        inputs: by node, its private number; empty where there is none.
        source: the node that is told the tracer; -1 without one.
    """

    kind: str
    names: tuple[str, ...]
    near: Neighbours
    inputs: tuple[int, ...] = ()
    tracer: Tracer | None = None
    source: int = -1

    @property
    def nodes(self) -> int:
        return len(self.near)

    @property
    def colours(self) -> int:
        """Colours there are: one more than the most neighbours that a node has, so that greed always works."""
        return max(map(len, self.near)) + 1


@lru_cache(maxsize=512)
def deal(kind: str, shape: str, nodes: int, seed: int) -> Deal:
    """The problem of a seed."""
    near = graphs.connected(shape, nodes, seed)
    rng = random.Random(f"network:{kind}:{nodes}:{seed}")
    names = tuple(rng.sample(NAMES, nodes))
    if kind in CHOICES:
        return Deal(kind, names, near)
    if kind == "tracer":
        ends = [node for node in range(nodes) if len(near[node]) == 1] or list(range(nodes))
        tracer = Tracer(rng.choice(WORDS), rng.randint(100, 999), rng.random() < 0.5)
        return Deal(kind, names, near, (), tracer, rng.choice(ends))
    if kind == "consensus":
        most = rng.randint(0, 9)
        others = [value for value in range(10) if value != most]
        held = [most] * (nodes // 2 + 1)
        held += [rng.choice(others) for _ in range(nodes - len(held))]
        rng.shuffle(held)
        return Deal(kind, names, near, tuple(held))
    return Deal(kind, names, near, tuple(rng.sample(range(100, 1000), nodes)))


def truth(dealt: Deal) -> tuple[Answer, ...]:
    """By node, the one right answer, where there is one; empty for kinds in which seats choose."""
    inputs, n = dealt.inputs, dealt.nodes
    if dealt.tracer is not None:
        return (dealt.tracer.answer,) * n
    if dealt.kind == "consensus":
        return (max(set(inputs), key=inputs.count),) * n
    if dealt.kind == "maximum":
        return (max(inputs),) * n
    if dealt.kind == "sum":
        return (sum(inputs),) * n
    if dealt.kind == "median":
        return (median_low(inputs),) * n
    if dealt.kind == "rank":
        return tuple(1 + sum(other > own for other in inputs) for own in inputs)
    return ()


@dataclass(frozen=True, slots=True)
class Result:
    """How a set of answers fares.

    Attributes:
        score: 0..1: the share of seats that are right, or of edges in a colouring; coverage times the share of
            necessary members in a cover; 0 or 1 for a leader.
        wrong: the nodes whose answers do not fit (in a colouring, those at either end of a bad edge).
    """

    success: bool
    score: float
    wrong: tuple[int, ...]


def judge(dealt: Deal, answers: Sequence[Answer | None]) -> Result:
    """Judge answers by node, None where there is none; in a matching they are names, or `none`."""
    nodes = range(dealt.nodes)
    if dealt.kind == "leader":
        leaders = [node for node in nodes if answers[node] == YES]
        silent = [node for node in nodes if answers[node] is None]
        good = len(leaders) == 1 and not silent
        wrong = silent if len(leaders) == 1 else leaders or list(nodes)
        return Result(good, float(good), tuple(wrong))
    if dealt.kind == "colouring":
        bad = {
            edge
            for edge in graphs.edges(dealt.near)
            if None in (ends := [answers[node] for node in edge]) or ends[0] == ends[1]
        }
        wrong = [node for node in nodes if any(node in edge for edge in bad)]
        return Result(not bad, 1 - len(bad) / len(graphs.edges(dealt.near)), tuple(wrong))
    if dealt.kind == "matching":
        wrong = [node for node in nodes if not _matched(dealt, answers, node)]
        return Result(not wrong, 1 - len(wrong) / dealt.nodes, tuple(wrong))
    if dealt.kind == "cover":
        return _covered(dealt, answers)
    right = truth(dealt)
    wrong = [node for node in nodes if answers[node] != right[node]]
    return Result(not wrong, 1 - len(wrong) / dealt.nodes, tuple(wrong))


def _matched(dealt: Deal, answers: Sequence[Answer | None], node: int) -> bool:
    """Paired with a neighbour that says the same; or with nobody, and no neighbour is free either."""
    mine = answers[node]
    if mine == NOBODY:
        return all(answers[other] != NOBODY for other in dealt.near[node])
    other = next((other for other in dealt.near[node] if dealt.names[other] == mine), None)
    return other is not None and answers[other] == dealt.names[node]


def _covered(dealt: Deal, answers: Sequence[Answer | None]) -> Result:
    edges = graphs.edges(dealt.near)
    bare = [edge for edge in edges if YES not in (answers[edge[0]], answers[edge[1]])]
    members = [node for node in range(dealt.nodes) if answers[node] == YES]
    spare = [node for node in members if all(answers[other] == YES for other in dealt.near[node])]
    silent = {node for node in range(dealt.nodes) if answers[node] is None}
    useful = 1 - len(spare) / len(members) if members else 0.0
    wrong = {node for edge in bare for node in edge} | set(spare) | silent
    return Result(not wrong, (1 - len(bare) / len(edges)) * useful, tuple(sorted(wrong)))


def solve(
    near: Mapping[str, Sequence[str]], kind: str, fixed: Mapping[str, Answer] | None = None
) -> dict[str, Answer]:
    """The canonical solution of a kind in which seats choose: by the order of the names, with `fixed` choices kept.

    Args:
        near: neighbours by name, of as much of the network as is known.

    Whoever knows the whole map finds the same solution, so that no more need be said.
    """
    fixed, names = dict(fixed or {}), sorted(near)
    if kind == "leader":
        first = min((name for name in names if fixed.get(name) == YES), default=names[0])
        return {name: YES if name == first else NO for name in names}
    found: dict[str, Answer] = {name: fixed[name] for name in names if name in fixed}
    if kind == "matching":
        pairs = {str(other): name for name, other in found.items()}
        found |= {other: name for other, name in pairs.items() if other in near and other not in found}
    if kind == "colouring":
        for name in names:
            taken = {found.get(other) for other in near[name]}
            found.setdefault(name, next(colour for colour in range(1, len(near) + 1) if colour not in taken))
    elif kind == "matching":
        for name in names:
            if name not in found:
                free = [other for other in sorted(near[name]) if other in near and other not in found]
                found[name] = free[0] if free else NOBODY
                found.update(dict.fromkeys(free[:1], name))
    else:
        for name in names:
            found.setdefault(name, NO if all(found.get(other, YES) == YES for other in near[name]) else YES)
    return found
