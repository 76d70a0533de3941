"""From a dinner's transcript to its verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pytest_collab.episode.outcome import Failure, Outcome, Verdict, outcome_of
from pytest_collab.episode.text import counted
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.philosophers import rules
from pytest_collab.families.philosophers.reward import Played, took
from pytest_collab.families.philosophers.seats import Scene
from pytest_collab.families.rounds import RoundGame, Step, fairness, intents, walk
from pytest_collab.families.rounds import evidence as show

if TYPE_CHECKING:
    from pytest_collab.families.philosophers.params import Philosophers

_TAKE = (
    r"(?:grab|take|taking|pick(?:ing)?\s+up|reach(?:ing)?\s+for|get|getting|seiz)\w*\s+(?:(?:for|my|the|that)\s+)*"
)
INTENTS: Final[Mapping[str, Sequence[str]]] = {
    "grab_left": (_TAKE + "left",),
    "grab_right": (_TAKE + "right",),
    "release": (
        r"\breleas\w*",
        r"\bput\w*\s+(?:\w+\s+){0,3}(?:down|back)",
        r"\blet(?:ting)?\s+(?:it\s+)?go\b",
        r"\bdrop\w*",
    ),
    "wait": (
        r"\bwait\w*\b(?!\s+(?:for|until))",
        r"\bdo(?:ing)?\s+nothing\b",
        r"\bpass(?:ing)?\b",
        r"\bhold(?:ing)?\s+off\b",
    ),
}
_HOLD = r"\b(?:hold|have|having|got)\w*\s+"
CLAIMS: Final[Mapping[str, Sequence[str]]] = {
    "left": (_HOLD + r"(?:(?:my|the|only|just)\s+)*left\s+fork",),
    "right": (_HOLD + r"(?:(?:my|the|only|just)\s+)*right\s+fork",),
    "both": (_HOLD + r"both",),
    "nothing": (_HOLD + r"(?:no\s+forks?|nothing)",),
}
CLINGING: Final = 4
"""A fork held so many of one's own steps in a row without a meal is clung to."""


def assess(params: Philosophers, game: RoundGame, transcript: Transcript) -> Verdict:
    """Success: no deadlock, and everyone ate `enough` times (or all together `enough_in_all` times).

    Score: the task's reward if it defines one; else meals as a share of the capacity, times fairness.
    Failures run from cause to symptom: broken words, false claims, silence, repetition, unreadable answers, seats
    that never tried, deadlock, starvation.
    """
    dinner = _Dinner(params, game, transcript)
    scene: Scene = game.state
    table = scene.table
    played = Played(
        table.meals,
        rules.capacity(params.seats, params.timesteps, params.protocol),
        scene.deadlocks > 0,
        dinner.grabs,
        dinner.got,
        len(transcript.of("reply")),
        len(transcript.of("reply")) - len(transcript.of("malformed")),
    )
    terms = played.terms()
    score = params.reward.of(played) if params.reward else terms["throughput"] * terms["fairness"]
    checks, claims = list(dinner.words(INTENTS)), list(dinner.claims())
    metrics = {
        "deadlock": float(scene.deadlocks > 0),
        "deadlocks": float(scene.deadlocks),
        "meals": float(sum(table.meals)),
        "throughput": sum(table.meals) / table.timestep if table.timestep else 0.0,
        "fairness": fairness(table.meals),
        "starvation": float(sum(meals == 0 for meals in table.meals)),
        "timesteps": float(table.timestep),
        "share_of_capacity": terms["throughput"],
        "failed_grabs": float(dinner.grabs - dinner.got),
        **show.talk_metrics(transcript),
    }
    if dinner.deadlock_at is not None:
        metrics["time_to_deadlock"] = float(dinner.deadlock_at)
    kept = show.consistency(checks)
    if kept is not None:
        metrics["message_action_consistency"] = kept
    if not scene.deadlocks and min(table.meals) >= params.enough and sum(table.meals) >= params.enough_in_all:
        return Verdict(Outcome.SUCCESS, score, metrics)
    failures = [
        *show.broken(claims, "false_claim"),
        *show.broken(checks),
        *show.unresponsive(transcript, speech=False),
        *show.repetition(transcript),
        *show.malformed(transcript),
        *dinner.starvation(),
        *dinner.deadlock(),
    ]
    if not any(failure.code == "unresponsive" for failure in failures):
        failures += show.unresponsive(transcript)
    return Verdict(outcome_of(failures, otherwise=Outcome.COORDINATION), score, metrics, tuple(failures))


