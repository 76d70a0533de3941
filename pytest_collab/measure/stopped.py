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
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_collab.measure.followed import Followed, sequence_of
from pytest_collab.measure.frame import Frame
from pytest_collab.measure.gate import Gate, GateFile
from pytest_collab.measure.plan import PlannedEpisode, cluster_of, concerns, planned_of
from pytest_collab.measure.sequential import Kind, betting_log_wealth, mixture_log_wealth
from pytest_collab.measure.summary import Cell, Stopped, Summary
from pytest_collab.measure.together import bonferroni

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


def corrected_summary(
    summary: Summary, file: GateFile | None, frame: Frame, plan: Sequence[PlannedEpisode]
) -> Summary:
    """A summary that says that the run was stopped, and what its rates are without the luck that it was stopped on.

    Args:
        summary: of the run.
        file: the gates that it was stopped by; None where that is not known any more.
        frame: the run.
        plan: what there was to play.
    """
    rows = planned_of(frame)
    played = set(rows)
    skipped = sum(one not in played for one in plan)
    if not skipped:
        return summary
    gates = () if file is None else bonferroni(file).gates
    known = [(gate, found) for gate in gates if file and (found := gate_shares(file, gate, frame, plan)) is not None]
    known.sort(key=lambda one: -len(one[1][0].labels))  # who waited longest ended it

    def corrected(cell: Cell) -> Cell:
        mine = [
            row
            for row, one in enumerate(rows)
            if (one.family, one.condition, "+".join(one.team)) == (cell.family, cell.condition, cell.team)
            and cell.task in (None, one.task)
            and frame.evidence[row]
        ]
        for gate, (found, shares) in known:
            if mine and concerns(gate, rows[mine[0]]):
                totals: dict[Hashable, tuple[float, int]] = {}
                for row in mine:
                    label = cluster_of(rows[row], found.cluster)
                    total, n = totals.get(label, (0.0, 0))
                    totals[label] = (total + float(frame.success[row]), n + 1)
                return cell.model_copy(update={"corrected": corrected_mean(shares, totals)})
        return cell

    return summary.model_copy(
        update={
            "stopped": Stopped(planned=len(plan), played=len(plan) - skipped),
            "tasks": tuple(corrected(cell) for cell in summary.tasks),
            "families": tuple(
                one.model_copy(update={"cells": tuple(corrected(cell) for cell in one.cells)})
                for one in summary.families
            ),
        }
    )
