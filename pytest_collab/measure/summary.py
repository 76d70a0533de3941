"""summary.json: what a run comes to, per task and per family."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict

from pytest_collab.episode.condition import GENERAL
from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.record import SCHEMA_VERSION, Episode, SeatUsage
from pytest_collab.measure.interval import wilson
from pytest_collab.measure.metric import GAPS as METRIC_GAPS

K = TypeVar("K", bound=Hashable)

GAPS: Final[Mapping[str, tuple[str, str]]] = {name.replace("_", " "): pair for name, pair in METRIC_GAPS.items()}
"""Name -> the two conditions whose success rates are subtracted (first minus second)."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Usage(_Frozen):
    """Consumption, summed. `cost_usd` is None when a price is unknown."""

    calls: int = 0
    retries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float | None = 0.0


class Cell(_Frozen):
    """All episodes of one condition and team, of one task or (task None) of a whole family.

    Attributes:
        n: episodes that are evidence, infrastructure errors left out.
        low, high: 95 % Wilson interval of the success rate; 0..1 when n is 0.
        score: mean score.
        outcomes: episodes by outcome, infrastructure errors included.
    """

    family: str
    task: str | None
    condition: str
    team: str
    n: int
    successes: int
    rate: float
    low: float
    high: float
    score: float
    infrastructure: int
    outcomes: dict[str, int]
    metrics: dict[str, float]
    usage: Usage


class Gap(_Frozen):
    """A difference of success rates between two conditions, paired by (task, seed).

    `solo` and `with:partner` stand for the mean of the team's members.

    Attributes:
        low, high: 95 % interval; None with fewer than two pairs.
    """

    name: str
    team: str
    value: float
    low: float | None
    high: float | None
    pairs: int


class CodeCount(_Frozen):
    """How many episodes show a failure code."""

    code: str
    cause: str
    episodes: int


class FamilySummary(_Frozen):
    """One family of a run."""

    family: str
    cells: tuple[Cell, ...]
    gaps: tuple[Gap, ...]
    codes: tuple[CodeCount, ...]


class Summary(_Frozen):
    """A run: per family for people, per task for programs."""

    schema_version: int = SCHEMA_VERSION
    episodes: int
    cost_usd: float | None
    known_cost_usd: float
    families: tuple[FamilySummary, ...]
    tasks: tuple[Cell, ...]
    task_gaps: dict[str, tuple[Gap, ...]] = {}


def summarise(episodes: Sequence[Episode]) -> Summary:
    """Sum up the episodes of a run (one play each, see `Record.episodes`)."""
    families = []
    by_family = _grouped(episodes, lambda e: e.family)
    for name, played in by_family.items():
        families.append(
            FamilySummary(family=name, cells=_cells(played, None), gaps=gaps(played), codes=_codes(played))
        )
    tasks: list[Cell] = []
    task_gaps: dict[str, tuple[Gap, ...]] = {}
    for (family, task), played in _grouped(episodes, lambda e: (e.family, e.task)).items():
        tasks += _cells(played, task)
        task_gaps[f"{family}/{task}"] = gaps(played)
    total = usage(episodes)
    return Summary(
        episodes=len(episodes),
        cost_usd=total.cost_usd,
        known_cost_usd=sum(seat.cost_usd or 0.0 for e in episodes for seat in e.usage.values()),
        families=tuple(families),
        tasks=tuple(tasks),
        task_gaps=task_gaps,
    )


def _cells(episodes: Sequence[Episode], task: str | None) -> tuple[Cell, ...]:
    groups = _grouped(episodes, lambda e: (e.condition, "+".join(e.team)))
    return tuple(
        _cell(groups[condition, team], task, condition, team)
        for condition, team in sorted(groups, key=lambda place: (condition_rank(place[0]), place[1]))
    )


def condition_rank(condition: str) -> tuple[int, str]:
    """Sorts conditions as people read them: the ceiling, the real thing, then the variations."""
    kind = condition.partition(":")[0]
    return (GENERAL.index(kind) if kind in GENERAL else len(GENERAL), condition)


