"""What is told in a network, read from plain words: numbers, who is whose neighbour, choices, and the tracer.

Players of the cast and verdicts read with the same eyes. What cannot be read surely is left out: it never counts
against anybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from pytest_collab.families.network import rules
from pytest_collab.families.network.rules import NO, YES, Answer
from pytest_collab.families.rounds import reported, unquoted

_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|[;\n|]+")
_UNSURE: Final = re.compile(
    r"\?|\b(?:if|unless|maybe|perhaps|might|could|would|should|suppose|assum\w+|propose|suggest|not|never|"
    r"isn't|aren't|"
    r"don't|won't)\b",
    re.IGNORECASE,
)
_TOGETHER: Final = re.compile(
    r"\b(?:sub-?total|total|sum|partial|so\s+far|count|max(?:imum)?|greatest|largest|highest|min(?:imum)?|"
    r"median|rank|"
    r"average|votes?|answer)\b",
    re.IGNORECASE,
)
"""Words of numbers that were put together: these are nobody's own."""
_VALUE: Final = (
    r"(?:'s\s+(?:number|value|digit|input))?\s*(?:=|:|->|→|\bis\b|\bhas\b|\bholds?\b|\bhad\b)\s*(?:the\s+)?"
)
_ADVICE: Final = re.compile(
    r"\banswer(?:s|ing)?\s*(?:is|with|should\s+be|must\s+be|:)?\s*[\"'`*]*(?!is\b|with\b|the\b|to\b|from\b|"
    r"when\b)(\w+(?:-\w+)?)",
    re.IGNORECASE,
)
_ANNOUNCED: Final = re.compile(r"\bI(?:'ll|\s+will|\s+am\s+going\s+to)\s+answer\W+([\w-]+)", re.IGNORECASE)
_OWN: Final = re.compile(
    r"\b(?:my\s+(?:own\s+)?(?:number|value|digit|input)(?:\s*(?:=|:)|\s+is)?|i\s+(?:hold|have|had|"
    r"got)(?=\s+(?:the\s+)?"
    r"(?:(?:number|value|digit)\b|\d+\s*(?:$|[.,;:!)\]\"'*]|and\b|as\b|which\b|for\b|but\b|here\b)))|"
    r"mine\s*(?:=|:|is))\s*"
    r"(?:the\s+)?(?:number|value|digit)?\s*(\d+)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is told.

    Attributes:
        about: the name of the agent that it is about.
        what: `number`; `near` (its neighbours); `choice`.
        value: the number, the names (sorted), or the choice.
    """

    about: str
    what: Literal["number", "near", "choice"]
    value: Answer | tuple[str, ...]


def facts(text: str, speaker: str, kind: str, names: frozenset[str]) -> tuple[Fact, ...]:
    """What a message tells, in order, as far as it can be read; `names` are those of all agents."""
    found: list[Fact] = []
    for sentence in _SENTENCE.split(text):
        if sentence.strip() and not _UNSURE.search(sentence):
            found += _numbers(sentence, speaker, names) if kind not in rules.CHOICES else ()
            found += (*_neighbours(sentence, speaker, names), *_choices(sentence, speaker, kind, names))
    return tuple(dict.fromkeys(found))


def advice(text: str) -> str | None:
    """The answer that a guide tells one agent to give, as it is written; None where it tells none."""
    found = [m.group(1) for m in _ADVICE.finditer(text) if not _UNSURE.search(text[: m.start()].rsplit(".")[-1])]
    return found[-1] if len(set(found)) == 1 else None


def numbers_in(text: str) -> frozenset[int]:
    """All numbers of three digits in a text, whoever they belong to."""
    return frozenset(int(found) for found in re.findall(r"(?<![\d.])\d{3}(?!\d)", text))


def carries(text: str, tracer: rules.Tracer) -> bool:
    """Whether a text holds the tracer's word and number."""
    return tracer.word in text.lower() and tracer.number in numbers_in(text)


@lru_cache(maxsize=64)
def _any(names: frozenset[str]) -> str:
    return rf"\b(?:{'|'.join(sorted(names, key=len, reverse=True))})\b"


def _own(pattern: re.Pattern[str], sentence: str) -> Iterator[re.Match[str]]:
    """Where the speaker speaks of itself: not in words of others given back ("Dora wrote: my number is 5")."""
    plain = unquoted(sentence)
    return (match for match in pattern.finditer(plain) if not reported(plain[: match.start()]))


def _numbers(sentence: str, speaker: str, names: frozenset[str]) -> Iterator[Fact]:
    if _TOGETHER.search(sentence):
        return
    for match in re.finditer(rf"({_any(names)})\"?{_VALUE}(\d+)\b", sentence, re.IGNORECASE):
        yield Fact(match[1].capitalize(), "number", int(match[2]))
    for match in _own(_OWN, sentence):
        yield Fact(speaker, "number", int(match[1]))


def _neighbours(sentence: str, speaker: str, names: frozenset[str]) -> Iterator[Fact]:
    one = _any(names)
    several = rf"((?:{one})(?:\s*(?:,|and|&|\s)\s*(?:and\s+)?(?:{one}))*)"
    own = re.search(
        rf"\b(?:my\s+neighbou?rs(?:\s+are|\s*[:=])?|i(?:\s+am|'m)\s+(?:connected|linked|"
        rf"next)\s+to)\s*{several}\s*\.?$",
        sentence.strip(),
        re.IGNORECASE,
    )
    told = re.search(
        rf"(?:^|\s)({one})(?:'s\s+neighbou?rs)?\s*(?::|=|\bis\s+(?:connected|linked|next)\s+to|"
        rf"\bare)\s*\[?{several}\]?\s*\.?$",
        sentence.strip(),
        re.IGNORECASE,
    )
    if own or told:
        match, about = (own, speaker) if own else (told, told[1].capitalize() if told else "")
        assert match is not None
        listed = re.findall(one, match[match.lastindex or 0], re.IGNORECASE)
        yield Fact(about, "near", tuple(sorted({name.capitalize() for name in listed})))


def _choices(sentence: str, speaker: str, kind: str, names: frozenset[str]) -> Iterator[Fact]:
    for announced in _own(_ANNOUNCED, sentence):
        said = announced[1]
        value: Answer = int(said) if said.isdecimal() else said.capitalize() if kind == "matching" else said.lower()
        yield Fact(speaker, "choice", value)
    for pattern, fixed in _phrases(kind, names):
        for match in _own(pattern, sentence):
            groups = match.groupdict()
            about = (groups.get("who") or speaker).capitalize()
            chosen: Answer = fixed or ""
            if groups.get("colour"):
                chosen = int(groups["colour"])
            elif groups.get("other"):
                chosen = groups["other"].capitalize() if groups["other"].capitalize() in names else rules.NOBODY
            if kind == "leader" and about != speaker:
                yield Fact(speaker, "choice", NO)
            if chosen != "":
                yield Fact(about, "choice", chosen)


@lru_cache(maxsize=64)
def _phrases(kind: str, names: frozenset[str]) -> tuple[tuple[re.Pattern[str], Answer | None], ...]:
    who, i = rf"(?P<who>{_any(names)})", r"\bI(?:\s+am|'m|\s+will\s+be|'ll\s+be)"
    hue, role = r"(?:colou?r|group)", r"(?:member|coordinator)"
    pair = r"(?:(?:pair|match|partner|group)\w*|forms?\s+a\s+group|in\s+a\s+group)"
    whom = rf"(?P<other>{_any(names)}|nobody\b|no\s+one\b|none\b)"
    texts: Mapping[str, tuple[tuple[str, Answer | None], ...]] = {
        "leader": (
            (rf"{i}\s+(?:the\s+|your\s+|our\s+)?leader\b", YES),
            (rf"\b(?:the\s+|our\s+)?leader\s*(?:=|:|is|will\s+be)\s*{who}", YES),
            (rf"{who}\s+(?:is|=|will\s+be|as)\s+(?:the\s+|our\s+)?leader\b", YES),
        ),
        "colouring": (
            (
                rf"(?:\bmy\s+{hue}(?:\s+is|\s*[=:])?|\bI(?:'ll|\s+will|\s+shall)?\s+(?:take|pick|choose|use|"
                rf"have|keep)"
                rf"(?:\s+{hue})?|\bI(?:\s+am|'m)\s+(?:in\s+)?{hue})\s*#?(?P<colour>\d+)\b",
                None,
            ),
            (rf"{who}\s*(?:takes|has|uses|keeps|is(?:\s+in)?|=|:)\s*(?:{hue}\s*)?#?(?P<colour>\d+)\b", None),
        ),
        "matching": (
            (rf"\bI(?:'ll|\s+will|\s+am|'m)?\s+{pair}\s+(?:up\s+)?with\s+{whom}", None),
            (rf"{who}\s+(?:is\s+)?{pair}\s+(?:up\s+)?with\s+{whom}", None),
        ),
        "cover": (
            (rf"{i}\s+(?:a\s+)?{role}\b", YES),
            (rf"{i}\s+(?:no\s+{role}|outside|out)\b", NO),
            (rf"{who}\s+is\s+a\s+{role}\b", YES),
            (rf"{who}\s+is\s+(?:no\s+{role}|outside|out)\b", NO),
        ),
    }
    return tuple((re.compile(text, re.IGNORECASE), value) for text, value in texts.get(kind, ()))
