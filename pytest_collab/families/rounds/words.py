"""Which message belongs to which deed: what was said before an action, and what was said about the last one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.rounds.evidence import Check, Said, said
from pytest_collab.families.rounds.game import Step
from pytest_collab.families.rounds.intent import intents

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


def announced(
    transcript: Transcript,
    acts: Sequence[Step],
    phrases: Mapping[str, Iterable[str]],
    did: Callable[[Step, str], str | None],
) -> Iterator[Check]:
    """What seats said that they would choose in a round, against what they chose in it.

    Args:
        phrases: as for `intents`, by action.
        did: what a seat did in a step; None where that is not to be held against its words.
    """
    for one, step in ahead(transcript, acts):
        stated, chosen = intents(one.text, phrases), did(step, one.seat)
        wanted = {intent.name for intent in stated if not intent.negated}
        barred = {intent.name for intent in stated if intent.negated}
        if chosen is not None and (wanted or barred):
            kept = chosen not in barred and (not wanted or chosen in wanted)
            note = f"said {one.text[:80]!r} and chose {chosen}"
            yield Check(one.seat, (one.event.seq, step.replies[one.seat].seq), kept, note)


def behind(transcript: Transcript, acts: Sequence[Step]) -> Iterator[tuple[Said, Step]]:
    """Each message, with the last of `acts` before it in which its sender acted."""
    for one in said(transcript):
        step = next((step for step in reversed(acts) if step.turn < one.turn and one.seat in step.moves), None)
        if step is not None:
            yield one, step


def about_now(text: str) -> str:
    """The text without "next round" and the like, where whatever is promised is promised for the next round."""
    return _NEXT.sub("", text)
