"""What there is to play, and what of it is evidence for a gate."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from pytest_collab.episode.planned import PlannedCount, played_counts
from pytest_collab.episode.text import counted, plural
from pytest_collab.measure.frame import Frame, Plan
from pytest_collab.measure.gaps import one_agent
from pytest_collab.measure.gate import ClusterBy, Gate
from pytest_collab.measure.metric import GAPS
from pytest_collab.measure.selection import conditions_of

COARSE_TO_FINE: Final[tuple[ClusterBy, ...]] = ("task", "task_seed", "episode")


class PlannedEpisode(NamedTuple):
    """An episode that is to be played; the same fields as `Episode.key`."""

    family: str
    task: str
    condition: str
    team: tuple[str, ...]
    seed: int
    epoch: int


def cluster_of(planned: PlannedEpisode, cluster: ClusterBy) -> tuple[Any, ...]:
    """The cluster that an episode belongs to."""
    if cluster == "episode":
        return tuple(planned)
    return (planned.family, planned.task) if cluster == "task" else (planned.family, planned.task, planned.seed)


def concerns(gate: Gate, planned: PlannedEpisode) -> bool:
    """Whether an episode is evidence for a gate."""
    return _asks(gate, *planned[:3]) and _asks_team(gate, planned.condition, planned.team)


def _asks(gate: Gate, family: str, task: str, condition: str) -> bool:
    where = gate.where
    if (where.family and family not in where.family) or (where.task and task not in where.task):
        return False
    conditions = GAPS[gate.metric] if gate.measured.kind == "gap" else conditions_of(gate)
    return not conditions or condition in conditions


def _asks_team(gate: Gate, condition: str, team: tuple[str, ...]) -> bool:
    where = gate.where
    if gate.measured.kind == "gap" and one_agent(condition):
        # Whose solo counts follows from the teams; which teams an agent is in is not this episode's to know.
        return not where.team or bool({agent for name in where.team for agent in name.split("+")} & set(team))
    if where.team and "+".join(team) not in where.team:
        return False
    return not where.agent or bool(set(where.agent) & set(team))


def listed(plan: Plan) -> list[PlannedEpisode]:
    """The episodes of a plan, in order."""
    return [PlannedEpisode(*one) for one in plan.episodes]


def planned_in(frame: Frame) -> list[PlannedEpisode] | None:
    """What there was to play in a run that is stopped when decided, in order; None for any other."""
    return None if frame.plan is None else listed(frame.plan)


def stopped_for(gate: Gate, frame: Frame) -> tuple[int, int] | None:
    """How many of the episodes that a gate asks for were played, and planned, where stopping left some of them out.

    Returns:
        None where all of them were played, or there was no plan.
    """
    plan = planned_in(frame)
    if plan is None:
        return None
    played = set(planned_of(frame))
    asked = [one for one in plan if concerns(gate, one)]
    there = sum(one in played for one in asked)
    return None if there == len(asked) else (there, len(asked))


def unplayed(frame: Frame) -> list[tuple[PlannedCount, int]]:
    """What a session meant to play, and how many episodes of it are not there: 0 of what is whole."""
    played = frame.once("played", lambda: played_counts(planned_of(frame))) if frame.info.planned else {}
    return [(one, max(one.episodes - played[one.cell], 0)) for one in frame.info.planned]


def unrecorded(gate: Gate, frame: Frame) -> tuple[str, ...]:
    """Why a gate cannot be decided on a run that is not whole: what its session meant to play and has no record of.

    An interrupted session, money that was spent, an agent that was given up, lines that a crash or a hand has spoilt:
    what is missing is never missing at random.
    """
    if frame.plan is not None:
        return ()
    told = [f"shard {one} is missing: merge it, too" for one in frame.info.missing_shards]
    if not frame.info.planned and frame.bad:
        told.append(f"{counted(len(frame.bad), 'line')} of episodes.jsonl cannot be read")
    asked = [
        (one.episodes, lacking)
        for one, lacking in unplayed(frame)
        if _asks(gate, *one.cell[:3]) and (not one.team or _asks_team(gate, one.condition, one.team))
    ]
    missing = sum(lacking for _, lacking in asked)
    if missing:
        of = counted(sum(episodes for episodes, _ in asked), "planned episode")
        are = plural(missing, "is", "are")
        told.append(f"{missing} of its {of} {are} missing: --collab-resume plays them")
    return tuple(told)


def planned_of(frame: Frame) -> list[PlannedEpisode]:
    """What each row was planned as."""
    return [
        PlannedEpisode(*row)
        for row in zip(
            frame.family,
            frame.task,
            frame.condition,
            frame.team,
            frame.seed.tolist(),
            frame.epoch.tolist(),
            strict=True,
        )
    ]
