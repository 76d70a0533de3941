"""What a gates file would say of teams whose true figures are known: how often it passes them, with how many seeds.

Every synthetic run is judged as a real one is. Its seeds are independent; the episodes of a seed are alike by
`Design.alike`, the correlation within a seed. Rates are drawn as beta-binomial, scores as beta, costs and times as
lognormal, differences as -1, 0 and 1, areas between two normal distributions. Where a rate has one episode a seed,
nothing is drawn: the binomial is exact.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from pytest_collab.measure.decision import Evidence, GateVerdict, MeanEvidence, RateEvidence, Rule
from pytest_collab.measure.frame import Frame
from pytest_collab.measure.gate import Gate, GateFile
from pytest_collab.measure.interval import two_sided
from pytest_collab.measure.metric import GAPS
from pytest_collab.measure.power import GatePower, gate_power
from pytest_collab.measure.selection import selected
from pytest_collab.measure.sensitivity import AreaEvidence

Floats = NDArray[np.float64]

POINTS: Final = (-0.10, -0.05, 0.0, 0.05, 0.10)
"""How far the truth is on the good side of the threshold: points of a rate, shares of a cost."""
POWER: Final = 0.8
MOST_SEEDS: Final = 5_000
DISAGREE: Final = 0.2
"""The share of pairs that differ at all, where the difference itself is not larger."""
SIGMA: Final = 1.0


@dataclass(frozen=True, slots=True)
class Design:
    """What is going to be played for a gate.

    Attributes:
        seeds: independent clusters.
        each: episodes (or pairs) of each.
        alike: the correlation of episodes of one seed, in 0..1.
    """

    seeds: int
    each: int = 1
    alike: float = 0.3


@dataclass(frozen=True, slots=True)
class Outlook:
    """What to expect of one gate.

    Attributes:
        gate: the gate.
        design: what was supposed to be played.
        chances: by how far the truth is on the good side of the threshold (`POINTS`); None where it cannot be there.
        seeds: with how many seeds it is decided, the right way, four times out of five, by the same distances; None
            where it takes more than `MOST_SEEDS`, or no number does.
    """

    gate: Gate
    design: Design
    chances: dict[float, GatePower | None]
    seeds: dict[float, int | None]


def outlooks(file: GateFile, designs: Sequence[Design], *, runs: int = 400, seed: int = 0) -> list[Outlook]:
    """Simulate every gate of a file.

    Args:
        file: the gates; with `together`, each at its even share of the error.
        designs: what is to be played for each.
        runs: synthetic runs of each gate and truth.
        seed: of the draws.
    """
    found = []
    for place, (gate, design) in enumerate(zip(file.gates, designs, strict=True)):
        confidence = gate.confidence or file.confidence
        if file.together:
            confidence = 1.0 - (1.0 - confidence) / len(file.gates)
        rng = np.random.default_rng([seed, place])
        chances = {away: chance(gate, confidence, design, away, runs, rng) for away in POINTS}
        seeds = {
            away: _seeds(gate, confidence, design, away, max(50, runs // 4), rng)
            for away in POINTS
            if away and chances[away] is not None
        }
        found.append(Outlook(gate, design, chances, seeds))
    return found


def designs_of(file: GateFile, frame: Frame, alike: float = 0.3) -> list[Design]:
    """What a run (or a plan) has for each gate: its seeds, and the episodes of the one that has most.

    Raises:
        UsageError: a gate matches nothing.
    """
    found = []
    for gate in file.gates:
        rows = selected(frame, gate)
        if gate.measured.kind == "gap":
            rows = rows & frame.condition.among([GAPS[gate.metric][1]])
        places = np.flatnonzero(rows)
        cluster = gate.cluster or file.cluster
        if cluster == "episode":
            found.append(Design(len(places), 1, alike))
            continue
        sizes = Counter(frame.clusters(places, by_seed=cluster == "task_seed").tolist())
        found.append(Design(len(sizes), max(sizes.values(), default=1), alike))
    return found


def chance(
    gate: Gate, confidence: float, design: Design, away: float, runs: int, rng: np.random.Generator
) -> GatePower | None:
    """How often a gate passes, fails and stays undecided.

    Args:
        gate: the gate.
        confidence: one-sided, that it is judged at.
        design: what is played.
        away: how far the truth is on the good side of the threshold.
        runs: synthetic runs.
        rng: draws them.

    Returns:
        None where the truth cannot be there.
    """
    rule = gate.rule()
    better = 1.0 if rule.relation in ("at_least", "above") else -1.0
    kind = kind_of(gate)
    truth = rule.threshold + better * away * (abs(rule.threshold) if kind == "cost" else 1.0)
    low, high = _ENDS[kind]
    if not low <= truth <= high or (kind == "cost" and truth == 0.0) or (kind == "area" and truth in (0.0, 1.0)):
        return None
    if kind == "rate" and design.each == 1 and rule.relation in ("at_least", "at_most"):
        upward = better > 0.0
        return gate_power(
            design.seeds,
            truth if upward else 1.0 - truth,
            rule.threshold if upward else 1.0 - rule.threshold,
            confidence,
        )
    said = Counter(
        verdict(rule, evidence, confidence)
        for evidence in (
            synthetic_area(truth, design, rng) if kind == "area" else synthetic(kind, truth, design, rng, gate)
            for _ in range(runs)
        )
    )
    return GatePower(*(said[one] / runs for one in (GateVerdict.PASS, GateVerdict.FAIL, GateVerdict.UNDECIDED)))


Kind = Literal["rate", "score", "difference", "cost", "area"]

_ENDS: Final[dict[Kind, tuple[float, float]]] = {
    "rate": (0.0, 1.0),
    "score": (0.0, 1.0),
    "area": (0.0, 1.0),
    "difference": (-1.0, 1.0),
    "cost": (0.0, math.inf),
}


def kind_of(gate: Gate) -> Kind:
    """What the values of a gate's metric are drawn as."""
    if gate.baseline is not None or gate.measured.kind == "gap":
        return "difference"
    if gate.measured.kind == "rate":
        return "rate"
    if gate.measured.kind == "area":
        return "area"
    return "score" if gate.measured.bounds is not None else "cost"


