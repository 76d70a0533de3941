"""Gates on runs: what a run shows of each gate, and the verdict."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pytest_collab.episode.text import counted
from pytest_collab.errors import UsageError
from pytest_collab.measure.baseline import (
    BASELINE,
    absence,
    against_baseline,
    baseline_frame,
    baseline_rows,
    circumstances,
)
from pytest_collab.measure.caveats import Caveats
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
from pytest_collab.measure.losses import Losses, bounds_of, depends, losses_of, lost_at_random, lost_there
from pytest_collab.measure.matching import NOT_COMPARED, Matching
from pytest_collab.measure.metric import FAILURE_RATE, GAPS
from pytest_collab.measure.paired import Pairs
from pytest_collab.measure.plan import stopped_for, unrecorded
from pytest_collab.measure.selection import (
    ENDS,
    INFRASTRUCTURE_RATE,
    Supposed,
    as_read,
    ends_of,
    open_rows,
    reading_of,
    selected,
    within,
)
from pytest_collab.measure.sensitivity import check_area, evidence_of
from pytest_collab.measure.settling import suppose
from pytest_collab.measure.stopped import luck_of
from pytest_collab.measure.together import false_alarms, holm_results
from pytest_collab.measure.units import supposing


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
    return report(file, frame, lambda gate: judge_gate(file, gate, frame, known), known)


def report(
    file: GateFile,
    frame: Frame,
    judge: Callable[[Gate], GateResult],
    baselines: Mapping[str, Frame] | None = None,
) -> GateReport:
    """Put the results of all gates and the infrastructure check together."""
    found: dict[str, GateResult] = {}
    problems: list[GateProblem] = []
    for gate in file.gates:
        try:
            found[gate.title] = judge(gate)
        except UsageError as error:
            problems.append(GateProblem(name=gate.title, message=str(error)))
    gates = [gate for gate in file.gates if gate.title in found]
    results = holm_results(file, gates, judge) if file.together else list(found.values())
    check = _infrastructure(file, frame)
    verdict: Literal["pass", "fail", "void", "error"]
    if check.rate > check.at_most:
        verdict = "void"
    elif problems:
        verdict = "error"
    else:
        verdict = "pass" if all(result.ok for result in results) else "fail"
    return GateReport(
        verdict=verdict,
        infrastructure=check,
        gates=tuple(results),
        problems=tuple(problems),
        circumstances=circumstances(frame, baselines or {}),
        false_alarms=false_alarms(file, results),
    )


def _infrastructure(file: GateFile, frame: Frame) -> InfrastructureCheck:
    ungraded = int(frame.unread.sum())
    errors = int((~frame.evidence & ~frame.unread).sum())
    rate = (errors + ungraded) / len(frame) if len(frame) else 0.0
    return InfrastructureCheck(
        episodes=len(frame), errors=errors, ungraded=ungraded, rate=rate, at_most=file.infrastructure.at_most
    )


def judge_gate(file: GateFile, gate: Gate, frame: Frame, baselines: Mapping[str, Frame]) -> GateResult:
    """Judge one gate on a run, once, at its end. Args as `judge_run`.

    While episodes are unsettled that the figure may or may not count, only what holds either way is decided.

    Raises:
        UsageError: the selection matches nothing, a baseline is missing or its tasks have changed, or a metric that
            not every episode has comes without `absent`.
    """
    frame = as_read(frame, gate.metric)
    baselines = {name: as_read(run, gate.metric) for name, run in baselines.items()}
    rows = selected(frame, gate)
    open_here = int(open_rows(frame, gate.metric, rows).sum())
    open_there = 0
    if gate.baseline is not None:
        other = baseline_frame(file, gate, frame, rows, baselines)
        open_there = int(open_rows(other, gate.metric, baseline_rows(file, gate, frame, other)).sum())
    if not open_here and not open_there:
        judged = _judged(file, gate, frame, baselines)
        return result_of(file, gate, judged.decision, paired=judged.paired, caveats=judged.caveats)
    none, all_ = ends_of(gate.metric) or (None, None)
    least, most = (
        _judged(file, gate, suppose(frame, ours), {name: suppose(run, theirs) for name, run in baselines.items()})
        for ours, theirs in ((none, all_), (all_, none))
    )
    decision = while_open(least.decision, most.decision, open_here, open_there)
    caveats = replace(most.caveats, open=tuple(dict.fromkeys((*least.caveats.open, *most.caveats.open))))
    return result_of(file, gate, decision, paired=most.paired, caveats=caveats)


class _Judged(NamedTuple):
    """A gate's decision with what it means."""

    decision: Decision
    paired: bool | None
    caveats: Caveats


