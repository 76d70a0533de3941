"""A gate's evidence while a run goes on: in planned order, up to the first cluster that is not finished."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from pytest_collab.measure.bounded import combined
from pytest_collab.measure.decision import MeanEvidence
from pytest_collab.measure.frame import Frame
from pytest_collab.measure.gaps import gap_pairs, one_agent
from pytest_collab.measure.gate import ClusterBy, Gate, GateFile
from pytest_collab.measure.interval import Estimate
from pytest_collab.measure.plan import COARSE_TO_FINE, PlannedEpisode, cluster_of, concerns, planned_of
from pytest_collab.measure.selection import Supposed, as_read, values_of
from pytest_collab.measure.sequential import Kind, confidence_sequence
from pytest_collab.measure.units import supposing


@dataclass(frozen=True, slots=True)
class Followed:
    """A gate's evidence in planned order, up to the first cluster that is not finished.

    Attributes:
        labels, values: of every finished cluster that is evidence; the values one an episode or one a pair.
        cluster: what the clusters are.
        planned: how many clusters there were to play.
        largest: values in the largest of them.
        kind: see `sequential.log_wealth`.
        bounds: range of the values.
    """

    labels: tuple[tuple[Any, ...], ...]
    values: tuple[tuple[float, ...], ...]
    cluster: ClusterBy
    planned: int
    largest: int
    kind: Kind
    bounds: tuple[float, float]

    @property
    def means(self) -> list[float]:
        """One value a cluster."""
        return [sum(group) / len(group) for group in self.values]

    @property
    def n(self) -> int:
        """Values."""
        return sum(len(group) for group in self.values)

    @property
    def groups(self) -> int:
        """Clusters that are evidence."""
        return len(self.values)

    def interval(self, confidence: float, scale: float = 1.0) -> Estimate:
        """The two-sided interval of the sequence, whenever it ended; nobody will play more of it."""
        found = confidence_sequence(self.means, confidence, kind=self.kind, bounds=self.bounds, weights=self.weights)
        return replace(found, n=self.n, clusters=self.groups)

    @property
    def weights(self) -> list[float] | None:
        """Each cluster's share of the largest; None where all are single episodes."""
        return None if self.kind == "rate" else [len(group) / self.largest for group in self.values]


@dataclass(frozen=True, slots=True)
class StoppedEvidence:
    """Two runs of which at least one was stopped when decided: the difference of their means, as of two groups.

    Pairs would take over the luck that a run was stopped on. The sequence that it was followed by does not mind when
    it was stopped; its interval is combined with the other's as in `bounded.bounded_difference`.

    Attributes:
        first, second: a run's evidence, followed where it was stopped.
        bounds: the range of the values (not of the difference).
    """

    first: MeanEvidence | Followed
    second: MeanEvidence | Followed
    bounds: tuple[float, float]

    @property
    def n(self) -> int:
        return self.first.n + self.second.n

    @property
    def groups(self) -> int:
        return self.first.groups + self.second.groups

    def interval(self, confidence: float, scale: float = 1.0) -> Estimate:
        first, second = (one.interval(confidence, scale) for one in (self.first, self.second))
        return combined(first, second, self.bounds)

    def excludes(self, mean: float, confidence: float, scale: float) -> bool:
        found = self.interval(confidence, scale)
        return not found.low <= mean <= found.high


def sequence_of(
    file: GateFile,
    gate: Gate,
    frame: Frame,
    plan: Sequence[PlannedEpisode],
    done: set[tuple[Any, ...]] | None = None,
    lost: Supposed | None = None,
) -> Followed | None:
    """What a gate can be followed by; None where it cannot be decided early, or nothing of the plan is for it.

    Args:
        done: the keys of the episodes that were played, where they are known already.
        lost: what lost episodes count as; None to leave them out.
    """
    bounds = gate.measured.bounds if gate.measured.early else None
    wanted = [planned for planned in plan if concerns(gate, planned)]
    if bounds is None or gate.baseline is not None or not wanted:
        return None
    played = {tuple(planned) for planned in planned_of(frame)} if done is None else done
    cluster = _level(gate, gate.cluster or file.cluster, wanted)
    groups: dict[tuple[Any, ...], list[PlannedEpisode]] = {}
    for planned in wanted:
        groups.setdefault(cluster_of(planned, cluster), []).append(planned)
    order = list(groups)
    if not _together(wanted, cluster):
        # By first appearance, the clusters with most episodes would come first.
        order.sort(key=lambda label: hashlib.sha256(repr((plan[0], label)).encode()).digest())
    prefix: list[tuple[Any, ...]] = []
    for label in order:
        if not all(tuple(planned) in played for planned in groups[label]):
            break
        prefix.append(label)
    found = _cluster_values(gate, as_read(frame, gate.metric), cluster, lost)
    labels = tuple(label for label in prefix if label in found)
    largest = max(_planned_size(gate, members) for members in groups.values())
    return Followed(
        labels,
        tuple(tuple(found[label]) for label in labels),
        cluster,
        len(groups),
        largest,
        "rate" if gate.measured.kind == "rate" and largest == 1 else "mean",
        bounds,
    )


def _level(gate: Gate, cluster: ClusterBy, wanted: Sequence[PlannedEpisode]) -> ClusterBy:
    """The clusters that a gate can be followed by: its own, or larger ones where the plan keeps these together."""
    # A gap pairs by task and seed, so these belong together even where every pair stands for itself.
    if gate.measured.kind == "gap" and cluster == "episode":
        cluster = "task_seed"
    for level in COARSE_TO_FINE[: COARSE_TO_FINE.index(cluster)]:
        labels = [cluster_of(planned, level) for planned in wanted]
        if 1 < len(set(labels)) < len({cluster_of(planned, cluster) for planned in wanted}) and _together(
            wanted, level
        ):
            return level
    return cluster


def _together(wanted: Sequence[PlannedEpisode], cluster: ClusterBy) -> bool:
    """Whether the episodes of every cluster follow one another."""
    labels = [cluster_of(planned, cluster) for planned in wanted]
    return sum(one != other for one, other in pairwise(labels)) == len(set(labels)) - 1


def _planned_size(gate: Gate, members: Sequence[PlannedEpisode]) -> int:
    """How many values a cluster will have: one an episode, or one a pair, whatever the number of epochs."""
    if gate.measured.kind != "gap":
        return len(members)
    return max(1, len({(one.task, one.seed, one.team) for one in members if not one_agent(one.condition)}))


def _cluster_values(
    gate: Gate, frame: Frame, cluster: ClusterBy, lost: Supposed | None
) -> dict[tuple[Any, ...], list[float]]:
    """The values of every cluster, one an episode or one a pair."""
    found: dict[tuple[Any, ...], list[float]] = {}
    planned = planned_of(frame)
    rows = np.array([concerns(gate, one) for one in planned], dtype=bool)
    if gate.measured.kind == "gap":
        pairs = gap_pairs(supposing(frame, gate.metric, lost), gate.metric, rows)
        for unit, value in zip(pairs.keys, pairs.difference.tolist(), strict=True):
            found.setdefault(unit[:2] if cluster == "task" else unit[:3], []).append(value)
    elif rows.any():
        values, used = values_of(frame, gate, rows, lost=lost)
        for row in np.flatnonzero(used).tolist():
            found.setdefault(cluster_of(planned[row], cluster), []).append(float(values[row]))
    return found
