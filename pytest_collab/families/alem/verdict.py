"""From the transcript of a world to its verdict. The world itself is not needed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from pytest_collab.episode.condition import Condition
from pytest_collab.episode.outcome import Failure, Outcome, Verdict, outcome_of
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.alem import protocol
from pytest_collab.families.alem.evidence import missteps
from pytest_collab.families.alem.evidence.story import Story
from pytest_collab.families.rounds import evidence as show
from pytest_collab.families.rounds import memory

if TYPE_CHECKING:
    from pytest_collab.families.alem.params import Alem

MEASURES = ("reward", "achievement")
PARTS = ("base", "coordination", "total")
NAMES = {
    ("reward", "total"): "reward_pct_of_max",
    ("reward", "base"): "base_reward_pct_of_max",
    ("reward", "coordination"): "coordination_reward_pct_of_max",
    ("achievement", "total"): "achievement_pct",
    ("achievement", "base"): "base_achievement_pct",
    ("achievement", "coordination"): "coordination_achievement_pct",
}
"""What the figures of the package's `compute_score` are called here, as shares (0..1) of the maximum."""

LADDER: Final = (
    "COLLECT_WOOD",
    "PLACE_TABLE",
    "MAKE_WOOD_PICKAXE",
    "COLLECT_STONE",
    "MAKE_STONE_PICKAXE",
    "COLLECT_IRON",
    "COLLECT_COAL",
    "PLACE_FURNACE",
    "MAKE_IRON_PICKAXE",
    "COLLECT_DIAMOND",
)
"""The way to a diamond, as multi-agent Crafter measures it (DAMCS, arXiv 2502.05453)."""


def assess(params: Alem, condition: Condition, transcript: Transcript) -> Verdict:
    """Success: the team's share of the maximum reward reached `target`, that of coordination `coordination_target`.

    Score: Team/reward_pct_of_max, an achievement of one being the team's. Failures run from cause to symptom: words
    against deeds, silence, repetition, unreadable replies, seats that did nothing, silence of seats that were spoken
    to, then what went wrong between them.
    """
    story = Story(transcript)
    shares = _shares(story)
    checks = list(story.checks())
    found = missteps.Missteps(story)
    metrics = {
        **shares,
        **_counts(story),
        **_ladder(story, params.max_steps),
        **{f"{name}s": float(len(failures)) for name, failures in found.by_name().items()},
        **_reading(story),
        **show.talk_metrics(transcript),
        **memory.figures(transcript),
    }
    kept = show.consistency(checks)
    if kept is not None:
        metrics["promises_kept"] = kept
    score = min(1.0, max(0.0, shares["reward_pct_of_max"]))
    together = shares["coordination_reward_pct_of_max"] >= params.coordination_target or not params.coordinated
    if score >= params.target and together:
        return Verdict(Outcome.SUCCESS, score, metrics)
    failures = [
        *memory.false_claims(transcript),
        *show.broken(checks),
        *show.unresponsive(transcript, speech=False),
        *show.repetition(transcript, pauses=True),
        *show.malformed(transcript),
        *found.inaction(),
        *_silence(transcript),
        *found.all(),
    ]
    if not failures:
        return _unexplained(story, condition, score, metrics, enough=score >= params.target, together=together)
    return Verdict(outcome_of(failures, otherwise=Outcome.COORDINATION), score, metrics, tuple(failures))


def _shares(story: Story) -> dict[str, float]:
    score = story.last("score") or {}
    return {
        name: float((score.get(measure) or (0.0, 0.0, 0.0))[PARTS.index(part)])
        for (measure, part), name in NAMES.items()
    }


def _counts(story: Story) -> dict[str, float]:
    unlocked = [name for _, each in story.facts("unlocked") for names in each.values() for name in names]
    return {
        "steps": float(len(story.moments)),
        "achievements": float(len(set(unlocked))),
        "sync_attempts": float(sum(1 for _ in story.facts("sync"))),
        "sync_met": float(sum(len(one["acted"]) >= one["needs"] for _, one in story.facts("sync"))),
        "handovers_begun": float(story.count("handover", event="set_up")),
        "handovers_completed": float(story.count("handover", event="completed")),
        "handovers_lapsed": float(story.count("handover", event="expired")),
        "requests": float(story.count("requests", event="asked")),
        "requests_answered": float(story.count("requests", event="answered")),
        "requests_lapsed": float(story.count("requests", event="expired")),
        "trades": float(sum(1 for _ in story.facts("trades"))),
        "deaths": float(sum(1 for _ in story.facts("deaths"))),
        "revived": float(sum(1 for _ in story.facts("revived"))),
        "friendly_fire": float(sum(1 for _ in story.facts("friendly_fire"))),
    }


def _ladder(story: Story, end: int) -> dict[str, float]:
    """By rung, the steps until anybody had it; as many as the task has where nobody ever did."""
    first: dict[str, int] = {}
    for step, moment in enumerate(story.moments, start=1):
        for names in moment.data.get("unlocked", {}).values():
            for name in names:
                first.setdefault(name, step)
    steps = {f"steps_to_{name.lower()}": float(first.get(name, end)) for name in LADDER}
    return {"rungs": float(sum(name in first for name in LADDER)), **steps}


def _reading(story: Story) -> dict[str, float]:
    """`parse_rate` is the published harness's: the share of replies in which an action was found."""
    problems = Counter(
        code for moment in story.moments for codes in moment.data.get("read", {}).values() for code in codes
    )
    replies = sum(len(moment.acts) for moment in story.moments)
    lost = sum(problems[code] for code in protocol.UNREADABLE)
    rate = {"parse_rate": 1.0 - lost / replies} if replies else {}
    return {**rate, **{f"replies_with_{code}": float(problems[code]) for code in protocol.PROBLEMS}}


def _silence(transcript: Transcript) -> list[Failure]:
    """Seats that were spoken to and never said a word; those whose answers were empty are told before."""
    empty = {seat for one in show.unresponsive(transcript, speech=False) for seat in one.seats}
    return [one for one in show.unresponsive(transcript) if not empty.intersection(one.seats)]


def _unexplained(
    story: Story, condition: Condition, score: float, metrics: dict[str, float], *, enough: bool, together: bool
) -> Verdict:
    """Nobody did anything that shows why: nothing was tried together, or too little was done at all.

    Where the reward as a whole reached its target, they could play, and it is coordination alone that was wanting;
    where it did not, only their `solo` can tell.

    Args:
        enough, together: the reward as a whole, and that of coordination, reached its target.
    """
    sent = [one.event.seq for one in show.said(story.transcript)]
    end = [story.moments[-1].event.seq] if story.moments else [len(story.transcript) - 1]
    if condition.muted and sent:
        note = f"{len(sent)} messages were sent and none delivered"
        seats = tuple(dict.fromkeys(str(story.transcript[seq].seat) for seq in sent))
        failure = Failure.of("undelivered", *seats, events=sent, note=note)
    elif not together:
        note = (
            f"{metrics['sync_met']:g} of {metrics['sync_attempts']:g} attempts at things for several were joint ones"
        )
        failure = Failure.of("disagreement", *story.seats, events=end, note=note)
    else:
        note = f"{metrics['achievements']:g} achievements in {metrics['steps']:g} steps, {score:.1%} of the reward"
        failure = Failure.of("own_part_failed", *story.seats, events=end, note=note)
    outcome = outcome_of([failure], otherwise=Outcome.COORDINATION)
    return Verdict(outcome, score, metrics, (failure,), settled=enough or failure.code != "disagreement")
