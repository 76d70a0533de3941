"""What a run and a baseline show together: the evidence of a gate that compares, and what of it does not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pytest_collab.episode.text import counted, plural
from pytest_collab.errors import UsageError
from pytest_collab.measure.circumstances import Difference, differences, unrecorded
from pytest_collab.measure.decision import Evidence, MeanEvidence, PairedEvidence, UnpairedEvidence
from pytest_collab.measure.followed import Followed, StoppedEvidence, sequence_of
from pytest_collab.measure.frame import Frame, Mask, changed_tasks
from pytest_collab.measure.gaps import one_agent
from pytest_collab.measure.gate import ClusterBy, Gate, GateFile
from pytest_collab.measure.matching import Matching, matched
from pytest_collab.measure.paired import match
from pytest_collab.measure.plan import concerns, planned_in, stopped_for
from pytest_collab.measure.pooling import at_floor
from pytest_collab.measure.selection import Supposed, selected
from pytest_collab.measure.standin import StandIns, stand_ins
from pytest_collab.measure.stopped import corrected_difference, weights_of
from pytest_collab.measure.units import Place, Units, labels, units_of

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
        stopped: which of the two was stopped when decided, a sentence each.
        corrected: the difference without the luck that they were stopped on; None where neither was, or unknown.
    """

    evidence: Evidence
    matching: Matching
    open: tuple[str, ...]
    stopped: tuple[str, ...] = ()
    corrected: float | None = None


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
    asked = _there(file, gate, frame, other)
    stops = (stopped_for(gate, frame), None if asked is None else stopped_for(asked, other))
    if asked is not None and any(stops):
        ours = _with_planned(ours, gate, frame, who)
        theirs = _with_planned(theirs, asked, other, StandIns())
    matching = matched(theirs, ours, who)
    pairs = match(ours.values, theirs.values)
    bounds = gate.bounds
    reasons = _floor(gate, theirs)
    if asked is not None and any(stops):
        return _stopped(
            file,
            (gate, asked),
            (frame, other),
            (ours, theirs),
            stops,
            Against(_unpaired(gate, ours, theirs, cluster), matching, reasons),
            cluster,
            lost,
        )
    if pairs.keys and gate.seeds == "same":
        evidence: Evidence = PairedEvidence(pairs.first, pairs.second, labels(pairs.keys, cluster), bounds)
        return Against(evidence, matching, reasons)
    return Against(_unpaired(gate, ours, theirs, cluster), matching, (*reasons, *other_mix(ours, theirs)))


def _unpaired(gate: Gate, ours: Units, theirs: Units, cluster: ClusterBy) -> UnpairedEvidence:
    return UnpairedEvidence(
        list(ours.values.values()),
        list(theirs.values.values()),
        labels(list(ours.values), cluster),
        labels(list(theirs.values), cluster),
        gate.bounds,
        rate=gate.measured.kind == "rate" and _binary(ours) and _binary(theirs),
    )


def _stopped(
    file: GateFile,
    gates: tuple[Gate, Gate],
    runs: tuple[Frame, Frame],
    units: tuple[Units, Units],
    stops: tuple[tuple[int, int] | None, tuple[int, int] | None],
    plain: Against,
    cluster: ClusterBy,
    lost: Supposed | None,
) -> Against:
    """Two runs of which one was stopped when decided: judged by its sequence, for its plain figure is its luck.

    Args:
        gates, runs, units, stops: of this run and of the baseline, each.
        plain: what they would be held against each other by, had nothing been left out.
    """
    names = ("this run", gates[0].baseline or BASELINE)
    told = tuple(
        f"{name} was stopped when decided, after {stop[0]} of the {counted(stop[1], 'episode')} asked for here"
        for name, stop in zip(names, stops, strict=True)
        if stop is not None
    )
    ours, theirs = (None if stop is None else weights_of(run) for run, stop in zip(runs, stops, strict=True))
    corrected = corrected_difference(units[0].values, units[1].values, (ours, theirs))
    plain = replace(plain, stopped=told, corrected=corrected)
    bounds = gates[0].measured.bounds
    if bounds is None:
        parts = " and ".join(name for name, stop in zip(names, stops, strict=True) if stop is not None)
        remedy = f"{gates[0].metric} has no range to judge a part by: play the rest of {parts} with --collab-resume"
        return replace(plain, open=(*plain.open, remedy))
    sides: list[MeanEvidence | Followed] = []
    for gate, run, found, stop, supposed in zip(
        gates, runs, units, stops, (lost, lost and lost.opposite), strict=True
    ):
        alone = gate.model_copy(update={"not_worse_than": None, "better_than": None, "at_least": 0.0})
        followed = None if stop is None else sequence_of(file, alone, run, planned_in(run) or [], lost=supposed)
        values = MeanEvidence(list(found.values.values()), labels(list(found.values), cluster), bounds)
        sides.append(values if followed is None else followed)
    return replace(
        plain, evidence=StoppedEvidence(sides[0], sides[1], bounds), open=(*plain.open, *other_mix(*units))
    )


def _with_planned(units: Units, gate: Gate, run: Frame, who: StandIns) -> Units:
    """What a run has, with the units that stopping left out: it was going to play them."""
    gap = gate.measured.kind == "gap"
    planned = {
        Place(one.family, one.task, gate.metric if gap else one.condition, one.seed, who.old(one.team))
        for one in planned_in(run) or []
        if concerns(gate, one) and not (gap and one_agent(one.condition))
    }
    return replace(units, played=units.played | planned)


def absence(gate: Gate, absent: int, episodes: int) -> str:
    """What to say of a metric that not every episode has, where the gate does not say what that counts as."""
    return (
        f"gate {gate.title!r}: {absent} of {counted(episodes, 'episode')} "
        f"{plural(absent, 'has', 'have')} no {gate.metric}, as those that fail often have "
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
    asked = _there(file, gate, frame, other)
    try:
        everybody = selected(other, _of(gate, (), ()))
        return everybody & False if asked is None else selected(other, asked)
    except UsageError as error:
        raise UsageError(f"in {gate.baseline!r}: {error}") from None


def _there(file: GateFile, gate: Gate, frame: Frame, other: Frame) -> Gate | None:
    """A gate in the baseline's names; None where that has none of the teams, or agents, that it names."""
    who = stand_ins(other, frame, file.stand_ins)
    names = ["+".join(team) for team in other.team.values]
    where = gate.where
    teams = [team for team in ("+".join(who.old(tuple(one.split("+")))) for one in where.team) if team in names]
    agents = [one for one in (who.of.get(agent, agent) for agent in where.agent) if one in "+".join(names).split("+")]
    if len(teams) < bool(where.team) or len(agents) < bool(where.agent):
        return None
    return _of(gate, teams, agents)


def _of(gate: Gate, teams: Sequence[str], agents: Sequence[str]) -> Gate:
    where = gate.where.model_copy(update={"team": tuple(teams), "agent": tuple(agents)})
    return gate.model_copy(update={"where": where})


def _floor(gate: Gate, baseline: Units) -> tuple[str, ...]:
    """Where the baseline is so bad that no run could be worse by the margin, nothing is shown by not being it."""
    if gate.margin is None or not baseline.values:
        return ()
    figure = sum(baseline.values.values()) / len(baseline.values)
    lower = (gate.better or gate.measured.better) == "lower"
    if not at_floor(figure, gate.measured.bounds, gate.margin, lower=lower):
        return ()
    return (f"{gate.baseline} has {figure:.3g} itself: no run could be worse by {gate.margin:g}",)


def other_mix(ours: Units, theirs: Units) -> tuple[str, ...]:
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
