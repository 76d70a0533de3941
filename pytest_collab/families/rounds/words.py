"""Which message belongs to which deed: what was said before an action, and what was said about the last one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.rounds.evidence import Said, said
from pytest_collab.families.rounds.game import Step

_NEXT: Final = re.compile(
    r"\b(?:in\s+)?(?:the\s+)?(?:next|coming|following)\s+(?:month|round|harvest|time|turn|season|move)\b",
    re.IGNORECASE,
)


def ahead(transcript: Transcript, acts: Sequence[Step]) -> Iterator[tuple[Said, Step]]:
    """Each message, with the first of `acts` in which its sender acted in the same turn or later."""
    for one in said(transcript):
        step = next((step for step in acts if step.turn >= one.turn and one.seat in step.moves), None)
        if step is not None:
            yield one, step


def behind(transcript: Transcript, acts: Sequence[Step]) -> Iterator[tuple[Said, Step]]:
    """Each message, with the last of `acts` before it in which its sender acted."""
    for one in said(transcript):
        step = next((step for step in reversed(acts) if step.turn < one.turn and one.seat in step.moves), None)
        if step is not None:
            yield one, step


def about_now(text: str) -> str:
    """The text without "next round" and the like, where whatever is promised is promised for the next round."""
    return _NEXT.sub("", text)
