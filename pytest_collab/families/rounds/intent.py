"""What a seat says it is going to do, read from plain language, negation included.

A sentence is a commitment of its speaker when it is about the speaker, about now, and unconditional: "I'll grab
left" is; "please grab left", "did you grab left?", "if you wait I grab left", "I grabbed left" and "I won't grab
left" are not (the last is a commitment not to).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

_CLAUSE = re.compile(
    r"(?<=[.!?;\n])\s+|\n+|,\s+(?=(?:but|and|so|then|you|please|i\b|i['’])|if\b|unless\b)|\s+(?=but\s)|\s+[–—-]+\s+",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"\b(?:not|never|without|avoid(?:ing)?|refuse\s+to|rather\s+than|instead\s+of|no\s+longer|cannot|stop|nor|neither)\b"
    r"|n['’]t\b|\b(?:wont|dont|cant)\b",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\b(?:if|unless|until|once|when(?:ever)?|after|as\s+soon\s+as|in\s+case|provided|assuming|maybe|perhaps|might|could)\b",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"\b(?:i|we)\s+(?:have\s+|['’]ve\s+|had\s+|did\s+|just\s+|already\s+)+|\b(?:i|we)['’]ve\b|\blast\s+(?:turn|round|step)\b"
    r"|\b(?:i|we)\s+(?:\w+ed|took|gave|held|put|went|ate|let)\b",
    re.IGNORECASE,
)
_LATER = re.compile(r"\b(?:next|later|afterwards?|following|tomorrow|eventually)\b", re.IGNORECASE)
_OWN = re.compile(
    r"\b(?:i|i['’](?:ll|m|d)|i'll|we|we['’]ll|let\s+me|my\s+(?:plan|move|action|intention|offer)|mine)\b",
    re.IGNORECASE,
)
_OTHERS = re.compile(
    r"\b(?:you|your|yours|please|pls|everyone|everybody|others?|let['’]?s|they|neighbou?rs?)\b", re.IGNORECASE
)
_FUTURE = re.compile(r"^\s*(?:will|going|gonna|now|planning|intend|about\s+to|\w+ing)\b", re.IGNORECASE)

LOOKS_LIKE_A_QUESTION: Final = re.compile(r"\?\s*$")


@dataclass(frozen=True, slots=True)
class Intent:
    """One stated intent.

    Attributes:
        name: the family's name for it (usually an action).
        negated: the speaker says that it will not.
        value: the phrase's first group (a number, a seat), empty when it has none.
        sentence: the clause it was read in.
    """

    name: str
    negated: bool
    value: str
    sentence: str


def intents(text: str, phrases: Mapping[str, Iterable[str]]) -> tuple[Intent, ...]:
    """The commitments about the present in a message.

    Args:
        phrases: regular expressions by intent (`{"release": [r"releas\\w*", r"let\\s+go"]}`); within a clause the
            later of two overlapping phrases is left out.
    """
    found: list[Intent] = []
    for clause in clauses(text):
        if LOOKS_LIKE_A_QUESTION.search(clause) or _CONDITION.search(clause) or _LATER.search(clause):
            continue
        if _PAST.search(clause) or not _about_oneself(clause):
            continue
        found += _in_clause(clause, phrases)
    return tuple(found)


def clauses(text: str) -> list[str]:
    """The clauses of a message: sentences, split again where the subject or the direction changes."""
    return [clause.strip() for clause in _CLAUSE.split(text) if clause and clause.strip()]


def _about_oneself(clause: str) -> bool:
    own, others = _OWN.search(clause), _OTHERS.search(clause)
    if own is not None:
        return others is None or own.start() < others.start()
    return others is None and _FUTURE.search(clause) is not None


def _in_clause(clause: str, phrases: Mapping[str, Iterable[str]]) -> Iterable[Intent]:
    others = _OTHERS.search(clause)
    end = others.start() if others is not None and _OWN.search(clause) else len(clause)
    taken: list[tuple[int, int]] = []
    hits = sorted(
        (
            (match.start(), match.end(), name, match)
            for name, regexes in phrases.items()
            for regex in regexes
            for match in re.finditer(regex, clause, re.IGNORECASE)
        ),
        key=lambda hit: (hit[0], -hit[1]),
    )
    for start, stop, name, match in hits:
        if start >= end or any(start < last and stop > first for first, last in taken):
            continue
        taken.append((start, stop))
        value = next((group for group in match.groups() if group), "") if match.re.groups else ""
        yield Intent(name, _NEGATION.search(clause[:start]) is not None, value, clause)
