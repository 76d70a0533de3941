"""How often gates are wrong: false alarms and misses over synthetic runs, beside a naive gate.

    python benchmarks/gate_error_rates.py                             prints the tables
    python benchmarks/gate_error_rates.py --write docs/statistics.md  puts them between their markers there
    python benchmarks/gate_error_rates.py --only power,power_difference --write docs/ci.md   just these

A false alarm is a verdict `fail` on a team that keeps the rule; a miss is a verdict `pass` on one that breaks it.
The naive gate passes when the observed figure keeps the rule and fails otherwise.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from pytest_collab.measure.bounded import combined
from pytest_collab.measure.cluster import cluster_rate
from pytest_collab.measure.decision import (
    Evidence,
    GateVerdict,
    MeanEvidence,
    PairedEvidence,
    RateEvidence,
    Rule,
    UnpairedEvidence,
)
from pytest_collab.measure.followed import Followed
from pytest_collab.measure.interval import two_sided
from pytest_collab.measure.power import (
    episodes_for_difference,
    episodes_for_rate,
    gate_limits,
    pairs_for_mcnemar,
)
from pytest_collab.measure.sequential import betting_log_wealth, first_crossing, mixture_log_wealth
from pytest_collab.measure.simulation import verdict

CONFIDENCE = 0.95
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What one kind of gate said in every run: shape (runs,) each, and the episodes it used."""

    passes: Bools
    fails: Bools
    used: Floats

    def cells(self, keeps: bool, full: int | None = None) -> list[str]:
        wrong = float(np.mean(self.fails if keeps else self.passes))
        undecided = float(np.mean(~self.passes & ~self.fails))
        cells = [f"{100 * wrong:.1f} %", f"{100 * undecided:.0f} %"]
        return cells if full is None else [*cells, f"{self.used.mean():.0f} of {full}"]


def naive(values: Floats, threshold: float) -> Verdicts:
    """Judge by the observed mean alone."""
    passes = values.mean(axis=1) >= threshold - 1e-12
    return Verdicts(passes, ~passes, np.full(len(values), float(values.shape[1])))


def fixed_rate(values: Floats, threshold: float) -> Verdicts:
    """The gate on a success rate of independent episodes, judged once at the end."""
    n = values.shape[1]
    least, most = gate_limits(n, threshold, CONFIDENCE)
    successes = values.sum(axis=1)
    return Verdicts(successes >= least, successes <= most, np.full(len(values), float(n)))


def peeking(values: Floats, threshold: float) -> Verdicts:
    """The same fixed-size gate, wrongly looked at after every episode."""
    n = values.shape[1]
    limits = np.array([gate_limits(size, threshold, CONFIDENCE) for size in range(1, n + 1)])
    successes = np.cumsum(values, axis=1)
    return first(successes >= limits[:, 0], successes <= limits[:, 1])


def sequential_rate(values: Floats, threshold: float) -> Verdicts:
    """The gate that follows the confidence sequence and stops as soon as it is decided."""
    n = values.shape[1]
    sizes = np.arange(1, n + 1, dtype=np.float64)
    successes = np.cumsum(values, axis=1)
    bound = -np.log(1 - CONFIDENCE)
    # Wealth depends on the counts alone: a table of all of them is smaller than the runs.
    grid_s, grid_n = np.meshgrid(np.arange(n + 1, dtype=np.float64), sizes, indexing="ij")
    possible = grid_s <= grid_n
    above, below = np.zeros(grid_s.shape, bool), np.zeros(grid_s.shape, bool)
    above[possible] = mixture_log_wealth(grid_s[possible], grid_n[possible], threshold) >= bound
    losses = grid_n[possible] - grid_s[possible]
    below[possible] = mixture_log_wealth(losses, grid_n[possible], 1 - threshold) >= bound
    row, column = successes.astype(int), np.arange(n)
    return first(above[row, column], below[row, column])


def sequential_mean(values: Floats, threshold: float, low: float, high: float) -> Verdicts:
    """The sequential gate on values in ``low..high``."""
    scaled = (values - low) / (high - low)
    centre = (threshold - low) / (high - low)
    bound = -np.log(1 - CONFIDENCE)
    return first(betting_log_wealth(scaled, centre) >= bound, betting_log_wealth(1 - scaled, 1 - centre) >= bound)


