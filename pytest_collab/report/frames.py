"""An episode turn by turn: where its turns end, and the family's picture after each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pytest_collab.episode.record import Episode
from pytest_collab.episode.transcript import Event, Transcript
from pytest_collab.report.marks import in_units, spans_of
from pytest_collab.report.story import draw
from pytest_collab.report.telling import deed

MOST_FRAMES: Final = 40
"""Pictures per episode: each one replays the episode from its beginning."""

MOST_EVENTS: Final = 1500
MOST_CHARACTERS: Final = 20_000
PICTURE_LIMIT: Final = 200_000


@dataclass
class Clock:
    """Time of this process's processors that may be spent on a page: half of it on pictures, over all episodes.

    A busy machine takes longer, and embeds as much.

    Attributes:
        seconds: for everything; None for as long as it takes.
        skipped: episodes that got no pictures, or only their last.
    """

    seconds: float | None = None
    skipped: int = 0
    _began: float = field(default_factory=time.process_time)

    def up(self) -> bool:
        """Whether the time for pictures is spent."""
        return self._past(0.5)

    def over(self) -> bool:
        """Whether all of the time is spent."""
        return self._past(1.0)

    def _past(self, share: float) -> bool:
        return self.seconds is not None and time.process_time() - self._began > share * self.seconds


def turn_ends(transcript: Transcript) -> list[int]:
    """`seq` of the last event before the first turn, and of each turn's last event."""
    ends: list[int] = []
    turn: Any = None
    for event in transcript:
        if event.kind == "prompt":
            now = event.data.get("turn")
            if now != turn or not ends:
                ends.append(event.seq - 1)
            turn = now
    ends.append(len(transcript) - 1)
    return ends


def chosen(ends: Sequence[int], evidence: Sequence[int], most: int = MOST_FRAMES) -> list[int]:
    """The ends of turns that get a picture: first, last, those with evidence, and others evenly between."""
    if len(ends) <= most:
        return list(ends)
    wanted = {ends[0], ends[-1]}
    for seq in evidence:
        if len(wanted) >= most // 2:
            break
        wanted.add(next((end for end in ends if end >= seq), ends[-1]))
    left = most - len(wanted)
    wanted.update(ends[round(i * (len(ends) - 1) / max(1, left - 1))] for i in range(left))
    return sorted(wanted)


def frames(episode: Episode, transcript: Transcript, clock: Clock) -> dict[str, Any]:
    """Pictures after turns; equal ones once.

    Returns:
        `at`: pairs (seq, number of the picture); `pictures`: pairs (text, svg).
    """
    evidence = [seq for failure in episode.failures for seq in failure.events]
    places = chosen(turn_ends(transcript), evidence)
    if clock.up():
        clock.skipped += 1
        return {"at": [], "pictures": []}
    pictures: dict[tuple[str, str], int] = {}
    at: list[tuple[int, int]] = []
    for number, seq in enumerate([places[-1], *places[:-1]]):  # the last first: it is drawn in any case
        if number and clock.up():
            clock.skipped += 1
            break
        picture = _draw(episode, transcript, seq)
        if picture is None:
            continue
        at.append((seq, pictures.setdefault(picture, len(pictures))))
    return {"at": sorted(at), "pictures": list(pictures)}


def _draw(episode: Episode, transcript: Transcript, upto: int) -> tuple[str, str] | None:
    try:
        picture = draw(episode, transcript, upto)
    except Exception:  # other people's families: a picture never costs the report
        return None
    if picture is None or len(picture.svg) > PICTURE_LIMIT:
        return None
    svg = picture.svg
    if "font-family" not in svg:  # an image does not inherit the page's
        svg = svg.replace("<svg ", '<svg font-family="sans-serif" ', 1)
    return picture.text, svg


def events(episode: Episode, transcript: Transcript) -> tuple[list[list[Any]], int]:
    """The events as rows (seq, t, seat, kind, data), bounded, and how many were left out.

    Beginning, end and everything around the evidence stay.
    """
    kept: Sequence[Event] = list(transcript)
    if len(kept) > MOST_EVENTS:
        near = {seq + step for failure in episode.failures for seq in failure.events[:20] for step in range(-3, 4)}
        head, tail = MOST_EVENTS // 4, len(transcript) - MOST_EVENTS // 2
        kept = [event for event in transcript if event.seq < head or event.seq >= tail or event.seq in near]
    rows = [[event.seq, round(event.t, 3), event.seat, event.kind, _bounded(event, transcript)] for event in kept]
    return rows, len(transcript) - len(kept)


_LEFT_OUT: Final = frozenset({"usage"})


def _bounded(event: Event, transcript: Transcript) -> dict[str, Any]:
    data = {key: _cut(value) for key, value in event.data.items() if key not in _LEFT_OUT}
    words = deed(event, transcript)
    return data if words is None else data | {"words": _cut(words)}


def proofs(episode: Episode, rows: Sequence[Sequence[Any]]) -> dict[int, list[list[int]]]:
    """What in the text of events proves failures: by `seq`, pairs (start, end) as a browser counts."""
    proving = {seq for failure in episode.failures for seq in failure.events}
    found = {}
    for seq, _, _, _, data in rows:
        text = data.get("text", data.get("words", ""))
        if seq in proving and isinstance(text, str) and (spans := spans_of(episode.failures, seq, text)):
            found[seq] = in_units(text, spans)
    return found


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MOST_CHARACTERS:
        half = MOST_CHARACTERS // 2
        return f"{value[:half]}\n[... {len(value) - 2 * half} characters left out ...]\n{value[-half:]}"
    if isinstance(value, dict):
        return {str(key): _cut(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cut(item) for item in value]
    return value
