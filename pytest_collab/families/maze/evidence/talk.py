"""Faults of talking: silence, noise, the same again, words without content, mere nodding."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Final

from pytest_collab.episode.outcome import Failure
from pytest_collab.episode.text import counted
from pytest_collab.families.maze.evidence.share import contentful, contributed
from pytest_collab.families.maze.reading.case import Case

FALLS_SILENT: Final = 2
"""A seat whose last answers, at least so many, are empty has left the conversation."""

SAME_AGAIN: Final = 3
"""The same words so often in a row, while the others spoke in between, are repetition."""

_NAMED = re.compile(r"\d+|\b(?:up|down|left|right|north|south|east|west)\b")

NEARLY: Final = 0.85
"""The share of words in common, in order, from which on two messages say the same."""

OCCASIONS: Final = 2
"""Messages from which on a seat could have done more than agree."""

MOSTLY: Final = 0.6
"""The share of a seat's messages without content from which its talk is vague."""


def nonsense(case: Case) -> list[Failure]:
    """`malformed_action`: the agent crashed or answered with something that is no text."""
    found = []
    for seat in case.seats:
        events = [
            event for event in case.transcript.of("malformed", seat=seat) if event.data["why"].startswith("the agent")
        ]
        if events:
            found.append(
                Failure.of("malformed_action", seat, events=[e.seq for e in events], note=events[0].data["why"])
            )
    return found


def silence(case: Case) -> list[Failure]:
    """`unresponsive`: the seat never wrote anything, or stopped writing before the end."""
    found = []
    for seat in case.seats:
        replies = case.replies(seat)
        tail = []
        for reply in reversed(replies):
            if reply.data["text"].strip():
                break
            tail.append(reply.seq)
        if tail and (len(tail) == len(replies) or len(tail) >= FALLS_SILENT):
            whole = len(tail) == len(replies)
            note = (
                f"{seat} never wrote anything"
                if whole
                else f"{seat} wrote nothing in its last {counted(len(tail), 'turn')}"
            )
            found.append(Failure.of("unresponsive", seat, events=tail, note=note))
    return found


def garbled(case: Case) -> list[Failure]:
    """`malformed_message`: messages too long to arrive whole, or noise."""
    found = []
    for seat in case.seats:
        blank = {reply.data["turn"] for reply in case.replies(seat) if not reply.data["text"].strip()}
        events = [event for event in case.transcript.of("malformed", seat=seat) if event.data["turn"] not in blank]
        if events:
            note = (
                f"{len(events)} of {counted(len(case.replies(seat)), 'message')} of {seat}: {events[0].data['why']}"
            )
            found.append(Failure.of("malformed_message", seat, events=[e.seq for e in events], note=note))
    return found


def nearly_same(one: str, other: str) -> bool:
    """The same words in the same order but for a few; a short message, and cells and moves, must be the very same."""
    if one == other:
        return True
    before, now = one.split(), other.split()
    if min(len(before), len(now)) < 8 or _NAMED.findall(one) != _NAMED.findall(other):
        return False
    return SequenceMatcher(None, before, now, autojunk=False).ratio() >= NEARLY


def repetition(case: Case) -> list[Failure]:
    """`repetition`: the same words again and again while the others went on talking; "agreed" to ever new proposals
    is none."""
    found = []
    for seat in case.seats:
        assents = set(case.assents(seat))
        longest: list[int] = []
        run: list[int] = []
        words, heard = "", False
        for said in case.utterances:
            if said.seat != seat:
                heard = heard or seat in said.heard_by
                continue
            if said.event in assents:
                continue
            now = " ".join(said.text.lower().split())
            bare = not case.message(said).moves
            same = now == words or (bare and nearly_same(words, now))
            run = [*run, said.event] if heard and same else [said.event]
            longest = max(longest, run, key=len)
            words, heard = now, False
        if len(longest) >= SAME_AGAIN:
            note = f"{seat} wrote the same {counted(len(longest), 'time')} in a row"
            found.append(Failure.of("repetition", seat, events=longest, note=note))
    return found


def vagueness(case: Case) -> list[Failure]:
    """`vague`: messages that name no cell or move, and neither agree nor object."""
    found = []
    for seat in case.seats:
        said = case.said(seat)
        acted_on = contentful(case, seat)
        empty = [one.event for one in said if one.event not in acted_on]
        if len(empty) >= 2 and len(empty) >= MOSTLY * len(said):
            note = f"{len(empty)} of {counted(len(said), 'message')} of {seat} say nothing that can be acted on"
            found.append(Failure.of("vague", seat, events=empty, note=note))
    return found


def free_riding(case: Case) -> list[Failure]:
    """`free_riding`: a seat that only ever agreed, and left telling, proposing and checking to the others.

    Who spoke only once had no occasion to do more: nothing may have spoken against what it agreed to.
    """
    found = []
    for seat in case.seats:
        if len(case.said(seat)) >= OCCASIONS and case.assents(seat) and not contributed(case, seat):
            note = f"{seat} only ever agreed: it told nothing, proposed nothing, objected to nothing"
            found.append(Failure.of("free_riding", seat, events=[said.event for said in case.said(seat)], note=note))
    return found
