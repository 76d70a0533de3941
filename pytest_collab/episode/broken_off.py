"""Answers that broke off: refused, filtered, or cut at their length. They are no silence, and no lack of cooperation.

A model that refuses, or that spends its whole answer on reasoning, writes nothing. What a family then finds (nobody
answers, nothing can be read) is true of the words and says nothing about how the team works together. So the verdict
of an unsuccessful episode is gone over once more, for all families alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pytest_collab.episode.outcome import COORDINATION_CAUSES, Failure, Verdict, outcome_of
from pytest_collab.episode.transcript import Event, Transcript

CODE_OF: Final[Mapping[str, str]] = {"refusal": "refused", "filter": "refused", "length": "cut_off"}
"""By the `stop` of a reply."""

WORDS: Final[Mapping[str, str]] = {
    "refusal": "refused",
    "filter": "taken out by a filter",
    "length": "cut off at its length limit",
}
"""What became of an answer, for people."""

MOSTLY: Final = 0.5
"""From this share of broken-off answers on, they are what a seat failed by."""


def broken_off(transcript: Transcript) -> dict[str, list[Event]]:
    """By seat, the replies that broke off; seats without any are left out."""
    found: dict[str, list[Event]] = {}
    for event in transcript.of("reply"):
        if event.data.get("stop") in CODE_OF and event.seat is not None:
            found.setdefault(event.seat, []).append(event)
    return found


def account_for(verdict: Verdict, transcript: Transcript) -> Verdict:
    """The verdict on an unsuccessful episode with `refused` and `cut_off` in the place of what they were taken for.

    A seat most of whose answers broke off has failed by that, and is blamed for nothing else. A failure that the
    broken-off answers of a seat are the evidence for is replaced; where that was the headline, so is the headline.
    Fewer of them stand behind the other failures.
    """
    marred = broken_off(transcript)
    if not marred:
        return verdict
    answers: dict[str, int] = {}
    for event in transcript.of("reply"):
        answers[str(event.seat)] = answers.get(str(event.seat), 0) + 1
    mostly = {seat for seat, events in marred.items() if len(events) >= MOSTLY * answers[seat]}
    proofs = {seat: {event.seq for event in events} for seat, events in marred.items()}
    kept: list[Failure] = []
    replaced: set[str] = set()
    for number, failure in enumerate(verdict.failures):
        seats = tuple(seat for seat in failure.seats if not _taken_for(failure, seat, mostly, proofs))
        if failure.seats and not seats:
            replaced.update(failure.seats if number == 0 else ())
        elif seats != failure.seats:
            kept.append(failure.model_copy(update={"seats": seats}))
        else:
            kept.append(failure)
    leading = mostly | replaced
    own = {seat: _failures(seat, events, answers[seat]) for seat, events in marred.items()}
    first = [failure for seat, failures in own.items() if seat in leading for failure in failures]
    last = [failure for seat, failures in own.items() if seat not in leading for failure in failures]
    failures = (*first, *kept, *last)
    return Verdict(
        outcome_of(failures, otherwise=verdict.outcome),
        verdict.score,
        verdict.metrics,
        failures,
        verdict.settled or bool(first),
    )


def _taken_for(failure: Failure, seat: str, mostly: set[str], proofs: Mapping[str, set[int]]) -> bool:
    if failure.cause not in COORDINATION_CAUSES and failure.code != "malformed_action":
        return False
    broken = proofs.get(seat, set()).intersection(failure.events)
    return seat in mostly or len(broken) > MOSTLY * len(failure.events)


def _failures(seat: str, events: list[Event], answers: int) -> list[Failure]:
    found = []
    for code in ("refused", "cut_off"):
        own = [event for event in events if CODE_OF[event.data["stop"]] == code]
        if own:
            how = " or ".join(dict.fromkeys(WORDS[event.data["stop"]] for event in own))
            note = f"{len(own)} of {answers} answers {'was' if len(own) == 1 else 'were'} {how}"
            found.append(Failure.of(code, seat, events=[event.seq for event in own], note=note))
    return sorted(found, key=lambda failure: -len(failure.events))
