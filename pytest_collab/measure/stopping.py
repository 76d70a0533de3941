"""Spending only what the decision needs: which gates are decided already, and what to play next.

Stopping early is honest only under three conditions, which these functions see to:

- *Order.* Episodes are played in random order (`shuffled`), clusters kept together; with the easy tasks first,
  the first half would not stand for the whole. Where gates of one file cluster differently, the smallest clusters are
  shuffled, so that every gate's own are in random order; were whole tasks kept together, seeds would not be.
- *Prefix.* Evidence is read in planned order, up to the first cluster that is not finished. Quick episodes finish
  first, and the quick ones are the failures as often as not.
- *Sequence.* Verdicts come from a confidence sequence, which holds at all times at once.

A gate that was followed this way keeps the sequence's verdict at the end of the run too.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pytest_collab.episode.text import counted
from pytest_collab.measure.decision import Decision, GateVerdict, decide_sequentially, while_open
from pytest_collab.measure.followed import Followed, sequence_of
from pytest_collab.measure.frame import Frame, Plan
from pytest_collab.measure.gate import ClusterBy, Gate, GateFile
from pytest_collab.measure.gatereport import GateReport, GateResult, Savings, result_of
from pytest_collab.measure.losses import lost_at_random
from pytest_collab.measure.plan import COARSE_TO_FINE, PlannedEpisode, cluster_of, concerns, planned_of, stopped_for
from pytest_collab.measure.selection import ENDS, Supposed, as_read, ends_of, open_rows, selected
from pytest_collab.measure.settling import suppose
from pytest_collab.measure.stopped import gate_correction
from pytest_collab.measure.together import bonferroni
from pytest_collab.measure.verdicts import judge_gate, losses_alone, report


@dataclass(frozen=True, slots=True)
class Following:
    """Where a gate stands while the run is going on.

    Attributes:
        gate: the gate.
        decision: what the evidence so far says; None for a gate that cannot be decided early (its metric has no
            bounds, or it compares with a baseline).
        clusters: planned clusters of its episodes.
        finished: how many of them are evidence so far.
        cluster: what they are.
    """

    gate: Gate
    decision: Decision | None
    clusters: int
    finished: int
    cluster: ClusterBy = "task_seed"

    @property
    def decided(self) -> bool:
        """Whether no further episode is needed for this gate."""
        return self.decision is not None and self.decision.verdict is not GateVerdict.UNDECIDED


def shuffled(plan: Sequence[PlannedEpisode], seed: int, *, cluster: ClusterBy = "task_seed") -> list[PlannedEpisode]:
    """The plan in random order, episodes of one cluster next to one another; the same for the same seed."""
    groups: dict[tuple[Any, ...], list[PlannedEpisode]] = {}
    for planned in plan:
        groups.setdefault(cluster_of(planned, cluster), []).append(planned)
    order = list(groups.values())
    random.Random(seed).shuffle(order)
    return [planned for group in order for planned in group]


def play_order(file: GateFile, plan: Sequence[PlannedEpisode], seed: int) -> list[PlannedEpisode]:
    """The order in which to play: shuffled, with all that some gate asks for before what none does.

    The smallest clusters of any gate are what is shuffled: a gate on whole tasks has to wait longer for them then,
    and one on seeds gets them in an order that it can be judged by.
    """
    used = {gate.cluster or file.cluster for gate in file.gates}
    if used == {"episode"} and any(gate.measured.kind == "gap" for gate in file.gates):
        used = {"task_seed"}
    order = shuffled(plan, seed, cluster=max(used, key=COARSE_TO_FINE.index))
    asked = {one for one in order if any(concerns(gate, one) for gate in file.gates)}
    return sorted(order, key=lambda one: one not in asked)


def follow(
    file: GateFile,
    frame: Frame,
    plan: Sequence[PlannedEpisode],
    earlier: Sequence[Following] = (),
    *,
    brief: bool = False,
) -> tuple[Following, ...]:
    """Where every gate stands on the episodes played so far.

    Args:
        file: the gates.
        frame: the episodes played so far.
        plan: all episodes, in the order of `shuffled`.
        earlier: what was found before on fewer of the same episodes; what was decided then stays so, and is not
            looked at again.
        brief: only verdicts are wanted, at a fraction of the time.
    """
    file = bonferroni(file)
    decided = {one.gate.title: one for one in earlier if one.decided}
    done = {
        (frame.family[row], frame.task[row], frame.condition[row], frame.team[row], seed, epoch)
        for row, (seed, epoch) in enumerate(zip(frame.seed.tolist(), frame.epoch.tolist(), strict=True))
    }
    return tuple(
        decided.get(gate.title) or _follow(file, gate, frame, plan, done, brief=brief) for gate in file.gates
    )


def _follow(
    file: GateFile,
    gate: Gate,
    frame: Frame,
    plan: Sequence[PlannedEpisode],
    done: set[tuple[Any, ...]],
    *,
    brief: bool,
) -> Following:
    found = sequence_of(file, gate, frame, plan, done)
    if found is None:
        return Following(gate, None, 0, 0)
    frame = as_read(frame, gate.metric)
    confidence = gate.confidence or file.confidence
    still_open = _open(gate, frame, found)
    runs = [suppose(frame, outcome) for outcome in ends_of(gate.metric) or ()] if still_open else []
    supposed = [sequence_of(file, gate, run, plan, done) for run in runs]
    decisions = [_decided(gate, one, confidence, brief) for one in supposed or [found] if one is not None]
    decision = while_open(decisions[0], decisions[1], still_open) if still_open else decisions[0]
    decided = decision.verdict is not GateVerdict.UNDECIDED
    if decided and not _whatever_was_lost(file, gate, frame, plan, done, decision):
        decision = replace(decision, verdict=GateVerdict.UNDECIDED)
    return Following(gate, decision, found.planned, len(found.values), found.cluster)


def _whatever_was_lost(
    file: GateFile,
    gate: Gate,
    frame: Frame,
    plan: Sequence[PlannedEpisode],
    done: set[tuple[Any, ...]],
    decision: Decision,
) -> bool:
    """Whether a verdict holds for lost episodes that came to the worst, and to the best, there is."""
    unread = lost_at_random(file, gate)
    ends = [Supposed(end, unread) for end in ENDS]
    if not ends[0].rows(frame).any():
        return True
    runs = [suppose(frame, outcome) for outcome in ends_of(gate.metric) or ()] or [frame]
    found = [sequence_of(file, gate, run, plan, done, end) for run in runs for end in ends]
    confidence = gate.confidence or file.confidence
    return all(
        _decided(gate, one, confidence, brief=True).verdict is decision.verdict for one in found if one is not None
    )


def _decided(gate: Gate, found: Followed, confidence: float, brief: bool) -> Decision:
    decision = decide_sequentially(
        gate.rule(),
        found.means,
        confidence,
        kind=found.kind,
        bounds=found.bounds,
        weights=found.weights,
        brief=brief,
    )
    return replace(decision, estimate=replace(decision.estimate, n=found.n, clusters=found.groups))


def _open(gate: Gate, frame: Frame, found: Followed) -> int:
    """Unsettled episodes among those read so far that the gate's figure may or may not count."""
    rows = open_rows(frame, gate.metric, np.ones(len(frame), dtype=bool))
    if not rows.any():
        return 0
    read, planned = set(found.labels), planned_of(frame)
    return sum(
        concerns(gate, planned[row]) and cluster_of(planned[row], found.cluster) in read
        for row in np.flatnonzero(rows).tolist()
    )


