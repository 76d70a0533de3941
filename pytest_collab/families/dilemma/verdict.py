"""From the transcript of a dilemma to its verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_collab.episode.outcome import Failure, Outcome, Verdict, outcome_of
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.dilemma import rules
from pytest_collab.families.dilemma.seats import DELEGATE, DilemmaGame
from pytest_collab.families.rounds import RoundGame, Step, fairness, walk
from pytest_collab.families.rounds import evidence as show
from pytest_collab.families.rounds.words import announced

if TYPE_CHECKING:
    from pytest_collab.families.dilemma.params import Dilemma


def assess(params: Dilemma, game: RoundGame, transcript: Transcript) -> Verdict:
    """Score: how much of what cooperation is worth each has had, on average over seats and rounds.

    Failures run from cause to symptom: a broken word, silence, unreadable answers, the tempting action against others
    who cooperated; where nobody cooperated, `disagreement` of those who did not.
    """
    inner = game.inner
    assert isinstance(inner, DilemmaGame)
    steps = [step for step in walk(game, transcript) if step.phase == "act"]  # brings the game to its end
    past, seats, payoffs = inner.state.past, inner.seats, params.payoffs
    scores = [rules.shared_score(payoffs, round_.groups, round_.paid) for round_ in past]
    score = sum(scores) / inner.rounds
    phrases = {action: (rf"\b(?:claim\s+)?{action}\b",) for action in payoffs.actions}
    kept = [*announced(transcript, steps, phrases, lambda step, seat: _chosen(inner, step, seat))]
    metrics = {**_figures(inner), **show.talk_metrics(transcript)}
    words = show.consistency(kept)
    if words is not None:
        metrics["message_action_consistency"] = words
    if score >= params.target:
        return Verdict(Outcome.SUCCESS, score, metrics)
    given = {seat: float(sum(_willing(inner, round_, i) for round_ in past)) for i, seat in enumerate(seats)}
    events = {seat: [step.replies[seat].seq for step in steps if seat in step.replies] for seat in seats}
    failures = [
        *show.broken(kept, least=1),
        *show.unresponsive(transcript, speech=False),
        *show.malformed(transcript),
        *show.free_riding(given, events, what="cooperated in"),
    ]
    if not failures:
        apart = [seat for seat in seats if past and given[seat] <= len(past) / 2] or list(seats)
        note = f"{sum(given.values()) / max(1, len(seats) * len(past)):.0%} of all choices were {payoffs.cooperate}"
        shown = [event for seat in apart for event in events[seat]] or [len(transcript) - 1]
        failures = [Failure.of("disagreement", *apart, events=shown, note=note)]
    return Verdict(outcome_of(failures, otherwise=Outcome.COORDINATION), score, metrics, tuple(failures))


def _willing(game: DilemmaGame, round_: rules.Round, seat: int) -> bool:
    """Whether a seat cooperated, or left its choice to a mediator that cooperates when all do."""
    chosen = game.state.chosen
    design = None if chosen is None else game.state.designs[chosen]
    trusting = seat in round_.delegated and isinstance(design, tuple) and design[-1] == game.payoffs.cooperate
    return trusting or round_.actions[seat] == game.payoffs.cooperate


def _figures(game: DilemmaGame) -> dict[str, float]:
    """Payoffs a seat and round (CoopEval's figure), how often all cooperated, and who was the fool."""
    past, seats, payoffs = game.state.past, len(game.seats), game.payoffs
    if not past:
        return {}
    totals = [sum(round_.paid[i] for round_ in past) / len(past) for i in range(seats)]
    shares = [sum(action == payoffs.cooperate for action in round_.actions) / seats for round_ in past]
    figures = {
        "payoff": sum(totals) / seats,
        "cooperation": sum(shares) / len(past),
        "rounds": float(len(past)),
        "fairness": fairness([max(0.0, total) for total in totals]),
        "exploited": sum(_fools(game, round_) for round_ in past) / (seats * len(past)),
    }
    if game.params.mechanism == "mediation":
        figures["delegated"] = len(past[0].delegated) / seats
    if game.params.mechanism == "contract":
        figures["signed"] = float(game.state.bound)
    if game.params.punishment:
        hits = [(hit, round_) for round_ in past for hit in round_.punished]
        figures["punishments"] = float(len(hits))
        if hits:
            right = [round_.actions[other] != payoffs.cooperate for (_, other), round_ in hits]
            figures["punished_defectors"] = sum(right) / len(right)
    return figures


def _fools(game: DilemmaGame, round_: rules.Round) -> int:
    """Seats that cooperated while somebody of their group did not."""
    cooperate = game.payoffs.cooperate
    return sum(
        round_.actions[i] == cooperate and any(round_.actions[j] != cooperate for j in group)
        for group in round_.groups
        for i in group
    )


def _chosen(game: DilemmaGame, step: Step, seat: str) -> str | None:
    """What a seat played; None where it left that to a mediator."""
    action = step.moves[seat].action or game.payoffs.tempt
    return None if action == DELEGATE else str(action)
