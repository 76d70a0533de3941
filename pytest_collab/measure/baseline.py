"""What a run and a baseline show together: the evidence of a gate that compares."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from pytest_collab.errors import UsageError
from pytest_collab.measure.decision import Evidence, PairedEvidence, UnpairedEvidence
from pytest_collab.measure.frame import Frame, Mask, changed_tasks
from pytest_collab.measure.gaps import gap_pairs
from pytest_collab.measure.gate import ClusterBy, Gate, GateFile
from pytest_collab.measure.paired import match
from pytest_collab.measure.selection import selected, values_of

BASELINE: Final = "baseline"
"""What a gate calls the run passed as --collab-baseline."""

Key = tuple[Any, ...]


def baselines_named(file: GateFile) -> tuple[str, ...]:
    """The runs that a gates file compares with: `baseline`, or run directories."""
    return tuple(dict.fromkeys(gate.baseline for gate in file.gates if gate.baseline is not None))


def baseline_frame(gate: Gate, frame: Frame, rows: Mask, baselines: Mapping[str, Frame]) -> Frame:
    name = gate.baseline or BASELINE
    if name not in baselines:
        remedy = "Pass --collab-baseline=DIR." if name == BASELINE else "Name an existing run directory."
        raise UsageError(f"gate {gate.title!r} compares with {name!r}, which is not there. {remedy}")
    other = baselines[name]
    changed = changed_tasks(frame, other, rows)
    if changed:
        raise UsageError(
            f"gate {gate.title!r} compares with {name!r}, whose tasks are not the same any more: "
            f"{', '.join(changed)} changed since. Play a new baseline."
        )
    return other


def baseline_rows(gate: Gate, frame: Frame, rows: Mask, other: Frame) -> Mask:
    """The rows of a baseline that a gate looks at: shape (m,). Raises as `selected`, naming the baseline."""
    try:
        return selected(other, gate if _same_teams(frame, other, rows) else _ignoring_team(gate))
    except UsageError as error:
        raise UsageError(f"in {gate.baseline!r}: {error}") from None


@dataclass(frozen=True, slots=True)
class _Units:
    """A metric's mean on each (family, task, condition, seed, team), over epochs."""

    values: dict[Key, float]

    def without_team(self) -> dict[Key, float]:
        groups: dict[Key, list[float]] = {}
        for key, value in self.values.items():
            groups.setdefault(key[:-1], []).append(value)
        return {key: sum(group) / len(group) for key, group in groups.items()}


def _units(frame: Frame, gate: Gate, rows: Mask) -> _Units:
    if gate.measured.kind == "gap":
        pairs = gap_pairs(frame, gate.metric, rows)
        keys = [(unit.family, unit.task, gate.metric, unit.seed, unit.team) for unit in pairs.keys]
        return _Units(dict(zip(keys, pairs.difference.tolist(), strict=True)))
    values, used = values_of(frame, gate, rows)
    groups: dict[Key, list[float]] = {}
    for row in np.flatnonzero(used).tolist():
        key = (frame.family[row], frame.task[row], frame.condition[row], int(frame.seed[row]), frame.team[row])
        groups.setdefault(key, []).append(float(values[row]))
    return _Units({key: sum(group) / len(group) for key, group in groups.items()})


def against_baseline(gate: Gate, frame: Frame, rows: Mask, other: Frame, cluster: ClusterBy) -> Evidence:
    """Pair with the baseline by task, condition, seed and team; by the first three where no team is the same.

    Paired when at least half of this run's units have a partner; else the two groups are compared as they are.
    """
    bounds = gate.bounds
    there = baseline_rows(gate, frame, rows, other)
    ours, theirs = _units(frame, gate, rows), _units(other, gate, there)
    attempts: tuple[tuple[Mapping[Key, float], Mapping[Key, float]], ...] = (
        (ours.values, theirs.values),
        (ours.without_team(), theirs.without_team()),
    )
    for first, second in attempts:
        pairs = match(first, second)
        if 2 * len(pairs.keys) >= len(first) and pairs.keys:
            return PairedEvidence(pairs.first, pairs.second, _key_labels(pairs.keys, cluster), bounds)
    return UnpairedEvidence(
        list(ours.values.values()),
        list(theirs.values.values()),
        _key_labels(list(ours.values), cluster),
        _key_labels(list(theirs.values), cluster),
        bounds,
        rate=gate.measured.kind == "rate" and _binary(ours) and _binary(theirs),
    )


def _same_teams(frame: Frame, other: Frame, rows: Mask) -> bool:
    codes = np.unique(frame.team.codes[rows]).tolist()
    return bool({frame.team.values[code] for code in codes} & set(other.team.values))


def _ignoring_team(gate: Gate) -> Gate:
    """A baseline of other agents is read with the same selection, but for who played."""
    return gate.model_copy(update={"where": gate.where.model_copy(update={"team": (), "agent": ()})})


def _binary(units: _Units) -> bool:
    return all(value in (0.0, 1.0) for value in units.values.values())


def _key_labels(keys: Sequence[Key], cluster: ClusterBy) -> list[Hashable] | None:
    if cluster == "episode":
        return None
    return [key[:2] if cluster == "task" else (*key[:2], key[3]) for key in keys]
