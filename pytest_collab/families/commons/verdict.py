"""From the transcript of a commons to its verdict."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pytest_collab.episode.condition import Condition
from pytest_collab.episode.outcome import Failure, Outcome, Verdict, outcome_of
from pytest_collab.episode.text import counted
from pytest_collab.episode.transcript import Event, Transcript
from pytest_collab.families.commons import norms, rules
from pytest_collab.families.commons.seats import Scene
from pytest_collab.families.rounds import RoundGame, Step, deeds, gini, intents, walk
from pytest_collab.families.rounds import evidence as show
from pytest_collab.families.rounds.words import about_now, ahead, behind

if TYPE_CHECKING:
    from pytest_collab.families.commons.params import Commons

_N: Final = (
    r"\s+(?:(?:only|just|about|exactly|at\s+most|at\s+least|up\s+to|no\s+more\s+than|not\s+more\s+than)\s+)*(\d+)"
)
PROMISES: Final[Mapping[str, Sequence[str]]] = {
    "take": (
        r"\b(?:take|taking|catch|catching|graze|grazing|use|using|harvest|harvesting|send|sending|bring|bringing|make"
        r"|making|produce|producing|limit\s+myself\s+to|stick\s+to)" + _N,
        r"\b(?:remove|removing|clear|clearing|spend|spending|(?:take|taking)\s+out)" + _N,
    ),
}
CLAIM: Final = re.compile(
    r"\bI\s+(?:have\s+)?(?:only\s+|just\s+)?(?:(?:took|taken)(?:\s+out)?|caught|grazed|used|harvested"
    r"|removed|sent|brought|made|produced)" + _N,
    re.IGNORECASE,
)
AT_LEAST: Final = re.compile(r"\bat\s+least\b", re.IGNORECASE)
LEAST: Final = 2
"""So many harvests below half the share, and half of all, are a part not done."""


def assess(params: Commons, condition: Condition, game: RoundGame, transcript: Transcript) -> Verdict:
    """Success: the pool lasted all months, and the group gained at least `target` of what it can sustain.

    Score: efficiency, the group's gain as a share of what taking the sustainable share every month gives (GovSim's).
    Failures run from cause to symptom: false claims and broken promises, silence, repetition, unreadable answers,
    free riding (where a harm is to be removed), collapse, taking far too little.
    """
    season = _Season(params, condition, game, transcript)
    scene: Scene = game.state
    pool, nature = scene.pool, params.nature
    survived = pool.round >= params.rounds
    best = params.rounds * rules.sustainable(params.first, params.seats, nature)
    harvested = season.gain()
    efficiency = max(0.0, min(1.0, harvested / best))
    promises, claims = list(season.promises()), list(season.claims())
    over = [took for takes in season.over.values() for took in takes]
    metrics = {
        "survived": float(survived),
        "survival_time": float(pool.round),
        "lasted": pool.round / params.rounds,
        "gain": float(sum(pool.gains)),
        "gain_per_agent": sum(pool.gains) / params.seats,
        "efficiency": efficiency,
        "equality": 1 - gini([max(0, gain) for gain in pool.gains]),
        "over_usage": len(over) / season.harvests if season.harvests else 0.0,
        "pool": float(pool.pool),
        "punishments": float(season.punishments),
        **show.talk_metrics(transcript),
    }
    metrics |= norms.figures(
        season.steps, season.seats, season.share, harmful=nature.harmful, punishable=bool(params.punishment)
    )
    kept = show.consistency(promises)
    if kept is not None:
        metrics["promises_kept"] = kept
    if survived and efficiency >= params.target:
        return Verdict(Outcome.SUCCESS, efficiency, metrics)
    failures = [
        *show.broken(claims, "false_claim", least=1),
        *show.broken(promises, least=1),
        *show.unresponsive(transcript, speech=False),
        *show.repetition(transcript, pauses=True),
        *show.malformed(transcript),
        *season.free_riding(),
        *season.collapse(),
        *season.own_part(),
    ]
    if not failures and not params.conversation:  # where a seat speaks only when it is given the word
        failures = show.unresponsive(transcript)
    if not failures:
        events = [event for own in season.replies.values() for event in own] or [len(transcript) - 1]
        note = f"the group gained {efficiency:.0%} of what it can sustain, and nobody stands out"
        failures = [Failure.of("disagreement", *season.seats, events=events, note=note)]
    return Verdict(outcome_of(failures, otherwise=Outcome.COORDINATION), efficiency, metrics, tuple(failures))


class _Season:
    """A finished season, walked through once.

    Attributes:
        over, under: by seat, the replies that asked for more than the share, and for less than half of it.
    """

    def __init__(self, params: Commons, condition: Condition, game: RoundGame, transcript: Transcript) -> None:
        self.params, self.transcript, self.nature = params, transcript, params.nature
        self.told = params.universalization or condition.kind == "protocol"
        self.steps = steps = list(walk(game, transcript))
        self.acts: list[Step] = [step for step in steps if step.phase == "harvest"]
        inner = game.inner
        self.seats: tuple[str, ...] = inner.seats
        self.pool: rules.State = game.state.pool
        self.replies: dict[str, list[int]] = {seat: [] for seat in self.seats}
        self.over: dict[str, list[int]] = {seat: [] for seat in self.seats}
        self.under: dict[str, list[int]] = {seat: [] for seat in self.seats}
        self.spent: dict[str, float] = dict.fromkeys(self.seats, 0.0)
        self.notes: list[Event] = [event for event in transcript.of("state") if "takes" in event.data]
        self.harvests = 0
        self.punishments = sum(
            len(step.after.fined) - len(step.before.fined) for step in steps if step.phase == "talk"
        )
        for step in self.acts:
            for seat in step.moves:
                i, event = self.seats.index(seat), step.replies[seat].seq
                fair, took = self.share(step), step.after.pool.takes[i]
                self.harvests += 1
                self.replies[seat].append(event)
                self.spent[seat] += took
                if took > fair and not self.nature.harmful:
                    self.over[seat].append(event)
                if 2 * took < fair:
                    self.under[seat].append(event)
                if took < fair and self.nature.harmful:
                    self.over[seat].append(event)

    def share(self, step: Step) -> int:
        """The sustainable share of a month."""
        pool: rules.State = step.before.pool
        return rules.share(pool.pool, self.params.seated(pool.round), self.nature)

    def gain(self) -> float:
        """What was harvested in all (or kept of the effort), punishment apart."""
        total = sum(sum(step.after.pool.takes) for step in self.acts)
        if not self.nature.harmful:
            return float(total)
        return float(sum(self.nature.effort * len(step.moves) for step in self.acts) - total)

    def promises(self) -> Iterator[show.Check]:
        """Promises to take so much, against the wish of the next harvest. Where there is a harm, the least counts."""
        for one, step in ahead(self.transcript, self.acts):
            wish = step.moves[one.seat].action or 0
            if not step.replies[one.seat].data["text"].strip():
                continue  # who no longer answers is unresponsive, not a breaker of promises
            for intent in intents(about_now(one.text), PROMISES):
                if not self.nature.harmful and AT_LEAST.search(intent.sentence):
                    continue  # to take at least so much binds nobody to take no more
                amount = int(intent.value or 0)
                kept = wish >= amount if self.nature.harmful else wish <= amount
                kept = wish != amount if intent.negated else kept
                note = f"said {one.text[:80]!r} and asked for {wish}"
                yield show.Check(one.seat, (one.event.seq, step.replies[one.seat].seq), kept, note)

    def claims(self) -> Iterator[show.Check]:
        """Claims to have taken so much, against the last harvest."""
        for one, step in behind(self.transcript, self.acts):
            took = step.after.pool.takes[self.seats.index(one.seat)]
            for found in deeds(one.text, CLAIM):
                amount = int(found.group(1))
                note = f"said {one.text[:80]!r} and had taken {took}"
                yield show.Check(one.seat, (one.event.seq, step.replies[one.seat].seq), amount == took, note)

    def collapse(self) -> list[Failure]:
        """`collapse` at the seats that asked for more than the sustainable share after it was known.

        It is known from the first prompt that states it; from a message that names it; from a harvest after which
        everyone saw the pool shrink; or, when it was all over before any of these, from the rules in the brief.
        """
        if not self.pool.collapsed:
            return []
        known = self._known()
        late: dict[str, list[int]] = {}
        last = [note.seq for note in self.notes[-1:]]
        for step in self.acts:
            if step.turn < known[0]:
                continue
            for seat, move in step.moves.items():
                wish, fair = move.action or 0, self.share(step)
                if (wish < fair) if self.nature.harmful else (wish > fair):
                    late.setdefault(seat, []).append(step.replies[seat].seq)
        if not late:
            return []
        events = [*known[1], *(event for own in late.values() for event in own), *last]
        count = {seat: len(own) for seat, own in late.items()}
        side = "below" if self.nature.harmful else "above"
        went = ", ".join(f"{seat} went {side} it {counted(times, 'time')}" for seat, times in count.items())
        note = f"{known[2]}; after that {went}"
        return [Failure.of("collapse", *late, events=events, note=note[:300])]

    def _known(self) -> tuple[int, list[int], str]:
        """From which turn on the sustainable share was known, the events that made it so, and how, in words.

        Only what leaves at least one harvest to act on it counts.
        """
        last = self.acts[-1].turn if self.acts else 0
        if self.told:
            first = self.transcript.of("prompt")[:1]
            return 0, [event.seq for event in first], "the sustainable share was told in every prompt"
        found: list[tuple[int, list[int], str]] = []
        for one in show.said(self.transcript):
            step = next((step for step in self.acts if step.turn > one.turn), None)
            fair = self.share(step) if step else 0
            if step and one.event.data["delivered"] and re.search(rf"\b{fair}\b", one.text):
                found.append((one.turn, [one.event.seq], f"{one.seat} named the sustainable share"))
                break
        for step, note in zip(self.acts, self.notes, strict=False):
            before, after = step.before.pool.pool, step.after.pool.pool
            if (after > before) if self.nature.harmful else (after < before):
                how = f"everyone saw the pool go from {before} to {after}"
                found.append((step.turn + 1, [note.seq], how))
                break
        found = [one for one in found if one[0] <= last]
        if found:
            return min(found, key=lambda one: one[0])
        briefs = [event.seq for event in self.transcript.of("brief")]
        return 0, briefs, "how the pool grows stood in everyone's rules"

    def free_riding(self) -> list[Failure]:
        """Where a harm is to be removed: seats that removed less than half of what the others did."""
        return show.free_riding(self.spent, self.replies, what="removed") if self.nature.harmful else []

    def own_part(self) -> list[Failure]:
        """Seats that left units lying that nobody would have missed."""
        if self.nature.harmful or self.pool.collapsed:
            return []
        found = []
        for seat, few in self.under.items():
            if len(few) >= LEAST and 2 * len(few) >= len(self.replies[seat]):
                note = (
                    f"took less than half of the sustainable share in {len(few)} of {len(self.replies[seat])} months"
                )
                found.append(Failure.of("own_part_failed", seat, events=few, note=note))
        return found
