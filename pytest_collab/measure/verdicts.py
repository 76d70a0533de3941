"""Gates on runs: what a run shows of each gate, and the verdict."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pytest_collab.errors import UsageError
from pytest_collab.measure.baseline import against_baseline, baseline_frame, baseline_rows
from pytest_collab.measure.decision import (
    Decision,
    Evidence,
    MeanEvidence,
    PairedEvidence,
    RateEvidence,
    decide,
    while_open,
)
from pytest_collab.measure.frame import Frame, Mask
from pytest_collab.measure.gaps import Unit, gap_pairs, unit_clusters
from pytest_collab.measure.gate import ClusterBy, Gate, GateFile
from pytest_collab.measure.gatereport import GateProblem, GateReport, GateResult, InfrastructureCheck, result_of
from pytest_collab.measure.paired import Pairs
from pytest_collab.measure.selection import SETTLED_RATES, open_rows, selected, values_of, within
from pytest_collab.measure.settling import suppose


def judge_run(file: GateFile, frame: Frame, baselines: Mapping[str, Frame] | None = None) -> GateReport:
    """Judge every gate on a run, once, at its end.

    Args:
        file: the gates.
        frame: the run.
        baselines: the runs of `baselines_named`.

    Returns:
        The report; gates that cannot be judged (see `judge_gate`) are its problems.
    """
    known = baselines or {}
    return report(file, frame, lambda gate: judge_gate(file, gate, frame, known))


def report(file: GateFile, frame: Frame, judge: Callable[[Gate], GateResult]) -> GateReport:
    """Put the results of all gates and the infrastructure check together."""
    results: list[GateResult] = []
    problems: list[GateProblem] = []
    for gate in file.gates:
        try:
            results.append(judge(gate))
        except UsageError as error:
            problems.append(GateProblem(name=gate.title, message=str(error)))
    errors = int((~frame.evidence).sum())
    rate = errors / len(frame) if len(frame) else 0.0
    limit = file.infrastructure.at_most
    check = InfrastructureCheck(episodes=len(frame), errors=errors, rate=rate, at_most=limit)
    verdict: Literal["pass", "fail", "void", "error"]
    if rate > limit:
        verdict = "void"
    elif problems:
        verdict = "error"
    else:
        verdict = "pass" if all(result.ok for result in results) else "fail"
    return GateReport(verdict=verdict, infrastructure=check, gates=tuple(results), problems=tuple(problems))


def judge_gate(file: GateFile, gate: Gate, frame: Frame, baselines: Mapping[str, Frame]) -> GateResult:
    """Judge one gate on a run, once, at its end. Args as `judge_run`.

    While episodes are unsettled that the figure may or may not count, only what holds either way is decided.

    Raises:
        UsageError: the selection matches nothing, a baseline is missing or its tasks have changed.
    """
    rows = selected(frame, gate)
    open_here = int(open_rows(frame, gate, rows).sum())
    open_there = 0
    if gate.baseline is not None:
        other = baseline_frame(gate, frame, rows, baselines)
        open_there = int(open_rows(other, gate, baseline_rows(gate, frame, rows, other)).sum())
    if not open_here and not open_there:
        return _judged(file, gate, frame, baselines)[0]
    none, all_ = SETTLED_RATES[gate.metric]
    (_, least), (result, most) = (
        _judged(file, gate, suppose(frame, ours), {name: suppose(run, theirs) for name, run in baselines.items()})
        for ours, theirs in ((none, all_), (all_, none))
    )
    return result_of(file, gate, while_open(least, most, open_here, open_there), paired=result.paired)


def _judged(file: GateFile, gate: Gate, frame: Frame, baselines: Mapping[str, Frame]) -> tuple[GateResult, Decision]:
    evidence = evidence_of(file, gate, frame, baselines)
    decision = decide(gate.rule(), evidence, gate.confidence or file.confidence)
    paired = isinstance(evidence, PairedEvidence) if gate.baseline is not None else None
    return result_of(file, gate, decision, paired=paired), decision


def evidence_of(file: GateFile, gate: Gate, frame: Frame, baselines: Mapping[str, Frame]) -> Evidence:
    """The evidence that a run holds for a gate. Args and raises as `judge_gate`."""
    cluster = gate.cluster or file.cluster
    rows = selected(frame, gate)
    if gate.baseline is not None:
        return against_baseline(gate, frame, rows, baseline_frame(gate, frame, rows, baselines), cluster)
    metric = gate.measured
    if metric.kind == "gap":
        pairs = _gap_pairs(gate, frame, rows)
        return PairedEvidence(pairs.first, pairs.second, _unit_labels(pairs.keys, cluster))
    values, used = values_of(frame, gate, rows)
    places = np.flatnonzero(used)
    labels = labels_of(frame, places, cluster)
    if metric.kind == "rate":
        return RateEvidence(values[places], labels)
    return MeanEvidence(within(gate, values[places]), labels, gate.bounds)


def check_gate(gate: Gate, frame: Frame, baselines: Mapping[str, Frame] | None) -> None:
    """Refuse a gate that a run could not be judged by, whatever its episodes come to.

    Args:
        gate: the gate.
        frame: the episodes that there will be; only who plays what matters.
        baselines: the runs that gates compare with; None to leave these out.

    Raises:
        UsageError: the selection matches nothing, a baseline is missing or its tasks have changed.
    """
    rows = selected(frame, gate)
    if gate.measured.kind == "gap":
        _gap_pairs(gate, frame, rows)
    if gate.baseline is not None and baselines is not None:
        baseline_frame(gate, frame, rows, baselines)


def _gap_pairs(gate: Gate, frame: Frame, rows: Mask) -> Pairs[Unit]:
    pairs = gap_pairs(frame, gate.metric, rows)
    if not pairs.keys:
        raise UsageError(
            f"gate {gate.title!r} matches nothing: no team has both conditions of {gate.metric} on a common task "
            "and seed. Play both, with --collab-conditions."
        )
    return pairs


def _unit_labels(units: Sequence[Any], cluster: ClusterBy) -> list[Hashable] | None:
    if cluster == "episode":
        return None
    labels = unit_clusters(units)
    return list(labels) if cluster == "task_seed" else [label[:2] for label in labels]


def labels_of(frame: Frame, rows: NDArray[np.intp], cluster: ClusterBy) -> NDArray[np.int64] | None:
    """Cluster labels of rows as a gate file asks for them; None where every episode stands for itself."""
    return None if cluster == "episode" else frame.clusters(rows, by_seed=cluster == "task_seed")
