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
from pytest_collab.report.marks import spans
from pytest_collab.report.model import AgentStory, Complaint, Example

MOST: Final = 160
"""Characters of a quote."""

_SENTENCE: Final = re.compile(r"\S.*?(?:[.!?](?=\s|$)|$)", re.DOTALL | re.MULTILINE)


def proving(text: str, note: str) -> str:
    """The sentence of a message that a failure's note speaks of; its beginning where the note names nothing of it."""
    found = spans(note, text)
    sentences = [match for match in _SENTENCE.finditer(text) if found and match.end() > found[0][0]]
    return one_line(sentences[0][0] if sentences else text, MOST)


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