def first(above: Bools, below: Bools) -> Verdicts:
    """Verdict at the first time that either side is reached; shapes (runs, n)."""
    n = above.shape[1]
    when_above = np.where(above.any(axis=1), above.argmax(axis=1), n)
    when_below = np.where(below.any(axis=1), below.argmax(axis=1), n)
    used = np.minimum(np.minimum(when_above, when_below) + 1, n).astype(np.float64)
    return Verdicts(when_above < when_below, when_below < when_above, used)


def fixed(evidence: Iterable[RateEvidence | MeanEvidence | PairedEvidence], threshold: float, n: int) -> Verdicts:
    """The gate as it is run in earnest, one synthetic run at a time."""
    rule = Rule("at_least", threshold)
    said = [verdict(rule, one, CONFIDENCE) for one in evidence]
    passes = np.array([one is GateVerdict.PASS for one in said])
    fails = np.array([one is GateVerdict.FAIL for one in said])
    return Verdicts(passes, fails, np.full(len(said), float(n)))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def rates(rng: np.random.Generator, runs: int) -> str:
    """`success_rate at_least 0.8` on independent episodes."""
    rows = []
    for n in (50, 200):
        for true in (0.60, 0.70, 0.7999, 0.80, 0.90, 0.95):
            values = (rng.random((runs, n)) < true).astype(np.float64)
            keeps = true >= 0.8
            rows.append(
                [
                    str(n),
                    f"{true:g}",
                    "false alarm" if keeps else "miss",
                    naive(values, 0.8).cells(keeps)[0],
                    *fixed_rate(values, 0.8).cells(keeps),
                    peeking(values, 0.8).cells(keeps)[0],
                    *sequential_rate(values, 0.8).cells(keeps, n),
                ]
            )
    return table(
        (
            "episodes",
            "true rate",
            "error",
            "naive",
            "fixed-size",
            "undecided",
            "fixed-size, peeked at",
            "sequential",
            "undecided",
            "episodes played",
        ),
        rows,
    )


def clustered(rng: np.random.Generator, runs: int) -> str:
    """The same gate when episodes come in clusters of five that resemble one another."""
    clusters, size, alike = 20, 5, 0.3
    codes = np.repeat(np.arange(clusters), size)
    shape = (1 - alike) / alike
    rows = []
    for true in (0.70, 0.7999, 0.80, 0.90):
        chance = rng.beta(true * shape, (1 - true) * shape, size=(runs, clusters))
        values = (rng.random((runs, clusters * size)) < np.repeat(chance, size, axis=1)).astype(np.float64)
        keeps = true >= 0.8
        means = values.reshape(runs, clusters, size).mean(axis=2)
        rows.append(
            [
                f"{true:g}",
                "false alarm" if keeps else "miss",
                naive(values, 0.8).cells(keeps)[0],
                fixed_rate(values, 0.8).cells(keeps)[0],
                *fixed((RateEvidence(row, codes) for row in values), 0.8, clusters * size).cells(keeps),
                *sequential_mean(means, 0.8, 0.0, 1.0).cells(keeps),
            ]
        )
    return table(
        (
            "true rate",
            "error",
            "naive",
            "fixed-size, clusters ignored",
            "fixed-size, clusters known",
            "undecided",
            "sequential, clusters known",
            "undecided",
        ),
        rows,
    )


def shuffled(rng: np.random.Generator, runs: int) -> str:
    """Tasks of different difficulty: episodes in random order, and easy tasks first."""
    n = 200
    rows = []
    for true in (0.7999, 0.80):
        chance = np.clip(np.linspace(true - 0.2, true + 0.2, n), 0, 1)
        chance *= true / chance.mean()
        keeps = true >= 0.8
        values = (rng.random((runs, n)) < chance[::-1]).astype(np.float64)
        mixed = rng.permuted(values, axis=1)
        rows.append(
            [
                f"{true:g}",
                "false alarm" if keeps else "miss",
                *sequential_rate(mixed, 0.8).cells(keeps),
                sequential_rate(values, 0.8).cells(keeps)[0],
            ]
        )
    return table(("true rate", "error", "shuffled", "undecided", "easy tasks first (not what we do)"), rows)


