"""The words of an event in which a failure shows, to be marked in a message and quoted on a button."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from pytest_collab.episode.outcome import Failure

Span = tuple[int, int]

RUN: Final = 3
"""So many words in a row, in the note of a failure and in what was said, are taken for a quotation."""

MOST: Final = 40
MOST_TEXT: Final = 40_000

_QUOTED: Final = re.compile(r"'([^\n]{3,}?)'(?=[\s,.;:)]|$)|\"([^\n\"]{3,}?)\"|“([^\n”]{3,}?)”")
_PLACE: Final = re.compile(r"\((\d+)\s*,\s*(\d+)\)")
_NAMED: Final = re.compile(r"\b[A-Za-z]{1,3}\d+\b")
_WORD: Final = re.compile(r"\w+(?:['’]\w+)*")


def spans(note: str, text: str) -> list[Span]:
    """What `note`, the sentence of a failure, names of `text`, the words of an event that proves it.

    In this order, the first that is found: what the note has in quotation marks; places such as (2, 3); runs of at
    least three words that both have; names with a number, such as p7.

    Returns:
        (start, end) in characters, ascending, not overlapping; empty where the note names nothing of the text.
    """
    text = text[:MOST_TEXT]
    for find in (_quotations, _places, _runs, _names):
        found = _merged(find(note, text), text)
        if found:
            return found[:MOST]
    return []


def spans_of(failures: Sequence[Failure], seq: int, text: str) -> list[Span]:
    """What all failures that event `seq` proves name of its text."""
    found = [span for failure in failures if seq in failure.events for span in spans(failure.note, text)]
    return _merged(found, text)[:MOST]


def from_proof(note: str, text: str, limit: int) -> str:
    """The text, or where it is longer than `limit`, what of it begins with the sentence that `note` names."""
    found = spans(note, text) if len(text) > limit else []
    start = max((text.rfind(end, 0, found[0][0]) for end in (". ", "! ", "? ", "\n")), default=-1) if found else -1
    return text if start < 0 else f"… {text[start + 1 :].lstrip()}"


def in_units(text: str, found: Sequence[Span]) -> list[list[int]]:
    """Spans counted as a browser counts characters (UTF-16 code units)."""
    if text.isascii():
        return [list(span) for span in found]
    return [[len(text[:at].encode("utf-16-le", "surrogatepass")) // 2 for at in span] for span in found]


def _quotations(note: str, text: str) -> Iterable[Span]:
    for match in _QUOTED.finditer(note):
        said = next(part for part in match.groups() if part is not None)
        start = text.find(said)
        if start >= 0:
            yield start, start + len(said)


def _places(note: str, text: str) -> Iterable[Span]:
    named = {match.groups() for match in _PLACE.finditer(note)}
    return [match.span() for match in _PLACE.finditer(text) if match.groups() in named]


def _names(note: str, text: str) -> Iterable[Span]:
    named = {name.lower() for name in _NAMED.findall(note)}
    return [match.span() for match in _NAMED.finditer(text) if match[0].lower() in named]


def _runs(note: str, text: str) -> Iterable[Span]:
    words = [word.lower() for word in _WORD.findall(note)]
    known = {tuple(words[i : i + RUN]) for i in range(len(words) - RUN + 1)}
    said = list(_WORD.finditer(text))
    for i in range(len(said) - RUN + 1):
        if tuple(match[0].lower() for match in said[i : i + RUN]) in known:
            yield said[i].start(), said[i + RUN - 1].end()


def _merged(found: Iterable[Span], text: str) -> list[Span]:
    """In order, those that overlap or have only blanks and commas between them as one."""
    merged: list[Span] = []
    for start, end in sorted(found):
        if merged and (start <= merged[-1][1] or not text[merged[-1][1] : start].strip(" ,")):
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