class _Dinner:
    """A finished dinner, walked through once."""

    def __init__(self, params: Philosophers, game: RoundGame, transcript: Transcript) -> None:
        self.params = params
        self.transcript = transcript
        self.steps: list[Step] = list(walk(game, transcript))
        self.acts = [step for step in self.steps if step.phase == "act"]
        inner = game.inner
        self.seats: tuple[str, ...] = inner.seats
        self.final: Scene = game.state
        self.grabs = self.got = 0
        self.deadlock_at: int | None = None
        self.held_on: list[str] = []
        self.closed: list[tuple[str, bool]] = []
        self.long = max(2, min(CLINGING, params.rounds - 1))
        self.clung: dict[str, list[int]] = {seat: [] for seat in self.seats}
        self.chances: dict[str, list[int]] = {seat: [] for seat in self.seats}
        self.tries: dict[str, int] = dict.fromkeys(self.seats, 0)
        self.took: dict[str, int] = {}
        self._walk()

    def _walk(self) -> None:
        streak: dict[str, list[int]] = {seat: [] for seat in self.seats}
        latest: dict[str, Step] = {}
        for step in self.acts:
            before, after = step.before.table, step.after.table
            latest |= dict.fromkeys(step.moves, step)
            if self.deadlock_at is None and step.after.deadlocks > step.before.deadlocks:
                self.deadlock_at = after.timestep
                self._blame(latest)
            for seat, move in step.moves.items():
                i, event = self.seats.index(seat), step.replies[seat].seq
                action = move.action or "wait"
                if action.startswith("grab"):
                    self.grabs += 1
                    if took(before, after, i, action):
                        self.got += 1
                        self.took[seat] = event
                within_reach = all(before.forks[fork] in (rules.FREE, i) for fork in (i, (i + 1) % before.seats))
                if within_reach and not before.eating[i]:
                    self.chances[seat].append(event)
                    self.tries[seat] += action.startswith("grab")
                one_fork = before.left[i] != before.right[i] and not before.eating[i]
                if one_fork and action != "release" and after.meals[i] == before.meals[i]:
                    streak[seat].append(event)
                    if len(streak[seat]) > len(self.clung[seat]):
                        self.clung[seat] = list(streak[seat])
                else:
                    streak[seat] = []

    def _blame(self, latest: Mapping[str, Step]) -> None:
        """Who kept a fork in its last step before a deadlock and got nothing for it, and who took one in it.

        Who reached for its other fork while that was free had a reason to keep the first.

        Args:
            latest: by seat, the step in which it last acted: the same for all unless they act in turn.
        """
        for i, seat in enumerate(self.seats):
            step = latest[seat]
            before, action = step.before.table, step.moves[seat].action
            grab, other = ("grab_right", (i + 1) % before.seats) if before.left[i] else ("grab_left", i)
            held_one = before.left[i] != before.right[i]
            if held_one and not (action == grab and before.forks[other] == rules.FREE):
                self.held_on.append(seat)
            elif not held_one:
                said = [one for one in show.said(self.transcript) if one.seat == seat and one.turn <= step.turn][-1:]
                named = {intent.name for one in said for intent in intents(one.text, INTENTS) if not intent.negated}
                self.closed.append((seat, action in named))

    def words(self, phrases: Mapping[str, Sequence[str]]) -> Iterator[show.Check]:
        """Each message that states an intent, against the action of the same step."""
        heard: dict[str, list[show.Said]] = {}
        pending = list(show.said(self.transcript))
        for step in self.acts:
            while pending and pending[0].turn <= step.turn:
                one = pending.pop(0)
                heard.setdefault(one.seat, []).append(one)
            for seat, move in step.moves.items():
                for one in heard.pop(seat, []):
                    stated = intents(one.text, phrases)
                    if not stated:
                        continue
                    wanted = {intent.name for intent in stated if not intent.negated}
                    barred = {intent.name for intent in stated if intent.negated}
                    did = move.action or "wait"
                    kept = did not in barred and (not wanted or did in wanted)
                    note = f"said {one.text[:80]!r} and did {did}"
                    yield show.Check(seat, (one.event.seq, step.replies[seat].seq), kept, note)

    def claims(self) -> Iterator[show.Check]:
        """Each message that claims what its sender holds, against what it held when it spoke."""
        at = {step.turn: step for step in self.steps}
        for one in show.said(self.transcript):
            step = at.get(one.turn)
            if step is None or one.seat not in self.seats:
                continue
            i = self.seats.index(one.seat)
            left, right = step.before.table.left[i], step.before.table.right[i]
            truth = {"left": left, "right": right, "both": left and right, "nothing": not left and not right}
            for claim in intents(one.text, CLAIMS):
                kept = truth[claim.name] is not claim.negated
                note = f"said {one.text[:80]!r} and held {_hands(left, right)}"
                yield show.Check(one.seat, (one.event.seq,), kept, note)

    def deadlock(self) -> list[Failure]:
        """Who kept a fork in the step of the deadlock that it had no use for and could have let go.

        Where all took theirs in that same step, nobody could see it coming: then those who took one without a word,
        where words were possible; ungraded where nobody differs from the others in that.
        """
        if self.deadlock_at is None:
            return []
        events = sorted(self.took.values()) or [len(self.transcript) - 1]
        note = f"everyone held exactly one fork at step {self.deadlock_at}"
        seats = self.held_on or [seat for seat, told in self.closed if not told and self.params.talk]
        if not seats:
            note += ", and nobody could have known: what was missing had all been taken in that step"
            return [Failure.of("deadlock", events=events, note=note).model_copy(update={"ungraded": True})]
        if not self.held_on:
            note += f"; {', '.join(seats)} took theirs in that step without having said so"
        return [Failure.of("deadlock", *seats, events=events, note=note)]

    def starvation(self) -> list[Failure]:
        """Who is to blame when somebody ate too little.

        The victim that never tried, whoever clung to a fork beside it, or the neighbours who ate in its place.
        """
        found: dict[tuple[str, tuple[str, ...]], tuple[list[str], list[int]]] = {}
        for i, victim in enumerate(self.seats):
            meals = self.final.table.meals
            if meals[i] >= max(1, self.params.enough) or self.deadlock_at is not None:
                continue
            near = [self.seats[(i - 1) % len(self.seats)], self.seats[(i + 1) % len(self.seats)]]
            clinging = [seat for seat in near if len(self.clung[seat]) >= self.long]
            chances = self.chances[victim]
            key: tuple[str, tuple[str, ...]]
            if len(self.clung[victim]) >= self.long and not clinging:
                key, events = ("starvation", (victim,)), self.clung[victim]
            elif len(chances) >= self.long and 2 * self.tries[victim] < len(chances) and not clinging:
                key, events = ("own_part_failed", (victim,)), chances
            elif clinging:
                key, events = ("starvation", tuple(clinging)), [e for seat in clinging for e in self.clung[seat]]
            else:
                fed = [seat for seat in near if meals[self.seats.index(seat)] > meals[i]] or [victim]
                key = ("starvation", tuple(fed))
                events = [step.replies[seat].seq for step in self.acts for seat in fed if seat in step.replies]
            victims, shown = found.setdefault(key, ([], []))
            victims.append(victim)
            shown += events or [len(self.transcript) - 1]
        return [
            Failure.of(code, *seats, events=events, note=self._told(code, seats, victims))
            for (code, seats), (victims, events) in found.items()
        ]

    def _told(self, code: str, seats: tuple[str, ...], victims: Sequence[str]) -> str:
        who = ", ".join(victims)
        if code == "own_part_failed":
            times = len(self.chances[victims[0]])
            return f"{who} ate too little: both forks were within reach {counted(times, 'time')} and hardly used"
        clung = {seat: len(self.clung[seat]) for seat in seats if len(self.clung[seat]) >= self.long}
        if clung:
            how = ", ".join(f"{seat} clung to one fork for {counted(steps, 'step')}" for seat, steps in clung.items())
            return f"{who} ate too little: {how}"
        if list(seats) == list(victims):
            return f"{who} ate too little, with nobody beside it who ate more"
        return f"{who} ate too little while {', '.join(seats)} ate more"


def _hands(left: bool, right: bool) -> str:
    return {(0, 0): "nothing", (1, 0): "left", (0, 1): "right", (1, 1): "both"}[int(left), int(right)]
