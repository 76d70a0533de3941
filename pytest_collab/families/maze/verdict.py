"""From a transcript to outcome, score, metrics and failures. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pytest_collab.core.maze.spec import MazeRecord
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.outcome import Failure, Outcome, Verdict, outcome_of
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.maze.evidence import moves, settling, talk, truth
from pytest_collab.families.maze.reading.case import Case
from pytest_collab.families.maze.rules import Cell, progress, walk, weighted_outcome

BLOCKING: Final[tuple[Callable[[Case], list[Failure]], ...]] = (
    talk.nonsense,
    talk.silence,
    talk.garbled,
    talk.repetition,
    truth.mirrored,
    truth.false_claims,
    settling.broken_promises,
    settling.no_proposal,
    settling.insistence,
    moves.unheard,
    moves.blind_proposals,
    talk.vagueness,
    talk.free_riding,
    truth.guesses,
    settling.split_up,
    settling.agreement_loop,
    settling.late,
)
"""What can be shown against a team that did not get to the goal: what makes talk impossible first, then what makes it
untrue, then what makes it fruitless."""

NEED_NO_READING: Final = frozenset(
    {"unresponsive", "malformed_message", "malformed_action", "repetition", "refused", "cut_off"}
)
"""Codes whose evidence is in the transcript as it stands, however the words are read."""

ALMOST: Final = 0.99
"""The highest score without success."""


def judged(maze: MazeRecord, condition: Condition, transcript: Transcript, *, paper: bool = False) -> Verdict:
    """The verdict on a finished episode.

    The score is how much of the way from start to goal, by true distances, the longest legal prefix of the agreed
    path leaves behind: 0 where it leads away, below 1 without success. The figure `weighted_outcome` is that of The
    Collaboration Gap, which is neither clipped nor capped.

    Args:
        paper: it was the paper's game that was played.
    """
    case = Case.of(maze, condition, transcript, paper=paper)
    metrics = measured(case)
    if case.walked.reached:
        return Verdict(Outcome.SUCCESS, 1.0, metrics)
    score = progress(maze, case.walked.legal[-1]) if case.walked.legal else 0.0
    failures, settled = failed(case)
    if not case.sure:
        failures, settled = unblamed(case, failures), settled and needs_no_reading(case, failures[0])
        metrics["ungraded"] = float(any(failure.ungraded for failure in failures[:1]))
    outcome = outcome_of(failures, otherwise=Outcome.COORDINATION)
    return Verdict(outcome, min(score, ALMOST), metrics, failures, settled)


def measured(case: Case) -> dict[str, float]:
    """The figures of an episode. `optimality` is there only with success, `first_proposal` only with a proposal,
    `readers_agree` (the other reader came to the same path as the rules) only where there was one, `gradings_agree`
    (share of the gradings that came to the path that counts) and `grading_1`, `grading_2`, ... (the weighted outcome
    of each) only with a grader, `strict_outcome` and `ungrounded_gain` (the weighted outcome in the scheme that the
    grader named, and what the most favourable scheme adds to it) only where it named one, `seats_agree` (all seats
    name the same path) only where seats were asked."""
    reading, maze = case.reading, case.maze
    told = {
        claim.cell
        for claim in reading.claims
        if case.is_true(claim) and any(not case.sees(other, claim.cell) for other in case.others(claim.seat))
    }
    figures = {
        "turns": float(len(case.transcript.of("reply"))),
        "words": float(sum(len(said.text.split()) for said in case.utterances)),
        "proposals": float(len(reading.proposals)),
        "disagreements": float(sum(len(case.objections(seat)) for seat in case.seats)),
        "cells_shared": float(len(told)),
        "wrong_claims": float(sum(not case.is_true(claim) for claim in reading.claims)),
        "agreed_moves": float(max(0, len(case.path) - 1)),
        "legal_moves": float(max(0, len(case.walked.legal) - 1)),
        "weighted_outcome": _outcome(maze, case.path),
        "shortest": float(maze.path_length),
        "crossing": float(maze.crossing),
        "reader_confidence": float(reading.confidence),
        "ungraded": 0.0,
    }
    if case.graded:
        figures["readers_agree"] = float(case.path == case.ruled)
    if case.gradings:
        figures["gradings_agree"] = case.gradings.count(case.path) / len(case.gradings)
        figures |= {f"grading_{n}": _outcome(maze, path) for n, path in enumerate(case.gradings, 1)}
    if case.strict is not None:
        figures["strict_outcome"] = _outcome(maze, case.strict)
        figures["ungrounded_gain"] = figures["weighted_outcome"] - figures["strict_outcome"]
    if case.held:
        figures["seats_agree"] = float(len({belief.path for belief in case.held}) == 1)
    if reading.proposals:
        figures["first_proposal"] = float(min(case.position(proposal.event) for proposal in reading.proposals))
    if case.walked.reached:
        figures["optimality"] = maze.path_length / (len(case.walked.legal) - 1)
    return figures


def _outcome(maze: MazeRecord, path: tuple[Cell, ...]) -> float:
    """The weighted outcome of a path, walls and all."""
    legal = walk(maze, path).legal
    return weighted_outcome(maze, legal[-1] if legal else maze.start)


def failed(case: Case) -> tuple[tuple[Failure, ...], bool]:
    """The failures of an unsuccessful episode, headline first, and whether they settle whose kind of fault it was."""
    if len(case.seats) == 1:
        return alone(case), True
    found = [*moves.breach(case), *settling.premature(case), *(f for look in BLOCKING for f in look(case))]
    settled = bool(found) and found[0].note != settling.NOBODY_PROPOSED
    if not found:
        found = settling.no_agreement(case)
        settled = case.condition.muted
    return _distinct(found), settled


def alone(case: Case) -> tuple[Failure, ...]:
    """What an agent that had everything in its own hands did wrong: always a matter of competence."""
    (seat,) = case.seats
    events = [said.event for said in case.utterances] or [event.seq for event in case.replies(seat)]
    events = events or [case.transcript[-1].seq]
    if case.walked.breach is not None:
        return tuple(moves.breach(case)) or (Failure.of("illegal_move", seat, events=events),)
    wrong = [*talk.nonsense(case), *moves.blind_proposals(case)]
    if wrong:
        return _distinct(wrong)
    if not case.reading.proposals:
        return (Failure.of("malformed_action", seat, events=events, note="no path can be read in what it wrote"),)
    return (Failure.of("wrong_solution", seat, events=events, note="its path does not lead to the goal"),)


def needs_no_reading(case: Case, failure: Failure) -> bool:
    """Whether a failure shows however the words are read. Messages without content do, where their words are
    known: the reading is unsure because they say nothing."""
    if failure.code not in ("vague", "broken_commitment"):
        return failure.code in NEED_NO_READING
    shown = [said for said in case.utterances if said.event in failure.events]
    return not any(case.message(said).puzzling for said in shown)


def unblamed(case: Case, failures: tuple[Failure, ...]) -> tuple[Failure, ...]:
    """Failures that show without reading stay as they are; of all others only that they happened, to nobody's blame.

    What stays comes first: it is the better headline.
    """
    plain = [failure for failure in failures if needs_no_reading(case, failure)]
    read = [
        failure.model_copy(
            update={"seats": (), "ungraded": True, "note": f"the dialogue could not be read surely: {failure.note}"}
        )
        for failure in failures
        if failure not in plain
    ]
    return _distinct([*plain, *read])


def _distinct(found: list[Failure]) -> tuple[Failure, ...]:
    """The first of each code and seats."""
    kept: dict[tuple[str, tuple[str, ...]], Failure] = {}
    for failure in found:
        kept.setdefault((failure.code, failure.seats), failure)
    return tuple(kept.values())