def scores(rng: np.random.Generator, runs: int) -> str:
    """`score at_least 0.7` on a skewed score, of which a part is exactly 1."""
    n = 60
    rows = []
    for true in (0.60, 0.6999, 0.70, 0.80):
        # Half of the missing score is lost by total failures' heavy tail: beta(4, 1) scaled, or exactly 1.
        part = (1 - true) / 0.5
        values = np.where(rng.random((runs, n)) < part, rng.beta(1, 1, (runs, n)), 1.0)
        keeps = true >= 0.7
        rows.append(
            [
                f"{true:g}",
                "false alarm" if keeps else "miss",
                naive(values, 0.7).cells(keeps)[0],
                *fixed((MeanEvidence(row, None, (0.0, 1.0)) for row in values), 0.7, n).cells(keeps),
                *sequential_mean(values, 0.7, 0.0, 1.0).cells(keeps, n),
            ]
        )
    return table(
        ("true score", "error", "naive", "fixed-size", "undecided", "sequential", "undecided", "episodes played"),
        rows,
    )


def baseline(rng: np.random.Generator, runs: int) -> str:
    """`success_rate not_worse_than baseline, margin 0.1` on 100 pairs of the same task and seed."""
    n, margin, old_only = 100, 0.1, 0.15
    rows = []
    for change in (-0.2, -0.1001, -0.1, 0.0, 0.05):
        draw = rng.random((runs, n))
        new_only = old_only + min(change, 0.0) if change > -old_only else 0.0
        lost = new_only - change
        difference = np.where(draw < new_only, 1.0, np.where(draw < new_only + lost, -1.0, 0.0))
        second = (difference < 0).astype(np.float64)
        keeps = change >= -margin
        pairs = (PairedEvidence(a, b) for a, b in zip(difference + second, second, strict=True))
        rows.append(
            [
                f"{change:+g}",
                "false alarm" if keeps else "miss",
                naive(difference, -margin).cells(keeps)[0],
                *fixed(pairs, -margin, n).cells(keeps),
                *sequential_mean(difference, -margin, -1.0, 1.0).cells(keeps, n),
            ]
        )
    return table(
        ("true change", "error", "naive", "fixed-size", "undecided", "sequential", "undecided", "pairs played"), rows
    )


def power(_rng: np.random.Generator, _runs: int) -> str:
    """Episodes for a gate on a success rate, by exact power; no simulation."""
    thresholds = (0.5, 0.7, 0.8, 0.9, 0.95)
    rows = []
    for away in (0.20, 0.15, 0.10, 0.05, 0.03):
        cells = [f"{100 * away:.0f} points above"]
        for threshold in thresholds:
            true = round(threshold + away, 10)
            found = episodes_for_rate(true, threshold) if true <= 1.0 else None
            cells.append("–" if found is None else f"{found:,}")
        rows.append(cells)
    return table(("true rate", *(f"at_least {threshold:g}" for threshold in thresholds)), rows)


def power_difference(_rng: np.random.Generator, _runs: int) -> str:
    """Pairs, and unpaired episodes, that show a difference between two runs."""
    rows = []
    for away in (0.20, 0.15, 0.10, 0.05, 0.03):
        cells = ["–" if disagree < away else f"{pairs_for_mcnemar(away, disagree):,}" for disagree in (0.1, 0.2, 0.4)]
        rows.append([f"{100 * away:.0f} points", *cells, f"{episodes_for_difference(0.7, 0.7 - away):,}"])
    return table(
        ("difference", "pairs, 10 % disagree", "20 % disagree", "40 % disagree", "unpaired, each run (from 70 %)"),
        rows,
    )


SIZES = (5, 10, 20, 50, 200)
Drawn = tuple[Floats, Evidence]
"""A synthetic run: shape (seeds, episodes of one), and what a gate makes of it."""


