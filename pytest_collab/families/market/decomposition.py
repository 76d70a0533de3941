"""Cooperation against competence, by automating one side of the exchange (arXiv 2604.07821).

With `auto:answers` every request is fulfilled by itself: what is still missing from the optimum is the agents' own
failure to ask and to use what they have got (competence). With `auto:requests` every holder is told what is needed:
what is still missing is the holders' failure to send it (cooperation; they must also submit, so this bounds it from
above). With A and R the mean revenue shares under the two conditions:

    competence loss   = 1 - A                cooperation loss  = 1 - R
    competence share  = (1 - A) / ((1 - A) + (1 - R))          cooperation share = 1 - competence share

The shares are not defined when nothing is lost. All figures come with percentile intervals of a bootstrap over seeds
(both conditions of a seed are drawn together, since they are the same deal); where all seeds agree, with the bound
that so many unanimous observations allow.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from pytest_collab.episode.record import Episode

RESAMPLES = 2000

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Decomposition:
    """What a team loses, and to what.

    Attributes:
        team: mean revenue share under `team`; None when those episodes are missing.
        competence_share, cooperation_share: None when nothing is lost under either condition.
        *_interval: (low, high) at the confidence asked for; (0, 1) when a single seed cannot tell.
        seeds: how many seeds had both automated conditions.
    """

    team: float | None
    competence_loss: float
    competence_interval: Interval
    cooperation_loss: float
    cooperation_interval: Interval
    competence_share: float | None
    cooperation_share: float | None
    cooperation_share_interval: Interval
    seeds: int


def decompose(episodes: Iterable[Episode], *, confidence: float = 0.95, seed: int = 0) -> Decomposition | None:
    """Split what the episodes of one task and team lose into competence and cooperation.

    Pure: the same episodes give the same figures. Episodes of other conditions, and infrastructure errors, are left
    out; repeated plays of a seed are averaged.

    Returns:
        None when no seed was played under both `auto:answers` and `auto:requests`.
    """
    shares: dict[str, dict[int, list[float]]] = {"team": {}, "auto:answers": {}, "auto:requests": {}}
    for episode in episodes:
        if episode.condition in shares and episode.outcome.value != "infrastructure_error":
            shares[episode.condition].setdefault(episode.seed, []).append(episode.score)
    answers, requests = shares["auto:answers"], shares["auto:requests"]
    both = sorted(answers.keys() & requests.keys())
    if not both:
        return None
    pairs = [(1 - fmean(answers[one]), 1 - fmean(requests[one])) for one in both]
    team = [fmean(values) for values in shares["team"].values()]
    competence, cooperation = _loss(pairs, 0), _loss(pairs, 1)
    share = _share(pairs)
    return Decomposition(
        team=fmean(team) if team else None,
        competence_loss=competence,
        competence_interval=_interval(pairs, lambda sample: _loss(sample, 0), confidence, seed),
        cooperation_loss=cooperation,
        cooperation_interval=_interval(pairs, lambda sample: _loss(sample, 1), confidence, seed),
        competence_share=None if share is None else 1 - share,
        cooperation_share=share,
        cooperation_share_interval=_interval(pairs, _share, confidence, seed),
        seeds=len(pairs),
    )


def _loss(pairs: Sequence[tuple[float, float]], side: int) -> float:
    return fmean(pair[side] for pair in pairs)


def _share(pairs: Sequence[tuple[float, float]]) -> float | None:
    competence, cooperation = _loss(pairs, 0), _loss(pairs, 1)
    total = competence + cooperation
    return cooperation / total if total > 1e-12 else None


def _interval(
    pairs: Sequence[tuple[float, float]],
    figure: Callable[[Sequence[tuple[float, float]]], float | None],
    confidence: float,
    seed: int,
) -> Interval:
    """Percentile bootstrap over seeds; a resample without the figure counts for both ends.

    Seeds that all agree have no spread to resample. Had others a probability above `1 - alpha ** (1 / seeds)`, so
    many would agree with a probability below alpha: that much is left open to either side.
    """
    if len(pairs) < 2:
        return 0.0, 1.0
    chance = random.Random(seed)
    lows, highs = [], []
    for _ in range(RESAMPLES):
        value = figure(chance.choices(pairs, k=len(pairs)))
        lows.append(0.0 if value is None else value)
        highs.append(1.0 if value is None else value)
    alpha = (1 - confidence) / 2
    low, high = sorted(lows)[int(alpha * RESAMPLES)], sorted(highs)[RESAMPLES - 1 - int(alpha * RESAMPLES)]
    if high - low < 1e-12:
        unseen = 1 - alpha ** (1 / len(pairs))
        return low * (1 - unseen), high + (1 - high) * unseen
    return low, high
