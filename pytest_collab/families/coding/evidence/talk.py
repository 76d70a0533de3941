"""How seats talked: who never answered, who repeated itself, who said nothing that could be acted on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final

from pytest_collab.episode.transcript import Event, Transcript
from pytest_collab.families.coding.evidence.claims import Claim, read

REPEATS: Final = 3
"""So many messages that say the same are a repetition."""

SAME: Final = 0.9
"""Similarity (difflib's ratio) from which two messages say the same."""

_CONCRETE: Final = re.compile(
    r"[\w-]+\.[A-Za-z]{1,5}\b|`[^`]+`|\b\w+\(\)|\blines?\s+\d+|\b\w+_\w+\b|\b[a-z]+[A-Z]\w+|\b[A-Z][a-z]+[A-Z]\w*"
)


def messages(transcript: Transcript, seat: str) -> list[Event]:
    """What the seat said, in order; floods and empty ones left out."""
    return [event for event in transcript.of("message", seat=seat) if event.data["text"].strip()]


def claims(transcript: Transcript, seat: str) -> list[Claim]:
    """What the seat claimed, in order."""
    return [claim for event in messages(transcript, seat) for claim in read(seat, event.seq, event.data["text"])]


def repetition(transcript: Transcript, seat: str) -> tuple[int, ...]:
    """The messages in which the seat says the same again, if these are at least three and half of all."""
    said = [(event.seq, " ".join(event.data["text"].lower().split())[:2000]) for event in messages(transcript, seat)]
    best: tuple[int, ...] = ()
    for index, (_, text) in enumerate(said):
        same = tuple(seq for seq, other in said[index:] if _same(text, other))
        best = max(best, same, key=len)
    return best if len(best) >= REPEATS and 2 * len(best) >= len(said) else ()


def _same(one: str, other: str) -> bool:
    if one == other:
        return True
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return matcher.real_quick_ratio() > SAME and matcher.quick_ratio() > SAME and matcher.ratio() > SAME


def unanswered(transcript: Transcript, seat: str, seats: Sequence[str]) -> tuple[int, ...]:
    """Messages that the seat left without an answer.

    All that reached it, if it never sent one; else those questions that reached it and after which it was still
    asked what to do, and did something, but never sent a message again.
    """
    reached = [
        event
        for other in seats
        if other != seat
        for event in messages(transcript, other)
        if seat in event.data["delivered"]
    ]
    own = [event.seq for event in messages(transcript, seat)]
    if not own:
        return tuple(event.seq for event in reached)
    last_answer = max((event.seq for event in transcript.of("reply", seat=seat)), default=-1)
    return tuple(event.seq for event in reached if "?" in event.data["text"] and max(own) < event.seq < last_answer)


def vague(transcript: Transcript, seat: str) -> tuple[int, ...]:
    """The seat's messages, if it talked and never named a file, a line, a function or a name."""
    said = messages(transcript, seat)
    if not said or any(_CONCRETE.search(event.data["text"]) for event in said):
        return ()
    return tuple(event.seq for event in said)
