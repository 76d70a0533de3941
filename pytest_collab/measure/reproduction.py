"""Does a failure show whenever a case is played, or was it luck? Wald's sequential probability ratio test.

A. Wald, Sequential Tests of Statistical Hypotheses, Annals of Mathematical Statistics 16 (1945), 117-186.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

SHOWS: Final = 0.95
"""How often a failure shows, at least, that belongs to the case."""

LUCK: Final = 0.5
"""How often one shows, at most, that comes and goes."""

ERROR: Final = 0.1
"""Chance of taking one for the other."""

_BOUND: Final = math.log((1 - ERROR) / ERROR)


def shows(seen: Iterable[bool]) -> bool | None:
    """Whether a failure belongs to its case.

    Args:
        seen: for each play in turn, whether it showed.

    Returns:
        None while that is open. Four plays in a row that show it settle it, as does the first that does not.
    """
    ratio = 0.0
    for one in seen:
        ratio += math.log(SHOWS / LUCK) if one else math.log((1 - SHOWS) / (1 - LUCK))
        if abs(ratio) >= _BOUND:
            return ratio > 0
    return None
