"""What a run and a baseline show together: the evidence of a gate that compares, and what of it does not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_collab.errors import UsageError
from pytest_collab.measure.circumstances import Difference, differences, unrecorded
from pytest_collab.measure.decision import Evidence, PairedEvidence, UnpairedEvidence
from pytest_collab.measure.frame import Frame, Mask, changed_tasks
from pytest_collab.measure.gate import ClusterBy, Gate, GateFile, Where
from pytest_collab.measure.matching import Matching, matched
from pytest_collab.measure.paired import match
from pytest_collab.measure.pooling import at_floor
from pytest_collab.measure.selection import Supposed, selected
from pytest_collab.measure.standin import stand_ins
from pytest_collab.measure.units import Units, labels, units_of

BASELINE: Final = "baseline"
"""What a gate calls the run passed as --collab-baseline."""


def baselines_named(file: GateFile) -> tuple[str, ...]:
    """The runs that a gates file compares with: `baseline`, or run directories."""
    return tuple(dict.fromkeys(gate.baseline for gate in file.gates if gate.baseline is not None))


def baseline_frame(
    file: GateFile, gate: Gate, frame: Frame, rows: Mask, baselines: Mapping[str, Frame], *, planned: bool = False
) -> Frame:
    """The run that a gate compares with.

    Args:
        planned: `frame` is what is going to be played: what it has not recorded, it may yet.

    Raises:
        UsageError: it is missing, its tasks have changed, or something else is not the same that has to be.
    """
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
    wanted = {*file.same, *gate.same}
    unequal = [str(one) for one in differences(other.info, frame.info) if one.kind in wanted]
    if not planned:
        which = {BASELINE if name == BASELINE else name: other, "this run": frame}
        unequal += [
            f"{kind} is not recorded in {run}"
            for run, known in which.items()
            for kind in sorted(wanted & unrecorded(known.info))
        ]
    if unequal:
        raise UsageError(
            f"gate {gate.title!r} asks that nothing of {', '.join(sorted(wanted))} differ from {name!r}, but: "
            f"{'; '.join(unequal)}. Play a new baseline, or take it out of `same`."
        )
    return other


def circumstances(frame: Frame, baselines: Mapping[str, Frame]) -> dict[str, tuple[str, ...]]:
    """What is not the same between a run and each of its baselines, one line each."""
    found: dict[str, tuple[Difference, ...]] = {
        name: differences(other.info, frame.info) for name, other in baselines.items()
    }
    return {name: tuple(map(str, lines)) for name, lines in found.items() if lines}


@dataclass(frozen=True, slots=True)
class Against:
    """A run held against its baseline.

    Attributes:
        evidence: the units that both have, paired; the two groups as they are where none are.
        matching: what was matched, and what was not.
        open: why nothing can be said of it, whatever the figures.
    """

    evidence: Evidence
    matching: Matching
    open: tuple[str, ...]


def against_baseline(
    file: GateFile,
    gate: Gate,
    frame: Frame,
    rows: Mask,
    other: Frame,
    cluster: ClusterBy,
    lost: Supposed | None = None,
) -> Against:
    """Pair a run with its baseline, by task, condition, team and seed.

    Args:
        file: says which agents stand in for which.
        gate: it is held by.
        frame: the run.
        rows: shape (n,), what the gate looks at.
        other: the baseline.
        cluster: see `GateFile`.
        lost: what lost episodes of this run count as, and those of the baseline the other way; None to leave them
            out.

    Raises:
        UsageError: the gate's names match nothing in the baseline, or the stand-ins fit neither run.
    """
    who = stand_ins(other, frame, file.stand_ins)
    absent = gate.counts_as
    ours = units_of(frame, gate.metric, rows, who, absent=absent, lost=lost)
    there = baseline_rows(file, gate, frame, other)
    theirs = units_of(other, gate.metric, there, absent=absent, lost=lost and lost.opposite)
    if gate.absent is None and (ours.absent or theirs.absent):
        raise UsageError(absence(gate, ours.absent + theirs.absent, ours.episodes + theirs.episodes))
    matching = matched(theirs, ours, who)
    pairs = match(ours.values, theirs.values)
    bounds = gate.bounds
    reasons = _floor(gate, theirs)
    if pairs.keys and gate.seeds == "same":
        evidence: Evidence = PairedEvidence(pairs.first, pairs.second, labels(pairs.keys, cluster), bounds)
        return Against(evidence, matching, reasons)
    places = [list(ours.values), list(theirs.values)]
    evidence = UnpairedEvidence(
        list(ours.values.values()),
        list(theirs.values.values()),
        labels(places[0], cluster),
        labels(places[1], cluster),
        bounds,
        rate=gate.measured.kind == "rate" and _binary(ours) and _binary(theirs),
    )
    return Against(evidence, matching, (*reasons, *_mix(ours, theirs)))


def absence(gate: Gate, absent: int, episodes: int) -> str:
    """What to say of a metric that not every episode has, where the gate does not say what that counts as."""
    return (
        f"gate {gate.title!r}: {absent} of {episodes} episodes have no {gate.metric}, as those that fail often have "
        "not. Say what that counts as, e.g. `absent: 0`, or leave them out with `absent: left_out`."
    )


def baseline_rows(file: GateFile, gate: Gate, frame: Frame, other: Frame) -> Mask:
    """The rows of a baseline that a gate looks at: the same names, with teams and agents as that run knows them.

    Teams and agents that it does not have are no mistake: they are unmatched.

    Returns:
        Shape (m,).

    Raises:
        UsageError: as `selected`, naming the baseline; or the stand-ins fit neither run.
    """
    who = stand_ins(other, frame, file.stand_ins)
    names = ["+".join(team) for team in other.team.values]
    where = gate.where
    teams = [team for team in ("+".join(who.old(tuple(one.split("+")))) for one in where.team) if team in names]
    agents = [one for one in (who.of.get(agent, agent) for agent in where.agent) if one in "+".join(names).split("+")]
    try:
        everybody = _selected(gate, other, where, (), ())
        if len(teams) < bool(where.team) or len(agents) < bool(where.agent):
            return everybody & False
        return _selected(gate, other, where, tuple(teams), tuple(agents)) if teams or agents else everybody
    except UsageError as error:
        raise UsageError(f"in {gate.baseline!r}: {error}") from None


def _selected(gate: Gate, other: Frame, where: Where, teams: Sequence[str], agents: Sequence[str]) -> Mask:
    return selected(
        other, gate.model_copy(update={"where": where.model_copy(update={"team": teams, "agent": agents})})
    )


def _floor(gate: Gate, baseline: Units) -> tuple[str, ...]:
    """Where the baseline is so bad that no run could be worse by the margin, nothing is shown by not being it."""
    if gate.margin is None or not baseline.values:
        return ()
    figure = sum(baseline.values.values()) / len(baseline.values)
    lower = (gate.better or gate.measured.better) == "lower"
    if not at_floor(figure, gate.measured.bounds, gate.margin, lower=lower):
        return ()
    return (f"{gate.baseline} has {figure:.3g} itself: no run could be worse by {gate.margin:g}",)


def _mix(ours: Units, theirs: Units) -> tuple[str, ...]:
    """Groups that are not paired have to be of the same make-up, or easy tasks are held against hard ones."""
    first, second = _make_up(ours), _make_up(theirs)
    total = {id(first): sum(first.values()), id(second): sum(second.values())}
    cells = {*first, *second}
    if all(first[cell] * total[id(second)] == second[cell] * total[id(first)] for cell in cells):
        return ()
    return (
        "the two runs are not of the same mix of tasks, conditions and teams, and cannot be held against each other",
    )


def _make_up(units: Units) -> Counter[Hashable]:
    return Counter((place.family, place.task, place.condition, place.team) for place in units.played)


def _binary(units: Units) -> bool:
    return all(value in (0.0, 1.0) for value in units.values.values())