def synthetic(
    kind: Kind, truth: float, design: Design, rng: np.random.Generator, gate: Gate | None = None
) -> MeanEvidence:
    """The evidence of one synthetic run whose true mean is `truth`."""
    seeds, each = design.seeds, design.each
    labels = None if each == 1 else np.repeat(np.arange(seeds), each)
    if kind == "difference":
        differs = max(DISAGREE, abs(truth))
        # All pairs of a seed agree with its first one, as often as they are alike.
        draw = rng.random((seeds, each))
        same = rng.random((seeds, each)) < math.sqrt(design.alike)
        draw = np.where(same, draw[:, :1], draw).ravel()
        won = (differs + truth) / 2.0
        return MeanEvidence(np.where(draw < won, 1.0, np.where(draw < differs, -1.0, 0.0)), labels, (-1.0, 1.0))
    if kind == "cost":
        between = math.sqrt(design.alike) * SIGMA if each > 1 else 0.0
        within = math.sqrt(SIGMA**2 - between**2)
        parts = rng.normal(0.0, between, (seeds, 1)) + rng.normal(0.0, within, (seeds, each))
        bounds = (0.0, math.inf) if gate is None else gate.bounds
        return MeanEvidence(np.minimum(truth * np.exp(parts - SIGMA**2 / 2.0), bounds[1]).ravel(), labels, bounds)
    if kind == "score":
        means = _beta(truth, 0.25, (seeds, 1) if each > 1 else (seeds, each), rng)
        mixed = np.where(rng.random((seeds, each)) < design.alike, means, _beta(truth, 0.25, (seeds, each), rng))
        return MeanEvidence(mixed.ravel(), labels, (0.0, 1.0))
    rates = _beta(truth, design.alike, (seeds, 1), rng) if each > 1 else np.full((seeds, 1), truth)
    return RateEvidence((rng.random((seeds, each)) < rates).astype(np.float64).ravel(), labels)


def synthetic_area(truth: float, design: Design, rng: np.random.Generator) -> AreaEvidence:
    """The evidence of one synthetic run whose true area is `truth`.

    It is that of two normal distributions of one spread; a pair of seeds gives a value of each.
    """
    pairs, shift = max(1, design.seeds // 2), math.sqrt(2.0) * NormalDist().inv_cdf(truth)
    return AreaEvidence(rng.normal(shift, 1.0, pairs), rng.normal(0.0, 1.0, pairs))


def verdict(rule: Rule, evidence: Evidence, confidence: float) -> GateVerdict:
    """What `decide` says, without the interval and what would settle it."""
    if not evidence.excludes(rule.threshold, two_sided(confidence), 1.0):
        return GateVerdict.UNDECIDED
    value = float(np.mean(evidence.values)) if isinstance(evidence, MeanEvidence) else evidence.interval(0.5).value
    return (
        GateVerdict.PASS if (value > rule.threshold) == (rule.relation in ("at_least", "above")) else GateVerdict.FAIL
    )


def _beta(mean: float, alike: float, shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Beta values of a mean, whose 0/1 trials would correlate by `alike`."""
    if alike <= 0.0 or mean in (0.0, 1.0):
        return np.full(shape, mean)
    if alike >= 1.0:
        return (rng.random(shape) < mean).astype(np.float64)
    size = (1.0 - alike) / alike
    return rng.beta(mean * size, (1.0 - mean) * size, shape)


def _seeds(
    gate: Gate,
    confidence: float,
    design: Design,
    away: float,
    runs: int,
    rng: np.random.Generator,
    power: float = 0.8,
) -> int | None:
    """With how many seeds the right verdict comes with probability `power`; about, where it is simulated."""

    def reached(seeds: int) -> bool:
        found = chance(gate, confidence, replace(design, seeds=seeds), away, runs, rng)
        return found is not None and (found.passes if away > 0.0 else found.fails) >= POWER

    high = 5
    while not reached(high):
        high *= 2
        if high > MOST_SEEDS:
            return None
    low = high // 2 if high > 5 else 1
    while high - low > max(1, high // 20):
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
