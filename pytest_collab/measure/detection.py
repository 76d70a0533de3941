"""How well agents tell that something is there from that it is not: hits, false alarms, ROC, area, d'.

A critic that turns everything away stops every wrong patch. So what it stops is held against what it turns away for
nothing (Green & Swets 1966, "Signal Detection Theory and Psychophysics"), and how sure it says to be gives the points
between (Macmillan & Creelman 2005, chapter 3).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from pytest_collab.errors import UsageError
from pytest_collab.measure.interval import Estimate, finite, normal_quantile

if TYPE_CHECKING:
    from pytest_collab.episode.family import Detection
    from pytest_collab.measure.frame import Frame
    from pytest_collab.measure.interval import Values

_NORMAL = NormalDist()


class Detected(BaseModel):
    """How one team told signals from noise under one condition; `split` and `group`: among those only.

    Attributes:
        signals, noises: episodes with and without something to detect.
        hits, false_alarms: of them, those in which the agent said that there was something.
        balanced: mean of the hit rate and of one minus the false alarm rate; 0.5 for whoever always says the same.
        d_prime: z(hit rate) - z(false alarm rate), half an episode added to each count (Hautus 1995). None of a
            group: that correction, with far more noise than signals, sees sensitivity where there is none.
        auc: area under the ROC curve: how often a signal was met with more suspicion than noise, ties counting half.
        low, high: its 95 % interval (see `area`).
        points: (false alarm rate, hit rate) by falling suspicion, from (0, 0) to (1, 1).
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    condition: str
    team: str
    split: str = ""
    group: str = ""
    signals: int
    noises: int
    hits: int
    false_alarms: int
    balanced: float
    d_prime: float | None
    auc: float
    low: float
    high: float
    points: tuple[tuple[float, float], ...]


def area(signals: Values, noises: Values, confidence: float = 0.95, scale: float = 1.0) -> Estimate:
    """Area under the ROC curve (Mann and Whitney's U as a share), with an interval that is never a point.

    Newcombe (2006), "Confidence intervals for an effect size measure based on the Mann-Whitney statistic, part 2",
    Statistics in Medicine 25:559-573, method 5: all areas from which this one is less than z standard errors away,
    with Hanley and McNeil's (1982) standard error at each area itself. Episodes are taken to be independent.

    Args:
        signals: shape (m,), the evidence where there was something.
        noises: shape (n,), where there was not.
        scale: the interval is that of so many times as many of both, at the same area.

    Raises:
        UsageError: one of them is empty or not finite.
    """
    found, other = finite(signals), finite(noises)
    m, n = len(found), len(other)
    if not m or not n:
        raise UsageError("an area needs episodes with and without something to detect")
    ordered = np.sort(other)
    below, upto = np.searchsorted(ordered, found, "left"), np.searchsorted(ordered, found, "right")
    value = float((below + upto).sum()) / (2.0 * m * n)
    z, more = normal_quantile(confidence), scale * (m + n) / 2.0 - 1.0

    def beyond(theta: float) -> bool:
        """Whether `value` lies more than z standard errors from this area."""
        spread = 1.0 + more * (1.0 - theta) / (2.0 - theta) + more * theta / (1.0 + theta)
        return abs(value - theta) > z * math.sqrt(theta * (1.0 - theta) * spread / (scale * m * scale * n))

    return Estimate(value, _end(value, 0.0, beyond), _end(value, 1.0, beyond), m + n, confidence, "newcombe")


def _end(inside: float, outside: float, beyond: _Beyond) -> float:
    """Where an interval ends between a point of it and the end of the range, by halving."""
    if not beyond(outside + (inside - outside) * 1e-12):
        return outside
    for _ in range(60):
        middle = (inside + outside) / 2.0
        inside, outside = (inside, middle) if beyond(middle) else (middle, outside)
    return inside


def roc(signals: Values, noises: Values) -> tuple[tuple[float, float], ...]:
    """Points (false alarm rate, hit rate) of every threshold, strictest first; straight lines between are ties."""
    found, other = finite(signals), finite(noises)
    levels = np.unique(np.concatenate([found, other]))[::-1]
    points = [(float((other >= level).mean()), float((found >= level).mean())) for level in levels]
    return ((0.0, 0.0), *points)


def d_prime(hits: int, signals: int, false_alarms: int, noises: int) -> float:
    """Sensitivity, with the log-linear correction (Hautus 1995): finite whatever the counts."""
    return _NORMAL.inv_cdf((hits + 0.5) / (signals + 1)) - _NORMAL.inv_cdf((false_alarms + 0.5) / (noises + 1))


def detections(frame: Frame, rows: NDArray[np.intp], what: Detection) -> tuple[Detected, ...]:
    """How every team of these rows did under each condition, as a whole and by group, sorted by condition and team.

    Rows that are no evidence, and groups without signals or without noise, are left out.
    """
    if any(name not in frame.metrics for name in (what.signal, what.evidence, what.answer)):
        return ()
    known = frame.evidence[rows] & ~np.isnan(frame.metrics[what.signal][rows])
    rows = rows[known & ~np.isnan(frame.metrics[what.evidence][rows])]
    places: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for row in rows.tolist():
        places.setdefault((frame.condition[row], frame.team[row]), []).append(row)
    found = []
    for (condition, team), own in sorted(places.items()):
        for split, group, some in _groups(frame, np.array(own), what):
            detected = _detected(frame, some, what)
            if detected is not None:
                detected |= {"d_prime": None} if split else {}
                name = "+".join(team)
                found.append(Detected(condition=condition, team=name, split=split, group=group, **detected))
    return tuple(found)


def _groups(frame: Frame, rows: NDArray[np.intp], what: Detection) -> Iterator[tuple[str, str, NDArray[np.intp]]]:
    yield "", "", rows
    noise = frame.metrics[what.signal][rows] == 0.0
    for split, head in what.splits.items():
        marks = {name: frame.metrics[name][rows] == 1.0 for name in sorted(frame.metrics) if name.startswith(head)}
        marks = {name: mark for name, mark in marks.items() if mark.any()}
        if len(marks) < 2:
            continue  # all are of one group
        in_none = noise & ~np.logical_or.reduce(list(marks.values()))
        for name, mark in marks.items():
            yield split, name.removeprefix(head), rows[mark | in_none]


def _detected(frame: Frame, rows: NDArray[np.intp], what: Detection) -> dict[str, Any] | None:
    there = frame.metrics[what.signal][rows] == 1.0
    evidence, said = frame.metrics[what.evidence][rows], frame.metrics[what.answer][rows] == 1.0
    signals, noises = int(there.sum()), int((~there).sum())
    if not signals or not noises:
        return None
    hits, false_alarms = int((said & there).sum()), int((said & ~there).sum())
    estimate = area(evidence[there], evidence[~there])
    return {
        "signals": signals,
        "noises": noises,
        "hits": hits,
        "false_alarms": false_alarms,
        "balanced": (hits / signals + 1.0 - false_alarms / noises) / 2.0,
        "d_prime": d_prime(hits, signals, false_alarms, noises),
        "auc": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "points": roc(evidence[there], evidence[~there]),
    }


if TYPE_CHECKING:
    from collections.abc import Callable

    _Beyond = Callable[[float], bool]