def bounds(rng: np.random.Generator, runs: int) -> str:
    """Misses of every kind of gate, from five seeds on, with the truth a hair on the wrong side of the threshold."""
    rows = []
    for name, rule, make in _kinds(rng):
        cells = []
        for n in SIZES:
            drawn = [make(n) for _ in range(runs)]
            known: dict[bytes, bool] = {}
            now = np.mean([_missed(rule, values, one, known) for values, one in drawn])
            cells.append(f"{100 * _before(rule, [values for values, _ in drawn]):.1f} → {100 * now:.1f} %")
        rows.append([name, *cells])
    return table(("gate", *(f"{n} seeds" for n in SIZES)), rows)


def _kinds(rng: np.random.Generator) -> list[tuple[str, Rule, Callable[[int], Drawn]]]:
    def rates(chances: Callable[[int], Floats], each: int) -> Callable[[int], Drawn]:
        def make(n: int) -> Drawn:
            values = (rng.random((n, each)) < chances(n)[:, None]).astype(np.float64)
            return values, RateEvidence(values.ravel(), np.repeat(np.arange(n), each))

        return make

    def means(draw: Callable[[int], Floats], low: float, high: float) -> Callable[[int], Drawn]:
        def make(n: int) -> Drawn:
            values = draw(n)
            values = values[:, None] if values.ndim == 1 else values
            labels = np.repeat(np.arange(n), values.shape[1])
            return values, MeanEvidence(values.ravel(), labels, (low, high))

        return make

    def alike(mean: float, n: int) -> Floats:
        return rng.beta(mean * 7 / 3, (1 - mean) * 7 / 3, n)  # two episodes of a seed correlate by 0.3

    def skewed(mean: float, n: int) -> Floats:
        return rng.beta(3 * mean, 3 * (1 - mean), n)

    def nearly(mean: float, n: int) -> Floats:
        return np.where(rng.random(n) < mean / 0.99, 1.0 - 0.02 * rng.random(n), 0.0)

    def cost(sigma: float, n: int) -> Floats:
        return 0.5001 * np.exp(rng.normal(-(sigma**2) / 2, sigma, n))

    def pairs(n: int, each: int) -> Floats:
        draw = rng.random((n, each))
        draw = np.where(rng.random((n, each)) < 0.55, draw[:, :1], draw)  # correlated by 0.3
        return np.where(draw < 0.04995, 1.0, np.where(draw < 0.2, -1.0, 0.0))

    at_8, at_9, margin = Rule("at_least", 0.8), Rule("at_least", 0.9), Rule("at_least", -0.1)
    dear, rare = Rule("at_most", 0.5), Rule("at_most", 0.05)
    return [
        ("rate at_least 0.8, one episode a seed", at_8, rates(lambda n: np.full(n, 0.7999), 1)),
        ("rate at_least 0.8, 10 episodes, correlation 0.3", at_8, rates(lambda n: alike(0.7999, n), 10)),
        (
            "rate at_least 0.8, 10 episodes, now and then a hopeless seed",
            at_8,
            rates(lambda n: np.where(rng.random(n) < 0.7999 / 0.98, 0.98, 0.0), 10),
        ),
        ("rate of a failure at_most 0.05", rare, rates(lambda n: np.full(n, 0.0501), 1)),
        ("score at_least 0.8, beta", at_8, means(lambda n: skewed(0.7999, n), 0.0, 1.0)),
        ("score at_least 0.9, beta", at_9, means(lambda n: skewed(0.8999, n), 0.0, 1.0)),
        ("score at_least 0.8, nothing or nearly 1", at_8, means(lambda n: nearly(0.7999, n), 0.0, 1.0)),
        ("score at_least 0.9, nothing or nearly 1", at_9, means(lambda n: nearly(0.8999, n), 0.0, 1.0)),
        (
            "score at_least 0.9, 0 or 1",
            at_9,
            means(lambda n: (rng.random(n) < 0.8999).astype(np.float64), 0.0, 1.0),
        ),
        ("difference at_least -0.1, 20 % of pairs differ", margin, means(lambda n: pairs(n, 1), -1.0, 1.0)),
        ("the same, four teams a seed", margin, means(lambda n: pairs(n, 4), -1.0, 1.0)),
        (
            "difference at_least -0.1, baseline at 100 %, 3 epochs",
            margin,
            means(lambda n: -(rng.random((n, 3)) < 0.1001).mean(axis=1), -1.0, 1.0),
        ),
        ("the same, runs of other seeds", margin, _groups(rng)),
        ("cost at_most 0.5, lognormal, sigma 1", dear, means(lambda n: cost(1.0, n), 0.0, np.inf)),
        ("cost at_most 0.5, lognormal, sigma 1.5", dear, means(lambda n: cost(1.5, n), 0.0, np.inf)),
    ]


