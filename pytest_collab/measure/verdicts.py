"""Gates on runs: gates.json."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from pytest_collab.errors import UsageError
from pytest_collab.measure.decision import (
    Decision,
    Evidence,
    GateVerdict,
    MeanEvidence,
    PairedEvidence,
    RateEvidence,
    UnpairedEvidence,
    decide,
)
from pytest_collab.measure.frame import Frame, Mask, changed_tasks
from pytest_collab.measure.gaps import Unit, gap_pairs, unit_clusters
from pytest_collab.measure.gate import ClusterBy, Gate, GateFile, OnUndecided
from pytest_collab.measure.paired import Pairs, match
from pytest_collab.measure.selection import selected, values_of

SCHEMA_VERSION: Final = 1
BASELINE: Final = "baseline"
"""What a gate calls the run passed as --collab-baseline."""

Key = tuple[Any, ...]


class GateResult(BaseModel):
    """One gate, judged.

    Attributes:
        name: the gate's title.
        metric: what was measured; with a baseline, `value` is the difference this run minus baseline.
        where: the selection, by key; keys left out are not there.
        rule: as in the file, e.g. `at_least 0.8`.
        relation, threshold: what `low` and `high` were held against.
        confidence: one-sided.
        value: the figure; None when there was no evidence.
        low, high: one-sided bounds at `confidence`; None where there is no such bound.
        n: episodes, or pairs, behind it.
        clusters: independent groups among them.
        method: name of the interval.
        verdict: pass, fail or undecided.
        needed: undecided only: about how many more episodes (or pairs) would settle it; None when none would.
        on_undecided: what an undecided verdict means for the exit status.
        sequential: whether the verdict is that of a confidence sequence.
        ok: whether the exit status can be 0 as far as this gate goes.
        message: one line for people.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    metric: str
    where: dict[str, tuple[str, ...]]
    rule: str
    relation: str
    threshold: float
    confidence: float
    baseline: str | None = None
    paired: bool | None = None
    value: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int | None
    method: str
    verdict: GateVerdict
    needed: int | None = None
    on_undecided: OnUndecided
    sequential: bool = False
    ok: bool
    message: str


class InfrastructureCheck(BaseModel):
    """Whether so many episodes broke that the run says nothing.

    Attributes:
        episodes: all, broken ones included.
        errors: infrastructure errors among them.
        rate: their share.
        at_most: the declared limit; above it the run is void.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    episodes: int
    errors: int
    rate: float
    at_most: float


class GateProblem(BaseModel):
    """A gate that could not be judged: its selection matches nothing, a baseline is missing or has changed.

    Attributes:
        name: the gate's title.
        message: what is wrong, and what to do.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    message: str


class Savings(BaseModel):
    """What was not played because no gate needed it any more.

    Attributes:
        episodes: how many were skipped.
        planned: how many there were to play.
        cost_usd: what they would have cost, at the mean cost of the played episodes of the same condition and
            team; None where such a cost is not known.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    episodes: int
    planned: int
    cost_usd: float | None


class GateReport(BaseModel):
    """gates.json.

    Attributes:
        verdict: `void` when too much of the infrastructure broke, else `error` when a gate could not be judged,
            else `pass` when every gate is ok, else `fail`.
        infrastructure: the check that decides `void`.
        gates: those that could be judged, in the order of the file.
        problems: those that could not.
        saved: what `--collab-stop-when-decided` saved; None without it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: Literal[1] = 1
    verdict: Literal["pass", "fail", "void", "error"]
    infrastructure: InfrastructureCheck
    gates: tuple[GateResult, ...]
    problems: tuple[GateProblem, ...] = ()
    saved: Savings | None = None

    @property
    def ok(self) -> bool:
        """Whether a release can go out."""
        return self.verdict == "pass"


