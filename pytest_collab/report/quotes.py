"""The words that prove a failure, cut from the message that holds them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from pytest_collab.episode.record import Episode
from pytest_collab.episode.text import one_line
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import CollabError
from pytest_collab.report.model import AgentStory, Complaint, Example

MOST: Final = 160
"""Characters of a quote."""

LEAST: Final = 8
"""Shorter words in quotation marks are a name or a figure, no saying."""

_SENTENCE: Final = re.compile(r"\S.*?(?:[.!?](?=\s|$)|$)", re.DOTALL | re.MULTILINE)
_THING: Final = re.compile(r"\([^()]*\d[^()]*\)|\d+|\w{4,}")
_MARKED: Final = re.compile(rf"'([^']{{{LEAST},}})'|\"([^\"]{{{LEAST},}})\"")


def proving(text: str, note: str) -> str:
    """The sentence of a message that a note of a failure speaks of.

    It is the one that the note quotes; else the one that shares most with the note: places and numbers count more
    than words. A message of one sentence is its own quote.
    """
    flat = " ".join(text.split())
    for found in _MARKED.finditer(note):
        said = " ".join((found[1] or found[2]).rstrip("…. ").split())
        at = flat.find(said)
        if at >= 0 and len(said) >= LEAST:
            return one_line(next((one for one in _sentences(text) if said in one), said), MOST)
    spoken = set(_THING.findall(note.lower()))
    best, most = "", 0
    for sentence in _sentences(text):
        shared = spoken & set(_THING.findall(sentence.lower()))
        score = sum(3 if any(letter.isdigit() for letter in thing) else 1 for thing in shared)
        if score > most:
            best, most = sentence, score
    return one_line(best or flat, MOST)


def _sentences(text: str) -> list[str]:
    return [" ".join(found[0].split()) for found in _SENTENCE.finditer(text)]


def with_quotes(
    stories: Sequence[AgentStory], episodes: Sequence[Episode], read: Callable[[Episode], Transcript]
) -> tuple[AgentStory, ...]:
    """The same, with the proving words of the first example of every complaint.

    Args:
        read: an episode's transcript; what cannot be read is not quoted.
    """
    by_id = {episode.id: episode for episode in episodes}

    def quoted(complaint: Complaint) -> Complaint:
        first = next(iter(complaint.examples), None)
        if first is None or first.event is None:
            return complaint
        try:
            text = _said(read(by_id[first.episode]), by_id[first.episode], complaint.code, first)
        except (CollabError, KeyError):
            return complaint
        return replace(complaint, examples=(replace(first, quote=text), *complaint.examples[1:]))

    return tuple(replace(story, complaints=tuple(map(quoted, story.complaints))) for story in stories)


def _said(transcript: Transcript, episode: Episode, code: str, example: Example) -> str:
    """What a seat at fault said that proves the failure; empty where its proof is no saying of its own."""
    failure = next(one for one in episode.failures if one.code == code and one.note == example.note)
    for seq in failure.events:
        if seq < len(transcript) and transcript[seq].kind == "message" and transcript[seq].seat in failure.seats:
            return proving(str(transcript[seq].data.get("text", "")), failure.note)
    return ""