def _groups(rng: np.random.Generator) -> Callable[[int], Drawn]:
    def make(n: int) -> Drawn:
        now = (rng.random((n, 3)) >= 0.1001).mean(axis=1)
        return (now - 1.0)[:, None], UnpairedEvidence(now, np.ones(n))

    return make


def _missed(rule: Rule, values: Floats, evidence: Evidence, known: dict[bytes, bool]) -> bool:
    """Whether a gate passes; runs that hold the same means of seeds are judged once."""
    value = float(values.mean())
    if not (value > rule.threshold if rule.relation == "at_least" else value < rule.threshold):
        return False
    key = np.sort(values.mean(axis=1)).tobytes()
    if key not in known:
        known[key] = verdict(rule, evidence, CONFIDENCE) is GateVerdict.PASS
    return known[key]


def _before(rule: Rule, drawn: Sequence[Floats]) -> float:
    """How often Student's t over the means of seeds passes: what gates went by at first, rates of several episodes
    and seeds that all agree apart, which they took by the effective number of episodes."""
    means = np.array([values.mean(axis=1) for values in drawn])
    n = means.shape[1]
    value, spread = means.mean(axis=1), means.std(axis=1, ddof=1)
    end = value - rule.threshold if rule.relation == "at_least" else rule.threshold - value
    passes = (spread > 0.0) & (end >= stdtrit(n - 1, CONFIDENCE) * spread / np.sqrt(n))
    if np.isin(drawn[0], (0.0, 1.0)).all() and drawn[0].min() >= 0.0 and rule.threshold > 0.0:
        level = two_sided(CONFIDENCE)
        codes = np.repeat(np.arange(n), drawn[0].shape[1])
        known: dict[bytes, bool] = {}
        for place in np.flatnonzero(end > 0.0).tolist():
            key = np.sort(means[place]).tobytes()
            if key not in known:
                found = cluster_rate(drawn[place].ravel(), codes, level)
                known[key] = (
                    found.low >= rule.threshold if rule.relation == "at_least" else found.high <= rule.threshold
                )
            passes[place] = known[key]
        passes &= end > 0.0
    return float(passes.mean())


def lost(rng: np.random.Generator, runs: int) -> str:
    """Episodes lost to the infrastructure more often where they fail: by the whole run's share, and as it is done."""
    rows = []
    for n, played, true, share in (
        (100, 400, 0.75, 0.6),
        (100, 400, 0.70, 0.6),
        (200, 200, 0.77, 0.17),
        (200, 200, 0.79, 0.17),
        (200, 200, 0.79, 0.05),
    ):
        failed = rng.binomial(n, 1.0 - true, runs)
        gone = rng.binomial(failed, share)
        successes = n - failed
        limits = np.array([gate_limits(size, 0.8, CONFIDENCE) for size in range(1, n + 1)])
        left = n - gone - 1
        void = gone > 0.05 * played
        passed = successes >= limits[left, 0]
        failing = successes <= limits[left, 1]
        cells = _shares(void, ~void & passed, ~void & failing)
        void = gone > 0.05 * n
        worst, best = limits[n - 1, 0], limits[n - 1, 1]
        passed &= successes >= worst
        failing &= successes + gone <= best
        cells += _shares(void, ~void & passed, ~void & failing)
        rows.append([f"{n} of {played}", f"{true:g}", f"{100 * share:.0f} %", *cells])
    head = ("the gate's episodes", "true rate", "of failures lost")
    words = ("miss", "fail", "void")
    return table((*head, *(f"{word}, before" for word in words), *(f"{word}, now" for word in words)), rows)


def _shares(void: Bools, passed: Bools, failed: Bools) -> list[str]:
    return [f"{100 * one.mean():.1f} %" for one in (passed, failed, void)]


