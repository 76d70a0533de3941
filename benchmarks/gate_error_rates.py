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

from pytest_collab.measure.decision import GateVerdict, MeanEvidence, PairedEvidence, RateEvidence, Rule
from pytest_collab.measure.power import (
    episodes_for_difference,
    episodes_for_rate,
    gate_limits,
    pairs_for_mcnemar,
)
from pytest_collab.measure.sequential import betting_log_wealth, mixture_log_wealth
from pytest_collab.measure.simulation import Design, synthetic, verdict

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


def bounds(rng: np.random.Generator, runs: int) -> str:
    """Misses of every kind of gate, from five seeds on, with the truth a hair on the wrong side of the threshold."""
    sizes = (5, 10, 20, 50)
    kinds: dict[str, Callable[[int], MeanEvidence]] = {
        "rate at_least 0.8, one episode a seed": lambda n: synthetic("rate", 0.7999, Design(n), rng),
        "rate at_least 0.8, 10 episodes, correlation 0.3": lambda n: synthetic("rate", 0.7999, Design(n, 10), rng),
        "rate at_least 0.8, 10 episodes, now and then a hopeless seed": lambda n: _hopeless(n, rng),
        "score at_least 0.8, beta": lambda n: synthetic("score", 0.7999, Design(n), rng),
        "score at_least 0.8, nothing or nearly 1": lambda n: _nearly(n, rng),
        "difference at_least -0.1, 20 % of pairs differ": lambda n: synthetic("difference", -0.1001, Design(n), rng),
        "difference at_least -0.1, baseline at 100 %": lambda n: _lost(n, rng),
        "cost at_most 0.5, lognormal, sigma 1": lambda n: _cost(n, 1.0, rng),
        "cost at_most 0.5, lognormal, sigma 1.5": lambda n: _cost(n, 1.5, rng),
    }
    rows = []
    for name, make in kinds.items():
        rule = Rule("at_most", 0.5) if name.startswith("cost") else Rule("at_least", -0.1 if "-0.1" in name else 0.8)
        cells = []
        for n in sizes:
            missed = sum(verdict(rule, make(n), CONFIDENCE) is GateVerdict.PASS for _ in range(runs))
            cells.append(f"{100 * missed / runs:.1f} %")
        rows.append([name, *cells])
    return table(("gate", *(f"{n} seeds" for n in sizes)), rows)


def _hopeless(n: int, rng: np.random.Generator) -> MeanEvidence:
    rates = np.where(rng.random(n) < 0.7999 / 0.98, 0.98, 0.0)
    return RateEvidence(
        (rng.random((n, 10)) < rates[:, None]).astype(np.float64).ravel(), np.repeat(np.arange(n), 10)
    )


def _nearly(n: int, rng: np.random.Generator) -> MeanEvidence:
    score = np.where(rng.random(n) < 0.7999 / 0.99, 1.0 - 0.02 * rng.random(n), 0.0)
    return MeanEvidence(score, None, (0.0, 1.0))


def _lost(n: int, rng: np.random.Generator) -> MeanEvidence:
    return MeanEvidence(-(rng.random(n) < 0.1001).astype(np.float64), None, (-1.0, 1.0))


def _cost(n: int, sigma: float, rng: np.random.Generator) -> MeanEvidence:
    return MeanEvidence(0.5001 * np.exp(rng.normal(-(sigma**2) / 2, sigma, n)), None, (0.0, np.inf))


TABLES: dict[str, Callable[[np.random.Generator, int], str]] = {
    "bounds": bounds,
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
