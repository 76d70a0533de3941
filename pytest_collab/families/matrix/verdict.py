"""From a transcript of a matrix game to its verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_collab.episode.outcome import Failure, Outcome, Verdict, outcome_of
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.matrix.rules import Telling, extremes
from pytest_collab.families.rounds import RoundGame, fairness, walk
from pytest_collab.families.rounds import evidence as show
from pytest_collab.families.rounds.words import announced

if TYPE_CHECKING:
    from pytest_collab.families.matrix.params import MatrixParams


def assess(family: Telling, params: MatrixParams, game: RoundGame, transcript: Transcript) -> Verdict:
    """Score: what all were paid, between the least and the most that a full game can pay.

    The order of failures is from cause to symptom: a broken word, silence, a repeated or unreadable answer, taking
    the tempting action against cooperating others, and, if nobody stands out, disagreement of all.
    """
    seats = game.seats
    acts = [step for step in walk(game, transcript) if step.phase == "act"]
    state = game.state
    least, most = (
        rounds * params.rounds for rounds in extremes(family.payoffs_of(params), family.actions, params.seats)
    )
    missing = params.rounds - len(state.profiles)
    total = sum(state.totals(params.seats)) + missing * least / params.rounds
    score = max(0.0, min(1.0, (total - least) / (most - least))) if most > least else 1.0

    checks = [*announced(transcript, acts, family.phrases(), lambda step, s: step.moves[s].action or family.idle)]
    given = {s: float(sum(p[i] == family.cooperate for p in state.profiles)) for i, s in enumerate(seats)}
    events = {s: [step.replies[s].seq for step in acts if s in step.replies] for s in seats}
    cooperation = sum(given.values()) / max(1, len(seats) * len(state.profiles))
    metrics = {
        "total": sum(state.totals(params.seats)),
        "cooperation": cooperation,
        "fairness": fairness([max(0.0, t) for t in state.totals(params.seats)]),
        **show.talk_metrics(transcript),
    }
    kept_share = show.consistency(checks)
    if kept_share is not None:
        metrics["message_action_consistency"] = kept_share
    if score >= params.target:
        return Verdict(Outcome.SUCCESS, score, metrics)
    failures = [
        *show.broken(checks),
        *show.unresponsive(transcript),
        *show.repetition(transcript),
        *show.malformed(transcript),
        *show.free_riding(given, events, what="cooperated in"),
    ]
    if not failures:
        note = f"{cooperation:.0%} of all choices were {family.cooperate}; nobody stands out"
        shown = [event for own in events.values() for event in own] or [len(transcript) - 1]
        failures = [Failure.of("disagreement", *seats, events=shown, note=note)]
    return Verdict(outcome_of(failures, otherwise=Outcome.COORDINATION), score, metrics, tuple(failures))