def stopped(rng: np.random.Generator, runs: int) -> str:
    """A run that was stopped when `at_least 0.6` was decided, held against one that was not."""
    n, true = 100, 0.7
    better, margin = Rule("above", 0.0), Rule("at_least", -0.1)
    counts = np.zeros((2, 3))
    runs = max(1, runs // 5)
    for _ in range(runs):
        luck = (rng.random(n) < true).astype(np.float64)
        crossing = first_crossing(luck, 0.6, CONFIDENCE, kind="rate")
        luck = luck[: n if crossing is None else crossing.n]
        one = Followed(
            tuple((place,) for place in range(len(luck))),
            tuple((v,) for v in luck.tolist()),
            "task_seed",
            n,
            1,
            "rate",
            (0.0, 1.0),
        )
        equal, ahead = ((rng.random(n) < p).astype(np.float64) for p in (true, true + 0.1001))
        worse, lead = equal[: len(luck)] - luck, luck - ahead[: len(luck)]
        counts[0, 0] += _student(-worse, 0.0)
        counts[1, 0] += _student(lead, -0.1)
        counts[0, 1] += verdict(better, PairedEvidence(equal[: len(luck)], luck), CONFIDENCE) is GateVerdict.FAIL
        counts[1, 1] += verdict(margin, PairedEvidence(luck, ahead[: len(luck)]), CONFIDENCE) is GateVerdict.PASS
        sequence, rest = one.interval(two_sided(CONFIDENCE)), (0.0, 1.0)
        for place, rule, first, second, wrong in (
            (0, better, RateEvidence(equal).interval(two_sided(CONFIDENCE)), sequence, GateVerdict.FAIL),
            (1, margin, sequence, RateEvidence(ahead).interval(two_sided(CONFIDENCE)), GateVerdict.PASS),
        ):
            found = combined(first, second, rest)
            counts[place, 2] += rule.judge(found.low, found.high) is wrong
    rows = [
        [name, error, *(f"{100 * count / runs:.1f} %" for count in row)]
        for (name, error), row in zip(
            (
                ("better_than a stopped baseline, equal teams", "false alarm"),
                ("a stopped run not_worse_than an honest one, 0.1001 worse", "miss"),
            ),
            counts.tolist(),
            strict=True,
        )
    ]
    return table(("gate", "error", "in pairs, by t", "in pairs, by today's bounds", "by the sequence"), rows)


def _student(values: Floats, least: float) -> bool:
    """Whether Student's one-sided bound shows that the mean is above `least`."""
    n, spread = len(values), float(values.std(ddof=1)) if len(values) > 1 else 0.0
    bound = float(values.mean()) - float(stdtrit(max(1, n - 1), CONFIDENCE)) * spread / np.sqrt(n)
    return spread > 0.0 and bound > least


TABLES: dict[str, Callable[[np.random.Generator, int], str]] = {
    "bounds": bounds,
    "lost": lost,
    "stopped": stopped,
    "rates": rates,
    "clustered": clustered,
    "shuffled": shuffled,
    "scores": scores,
    "baseline": baseline,
    "power": power,
    "power_difference": power_difference,
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000, help="synthetic runs of each row")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path, help="a Markdown file with markers <!-- NAME --> ... <!-- /NAME -->")
    parser.add_argument("--only", help="names of tables, separated by commas")
    options = parser.parse_args(arguments)
    wanted = options.only.split(",") if options.only else list(TABLES)
    if unknown := [name for name in wanted if name not in TABLES]:
        parser.error(f"there is no table {unknown[0]!r}; there are {', '.join(TABLES)}")
    text = options.write.read_text(encoding="utf-8") if options.write else ""
    for number, (name, make) in enumerate(TABLES.items()):
        if name not in wanted:
            continue
        start = time.perf_counter()
        made = make(np.random.default_rng([options.seed, number]), options.runs)
        print(f"\n{name}: {make.__doc__} ({time.perf_counter() - start:.1f} s)\n\n{made}")
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if options.write and not pattern.search(text):
            print(f"{options.write} has no markers <!-- {name} --> and <!-- /{name} -->", file=sys.stderr)
            return 1
        text = pattern.sub(lambda found, made=made: f"{found[1]}\n{made}\n\n{found[2]}", text)
    if options.write:
        options.write.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
