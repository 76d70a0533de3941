"""From the transcript of a public good to its verdict."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pytest_collab.episode.outcome import Failure, Outcome, Verdict, outcome_of
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.public_goods import rules
from pytest_collab.families.rounds import RoundGame, Step, deeds, fairness, intents, walk
from pytest_collab.families.rounds import evidence as show
from pytest_collab.families.rounds.words import about_now, ahead, behind

if TYPE_CHECKING:
    from pytest_collab.families.public_goods.params import PublicGoods

_N: Final = r"\s+(?:(?:only|just|about|exactly|at\s+least|all|my)\s+)*(\d+)"
PROMISES: Final[Mapping[str, Sequence[str]]] = {
    "give": (
        r"\b(?:giv(?:e|ing)|contribut(?:e|ing)|put(?:ting)?(?:\s+in)?|invest(?:ing)?|pay(?:ing)?(?:\s+in)?)" + _N,
    ),
}
AT_MOST: Final = re.compile(r"\b(?:at\s+most|up\s+to|no(?:t)?\s+more\s+than)\b", re.IGNORECASE)
CLAIM: Final = re.compile(
    r"\bI\s+(?:have\s+)?(?:only\s+|just\s+)?(?:gave|given|contributed|put\s+in|invested|paid(?:\s+in)?)" + _N,
    re.IGNORECASE,
)


def assess(params: PublicGoods, game: RoundGame, transcript: Transcript) -> Verdict:
    """Score: what was contributed, as a share of all endowments; a success from `target` on.

    Failures run from cause to symptom: false claims and broken promises, silence, repetition, unreadable answers,
    free riding: at those who gave less than half of what the others gave or, when nobody gave, at everyone who kept
    more than half.
    """
    acts = [step for step in walk(game, transcript) if step.phase == "contribute"]
    seats: tuple[str, ...] = game.inner.seats
    state: rules.State = game.state.good
    given = {seat: float(state.given(i)) for i, seat in enumerate(seats)}
    most = params.rounds * params.endowment
    score = min(1.0, sum(given.values()) / (most * len(seats)))
    totals = [sum(paid[i] for paid in state.paid) for i in range(len(seats))]
    promises, claims = list(_promises(transcript, acts)), list(_claims(transcript, acts, seats))
    equilibrium = rules.equilibria(params.good)
    metrics = {
        "contributed": sum(given.values()),
        "contribution_share": score,
        "payoff": sum(totals),
        "fairness": fairness([max(0.0, total) for total in totals]),
        "equilibrium_share": sum(equilibrium) / len(equilibrium) / (params.seats * params.endowment),
        **show.talk_metrics(transcript),
    }
    if state.rounds:
        metrics["first_round_share"] = sum(state.rounds[0]) / (params.endowment * len(seats))
        metrics["last_round_share"] = sum(state.rounds[-1]) / (params.endowment * len(seats))
    kept = show.consistency(promises)
    if kept is not None:
        metrics["promises_kept"] = kept
    if score >= params.target:
        return Verdict(Outcome.SUCCESS, score, metrics)
    events = {seat: [step.replies[seat].seq for step in acts if seat in step.replies] for seat in seats}
    played = max(1, len(state.rounds)) * params.endowment
    failures = [
        *show.broken(claims, "false_claim"),
        *show.broken(promises, least=1),
        *show.unresponsive(transcript, speech=False),
        *show.repetition(transcript, pauses=True),
        *show.malformed(transcript),
        *(show.free_riding(given, events) or _all_ride(given, events, played)),
    ]
    if not failures:
        failures = show.unresponsive(transcript)
    if not failures:
        low = [seat for seat in seats if given[seat] < params.target * played] or list(seats)
        shown = [event for seat in low for event in events[seat]] or [len(transcript) - 1]
        note = f"{score:.0%} of all endowments were contributed; nobody gave less than half of the others"
        failures = [Failure.of("disagreement", *low, events=shown, note=note)]
    return Verdict(outcome_of(failures, otherwise=Outcome.COORDINATION), score, metrics, tuple(failures))


def _all_ride(given: Mapping[str, float], events: Mapping[str, Sequence[int]], played: float) -> list[Failure]:
    riders = [seat for seat, amount in given.items() if 2 * amount < played and events[seat]]
    if not riders:
        return []
    note = f"{', '.join(riders)} each kept more than half of what they had"
    return [Failure.of("free_riding", *riders, events=[e for seat in riders for e in events[seat]], note=note)]


def _promises(transcript: Transcript, acts: Sequence[Step]) -> Iterator[show.Check]:
    """Promises to give so much, against the next contribution; giving more keeps them."""
    for one, step in ahead(transcript, acts):
        if not step.replies[one.seat].data["text"].strip():
            continue  # who no longer answers is unresponsive, not a breaker of promises
        gave = step.moves[one.seat].action or 0
        for intent in intents(about_now(one.text), PROMISES):
            amount = int(intent.value or 0)
            most = AT_MOST.search(intent.sentence) is not None
            kept = gave < max(1, amount) if intent.negated else gave <= amount if most else gave >= amount
            note = f"said {one.text[:80]!r} and gave {gave}"
            yield show.Check(one.seat, (one.event.seq, step.replies[one.seat].seq), kept, note)


def _claims(transcript: Transcript, acts: Sequence[Step], seats: Sequence[str]) -> Iterator[show.Check]:
    """Claims to have given so much, against the last contribution."""
    for one, step in behind(transcript, acts):
        gave = step.moves[one.seat].action or 0
        for found in deeds(one.text, CLAIM):
            note = f"said {one.text[:80]!r} and had given {gave}"
            kept = int(found.group(1)) == gave
            yield show.Check(one.seat, (one.event.seq, step.replies[one.seat].seq), kept, note)
