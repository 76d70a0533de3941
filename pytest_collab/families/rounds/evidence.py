"""What verdicts of games in rounds share: talk counted, and failures that any such game can show.

Each helper gives failures with the events that prove them, or nothing; the family decides their order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pytest_collab.episode.outcome import Failure, Outcome, Verdict
from pytest_collab.episode.text import counted
from pytest_collab.episode.transcript import Event, Transcript

BLANKS: Final = 3
"""So many empty answers at the end of an episode make a seat unresponsive."""

CALLS: Final = 3
"""A seat that was addressed so often and never said a word is unresponsive."""

SAME: Final = 4
"""So many answers in a row with the same words are repetition."""


@dataclass(frozen=True, slots=True)
class Said:
    """A message that was sent, with the engine's turn in which it was.

    Attributes:
        event: the transcript's `message` event.
    """

    turn: int
    seat: str
    text: str
    event: Event


def said(transcript: Transcript) -> tuple[Said, ...]:
    """All messages, delivered or not, except empty ones and those to nobody but oneself."""
    turn, found = 0, []
    for event in transcript:
        if event.kind == "reply":
            turn = int(event.data["turn"])
        elif event.kind == "message" and event.seat is not None:
            reasons = set(event.data["dropped"].values())
            if event.data["delivered"] or reasons & {"mute", "left"}:
                found.append(Said(turn, event.seat, str(event.data["text"]), event))
    return tuple(found)


def talk_metrics(transcript: Transcript) -> dict[str, float]:
    """Counts of talk and of what could not be read.

    `messages` and `words` count what was sent to somebody; `messages_dropped` the (message, recipient) pairs that
    came to nothing (to oneself, to nobody, too many); `malformed_replies` replies that could not be read in part.
    """
    sent = said(transcript)
    lost = ("self", "nobody", "flood", "empty")
    return {
        "messages": float(len(sent)),
        "words": float(sum(len(one.text.split()) for one in sent)),
        "messages_dropped": float(
            sum(what in lost for event in transcript.of("message") for what in event.data["dropped"].values())
        ),
        "malformed_replies": float(len(transcript.of("malformed"))),
    }


def malformed(transcript: Transcript, *, share: float = 0.5) -> list[Failure]:
    """`malformed_action` for seats of which at least `share` of the (non-blank) replies could not be read."""
    found = []
    for seat, replies in _replies(transcript).items():
        events = transcript.of("malformed", seat=seat)
        blank = {event.data["turn"] for event in replies if not event.data["text"].strip()}
        events = [event for event in events if event.data["turn"] not in blank]
        if events and len(events) >= share * len(replies):
            why = Counter(str(event.data["why"]) for event in events).most_common(1)[0][0]
            note = f"{len(events)} of {counted(len(replies), 'reply', 'replies')} could not be read: {why}"
            found.append(Failure.of("malformed_action", seat, events=[e.seq for e in events], note=note[:300]))
    return found


def unresponsive(transcript: Transcript, *, speech: bool = True) -> list[Failure]:
    """`unresponsive` for seats that stopped answering, or that were spoken to and never said a word.

    Args:
        speech: False where silence is not held against anybody.
    """
    found = []
    spoke = {one.seat for one in said(transcript)}
    heard: dict[str, list[int]] = {}
    for event in transcript.of("message"):
        for to in event.data["delivered"]:
            heard.setdefault(to, []).append(event.seq)
    for seat, replies in _replies(transcript).items():
        blanks: list[int] = []
        for event in reversed(replies):
            if event.data["text"].strip():
                break
            blanks.append(event.seq)
        if len(blanks) >= BLANKS:
            note = f"the last {len(blanks)} of {counted(len(replies), 'answer')} were empty"
            found.append(Failure.of("unresponsive", seat, events=blanks, note=note))
        elif speech and seat not in spoke and len(heard.get(seat, ())) >= CALLS:
            note = f"was sent {counted(len(heard[seat]), 'message')} and never said a word"
            found.append(Failure.of("unresponsive", seat, events=heard[seat], note=note))
    return found


def repetition(transcript: Transcript, *, pauses: bool = False) -> list[Failure]:
    """`repetition` for seats that said the same thing in at least `SAME` answers in a row.

    Who says the same again because nobody answers is not at fault: others must have spoken since what the seat said
    before, or in the round in which it began.

    Args:
        pauses: True where answers without a message do not break a row (games that do not talk in every turn).
    """
    found = []
    sent = said(transcript)
    for seat, replies in _replies(transcript).items():
        words = {one.turn: one for one in sent if one.seat == seat}
        run: list[Said] = []
        longest: list[Said] = []
        for event in replies:
            one = words.get(event.data["turn"])
            if one is None:
                run = run if pauses else []
                continue
            run = [*run, one] if run and _plain(run[-1].text) == _plain(one.text) else [one]
            longest = max(longest, run, key=len)
        if longest and not _spoken_to(seat, longest, sent):
            continue
        if len(longest) >= SAME and 2 * len(longest) >= len(words):
            note = f"said the same thing {counted(len(longest), 'time')} in a row: {longest[0].text[:120]!r}"
            found.append(Failure.of("repetition", seat, events=[one.event.seq for one in longest], note=note))
    return found


def _spoken_to(seat: str, run: Sequence[Said], sent: Sequence[Said]) -> bool:
    """Whether others spoke while a seat said the same again."""
    since = max((one.event.seq for one in sent if one.seat == seat and one.event.seq < run[0].event.seq), default=-1)
    return any(one.seat != seat and since < one.event.seq < run[-1].event.seq for one in sent)


@dataclass(frozen=True, slots=True)
class Check:
    """A statement held against what was done.

    Attributes:
        events: the statement's event and the deed's.
        kept: the deed agrees with the statement.
        note: both, in words.
    """

    seat: str
    events: tuple[int, ...]
    kept: bool
    note: str


def consistency(checks: Sequence[Check]) -> float | None:
    """The share of statements that were kept; None when none could be checked."""
    return sum(check.kept for check in checks) / len(checks) if checks else None


def broken(
    checks: Iterable[Check], code: str = "broken_commitment", *, least: int = 2, share: float = 0.5
) -> list[Failure]:
    """`code` for seats that broke at least `least` statements and at least `share` of those that could be checked."""
    by_seat: dict[str, list[Check]] = {}
    for check in checks:
        by_seat.setdefault(check.seat, []).append(check)
    found = []
    for seat, own in by_seat.items():
        false = [check for check in own if not check.kept]
        if len(false) >= least and len(false) >= share * len(own):
            events = [event for check in false for event in check.events]
            note = f"{len(false)} of {counted(len(own), 'statement')} did not hold: {false[0].note}"
            found.append(Failure.of(code, seat, events=events, note=note[:300]))
    return found


def free_riding(
    given: Mapping[str, float], events: Mapping[str, Sequence[int]], *, share: float = 0.5, what: str = "gave"
) -> list[Failure]:
    """`free_riding` for seats that gave less than `share` of what the others gave on average."""
    found = []
    for seat, amount in given.items():
        others = [other for name, other in given.items() if name != seat]
        mean = sum(others) / len(others) if others else 0.0
        if mean > 0 and amount < share * mean and events.get(seat):
            note = f"{what} {amount:g} while the others {what} {mean:g} on average"
            found.append(Failure.of("free_riding", seat, events=list(events[seat]), note=note))
    return found


def alone(verdict: Verdict, agent_seat: str) -> Verdict:
    """The verdict on an agent that commanded every seat: what would be a failure to coordinate is its own fault."""
    if verdict.outcome is not Outcome.COORDINATION:
        return verdict
    first = verdict.failures[0]
    note = f"commanding all seats: {first.code.replace('_', ' ')}: {first.note}"[:300]
    headline = Failure.of("own_part_failed", agent_seat, events=first.events, note=note)
    return replace(verdict, outcome=Outcome.COMPETENCE, failures=(headline, *verdict.failures))


def _replies(transcript: Transcript) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for event in transcript.of("reply"):
        found.setdefault(str(event.seat), []).append(event)
    return found


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text.lower()).strip()
