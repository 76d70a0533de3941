"""One table of a whole run: families by conditions over all teams, with gaps, and where the baseline was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pytest_collab.episode.outcome import Outcome
from pytest_collab.measure.bounded import bounded_mean
from pytest_collab.measure.comparison import RunComparison
from pytest_collab.measure.frame import Frame, Mask
from pytest_collab.measure.gaps import Gap, all_gaps
from pytest_collab.measure.metric import GAPS
from pytest_collab.measure.plan import planned_of
from pytest_collab.measure.summary import condition_rank

Mark = Literal["worse", "better", ""]


@dataclass(frozen=True, slots=True)
class Square:
    """All teams of a family under a condition.

    Attributes:
        n, successes: of the episodes that are evidence; `lost` of them are none.
        low, high: 95 % interval of the success rate, over tasks and seeds.
        before: the baseline's rate on the episodes that both have; None where they have none in common.
        mark: whether a task of it got worse, or better, beyond noise.
    """

    n: int
    successes: int
    low: float
    high: float
    lost: int
    before: float | None = None
    mark: Mark = ""

    @property
    def rate(self) -> float:
        """The success rate; 0 without evidence."""
        return self.successes / self.n if self.n else 0.0


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A family (None: all of them): a square a condition, None where it was not played; then its gaps."""

    family: str | None
    squares: tuple[Square | None, ...]
    gaps: tuple[Gap | None, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows by conditions and gaps; gaps go by their names in gates files."""

    conditions: tuple[str, ...]
    gaps: tuple[str, ...]
    rows: tuple[MatrixRow, ...]


def matrix(frame: Frame, was: Mapping[Any, str] | None = None, comparison: RunComparison | None = None) -> Matrix:
    """Lay a run out. With more than one family, the last row is that of all together.

    Args:
        frame: the run.
        was: what episodes came to in the run that it is held against, by `Episode.key`.
        comparison: the two runs compared.
    """
    conditions = sorted({frame.condition[row] for row in range(len(frame))}, key=condition_rank)
    marks = {} if comparison is None else _marks(comparison)
    before = _before(frame, was or {})
    found: list[tuple[str | None, Mask, dict[str, Gap]]] = []
    for name in [*frame.family.values, *([None] if len(frame.family.values) > 1 else [])]:
        rows = np.ones(len(frame), dtype=bool) if name is None else frame.family.among([name])
        found.append((name, rows, {one.name: one for one in all_gaps(frame, rows)}))
    gaps = [name for name in GAPS if any(name in known for _, _, known in found)]
    return Matrix(
        tuple(conditions),
        tuple(gaps),
        tuple(
            MatrixRow(
                name,
                tuple(
                    _square(frame, rows & frame.condition.among([one]), before, marks.get((name, one), ""))
                    for one in conditions
                ),
                tuple(known.get(gap) for gap in gaps),
            )
            for name, rows, known in found
        ),
    )


def _square(frame: Frame, rows: Mask, before: Sequence[float | None], mark: Mark) -> Square | None:
    places = np.flatnonzero(rows)
    used = np.flatnonzero(rows & frame.evidence)
    if not len(places):
        return None
    interval = bounded_mean(frame.success[used], frame.clusters(used))
    known = [value for place in used.tolist() if (value := before[place]) is not None]
    return Square(
        n=len(used),
        successes=int(frame.success[used].sum()),
        low=interval.low if len(used) else 0.0,
        high=interval.high if len(used) else 1.0,
        lost=len(places) - len(used),
        before=sum(known) / len(known) if known else None,
        mark=mark,
    )


def _before(frame: Frame, was: Mapping[Any, str]) -> list[float | None]:
    """What each row's episode came to in the baseline: 1 or 0; None where it is not there, or no evidence."""
    if not was:
        return [None] * len(frame)
    outcomes = (was.get(key) for key in planned_of(frame))
    return [None if one in (None, Outcome.INFRASTRUCTURE) else float(one == Outcome.SUCCESS) for one in outcomes]


def _marks(comparison: RunComparison) -> dict[tuple[str | None, str], Mark]:
    found: dict[tuple[str | None, str], Mark] = {}
    for change in comparison.changes:
        place = (change.family, change.condition)
        if change.status == "worse" or (change.status == "better" and place not in found):
            found[place] = "worse" if change.status == "worse" else "better"
    return found
