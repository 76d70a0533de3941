"""The area under a critic's ROC curve as what a gate is judged by.

A signal and a noise are one task and seed each; the evidence of their epochs is averaged. They are taken to be
independent, as everywhere with areas (`detection.area`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_collab import families
from pytest_collab.episode.family import Detection
from pytest_collab.episode.text import counted
from pytest_collab.errors import UsageError
from pytest_collab.measure.detection import area
from pytest_collab.measure.frame import Frame, Mask
from pytest_collab.measure.gate import Gate, GateFile
from pytest_collab.measure.interval import Estimate, two_sided
from pytest_collab.measure.selection import Supposed

SURE_NOT, SURE = -1.0, 2.0
"""Evidence below and above all that a critic can give: what a lost episode is supposed to have come to."""

MOST_SEEDS = 100_000


@dataclass(frozen=True, slots=True)
class AreaEvidence:
    """What a critic was shown and how sure it was.

    Attributes:
        signals, noises: shape (m,) and (n,), the evidence where there was something to detect, and where not.
    """

    signals: NDArray[np.float64]
    noises: NDArray[np.float64]

    @property
    def n(self) -> int:
        return len(self.signals) + len(self.noises)

    @property
    def groups(self) -> int:
        return self.n

    def interval(self, confidence: float, scale: float = 1.0) -> Estimate:
        return area(self.signals, self.noises, confidence, scale)

    def excludes(self, mean: float, confidence: float, scale: float) -> bool:
        found = self.interval(confidence, scale)
        return not found.low <= mean <= found.high


def evidence_of(frame: Frame, gate: Gate, rows: Mask, lost: Supposed | None = None) -> AreaEvidence:
    """What a run holds for a gate on the area.

    Args:
        rows: the gate's, lost ones included; shape (n,).
        lost: what lost episodes are supposed to have come to. Which of them had something to detect is not known
            either: they are shared out so that the area is lowest, or highest.

    Raises:
        UsageError: rows of several critics, of families that detect nothing, or without one of the two kinds.
    """
    what = _detection(frame, gate, rows)
    known = rows & frame.evidence
    signals, noises = ([float(np.mean(values)) for values in units] for units in _units(frame, known, what))
    gone = 0 if lost is None else len(_cells(frame, rows & lost.rows(frame)) - _cells(frame, known))
    if gone and lost is not None:
        low, high = (SURE_NOT, SURE) if lost.end == "low" else (SURE, SURE_NOT)
        shared = [(signals + [low] * k, noises + [high] * (gone - k)) for k in range(gone + 1)]
        areas = [area(a, b).value if a and b else float("nan") for a, b in shared]
        best = np.nanargmin(areas) if lost.end == "low" else np.nanargmax(areas)
        signals, noises = shared[int(best)]
    if not signals or not noises:
        kind = "with" if not signals else "without"
        remedy = "Play seeds in pairs, 2k and 2k + 1."
        raise UsageError(f"gate {gate.title!r}: no episode {kind} something to detect was played. {remedy}")
    return AreaEvidence(np.array(signals), np.array(noises))


def check_area(file: GateFile, gate: Gate, frame: Frame, rows: Mask) -> None:
    """Refuse a gate on the area that so few episodes cannot decide, whatever they come to.

    Half of them are taken to have something to detect: with any other share the area is known less well.

    Raises:
        UsageError: says how many seeds it takes; or as `evidence_of`.
    """
    _detection(frame, gate, rows)
    units, rule = len(_cells(frame, rows)), gate.rule()
    confidence, upward = gate.confidence or file.confidence, rule.relation in ("at_least", "above")
    wanted = rule.threshold if upward else 1.0 - rule.threshold
    reached = _at_best(units, confidence)
    if reached >= wanted:
        return
    enough = next(count for count in _counts(units) if _at_best(count, confidence) >= wanted or count >= MOST_SEEDS)
    flawless, side = ("is never wrong", "at least") if upward else ("is always wrong", "at most")
    raise UsageError(
        f"gate {gate.title!r} can never pass with {counted(units, 'seed')}: the area of a critic that "
        f"{flawless} is then known "
        f"to be {side} {reached if upward else 1.0 - reached:.3f}, and the gate asks for {rule.threshold:g}. "
        f"Play {counted(enough, 'seed')} or more, half of them with something to detect."
    )


def _at_best(units: int, confidence: float) -> float:
    """The lower bound of the area of a critic that is never wrong."""
    if units < 2:
        return 0.0
    return area(np.ones(units // 2), np.zeros(units - units // 2), two_sided(confidence)).low


def _counts(units: int) -> Iterator[int]:
    count = max(4, units + units % 2)
    while True:
        yield count
        count += max(2, count // 50 * 2)


def _detection(frame: Frame, gate: Gate, rows: Mask) -> Detection:
    """What the families of some rows detect.

    Raises:
        UsageError: a family detects nothing, or the rows are of several critics or conditions.
    """
    names = [frame.family.values[code] for code in np.unique(frame.family.codes[rows]).tolist()]
    found = []
    for name in names:
        known = families.known(name)
        if known is None or known.detection is None:
            raise UsageError(
                f"gate {gate.title!r}: episodes of {name} ask nobody whether something is there, and have no area. "
                "Name a family that does in `where`, such as interception."
            )
        found.append(known.detection)
    if len({(one.signal, one.evidence) for one in found}) > 1:
        raise UsageError(f"gate {gate.title!r}: {' and '.join(names)} detect different things. Make a gate of each.")
    for key, values in (("team", frame.team), ("condition", frame.condition)):
        there = [values.values[code] for code in np.unique(values.codes[rows]).tolist()]
        if len(there) > 1:
            shown = ", ".join("+".join(one) if isinstance(one, tuple) else str(one) for one in there[:6])
            raise UsageError(
                f"gate {gate.title!r}: an area is that of one {key}, and these are {len(there)} ({shown}): how sure "
                f"one is says nothing of another. Name one {key} in `where`, and make a gate of each."
            )
    return found[0]


def _cells(frame: Frame, rows: Mask) -> set[tuple[int, int, int]]:
    places = np.flatnonzero(rows)
    codes = (frame.family.codes[places], frame.task.codes[places], frame.seed[places])
    return set(zip(*(values.tolist() for values in codes), strict=True))


def _units(frame: Frame, rows: Mask, what: Detection) -> tuple[list[list[float]], list[list[float]]]:
    """Evidence by task and seed, of signals and of noises."""
    if any(name not in frame.metrics for name in (what.signal, what.evidence)):
        return [], []
    signal, evidence = frame.metrics[what.signal], frame.metrics[what.evidence]
    found: dict[tuple[int, int, int, bool], list[float]] = {}
    for row in np.flatnonzero(rows & ~np.isnan(signal) & ~np.isnan(evidence)).tolist():
        cell = (int(frame.family.codes[row]), int(frame.task.codes[row]), int(frame.seed[row]), bool(signal[row]))
        found.setdefault(cell, []).append(float(evidence[row]))
    split = [[values for cell, values in found.items() if cell[-1] is there] for there in (True, False)]
    return split[0], split[1]
