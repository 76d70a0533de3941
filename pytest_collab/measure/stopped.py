"""What a run's figures would be had it not been stopped where they were at their best, or at their worst.

A run that ends when its gate is decided ends on good luck, or on bad: its plain means lie too far on the side that
ended it. The first cluster that was planned was going to be played whatever happened, so its mean is unbiased; so is
the mean of it over all orders of the clusters that would have stopped at the same place, and that varies far less
(Girshick, Mosteller & Savage 1946, "Unbiased estimates for certain binomial sampling problems with applications",
Annals of Mathematical Statistics 17:13-23; Rao 1945; Blackwell 1947). The orders are drawn.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_collab.measure.followed import Followed, sequence_of
from pytest_collab.measure.frame import Frame, Mask
from pytest_collab.measure.gate import Gate, GateFile
from pytest_collab.measure.plan import PlannedEpisode, cluster_of, concerns, planned_in, planned_of
from pytest_collab.measure.sequential import Kind, betting_log_wealth, mixture_log_wealth
from pytest_collab.measure.summary import Cell, Stopped, Summary
from pytest_collab.measure.together import bonferroni
from pytest_collab.measure.units import Place

ORDERS: Final = 4_000
LEAST: Final = 20
"""With fewer orders than this that stop at the same place, no correction is given."""


def first_shares(
    means: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    threshold: float,
    confidence: float,
    *,
    kind: Kind,
    bounds: tuple[float, float],
    seed: int = 0,
) -> NDArray[np.float64] | None:
    """How often each cluster comes first among the orders that do not stop before the last of them.

    Args:
        means: shape (n,), one value a cluster, in the order they were played.
        weights: as in `sequential.log_wealth`.
        threshold, confidence, kind, bounds: of the gate that the run was stopped by.
        seed: of the orders.

    Returns:
        Shape (n,), adding up to 1; None where too few orders stop there.
    """
    n = len(means)
    rng = np.random.default_rng(seed)
    orders = max(200, min(ORDERS, 600_000 // max(1, n)))
    places = rng.permuted(np.tile(np.arange(n), (orders, 1)), axis=1)
    places[0] = np.arange(n)  # the order that was played is one of them
    bound = -math.log(1.0 - confidence)
    width = bounds[1] - bounds[0]
    sample, centre = (means[places] - bounds[0]) / width, (threshold - bounds[0]) / width
    weighed = None if weights is None else weights[places]
    stops = np.zeros(orders, dtype=bool)
    for values, mean in ((sample, centre), (1.0 - sample, 1.0 - centre)):
        if kind == "rate":
            wealth = mixture_log_wealth(np.cumsum(values, axis=1), np.arange(1.0, n + 1.0), mean)
        else:
            wealth = betting_log_wealth(values, mean, weighed)
        stops |= (wealth[:, :-1] >= bound).any(axis=1)
    kept = places[~stops, 0]
    return np.bincount(kept, minlength=n) / len(kept) if len(kept) >= LEAST else None


def corrected_mean(shares: Mapping[Hashable, float], totals: Mapping[Hashable, tuple[float, int]]) -> float | None:
    """The mean of what clusters hold, each counted as often as it comes first.

    Args:
        shares: of each cluster, from `first_shares`.
        totals: of each cluster, the sum and number of its values.

    Returns:
        None where no cluster that can come first holds anything.
    """
    count = sum(shares.get(label, 0.0) * n for label, (_, n) in totals.items())
    return sum(shares.get(label, 0.0) * total for label, (total, _) in totals.items()) / count if count else None


def gate_shares(
    file: GateFile, gate: Gate, frame: Frame, plan: Sequence[PlannedEpisode]
) -> tuple[Followed, dict[Hashable, float]] | None:
    """How often each cluster would come first, of a gate whose episodes were stopped (see `stopped.first_shares`).

    Returns:
        None where it was not stopped, or cannot be corrected.
    """
    found = sequence_of(file, gate, frame, plan)
    if found is None or not found.labels or len(found.labels) >= found.planned:
        return None
    shares = first_shares(
        np.array(found.means),
        None if found.weights is None else np.array(found.weights),
        gate.rule().threshold,
        gate.confidence or file.confidence,
        kind=found.kind,
        bounds=found.bounds,
    )
    return None if shares is None else (found, dict(zip(found.labels, shares.tolist(), strict=True)))


def gate_correction(file: GateFile, gate: Gate, frame: Frame, plan: Sequence[PlannedEpisode]) -> float | None:
    """A stopped gate's figure without the luck that it was stopped on; None where it was not stopped."""
    known = gate_shares(file, gate, frame, plan)
    if known is None:
        return None
    found, shares = known
    return corrected_mean(
        shares, {label: (sum(v), len(v)) for label, v in zip(found.labels, found.values, strict=True)}
    )


