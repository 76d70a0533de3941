"""What a seat says it is going to do, read from plain language, negation included.

A phrase is a commitment of its speaker when it is about the speaker, about now, and unconditional: "I'll grab
left" is; "please grab left", "did you grab left?", "if you wait I grab left", "I'd grab left" and "I grabbed left"
are not, nor are words given back ("b said: I'll grab left") or thoughts of others ("I hope that b grabs left"); "I
won't grab left" is a commitment not to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_BOUNDARY = re.compile(
    r"[,;:–—]|\bbut\b|\bso\b|\bthen\b|\band\s+(?:i\b|will\b|instead\b|to\b)|\bwhile\b|\bbecause\b", re.IGNORECASE
)
_NEGATION = re.compile(
    r"\b(?:not|never|without|avoid(?:ing)?|refuse\s+to|rather\s+than|instead\s+of|no\s+longer|cannot|stop|nor|neither)\b"
    r"|n['’]t\b|\b(?:wont|dont|cant)\b",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\b(?:if|unless|until|once|when(?:ever)?|after|as\s+soon\s+as|in\s+case|provided|assuming|maybe|perhaps|might|could"
    r"|before)\b",
    re.IGNORECASE,
)
_UNDECIDED = re.compile(
    r"\b(?:would|should|may|suppos(?:e|ing)|imagine|either|whether|or|planned|wanted|intended|meant|hoped|tried)\b|['’]d\b",
    re.IGNORECASE,
)
_CHANGED = re.compile(
    r"^\W*or\b|\b(?:no[,.]?\s+wait|wait[,.]?\s+no|actually,?\s+(?:no|\d|i\b|make)|i\s+mean|scratch|correction|on\s+second\s+thought)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"\"[^\"\n]*\"|“[^”\n]*”|«[^»\n]*»|(?m:^\s*>[^\n]*$)")
_REPORTED = re.compile(
    r"\b(?!(?:i|we)\b)\w+\s+(?:just\s+|also\s+|once\s+)?(?:said|says?|told|tells?|wrote|writes?|claim(?:s|ed)|promised|"
    r"announced|asked|thinks?|believes?|wants?|hopes?|expects?)\b",
    re.IGNORECASE,
)
_ATTITUDE = re.compile(
    r"\b(?:i|we)(?:\s+(?:do|also|just|really|still|strongly))?\s+(?:(?:think|believe|hope|guess|expect|assume|imagine|know|see|"
    r"hear|bet|understand|suggest|propose|recommend|doubt|wish)(?!\s+to\b)|(?:want|need|ask|tell|urge|beg)(?!\s+to\b))\b",
    re.IGNORECASE,
)
"""What somebody thinks or asks of others: who is to act must then be said anew."""
_LATER = re.compile(r"\b(?:next|later|afterwards?|following|tomorrow|eventually|last)\b", re.IGNORECASE)
_DONE = re.compile(r"\b(?:have|had|did|just|already|was|were)\b|['’]ve\b", re.IGNORECASE)
_SUBJECT = re.compile(
    r"(?P<own>\b(?:i|we|let\s+me|my\s+(?:plan|move|action|intention|offer|turn)|mine)\b)"
    r"|\b(?:you|yours?|please|pls|everyone|everybody|nobody|no\s+one|none|any(?:one|body)|some(?:one|body)|each|seats?|others?|let['’]?s|they|he|she|neighbou?rs?|both\s+of)\b",
    re.IGNORECASE,
)
_ELLIPSIS = re.compile(
    r"^\W*(?:(?:ok(?:ay)?|so|now|then)\W+)?(?:will|going|gonna|planning|about\s+to|\w+ing)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Intent:
    """One stated intent.

    Attributes:
        name: the family's name for it (usually an action).
        negated: the speaker says that it will not.
        value: the phrase's first group (a number, a seat), empty when it has none.
        sentence: the sentence it was read in.
    """

    name: str
    negated: bool
    value: str
    sentence: str


def intents(text: str, phrases: Mapping[str, Iterable[str]]) -> tuple[Intent, ...]:
    """The commitments about the present in a message.

    Args:
        phrases: regular expressions by intent (`{"release": [r"releas\\w*", r"let\\s+go"]}`); where two overlap the
            one that begins first, then the longer one, counts.
    """
    return tuple(
        intent
        for sentence in _SENTENCE.split(unquoted(text))
        if sentence.strip() and not sentence.rstrip().endswith("?")
        for intent in _of_sentence(sentence, phrases)
    )


_NO_DEED = re.compile(
    r"\b(?:if|unless|suppos(?:e|ing)|imagine|would|could|should|might|may|maybe|perhaps|never|not|whether)\b|n['’]t\b|['’]d\b",
    re.IGNORECASE,
)
_OTHER_TIME = re.compile(
    r"^\W*(?:\w+\s+){0,2}?(?:fewer|less|more)\b|\b(?:first|second|third|earlier|before|ago|altogether|in\s+(?:all|total)|so\s+far|"
    r"every|each)\b|\b(?:month|round|turn|season)\s+\d",
    re.IGNORECASE,
)


def unquoted(text: str) -> str:
    """The text without what stands in marks of quotation, unless that is a word or two."""
    return _QUOTED.sub(lambda match: match[0] if len(match[0].split()) <= 2 else " ", text)


def reported(head: str) -> bool:
    """Whether what follows is what somebody else is said to say or think ("b told me that ...")."""
    return _REPORTED.search(head) is not None


def deeds(text: str, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """Where a message says what its speaker did last, by `pattern`: no question, quotation, supposition or denial,
    and not of another time."""
    for sentence in _SENTENCE.split(unquoted(text)):
        for match in () if sentence.rstrip().endswith("?") else pattern.finditer(sentence):
            head, tail = sentence[: match.start()], sentence[match.end() :]
            said_of = _NO_DEED.search(head) or _REPORTED.search(head)
            if not said_of and not _OTHER_TIME.search(re.split(r"[,;]|\band\b", tail)[0]):
                yield match


def _of_sentence(sentence: str, phrases: Mapping[str, Iterable[str]]) -> Iterator[Intent]:
    hits = list(_hits(sentence, phrases))
    for number, (name, match) in enumerate(hits):
        start, stop = match.span()
        head = sentence[:start]
        boundaries = list(_BOUNDARY.finditer(head))
        clause = sentence[boundaries[-1].end() if boundaries else 0 : start]
        tail = sentence[stop : hits[number + 1][1].start() if number + 1 < len(hits) else len(sentence)]
        if _CONDITION.search(head) or _CONDITION.search(tail) or _LATER.search(clause) or _LATER.search(tail):
            continue
        if _UNDECIDED.search(clause) or _CHANGED.search(sentence[stop:]) or _REPORTED.search(head):
            continue
        if _DONE.search(clause) or re.match(r"\w+ed\b", match.group()) or not _own(head, match.group()):
            continue
        value = next((group for group in match.groups() if group), "")
        yield Intent(name, _NEGATION.search(clause) is not None, value, sentence.strip())


def _hits(sentence: str, phrases: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, re.Match[str]]]:
    found = [
        (name, match)
        for name, regexes in phrases.items()
        for regex in regexes
        for match in re.finditer(regex, sentence, re.IGNORECASE)
    ]
    end = 0
    for name, match in sorted(found, key=lambda hit: (hit[1].start(), -hit[1].end())):
        if match.start() >= end:
            end = match.end()
            yield name, match


def _own(head: str, phrase: str) -> bool:
    """Is the speaker the subject of the phrase after `head`? The nearest pronoun before it decides."""
    head = _ATTITUDE.sub(" that ", head)
    subjects = list(_SUBJECT.finditer(head))
    if subjects:
        return subjects[-1].group("own") is not None
    if not head.strip():  # "Grabbing left now" speaks of oneself, "Release it" tells others
        return re.match(r"\w+ing\b", phrase) is not None
    return _ELLIPSIS.search(head) is not None