def _cell(episodes: Sequence[Episode], task: str | None, condition: str, team: str) -> Cell:
    evidence = [e for e in episodes if e.outcome is not Outcome.INFRASTRUCTURE]
    successes = sum(e.success for e in evidence)
    interval = wilson(successes, len(evidence))
    sums: dict[str, list[float]] = defaultdict(list)
    for episode in evidence:
        for metric, value in episode.metrics.items():
            sums[metric].append(value)
    return Cell(
        family=episodes[0].family,
        task=task,
        condition=condition,
        team=team,
        n=len(evidence),
        successes=successes,
        rate=successes / len(evidence) if evidence else 0.0,
        low=interval.low,
        high=interval.high,
        score=fmean(e.score for e in evidence) if evidence else 0.0,
        infrastructure=len(episodes) - len(evidence),
        outcomes=dict(Counter(str(e.outcome) for e in episodes)),
        metrics={metric: fmean(values) for metric, values in sorted(sums.items())},
        usage=usage(episodes),
    )


def usage(episodes: Iterable[Episode]) -> Usage:
    """Consumption of all seats of all episodes."""
    seats: list[SeatUsage] = [seat for episode in episodes for seat in episode.usage.values()]
    unknown = any(seat.cost_usd is None for seat in seats)
    return Usage(
        calls=sum(seat.calls for seat in seats),
        retries=sum(seat.retries for seat in seats),
        input_tokens=sum(seat.input_tokens for seat in seats),
        output_tokens=sum(seat.output_tokens for seat in seats),
        cached_tokens=sum(seat.cached_tokens for seat in seats),
        cost_usd=None if unknown else sum(seat.cost_usd or 0.0 for seat in seats),
    )


def _codes(episodes: Iterable[Episode]) -> tuple[CodeCount, ...]:
    counts: Counter[tuple[str, str]] = Counter()
    for episode in episodes:
        counts.update({(failure.code, str(failure.cause)) for failure in episode.failures})
    return tuple(CodeCount(code=code, cause=cause, episodes=n) for (code, cause), n in counts.most_common())


def gaps(episodes: Sequence[Episode]) -> tuple[Gap, ...]:
    """The gaps of every team that played both conditions of a gap on common (task, seed) pairs."""
    rates: dict[tuple[str, str], dict[tuple[str, int], list[float]]] = defaultdict(lambda: defaultdict(list))
    for episode in episodes:
        if episode.outcome is not Outcome.INFRASTRUCTURE:
            rates[episode.condition, "+".join(episode.team)][episode.task, episode.seed].append(
                float(episode.success)
            )
    means = {place: {key: fmean(values) for key, values in by_key.items()} for place, by_key in rates.items()}
    teams = sorted({team for condition, team in means if condition == "team"})
    found = []
    for name, (first, second) in GAPS.items():
        for team in teams:
            gap = _gap(name, team, _side(means, first, team), _side(means, second, team))
            if gap is not None:
                found.append(gap)
    return tuple(found)


def _side(
    means: Mapping[tuple[str, str], Mapping[tuple[str, int], float]], condition: str, team: str
) -> dict[tuple[str, int], float]:
    """Success by (task, seed); of a one-agent condition, the mean over the team's members."""
    if condition not in ("solo", "with:partner"):
        return dict(means.get((condition, team), {}))
    members = [means.get((condition, member), {}) for member in dict.fromkeys(team.split("+"))]
    keys = set.intersection(*(set(member) for member in members)) if members else set()
    return {key: fmean(member[key] for member in members) for key in keys}


def _gap(
    name: str, team: str, first: Mapping[tuple[str, int], float], second: Mapping[tuple[str, int], float]
) -> Gap | None:
    keys = sorted(set(first) & set(second))
    if not keys:
        return None
    a, b = [first[key] for key in keys], [second[key] for key in keys]
    value = fmean(x - y for x, y in zip(a, b, strict=True))
    if len(keys) < 2:
        return Gap(name=name, team=team, value=value, low=None, high=None, pairs=len(keys))
    from pytest_collab.measure.paired import paired_difference

    estimate = paired_difference(a, b)
    return Gap(name=name, team=team, value=value, low=estimate.low, high=estimate.high, pairs=len(keys))


def _grouped(episodes: Iterable[Episode], key: Callable[[Episode], K]) -> dict[K, list[Episode]]:
    """Episodes by key, in the order in which keys first appear."""
    groups: dict[K, list[Episode]] = {}
    for episode in episodes:
        groups.setdefault(key(episode), []).append(episode)
    return groups