def still_needed(following: Iterable[Following], remaining: Sequence[PlannedEpisode]) -> list[PlannedEpisode]:
    """The remaining episodes that an undecided gate asks for, evidence for most gates first.

    The order of `remaining` is kept among those that serve equally many gates, so what was shuffled stays
    shuffled for each gate. What is not returned may be skipped with the reason "decided".
    """
    open_gates = [one.gate for one in following if not one.decided]
    served: Mapping[int, int] = {
        place: sum(concerns(gate, planned) for gate in open_gates) for place, planned in enumerate(remaining)
    }
    order = sorted((place for place, count in served.items() if count), key=lambda place: -served[place])
    return [remaining[place] for place in order]


def judge_followed(
    file: GateFile, frame: Frame, plan: Sequence[PlannedEpisode], baselines: Mapping[str, Frame] | None = None
) -> GateReport:
    """Judge a run that was followed: gates that could stop it early by their sequence, the others once, at the end.

    Args as `verdicts.judge_run`; `plan` as in `follow`.
    """
    known = baselines or {}
    if frame.plan is None:
        frame = replace(frame, plan=Plan(tuple(plan)))
    followed = {one.gate.title: one for one in follow(file, frame, plan)}

    def judge(gate: Gate) -> GateResult:
        one = followed[gate.title]
        if one.decision is None:
            return judge_gate(file, gate, frame, known)
        selected(frame, gate)
        stop = stopped_for(gate, frame)
        caveats = replace(
            losses_alone(file, gate, as_read(frame, gate.metric)),
            stopped=()
            if stop is None
            else (f"stopped when decided, after {stop[0]} of {counted(stop[1], 'episode')}",),
            corrected=None if stop is None else gate_correction(file, one.gate, frame, plan),
        )
        return result_of(file, one.gate, one.decision, sequential=True, cluster=one.cluster, caveats=caveats)

    found = report(file, frame, judge, known)
    still_open = [one.gate for one in followed.values() if not one.decided]
    return found.model_copy(update={"saved": savings(frame, plan, still_open)})


def savings(frame: Frame, plan: Sequence[PlannedEpisode], still_open: Sequence[Gate] = ()) -> Savings:
    """How many episodes and dollars a run has saved against its plan.

    Args:
        frame: what was played.
        plan: what there was to play.
        still_open: gates that are undecided; what they ask for and was not played is no saving.
    """
    rows = planned_of(frame)
    done = set(rows)
    costs: dict[tuple[str, tuple[str, ...]], list[float]] = {}
    for row, cost in zip(rows, frame.cost_usd.tolist(), strict=True):
        costs.setdefault((row.condition, row.team), []).append(cost)
    skipped = [one for one in plan if one not in done and not any(concerns(gate, one) for gate in still_open)]
    total = 0.0
    for planned in skipped:
        known = costs.get((planned.condition, planned.team))
        total += sum(known) / len(known) if known else math.nan
    return Savings(episodes=len(skipped), planned=len(plan), cost_usd=None if math.isnan(total) else total)
