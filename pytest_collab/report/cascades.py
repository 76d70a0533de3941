"""Cascades of a run: what each family's and team's episodes show together, as lines and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunDirectory
from pytest_collab.episode.text import counted
from pytest_collab.errors import UsageError
from pytest_collab.measure.adoption import hazard_ratio
from pytest_collab.measure.cascades import Spread, core_of, spread
from pytest_collab.measure.interval import Estimate, wilson
from pytest_collab.measure.powerlaw import Sizes, exponent


@dataclass(frozen=True, slots=True)
class Cascades:
    """What the episodes of one family and team show.

    Attributes:
        sizes: how many cascades reached so many seats.
        exponent: of the power law of sizes from `least` on; None where there are too few.
        at_risk, adopted: by exposures.
        hazard: by how much one exposure more multiplies the hazard of adoption; None where that cannot be told.
        periphery: mean share of seats outside the core; None where nobody wrote to anybody.
        largest: the widest pieces, with their sizes.
    """

    family: str
    team: str
    episodes: int
    seats: int
    least: int
    sizes: Mapping[int, int]
    exponent: Estimate | None
    at_risk: Mapping[int, int]
    adopted: Mapping[int, int]
    hazard: Estimate | None
    periphery: float | None
    largest: tuple[tuple[str, int], ...]


def read(run: RunDirectory, family: str | None, condition: str, words: int, least: int) -> list[Cascades]:
    """Read a run's transcripts, one figure a family and team.

    Raises:
        UsageError: the run has no such episode.
    """
    groups: dict[tuple[str, str], list[Episode]] = {}
    every = [episode for episode in run.record().episodes() if episode.outcome.value != "infrastructure_error"]
    for episode in every:
        if episode.condition == condition and family in (None, episode.family):
            groups.setdefault((episode.family, "+".join(episode.team)), []).append(episode)
    if not groups:
        known = ", ".join(sorted({f"{one.family} under {one.condition}" for one in every})) or "none at all"
        wanted = f"{family or 'any family'} under {condition}"
        raise UsageError(f"{run.path} has no episode of {wanted}; it has {known}")
    return [
        _joined(name, team, [spread(run.transcript(episode), words) for episode in episodes], least)
        for (name, team), episodes in sorted(groups.items())
    ]


def _joined(family: str, team: str, found: list[Spread], least: int) -> Cascades:
    sizes: Counter[int] = Counter(piece.size for one in found for piece in one.pieces)
    at_risk: Counter[int] = Counter()
    adopted: Counter[int] = Counter()
    for one in found:
        at_risk.update(one.at_risk)
        adopted.update(one.adopted)
    outside = [1 - len(core_of(one.near)) / len(one.seats) for one in found if any(one.near.values())]
    groups = [Sizes(np.array([p.size for p in one.pieces], dtype=np.int64), len(one.seats)) for one in found]
    pieces = sorted((piece for one in found for piece in one.pieces), key=lambda piece: -piece.size)
    return Cascades(
        family,
        team,
        len(found),
        max(len(one.seats) for one in found),
        least,
        dict(sorted(sizes.items())),
        exponent(groups, least),
        dict(sorted(at_risk.items())),
        dict(sorted(adopted.items())),
        hazard_ratio(at_risk, adopted),
        fmean(outside) if outside else None,
        tuple((piece.words, piece.size) for piece in pieces[:3] if piece.size > 1),
    )


def lines(found: Cascades) -> Iterator[str]:
    """For a terminal, within 80 columns but for the pieces."""
    total = sum(found.sizes.values())
    yield (
        f"{found.family}, {found.team}: {counted(total, 'piece')} in {counted(found.episodes, 'episode')} of "
        f"{counted(found.seats, 'seat')} at most"
    )
    yield "  seats reached  " + " ".join(f"{size:>6}" for size in found.sizes)
    yield "  pieces         " + " ".join(f"{count:>6}" for count in found.sizes.values())
    if found.exponent is None:
        yield "  exponent       not to be told: fewer than two sizes"
    else:
        yield f"  exponent       {_told(found.exponent)} of sizes from {found.least} on ({found.exponent.method})"
    for exposures, trials in found.at_risk.items():
        hits = found.adopted.get(exposures, 0)
        share = wilson(hits, trials)
        yield (
            f"  had it from {exposures:>2}: adopted {hits} of {counted(trials, 'time')}, {share.value:.1%} "
            f"[{share.low:.1%}, {share.high:.1%}]"
        )
    if found.hazard is not None:
        yield f"  hazard ratio   {_told(found.hazard)} for each exposure more ({found.hazard.method})"
    if found.periphery is not None:
        yield f"  periphery      {found.periphery:.1%} of seats"
    for words, size in found.largest:
        yield f"  reached {size}: {words}"


def _told(estimate: Estimate) -> str:
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"


def as_json(found: Cascades) -> dict[str, Any]:
    """The same as JSON; what cannot be told is null."""

    def shown(estimate: Estimate | None) -> dict[str, Any] | None:
        if estimate is None:
            return None
        ends = {
            key: value if np.isfinite(value) else None
            for key, value in (("low", estimate.low), ("high", estimate.high))
        }
        return {"value": estimate.value, **ends, "n": estimate.n, "method": estimate.method}

    return {
        "family": found.family,
        "team": found.team,
        "episodes": found.episodes,
        "seats": found.seats,
        "least": found.least,
        "sizes": {str(size): count for size, count in found.sizes.items()},
        "exponent": shown(found.exponent),
        "exposures": {str(k): {"at_risk": n, "adopted": found.adopted.get(k, 0)} for k, n in found.at_risk.items()},
        "hazard_ratio": shown(found.hazard),
        "periphery": found.periphery,
        "largest": [{"words": words, "size": size} for words, size in found.largest],
    }
