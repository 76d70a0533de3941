"""In which order a page takes up episodes, since it may not have room or time for all."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_collab.episode.outcome import Outcome
from pytest_collab.measure.frame import OUTCOMES, Frame

FIRST: Final = (Outcome.COORDINATION, Outcome.COMPETENCE, Outcome.UNSETTLED, Outcome.LIMIT, Outcome.INFRASTRUCTURE)
"""In this order unsuccessful episodes are taken up."""


def order(frame: Frame, outcomes: NDArray[np.int8], linked: Collection[str] = ()) -> list[int]:
    """All rows: those that the first page links to, unsuccessful ones, the rest.

    After an unsuccessful one comes a successful one of the same problem, if there is one and none has come yet: of
    the same condition if possible, else of another, so that both can be read side by side.

    Args:
        outcomes: shape (n,), what each was settled to: places in `OUTCOMES`.
        linked: ids.
    """
    rank = {outcome: place for place, outcome in enumerate(FIRST)}
    ranks = np.array([rank.get(outcome, len(rank)) for outcome in OUTCOMES])[outcomes]
    apart = np.array([name not in linked for name in frame.id], dtype=bool)
    first = np.lexsort((ranks, apart)).tolist()
    problems = list(zip(frame.family.codes.tolist(), frame.task.codes.tolist(), frame.seed.tolist(), strict=True))
    conditions = frame.condition.codes.tolist()
    won: dict[tuple[int, int, int], list[int]] = {}
    for row in np.flatnonzero(frame.success).tolist():
        won.setdefault(problems[row], []).append(row)
    found: dict[int, None] = {}
    served: set[tuple[int, int, int]] = set()
    for row in first:
        found.setdefault(row)
        problem = problems[row]
        if frame.success[row]:
            served.add(problem)
        elif problem not in served and problem in won:
            served.add(problem)
            beside = won[problem]
            found.setdefault(next((other for other in beside if conditions[other] == conditions[row]), beside[0]))
    return list(found)