Weights = Mapping[tuple[str, str, int], float]
"""How often the cluster of a family, task and seed would have come first."""


@dataclass(frozen=True, slots=True, eq=False)
class Luck:
    """A run that ended where it was at its best, or at its worst.

    Attributes:
        played, planned: episodes.
        weights: shape (n,), how often the cluster of each row would have come first (see `first_shares`); NaN where
            no gate is known that ended it.
    """

    played: int
    planned: int
    weights: NDArray[np.float64]

    def corrected(self, values: NDArray[np.float64], rows: Mask) -> float | None:
        """The mean of values, shape (n,), over rows, without the luck that they were stopped on; None if unknown."""
        weights = self.weights[rows]
        total = float(weights.sum())
        return float((weights * values[rows]).sum() / total) if total > 0.0 else None

    def by_place(self, frame: Frame) -> Weights:
        """The mean weight of each family, task and seed; those of which none is known are left out."""
        sums: dict[tuple[str, str, int], list[float]] = {}
        known = np.flatnonzero(~np.isnan(self.weights))
        for row, weight, seed in zip(
            known.tolist(), self.weights[known].tolist(), frame.seed[known].tolist(), strict=True
        ):
            sums.setdefault((frame.family[row], frame.task[row], seed), []).append(weight)
        return {place: sum(found) / len(found) for place, found in sums.items()}


def luck_of(frame: Frame) -> Luck | None:
    """What luck a run was stopped on; None for a run that played all there was to play."""
    plan = planned_in(frame)
    rows = planned_of(frame)
    played = set(rows)
    skipped = 0 if plan is None else sum(one not in played for one in plan)
    if plan is None or not skipped:
        return None
    file = _gates(frame)
    gates = () if file is None else bonferroni(file).gates
    known = [(gate, found) for gate in gates if file and (found := gate_shares(file, gate, frame, plan)) is not None]
    known.sort(key=lambda one: -len(one[1][0].labels))  # who waited longest ended it
    weights = np.full(len(frame), math.nan)
    for row, one in enumerate(rows):
        ended = next((found for gate, found in known if concerns(gate, one)), None)
        if ended is not None:
            followed, shares = ended
            weights[row] = shares.get(cluster_of(one, followed.cluster), 0.0)
    return Luck(len(plan) - skipped, len(plan), weights)


def weights_of(frame: Frame) -> Weights | None:
    """`Luck.by_place` of a run; None of one that played all there was to play."""
    luck = luck_of(frame)
    return None if luck is None else luck.by_place(frame)


def _gates(frame: Frame) -> GateFile | None:
    """The gates that a run was followed by; None where its plan does not have them."""
    if frame.plan is None or frame.plan.gates is None:
        return None
    try:
        return GateFile.model_validate(frame.plan.gates)
    except ValueError:
        return None


def corrected_difference(
    first: Mapping[Place, float], second: Mapping[Place, float], weights: tuple[Weights | None, Weights | None]
) -> float | None:
    """Mean of the first units minus mean of the second, over those that both have, without the luck of stopping.

    Args:
        first, second: values of two runs.
        weights: `Luck.by_place` of either; None for a run that was not stopped. Where only one was, its weights are
            those of both, so that pairs stay pairs.

    Returns:
        None where neither was stopped, or that cannot be told.
    """
    known = [one for one in weights if one is not None]
    places = [place for place in first if place in second]
    if not known or any((p.family, p.task, p.seed) not in one for one in known for p in places):
        return None
    means = []
    for values, weight in zip((first, second), weights, strict=True):
        mine = known[0] if weight is None else weight
        shares = [mine[place.family, place.task, place.seed] for place in places]
        if not sum(shares):
            return None
        means.append(sum(s * values[place] for s, place in zip(shares, places, strict=True)) / sum(shares))
    return means[0] - means[1]


def corrected_summary(summary: Summary, frame: Frame) -> Summary:
    """A summary that says that the run was stopped, and what its rates are without the luck that it was stopped on.

    Args:
        summary: of the run.
        frame: the run.
    """
    luck = luck_of(frame)
    if luck is None:
        return summary
    success = frame.success.astype(np.float64)
    teams = {"+".join(team): team for team in frame.team.values}

    def corrected(cell: Cell) -> Cell:
        rows = frame.family.among([cell.family]) & frame.condition.among([cell.condition]) & frame.evidence
        rows = rows & frame.team.among([teams[cell.team]])
        if cell.task is not None:
            rows = rows & frame.task.among([cell.task])
        return cell.model_copy(update={"corrected": luck.corrected(success, rows)})

    return summary.model_copy(
        update={
            "stopped": Stopped(planned=luck.planned, played=luck.played),
            "tasks": tuple(corrected(cell) for cell in summary.tasks),
            "families": tuple(
                one.model_copy(update={"cells": tuple(corrected(cell) for cell in one.cells)})
                for one in summary.families
            ),
        }
    )
