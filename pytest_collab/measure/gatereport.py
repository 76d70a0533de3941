"""gates.json: what was found of every gate, and of the run."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from pytest_collab.episode.text import counted, plural
from pytest_collab.measure.caveats import Caveats
from pytest_collab.measure.decision import Decision, GateVerdict
from pytest_collab.measure.gate import ClusterBy, Gate, GateFile, OnUndecided
from pytest_collab.measure.losses import Bounds, Losses
from pytest_collab.measure.matching import Matching

SCHEMA_VERSION: Final = 1
SIGNS: Final = {"at_least": ">=", "at_most": "<=", "above": ">", "below": "<"}


class GateResult(BaseModel):
    """One gate, judged.

    Attributes:
        name: the gate's title.
        metric: what was measured; with a baseline, `value` is the difference this run minus baseline.
        where: the selection, by key; keys left out are not there.
        rule: as in the file, e.g. `at_least 0.8`.
        relation, threshold: what `low` and `high` were held against.
        confidence: one-sided.
        value: the figure; None when there was no evidence, or where `least` and `most` stand in its place.
        low, high: one-sided bounds at `confidence`; None where there is no such bound.
        n: episodes, or pairs, behind it.
        clusters: independent groups among them.
        cluster: what these are: `task_seed`, `task` or `episode`.
        method: name of the interval.
        unsettled: episodes of this run that count or not, depending on what solo episodes will settle them to.
        unsettled_baseline: those of the baseline.
        least, most: with such episodes, what the figure would be if none, and if all, of this run's counted (and
            all, and none, of the baseline's); `low` and `high` are the bounds of these two. None without any.
        verdict: pass, fail or undecided.
        needed: undecided only: about how many more clusters would settle it, each played as often as those so
            far; None when no number would.
        losses: what was lost of its episodes, and what the figure would be at worst and at best.
        matching: with a baseline: which units were held against each other, and which only one of the runs has.
        caveats: what keeps it from passing, or from being decided, whatever the interval says; and notes.
        open: those of the caveats because of which neither pass nor fail can be said.
        void: too many of its episodes were lost for it to say anything.
        on_undecided: what an undecided verdict means for the exit status.
        sequential: whether the verdict is that of a confidence sequence.
        stopped: which of the run and its baseline was stopped when decided; empty where neither was.
        corrected: the figure without the luck that they were stopped on; None where nothing was, or it is unknown.
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
    cluster: ClusterBy = "task_seed"
    method: str
    unsettled: int = 0
    unsettled_baseline: int = 0
    least: float | None = None
    most: float | None = None
    verdict: GateVerdict
    needed: int | None = None
    losses: Losses | None = None
    matching: Matching | None = None
    caveats: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    void: bool = False
    on_undecided: OnUndecided
    sequential: bool = False
    stopped: tuple[str, ...] = ()
    corrected: float | None = None
    ok: bool
    message: str


class InfrastructureCheck(BaseModel):
    """Whether so many episodes were lost that the run says nothing.

    Attributes:
        episodes: all, lost ones included.
        errors: infrastructure errors among them.
        ungraded: episodes that could not be read surely.
        rate: the share of both.
        at_most: the declared limit; above it the run is void.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    episodes: int
    errors: int
    ungraded: int = 0
    rate: float
    at_most: float

    def __str__(self) -> str:
        """What was lost: a part of a sentence."""
        text = f"{self.errors + self.ungraded} of {counted(self.episodes, 'episode')} ({self.rate:.1%})"
        were = plural(self.errors + self.ungraded, "was", "were")
        if not self.ungraded:
            return f"{text} {were} lost to infrastructure"
        if not self.errors:
            return f"{text} could not be read surely"
        return f"{text} {were} lost ({self.errors} to infrastructure, {self.ungraded} could not be read surely)"


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
        circumstances: by baseline, what else is not the same in this run, one line each.
        false_alarms: of releases that keep every rule with nothing to spare, the share that these gates would stop by
            chance; None for a single gate.
        saved: what `--collab-stop-when-decided` saved; None without it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: Literal[1] = 1
    verdict: Literal["pass", "fail", "void", "error"]
    infrastructure: InfrastructureCheck
    gates: tuple[GateResult, ...]
    problems: tuple[GateProblem, ...] = ()
    circumstances: dict[str, tuple[str, ...]] = {}
    false_alarms: float | None = None
    saved: Savings | None = None

    @property
    def ok(self) -> bool:
        """Whether a release can go out."""
        return self.verdict == "pass"

    @property
    def failed(self) -> bool:
        """Whether something was found against it: a gate failed, or cannot be judged. Undecided is neither."""
        return bool(self.problems) or any(gate.verdict is GateVerdict.FAIL for gate in self.gates)


def result_of(
    file: GateFile,
    gate: Gate,
    decision: Decision,
    *,
    paired: bool | None = None,
    sequential: bool = False,
    cluster: ClusterBy | None = None,
    caveats: Caveats | None = None,
) -> GateResult:
    """What gates.json says of a decision; `cluster` where it was not judged by the gate's own."""
    known = caveats or Caveats()
    cluster = cluster or gate.cluster or file.cluster
    on_undecided = gate.undecided or file.undecided
    estimate = decision.estimate
    verdict = known.verdict(decision)
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
        cluster=cluster,
        method=estimate.method,
        **_open(decision),
        verdict=verdict,
        needed=decision.needed,
        on_undecided=on_undecided,
        sequential=sequential,
        losses=known.losses,
        matching=known.matching,
        caveats=tuple(known.told()),
        open=known.open,
        stopped=known.stopped,
        corrected=known.corrected,
        void=known.void,
        ok=not known.void
        and (verdict is GateVerdict.PASS or (verdict is GateVerdict.UNDECIDED and on_undecided != "fail")),
        message="; ".join(
            [
                _message(gate, decision, confidence, paired, sequential, cluster),
                *_caveats(gate, known, decision, verdict),
            ]
        ),
    )


