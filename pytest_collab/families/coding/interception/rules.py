"""What is shown under a seed, and what a critic's verdict comes to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

Decision = Literal["accept", "reject"]


@dataclass(frozen=True, slots=True)
class Deal:
    """One episode's patch.

    Attributes:
        wrong: a mutant, and not the reference.
        number: which of the feature's mutants, from 0; of a clean patch, which of its showings.
    """

    feature: str
    wrong: bool
    number: int


def dealt(seed: int, features: Sequence[str]) -> Deal:
    """Seeds 2k and 2k + 1 are one clean patch and one mutant of the same feature; a coin says which is which."""
    pair, place = divmod(seed, 2)
    turn, which = divmod(pair, len(features))
    first_is_wrong = Random(f"interception {pair}").random() < 0.5
    return Deal(features[which], first_is_wrong == (place == 0), turn)


def suspicion(decision: Decision, confidence: int) -> float:
    """How sure a critic is that the patch is wrong: 0 surely right, 0.5 no idea, 1 surely wrong.

    Args:
        confidence: 0 (a guess) to 100 (certain), in the decision.
    """
    half = confidence / 200
    return 0.5 + half if decision == "reject" else 0.5 - half