def _judged(file: GateFile, gate: Gate, frame: Frame, baselines: Mapping[str, Frame]) -> _Judged:
    found = _found(file, gate, frame, baselines)
    confidence = gate.confidence or file.confidence
    decision = decide(gate.rule(), found.evidence, confidence)
    caveats = replace(
        losses_alone(file, gate, frame),
        matching=found.matching,
        open=(*found.open, *unrecorded(gate, frame)),
        notes=found.notes,
        stopped=found.stopped,
        corrected=found.corrected,
    )
    losses, there = caveats.losses, _losses_there(file, gate, frame, baselines)
    told = lost_there(there, gate.baseline or BASELINE)
    if there.void:
        remedy = f"above the declared {there.at_most:.1%}: finish it with --collab-resume, or name another baseline"
        caveats = replace(caveats, open=(*caveats.open, *(f"{one}, {remedy}" for one in told)))
    else:
        caveats = replace(caveats, notes=(*caveats.notes, *told))
    if (
        losses is not None
        and (losses.lost or there.lost)
        and gate.measured.bounds is not None
        and not (losses.void or there.void)
    ):

        def at_ends(unread: bool) -> list[Decision]:
            both = [_found(file, gate, frame, baselines, Supposed(end, unread)) for end in ENDS]
            return [decide(gate.rule(), one.evidence, confidence) for one in both]

        ends = at_ends(unread=False)
        if losses.lost:
            losses = losses.model_copy(update={"lowest": bounds_of(ends[0]), "highest": bounds_of(ends[1])})
        both = losses.model_copy(
            update={"lost": losses.lost + there.lost, "ungraded": losses.ungraded + there.ungraded}
        )
        if lost_at_random(file, gate):
            # Only failures are left ungraded, so that these are not lost at random whatever the file says.
            ends = at_ends(unread=True) if both.ungraded else []
        caveats = replace(caveats, losses=losses, open=(*caveats.open, *depends(both, decision, ends)))
    if found.matching is not None:
        caveats = _unmatched(file, gate, found.matching, caveats)
    paired = isinstance(found.evidence, PairedEvidence) if gate.baseline is not None else None
    return _Judged(decision, paired, caveats)


def _losses_there(file: GateFile, gate: Gate, frame: Frame, baselines: Mapping[str, Frame]) -> Losses:
    """What the baseline has lost of the episodes that a gate compares with."""
    at_most = file.infrastructure.at_most
    if gate.baseline is None:
        return Losses(lost=0, episodes=0, at_most=at_most)
    other = baseline_frame(file, gate, frame, selected(frame, gate), baselines)
    rows = baseline_rows(file, gate, frame, other)
    if gate.measured.kind == "gap":
        rows = rows & other.condition.among(GAPS[gate.metric])
    return losses_of(other, rows, at_most, teams=not lost_at_random(file, gate))