def _message(
    gate: Gate, decision: Decision, confidence: float, paired: bool | None, sequential: bool, cluster: ClusterBy
) -> str:
    """One line: the figure, what it was held against, and, where undecided, what would settle it."""
    estimate, rule = decision.estimate, decision.rule
    unit = "pair" if paired or gate.measured.kind == "gap" else "episode"
    if decision.open is not None:
        return _open_message(gate, decision, confidence)
    if not estimate.known:
        return f"{gate.metric}: no {unit}s that are evidence; play some"
    show = _shower(gate)
    what = f"{gate.metric} minus that of {gate.baseline}" if gate.baseline is not None else gate.metric
    sign = SIGNS[rule.relation]
    clusters = {"task_seed": "seed", "task": "task", "episode": unit}[cluster]
    of = "" if estimate.clusters in (None, estimate.n) else f" of {counted(estimate.clusters or 0, clusters)}"
    text = (
        f"{what} {show(estimate.value)} ({confidence:.0%} bounds {show(estimate.low)} to {show(estimate.high)}, "
        f"{counted(estimate.n, unit)}{of}), wanted {sign} {show(rule.threshold)}"
    )
    if decision.verdict is not GateVerdict.UNDECIDED:
        return text
    if decision.needed is None:
        return f"{text}: undecided, and no number of {clusters}s would settle it while the figure stays there"
    advice = f"{text}: undecided, about {counted(decision.needed, f'more {clusters}')} would settle it"
    if sequential:
        return advice
    return f"{advice} (to add and look again, as often as you like: --collab-stop-when-decided)"


def _open(decision: Decision) -> dict[str, Any]:
    found = decision.open
    if found is None:
        return {}
    figures = {"least": _finite(found.least), "most": _finite(found.most)}
    return {"unsettled": found.episodes, "unsettled_baseline": found.baseline, **figures}


def _open_message(gate: Gate, decision: Decision, confidence: float) -> str:
    """As `_message`, of a figure that depends on what unsettled episodes will be settled to."""
    estimate, rule, found = decision.estimate, decision.rule, decision.open
    assert found is not None
    show = _shower(gate)
    what = f"{gate.metric} minus that of {gate.baseline}" if gate.baseline is not None else gate.metric
    here = (
        counted(found.episodes, "episode")
        if gate.baseline
        else f"{found.episodes} of {counted(estimate.n, 'episode')}"
    )
    there = f"{counted(found.baseline, 'episode')} of {gate.baseline}"
    counts = " and ".join(told for told, n in ((here, found.episodes), (there, found.baseline)) if n)
    sign, are = SIGNS[rule.relation], plural(found.episodes + found.baseline, "is", "are")
    text = (
        f"{what} between {show(found.least)} and {show(found.most)}, for {counts} {are} unsettled "
        f"({confidence:.0%} bounds {show(estimate.low)} to {show(estimate.high)}), "
        f"wanted {sign} {show(rule.threshold)}"
    )
    if decision.verdict is not GateVerdict.UNDECIDED:
        return text
    return f"{text}: undecided; --collab-resume --collab-settle plays just the solo episodes that settle them"


def _caveats(gate: Gate, caveats: Caveats, decision: Decision, verdict: GateVerdict) -> list[str]:
    """What the verdict is beside the figure, and why."""
    told = caveats.told()
    show = _shower(gate)
    losses = caveats.losses
    if losses is not None and losses.lowest is not None and losses.highest is not None:
        ends = [
            "none" if end.value is None else f"{show(end.value)} ({_ends(show, end)})"
            for end in (losses.lowest, losses.highest)
        ]
        played = "played and read" if losses.ungraded else "played"
        told.insert(1, f"at the lowest {ends[0]}, at the highest {ends[1]}, had they been {played}")
    if caveats.stopped:
        stopped = " and ".join(caveats.stopped)
        told.append(
            stopped if caveats.corrected is None else f"{stopped}: corrected for that {show(caveats.corrected)}"
        )
    if verdict is not decision.verdict and told:
        told[0] = f"{verdict}: {told[0]}"
    return told


def _ends(show: Callable[[float], str], bounds: Bounds) -> str:
    return " to ".join("?" if end is None else show(end) for end in (bounds.low, bounds.high))


def _shower(gate: Gate) -> Callable[[float], str]:
    if gate.metric == "cost_usd":
        return lambda value: f"{'-' if value < 0 else ''}${abs(value):.4g}"
    if gate.measured.share:
        return lambda value: f"{100 * value:.1f} %"
    return lambda value: f"{value:.4g}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
