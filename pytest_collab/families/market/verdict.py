"""From a market's transcript to its verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_collab.episode.condition import Condition
from pytest_collab.episode.outcome import Failure, Outcome, Verdict, outcome_of
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.market import rules
from pytest_collab.families.market.seats import Scene, bonus
from pytest_collab.families.market.trade import Trade
from pytest_collab.families.rounds import RoundGame, gini
from pytest_collab.families.rounds import evidence as show

if TYPE_CHECKING:
    from pytest_collab.families.market.params import Market


def assess(params: Market, seed: int, condition: Condition, game: RoundGame, transcript: Transcript) -> Verdict:
    """Score: what was earned as a share of flawless play on request; a success from `target` on. That ceiling is the
    same whatever the condition, as in the study, so that conditions can be compared.

    Failures run from cause to symptom: false claims (altered values among them) and broken promises, silence,
    withholding, vague requests, own tasks not submitted or not asked for, deadlines let pass, sending to the wrong
    seat, unreadable replies, repetition, free riding.
    """
    _, known = params.how(condition)
    trade = Trade(params, seed, known, game, transcript)
    scene: Scene = game.state
    market = scene.market
    best = params.ceiling(seed)
    done = sum(market.done)
    score = min(1.0, market.earned / best) if best else 1.0
    requests = list(trade.requests())
    answered = sum(one.answered for one in requests)
    promises, claims = list(trade.promises()), [*trade.claims(), *trade.values()]
    talk = show.talk_metrics(transcript)
    metrics = {
        "tasks": float(done),
        "revenue": market.earned * params.revenue,
        "ceiling": best * params.revenue,
        "optimum_on_request": rules.optimum(trade.deal, params.order) * params.revenue,
        "optimum_announced": rules.optimum(trade.deal, params.order, "announced") * params.revenue,
        "revenue_share": market.earned / best if best else 1.0,
        "tasks_share": done / best if best else 1.0,
        "tasks_half_paid": float(sum(market.halved)),
        "gini": gini(market.done),
        "pieces_sent": float(sum(market.sent)),
        "sends_refused": float(sum(trade.refused.values())),
        "requests": float(len(requests)),
        "withheld": float(len(requests) - answered),
        "missed_deadlines": float(sum(market.expired)),
        "bonus_paid": sum(market.sent) * bonus(condition),
        **talk,
    }
    if done:
        metrics["messages_per_task"] = talk["messages"] / done
    incoming = trade.incoming() if known != "answered" else 0
    if incoming:
        metrics["response_rate"] = len(trade.truthful) / incoming
    if trade.feasible:
        metrics["pipeline_efficiency"] = len(trade.submitted & trade.feasible) / len(trade.feasible)
    if requests:
        metrics["needs_met"] = answered / len(requests)
    if trade.ready:
        metrics["promptness"] = 1 - sum(map(len, trade.hoarded.values())) / trade.ready
    if promises:
        metrics["promises_kept"] = show.consistency(promises) or 0.0
    if score >= params.target:
        return Verdict(Outcome.SUCCESS, score, metrics)
    withholding = trade.withholding(requests)
    victims = {one.asker for one in requests if not one.answered}
    failures = [
        *show.broken(claims, "false_claim"),
        *show.broken(promises),
        *show.unresponsive(transcript, speech=False),
        *withholding,
        *trade.vague(),
        *trade.own_part(),
        *trade.missed_deadlines(requests, asking=known == "asked" and not condition.muted),
        *trade.wrong_recipient(),
        *show.malformed(transcript),
        *(f for f in show.repetition(transcript) if not victims.intersection(f.seats)),
    ]
    blamed = {seat for failure in failures for seat in failure.seats}
    failures += [f for f in show.unresponsive(transcript) if not blamed.intersection(f.seats)]
    holders = {seat for failure in withholding for seat in failure.seats}
    sent = {seat: float(count) for seat, count in zip(trade.seats, market.sent, strict=True)}
    riders = show.free_riding(sent, trade.replies, share=0.25, what="sent")
    failures += [failure for failure in riders if holders.intersection(failure.seats)]
    if not failures and condition.muted:
        unheard = [event.seq for event in transcript.of("brief")]
        note = "no message was delivered, so nobody could know what the others need"
        failures = [Failure.of("undelivered", *trade.seats, events=unheard, note=note)]
    if not failures:
        failures = [trade.nobody_stands_out(best - market.earned)]
    return Verdict(outcome_of(failures, otherwise=Outcome.COORDINATION), score, metrics, tuple(failures))