def losses_alone(file: GateFile, gate: Gate, frame: Frame) -> Caveats:
    """What was lost of a gate's episodes, without what the figure could be else."""
    whole = _infrastructure(file, frame)
    teams = not lost_at_random(file, gate)
    losses = losses_of(frame, _concerned(gate, frame), file.infrastructure.at_most, teams=teams)
    return Caveats(None if gate.metric == INFRASTRUCTURE_RATE else losses, run_void=whole.rate > whole.at_most)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a run holds for a gate; the rest as in `baseline.Against` and `Caveats`."""

    evidence: Evidence
    matching: Matching | None = None
    open: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    corrected: float | None = None


def _found(
    file: GateFile, gate: Gate, frame: Frame, baselines: Mapping[str, Frame], lost: Supposed | None = None
) -> _Found:
    """The evidence that a run holds for a gate; `lost` as in `baseline.against_baseline`."""
    cluster = gate.cluster or file.cluster
    rows = selected(frame, gate)
    if gate.baseline is not None:
        other = baseline_frame(file, gate, frame, rows, baselines)
        against = against_baseline(file, gate, frame, rows, other, cluster, lost)
        return _Found(
            against.evidence,
            against.matching,
            (*against.open, *_uncounted(gate, frame, rows)),
            stopped=against.stopped,
            corrected=against.corrected,
        )
    metric = gate.measured
    if metric.kind == "gap":
        pairs = _gap_pairs(gate, supposing(frame, gate.metric, lost), rows)
        return _Found(PairedEvidence(pairs.first, pairs.second, _unit_labels(pairs.keys, cluster)))
    if metric.kind == "area":
        check_area(file, gate, frame, rows)
        stop = stopped_for(gate, frame)
        return _Found(evidence_of(frame, gate, rows, lost), open=_part(gate, stop), stopped=_stopped(stop))
    reading = reading_of(frame, gate, rows, lost=lost)
    left_out = int(reading.absent.sum())
    if left_out and gate.absent is None:
        raise UsageError(absence(gate, left_out, left_out + int(reading.used.sum())))
    places = np.flatnonzero(reading.used)
    labels = labels_of(frame, places, cluster)
    stop = stopped_for(gate, frame)
    luck = None if stop is None else luck_of(frame)
    values = reading.values[places]
    return _Found(
        RateEvidence(values, labels)
        if metric.kind == "rate"
        else MeanEvidence(within(gate, values), labels, gate.bounds),
        open=(*_uncounted(gate, frame, rows), *_part(gate, stop)),
        stopped=_stopped(stop),
        corrected=None if stop is None or luck is None else luck.corrected(reading.values, reading.used),
        notes=(f"left out: {counted(left_out, 'episode')} without {gate.metric}",) if left_out else (),
    )


def _stopped(stop: tuple[int, int] | None) -> tuple[str, ...]:
    return (
        ()
        if stop is None
        else (f"stopped when decided, after {stop[0]} of the {counted(stop[1], 'episode')} asked for here",)
    )


def _part(gate: Gate, stop: tuple[int, int] | None) -> tuple[str, ...]:
    """A figure without a range cannot be judged on the part that was played until other gates were decided."""
    if stop is None:
        return ()
    why = "is one of all episodes" if gate.measured.kind == "area" else "has no range to judge a part of a run by"
    return (f"{gate.metric} {why}: play the rest with --collab-resume",)


def _concerned(gate: Gate, frame: Frame) -> Mask:
    """The rows that a gate reads, lost ones included."""
    rows = selected(frame, gate)
    return rows & frame.condition.among(GAPS[gate.metric]) if gate.measured.kind == "gap" else rows


def _uncounted(gate: Gate, frame: Frame, rows: Mask) -> tuple[str, ...]:
    """Costs and tokens that nobody counted are not zero."""
    used = rows & frame.evidence
    if gate.metric not in ("cost_usd", "tokens") or not used.any():
        return ()
    if frame.tokens[used].any() or (gate.metric == "cost_usd" and frame.cost_usd[used].any()):
        return ()
    return ("no tokens were counted: built-in players, and programs that report no usage, cost nothing here",)


def _unmatched(file: GateFile, gate: Gate, matching: Matching, caveats: Caveats) -> Caveats:
    """Add what only one of the run and its baseline played."""
    told = matching.told(gate.baseline or BASELINE, "this run")
    alone = [line for line in told if line.startswith(NOT_COMPARED)]
    notes = [line for line in told if line not in alone]
    if gate.seeds == "other":
        return replace(caveats, notes=(*caveats.notes, "not paired: the runs are of other seeds"))
    if not matching.pairs:
        notes.append("not paired: the runs have no unit in common")
    fails = (gate.unmatched or file.unmatched) == "fail"
    return replace(caveats, unmatched=tuple(alone), fails=fails, notes=(*caveats.notes, *notes))


def check_gate(file: GateFile, gate: Gate, frame: Frame, baselines: Mapping[str, Frame] | None) -> None:
    """Refuse a gate that a run could not be judged by, whatever its episodes come to.

    Args:
        file: the gates.
        gate: one of them.
        frame: the episodes that there will be; only who plays what matters.
        baselines: the runs that gates compare with; None to leave these out.

    Raises:
        UsageError: the selection matches nothing, a baseline is missing or its tasks have changed.
    """
    rows = selected(frame, gate)
    if gate.measured.kind == "gap":
        _gap_pairs(gate, frame, rows)
    elif gate.measured.kind == "area":
        check_area(file, gate, frame, rows)
    elif gate.metric.startswith(FAILURE_RATE):
        reading_of(frame, gate, rows)
    if gate.baseline is not None and baselines is not None:
        baseline_frame(file, gate, frame, rows, baselines, planned=True)


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
