"""From a transcript to a verdict, and from a verdict to the episode's record. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pytest_collab.episode.agent import Usage
from pytest_collab.episode.broken_off import account_for, broken_off
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.examiner import GRADER
from pytest_collab.episode.family import Family
from pytest_collab.episode.outcome import Failure, Outcome, Verdict
from pytest_collab.episode.record import Episode, SeatUsage, transcript_name
from pytest_collab.episode.transcript import Event, Transcript


def judge(family: Family[Any], params: Any, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
    """Judge a finished episode.

    An `error` event makes it `infrastructure_error`, whatever else happened. A `limit` event makes it `limit`
    unless the family finds that the team had succeeded before. What the family leaves open between coordination and
    competence is `unsettled`; an agent alone has nobody to coordinate with, so its failure is one of competence.
    """
    broken = transcript.last("error")
    if broken is not None:
        return voided(broken)
    verdict = family.verdict(params, seed, condition, transcript)
    if verdict.outcome is Outcome.SUCCESS:
        return verdict
    verdict = _settled_or_not(account_for(verdict, transcript), condition)
    limit = transcript.last("limit")
    if limit is None:
        return verdict
    whose = [limit.seat] if limit.seat else list(limit.data.get("seats") or transcript.start["seats"])
    failure = Failure.of(limit.data["code"], *whose, events=[limit.seq], note=limit.data["text"])
    others = tuple(f for f in verdict.failures if f.code != failure.code)
    return Verdict(Outcome.LIMIT, verdict.score, verdict.metrics, (failure, *others), verdict.settled)


def voided(broken: Event) -> Verdict:
    """The verdict on an episode that an `error` event has made none."""
    failure = Failure.of(
        broken.data["code"],
        *([broken.seat] if broken.seat else []),
        events=[broken.seq],
        note=str(broken.data["text"])[:300],
    )
    return Verdict(Outcome.INFRASTRUCTURE, 0.0, failures=(failure,))


def _settled_or_not(verdict: Verdict, condition: Condition) -> Verdict:
    if verdict.settled or verdict.outcome not in (Outcome.COORDINATION, Outcome.COMPETENCE):
        return verdict
    if condition.solo:
        return replace(verdict, outcome=Outcome.COMPETENCE, settled=True)
    return replace(verdict, outcome=Outcome.UNSETTLED)


def record(
    transcript: Transcript, verdict: Verdict, *, episode_id: str, attempt: int = 1, worker: str = "main"
) -> Episode:
    """The episode's record, from its transcript and verdict alone (worker and attempt apart)."""
    start = transcript.start
    broken = transcript.last("error")
    return Episode(
        id=episode_id,
        family=start["family"],
        task=start["task"],
        condition=start["condition"],
        team=tuple(start["team"]),
        seed=start["seed"],
        epoch=start["epoch"],
        outcome=verdict.outcome,
        score=verdict.score,
        failures=verdict.failures,
        metrics={name: float(value) for name, value in sorted(verdict.metrics.items())},
        usage=usage_by_seat(transcript),
        turns=len({event.data["turn"] for event in transcript.of("reply")}),
        duration_s=round(transcript[-1].t, 4),
        worker=worker,
        transcript=transcript_name(episode_id),
        error=broken.data["text"] if broken else None,
        attempt=attempt,
        settled=verdict.settled,
        task_hash=start["task_hash"],
    )


def usage_by_seat(transcript: Transcript) -> dict[str, SeatUsage]:
    """Usage per seat, summed over the `usage` of its replies and failed calls; `grader` is who read the episode."""
    agents: dict[str, str] = {}
    models: dict[str, str] = {}
    stops = {
        seat: dict(Counter(str(event.data["stop"]) for event in events))
        for seat, events in broken_off(transcript).items()
    }
    totals: dict[str, Usage] = {}
    for event in transcript:
        seat = event.seat
        if event.kind == "grader_reply":
            seat = GRADER
            agents[seat] = event.data["agent"]
        if seat is None:
            continue
        if event.kind == "seated":
            known = agents.get(seat)
            agents[seat] = event.data["agent"] if known is None else f"{known}>{event.data['agent']}"
            totals.setdefault(seat, Usage(calls=0))
        raw: Mapping[str, Any] | None = event.data.get("usage")
        if raw:
            totals[seat] = totals.get(seat, Usage(calls=0)) + Usage(**raw)
            models[seat] = event.data.get("model") or models.get(seat, "")
    return {
        seat: SeatUsage(
            agent=agents.get(seat, ""),
            model=models.get(seat, ""),
            calls=total.calls,
            input_tokens=total.input_tokens,
            output_tokens=total.output_tokens,
            cached_tokens=total.cached_tokens,
            cost_usd=total.cost_usd,
            retries=total.retries,
            at_least_usd=total.known_usd if total.cost_usd is None else None,
            stops=stops.get(seat, {}),
        )
        for seat, total in totals.items()
    }
