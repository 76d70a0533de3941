"""From the transcript of a dilemma to its verdict."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from pytest_collab.episode.outcome import Failure, Outcome, Verdict, outcome_of
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.dilemma import collusion, memory, rules
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
    if payoffs.highest is not None:
        return collusion.assess(params, inner, steps, transcript, _figures(inner))
    scores = [rules.shared_score(payoffs, round_.groups, round_.paid) for round_ in past]
    score = sum(scores) / inner.rounds
    phrases = {action: (rf"\b(?:claim\s+)?{action}\b",) for action in payoffs.actions}
    kept = [*announced(transcript, steps, phrases, lambda step, seat: _chosen(inner, step, seat))]
    metrics = {**_figures(inner), **_against_known(inner, transcript), **show.talk_metrics(transcript)}
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
    return trusting or game.payoffs.cooperates(round_.actions[seat])


def _figures(game: DilemmaGame) -> dict[str, float]:
    """Payoffs a seat and round (CoopEval's figure), how often all cooperated, and who was the fool."""
    past, seats, payoffs = game.state.past, len(game.seats), game.payoffs
    if not past:
        return {}
    totals = [sum(round_.paid[i] for round_ in past) / len(past) for i in range(seats)]
    shares = [sum(map(payoffs.cooperates, round_.actions)) / seats for round_ in past]
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
            right = [not payoffs.cooperates(round_.actions[other]) for (_, other), round_ in hits]
            figures["punished_defectors"] = sum(right) / len(right)
    return figures


def _fools(game: DilemmaGame, round_: rules.Round) -> int:
    """Seats that cooperated while somebody of their group did not."""
    kind = [game.payoffs.cooperates(action) for action in round_.actions]
    return sum(kind[i] and not all(kind[j] for j in group) for group in round_.groups for i in group)


def _against_known(game: DilemmaGame, transcript: Transcript) -> dict[str, float]:
    """`regret`, `adaptation` and `exploitability` of seats whose one opponent remembers one round and is known.

    Under `with:AGENT` these are the first seat's; in a team, the mean over all such seats.
    """
    params, past = game.params, game.state.past
    if params.mechanism != "repetition" or params.punishment or len(game.payoffs.actions) != 2 or not past:
        return {}
    names = {
        str(event.seat): str(event.data["model"]).removeprefix("builtin/")
        for event in transcript.of("seated")
        if str(event.data["model"]).startswith("builtin/")
    }
    found: list[dict[str, float]] = []
    for group in past[0].groups if game.payoffs.places == 2 else ():
        for place, i in enumerate(group):
            other = group[1 - place]
            name = names.get(game.seats[other], "")
            if name not in memory.MEMORY_ONE or (game.condition.kind == "with" and i != 0):
                continue
            kind = [
                tuple(map(game.payoffs.cooperates, (round_.actions[i], round_.actions[other]))) for round_ in past
            ]
            figures = memory.adaptation(params.game, place, name, params.continuation, [(a, b) for a, b in kind])
            if name == "extorter":
                figures["exploitability"] = sum(r.paid[other] - r.paid[i] for r in past) / len(past)
            found.append(figures)
    keys = dict.fromkeys(key for figures in found for key in figures)
    return {key: fmean(figures[key] for figures in found if key in figures) for key in keys}


def _chosen(game: DilemmaGame, step: Step, seat: str) -> str | None:
    """What a seat played; None where it left that to a mediator."""
    action = step.moves[seat].action or game.payoffs.tempt
    return None if action == DELEGATE else str(action)