def baselines_named(file: GateFile) -> tuple[str, ...]:
    """The runs that a gates file compares with: `baseline`, or run directories."""
    return tuple(dict.fromkeys(gate.baseline for gate in file.gates if gate.baseline is not None))


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

    Raises:
        UsageError: the selection matches nothing, a baseline is missing or its tasks have changed.
    """
    evidence = evidence_of(file, gate, frame, baselines)
    decision = decide(gate.rule(), evidence, gate.confidence or file.confidence)
    paired = isinstance(evidence, PairedEvidence) if gate.baseline is not None else None
    return result_of(file, gate, decision, paired=paired)


def evidence_of(file: GateFile, gate: Gate, frame: Frame, baselines: Mapping[str, Frame]) -> Evidence:
    """The evidence that a run holds for a gate. Args and raises as `judge_gate`."""
    cluster = gate.cluster or file.cluster
    rows = selected(frame, gate)
    if gate.baseline is not None:
        return _against_baseline(gate, frame, rows, _baseline(gate, frame, rows, baselines), cluster)
    metric = gate.measured
    if metric.kind == "gap":
        pairs = _gap_pairs(gate, frame, rows)
        return PairedEvidence(pairs.first, pairs.second, _unit_labels(pairs.keys, cluster))
    values, used = values_of(frame, gate, rows)
    places = np.flatnonzero(used)
    labels = labels_of(frame, places, cluster)
    if metric.kind == "rate":
        return RateEvidence(values[places], labels)
    return MeanEvidence(values[places], labels, metric.bounds)


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
        _baseline(gate, frame, rows, baselines)


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


def _baseline(gate: Gate, frame: Frame, rows: Mask, baselines: Mapping[str, Frame]) -> Frame:
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


def _against_baseline(gate: Gate, frame: Frame, rows: Mask, other: Frame, cluster: ClusterBy) -> Evidence:
    """Pair with the baseline by task, condition, seed and team; by the first three where no team is the same.

    Paired when at least half of this run's units have a partner; else the two groups are compared as they are.
    """
    bounds = gate.measured.bounds
    try:
        there = selected(other, gate if _same_teams(frame, other, rows) else _ignoring_team(gate))
    except UsageError as error:
        raise UsageError(f"in {gate.baseline!r}: {error}") from None
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


def result_of(
    file: GateFile, gate: Gate, decision: Decision, *, paired: bool | None = None, sequential: bool = False
) -> GateResult:
    """What gates.json says of a decision."""
    on_undecided = gate.undecided or file.undecided
    estimate = decision.estimate
    verdict = decision.verdict
    value = getattr(gate, gate.relation)
    rule = f"{gate.relation} {value:g}" if isinstance(value, float) else f"{gate.relation} {value}"
    if gate.margin is not None:
        rule += f", margin {gate.margin:g}"
    confidence = gate.confidence or file.confidence
    return GateResult(
        name=gate.title,
        metric=gate.metric,
        where={key: names for key, names in gate.where.model_dump().items() if names},
        rule=rule,
        relation=decision.rule.relation,
        threshold=decision.rule.threshold,
        confidence=confidence,
        baseline=gate.baseline,
        paired=paired,
        value=_finite(estimate.value),
        low=_finite(estimate.low),
        high=_finite(estimate.high),
        n=estimate.n,
        clusters=estimate.clusters,
        method=estimate.method,
        verdict=verdict,
        needed=decision.needed,
        on_undecided=on_undecided,
        sequential=sequential,
        ok=verdict is GateVerdict.PASS or (verdict is GateVerdict.UNDECIDED and on_undecided != "fail"),
        message=_message(gate, decision, confidence, paired),
    )


def _message(gate: Gate, decision: Decision, confidence: float, paired: bool | None) -> str:
    """One line: the figure, what it was held against, and, where undecided, what would settle it."""
    estimate, rule = decision.estimate, decision.rule
    unit = "pairs" if paired or gate.measured.kind == "gap" else "episodes"
    if not estimate.known:
        return f"{gate.metric}: no {unit} that are evidence; play some"
    show = _shower(gate)
    what = f"{gate.metric} minus that of {gate.baseline}" if gate.baseline is not None else gate.metric
    sign = {"at_least": ">=", "at_most": "<=", "above": ">", "below": "<"}[rule.relation]
    text = (
        f"{what} {show(estimate.value)} ({confidence:.0%} bounds {show(estimate.low)} to {show(estimate.high)}, "
        f"{estimate.n} {unit}), wanted {sign} {show(rule.threshold)}"
    )
    if decision.verdict is not GateVerdict.UNDECIDED:
        return text
    if decision.needed is None:
        return f"{text}: undecided, and no number of {unit} would settle it while the figure stays there"
    return f"{text}: undecided, about {decision.needed} more {unit} would settle it"


def _shower(gate: Gate) -> Callable[[float], str]:
    if gate.metric == "cost_usd":
        return lambda value: f"{'-' if value < 0 else ''}${abs(value):.4g}"
    if gate.measured.bounds is not None and gate.metric != "score":
        return lambda value: f"{100 * value:.1f} %"
    return lambda value: f"{value:.4g}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def labels_of(frame: Frame, rows: NDArray[np.intp], cluster: ClusterBy) -> NDArray[np.int64] | None:
    """Cluster labels of rows as a gate file asks for them; None where every episode stands for itself."""
    return None if cluster == "episode" else frame.clusters(rows, by_seed=cluster == "task_seed")
