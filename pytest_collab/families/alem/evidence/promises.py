"""Announced actions held against what was done: "I'll Do at step 57", "giving you wood next turn"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_collab.families.rounds import intents

DEEDS: Final[Mapping[str, Sequence[str]]] = {
    "Do": (
        r"\bdo(?:ing)?\b(?!\s+(?:not|n['’]t|nothing|that|this|it|so|my|your|the|a)\b)",
        r"\bact(?:ing)?\b",
        r"\b(?:chop(?:ping)?|min(?:e|ing)|dig(?:ging)?|hit(?:ting)?|attack(?:ing)?|strik(?:e|ing)|eat(?:ing)?|drinking)\b",
    ),
    "Build": (r"\bbuild(?:ing)?\b",),
    "Give": (r"\b(?:give|giving|hand(?:ing)?|send(?:ing)?)\b",),
    "Place": (r"\bplac(?:e|ing)\b",),
    "Make": (r"\b(?:craft(?:ing)?|mak(?:e|ing))\b(?!\s+sure)",),
    "Descend": (r"\bdescend(?:ing)?\b",),
    "Ascend": (r"\bascend(?:ing)?\b",),
    "Sleep": (r"\b(?:sleep(?:ing)?|go(?:ing)? to sleep)\b",),
}
"""Verbs by the beginning of the actions that keep them."""

STEP: Final = re.compile(r"\b(?:at|on|in|for)\s+(?:the\s+)?(?:step|turn|t\s*=)\s*#?(\d+)\b", re.IGNORECASE)
_NEXT: Final = re.compile(r"\b(?:on\s+|in\s+)?(?:the\s+|my\s+)?next\s+(?:turn|step|round)\b", re.IGNORECASE)
_NOW: Final = re.compile(r"\b(?:right\s+)?now\b|\bthis\s+(?:turn|step|round)\b", re.IGNORECASE)
_CLAUSE: Final = re.compile(r"[;:!]|,(?!\s*\d)|\.(?=\s|$)|\bthen\b|\bbut\b|\n")
_CANCEL: Final = re.compile(
    r"\b(?:cancel|abort|wait|hold|not\s+(?:yet|ready)|instead|stop|postpone|retry|again|chang\w+|can['’]?t|cannot)\b",
    re.IGNORECASE,
)
_MAYBE: Final = re.compile(r"\b(?:can|may|should|would|try(?:ing)?|want|need|about\s+to)\b", re.IGNORECASE)
_ANSWER: Final = re.compile(r"^\W*(?:ok(?:ay)?|yes|agreed|roger|ready|confirmed?|copy)\b", re.IGNORECASE)

FAR: Final = 40
"""Steps ahead up to which a named step is taken for a promise."""


@dataclass(frozen=True, slots=True)
class Promise:
    """An action announced for a step.

    Attributes:
        deeds: beginnings of the actions that keep it.
        first, last: the steps in which it is kept.
        exact: one step was named.
        clause: the words.
    """

    deeds: tuple[str, ...]
    first: int
    last: int
    exact: bool
    clause: str

    def kept_by(self, actions: Sequence[str]) -> bool:
        """Whether one of the actions of these steps is what was announced."""
        return any(action.startswith(deed) for action in actions for deed in self.deeds)


def promises(text: str, now: int) -> Iterator[Promise]:
    """What the sender of a message announces of itself, with the time at which it is due.

    Only what names its time binds: a step, the next turn, now. A named step binds exactly; "next turn" leaves one
    step more, and "now" another, since nobody reads it before the next step.

    Args:
        now: the step in which the message was written.
    """
    for clause in _CLAUSE.split(text):
        when = _when(clause, now)
        if when is None:
            continue
        first, last, exact, rest = when
        rest = _ANSWER.sub("I will", rest.strip()) if exact and _ANSWER.match(rest.strip()) else rest
        if _MAYBE.search(rest):
            continue
        found = tuple(intent.name for intent in intents(rest, DEEDS) if not intent.negated)
        if found:
            yield Promise(found, first, last, exact, clause.strip())


def _when(clause: str, now: int) -> tuple[int, int, bool, str] | None:
    named = STEP.search(clause)
    if named:
        step = int(named[1])
        return (step, step, True, STEP.sub("", clause)) if now <= step <= now + FAR else None
    if _NEXT.search(clause):
        return now + 1, now + 2, False, _NEXT.sub("", clause)
    if _NOW.search(clause):
        return now, now + 2, False, _NOW.sub("", clause)
    return None


def cancels(text: str) -> bool:
    """Whether a message takes back, or puts off, what was agreed."""
    return _CANCEL.search(text) is not None
