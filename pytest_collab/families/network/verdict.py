"""From the transcript of a network to its verdict."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from pytest_collab.episode.condition import GUIDE, Condition
from pytest_collab.episode.outcome import CAUSE_OF, Cause, Failure, Outcome, Verdict, outcome_of
from pytest_collab.episode.text import counted
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.network import graphs, guide, rules
from pytest_collab.families.network.choices import Choices
from pytest_collab.families.network.flow import Case
from pytest_collab.families.network.knowledge import Knowledge
from pytest_collab.families.rounds import RoundGame
from pytest_collab.families.rounds import evidence as show

if TYPE_CHECKING:
    from pytest_collab.families.network.params import Network

HOPS: Final = 16
"""Survival is told for the first so many hops."""


def assess(params: Network, condition: Condition, game: RoundGame, transcript: Transcript) -> Verdict:
    """Score: see `rules.judge`; a success when the answers are right together.

    Failures run from cause to symptom: false claims, announcements not kept, silence, knowledge that was not passed
    on, answers given too early, unreadable answers, and answers against what had been heard. Where none of these is
    to be seen, the failure is told and nobody is blamed.
    """
    case = Case(params, game, transcript)
    metrics = {**show.talk_metrics(transcript), **figures(case)}
    if case.result.success:
        return Verdict(Outcome.SUCCESS, 1.0, metrics)
    found = tuple(failures(case, condition))
    # Who was told everything and answers wrongly may not be able to work it out at all: its `solo` episode shows it.
    settled = found[0].code != "ungrounded" or condition.solo
    outcome = outcome_of(found, otherwise=Outcome.COORDINATION)
    return Verdict(outcome, case.result.score, metrics, found, settled=settled)


def figures(case: Case) -> dict[str, float]:
    """How far the knowledge came, and what was made of it."""
    deal, nodes, flow_ = case.deal, range(case.deal.nodes), case.flow
    right = [node for node in nodes if node not in case.result.wrong]
    figures = {
        "right": len(right) / deal.nodes,
        "answered": sum(answer is not None for answer in case.answers) / deal.nodes,
        "diameter": float(graphs.diameter(deal.near)),
        "rounds": float(case.game.rounds),
    }
    given = Counter(answer for answer in case.answers if answer is not None)
    if deal.kind not in rules.CHOICES and deal.kind != "rank" and given:
        figures["agreement"] = given.most_common(1)[0][1] / deal.nodes
    if flow_.needed:
        reached = sum(len(flow_.needed & own.keys()) for own in flow_.known)
        figures["reached"] = reached / (deal.nodes * len(flow_.needed))
        whole = [node for node in nodes if flow_.complete(node)]
        if whole:
            figures["integration"] = sum(node in right for node in whole) / len(whole)
        rounds = flow_.rounds_to_complete()
        if rounds is not None:
            figures["rounds_to_complete"] = float(rounds)
        told = sum(len(one.carries) * len(one.to) for one in flow_.told)
        new = sum(round_ > 0 for own in flow_.known for round_ in own.values())
        if told:
            figures["redundancy"] = max(0.0, 1 - new / told)
    return figures | (_survival(case) if deal.tracer is not None else {})


def _survival(case: Case) -> dict[str, float]:
    """The share of agents at each distance from the source that answer word and number; and of those, in order."""
    tracer, found = case.deal.tracer, {}
    assert tracer is not None
    parts = {tracer.word, str(tracer.number)}
    alive = [set(str(answer).split("-")) == parts for answer in case.answers]
    hops = graphs.distances(case.deal.near, case.deal.source)
    for hop in range(1, min(HOPS, max(hops)) + 1):
        there = [alive[node] for node in range(case.deal.nodes) if hops[node] == hop]
        found[f"survival_hop_{hop}"] = sum(there) / len(there)
    if any(alive):
        kept = [case.answers[node] == tracer.answer for node in range(case.deal.nodes) if alive[node]]
        found["order_kept"] = sum(kept) / len(kept)
    return found


def failures(case: Case, condition: Condition) -> list[Failure]:
    """Everything that can be shown, from cause to symptom."""
    if condition.muted:
        last = case.replies() or [len(case.transcript) - 1]
        note = "no message could be sent, so what single agents knew stayed with them"
        return [Failure.of("undelivered", *case.seats, events=last, note=note), *show.malformed(case.transcript)]
    talks, knowledge, choices = not case.game.told_all, Knowledge(case), Choices(case)
    led = guide.failures(case) if condition.kind == GUIDE else []
    found = [
        *led,
        *knowledge.false_claims(),
        *choices.broken_promises(),
        *show.unresponsive(case.transcript, speech=False),
        *(knowledge.keeping_quiet() if talks else ()),
        *(knowledge.withholding() if talks else ()),
        *knowledge.premature(),
        *show.malformed(case.transcript),
        *show.repetition(case.transcript),
    ]
    if condition.kind == GUIDE:
        found = [failure for failure in found if failure.seats != (GUIDE,) or failure in led]
    blamed = {seat for failure in found for seat in failure.seats}
    found += knowledge.ungrounded() if case.flow.needed else choices.disagreement(blamed)
    if led and led[0].seats == (GUIDE,):
        mates = guide.misled(case)
        found = [one for one in found if one.code not in guide.OF_THE_MISLED or not mates.issuperset(one.seats)]
    if found:
        return sorted(found, key=lambda failure: CAUSE_OF[failure.code] is Cause.COMPETENCE)
    wrong = case.replies(case.result.wrong) or [len(case.transcript) - 1]
    note = f"{len(case.result.wrong)} of {counted(case.deal.nodes, 'answer')} do not fit, and nobody stands out"
    return [Failure.of("disagreement", events=wrong, note=note).model_copy(update={"ungraded": True})]
