"""From the transcript of a donor game to its verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import log
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

from pytest_collab.episode.outcome import Failure, Outcome, Verdict, outcome_of
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.donor import rules
from pytest_collab.families.rounds import RoundGame, Step, gini, intents, walk
from pytest_collab.families.rounds import evidence as show

if TYPE_CHECKING:
    from pytest_collab.families.donor.params import Donor

_GIVE: Final = (
    r"\b(?:giv(?:e|ing)|donat(?:e|ing)|shar(?:e|ing)|pass(?:ing)?\s+on)\s+(?:(?:at\s+least|up|about|exactly)\s+)*"
)
PROMISES: Final[Mapping[str, Sequence[str]]] = {
    "share": (_GIVE + r"(\d+)\s*(?:%|percent)",),
    "all": (_GIVE + r"(?:everything|all)\b",),
    "half": (_GIVE + r"half\b",),
}
LEAST: Final = 2
"""So many occasions, and half of all, make a failure."""
GENEROUS, MEAN = 0.5, 0.2
"""Who gave at least the first share is known to give; who gives less than the second to such a one withholds."""


def assess(params: Donor, game: RoundGame, transcript: Transcript) -> Verdict:
    """Score: growth of what all have together, as a share of the greatest growth, in logarithms, over generations.

    Resources multiply from hand to hand, so the optimum is an exponential; without logarithms only perfection would
    show. Failures run from cause to symptom: broken promises, silence, unreadable answers, free riding, withholding
    from those who are known to give.
    """
    play = _Play(params, game, transcript)
    state: rules.State = game.state.game
    start = params.seats * params.endowment
    best = rules.optimum(params.seats, params.length, params.endowment, params.multiplier)
    totals = [sum(final) for final in state.finals]
    grown = [max(0.0, min(1.0, log(max(total, 1e-9) / start) / log(best / start))) for total in totals]
    score = sum(grown) / params.generations
    metrics = {
        "generations": float(len(totals)),
        "optimum": best / params.seats,
        "punishments": float(play.punishments),
        "withheld": float(sum(map(len, play.withheld.values()))),
        **show.talk_metrics(transcript),
    }
    if totals:
        metrics |= {
            "resources_first": totals[0] / params.seats,
            "resources_last": totals[-1] / params.seats,
            "score_first": grown[0],
            "score_last": grown[-1],
            "gini_last": gini(state.finals[-1]),
        }
    given = {seat: fmean(shares) if shares else 0.0 for seat, shares in play.shares.items()}
    metrics["donated_share"] = fmean(given.values())
    metrics["punished_share"] = play.punishments / play.encounters if play.encounters else 0.0
    donated = [fmean(shares) for shares in play.by_generation.values()]
    if donated:
        metrics |= {"donated_first": donated[0], "donated_last": donated[-1]}
    if len(donated) > 1:
        metrics["donation_change"] = (donated[-1] - donated[0]) / (len(donated) - 1)
    promises = list(play.promises())
    kept = show.consistency(promises)
    if kept is not None:
        metrics["promises_kept"] = kept
    if score >= params.target:
        return Verdict(Outcome.SUCCESS, score, metrics)
    failures = [
        *show.broken(promises),
        *show.unresponsive(transcript, speech=False),
        *show.malformed(transcript),
        *(show.free_riding(given, play.replies, what="gave (share)") or play.all_ride(given)),
        *play.withholding(),
    ]
    if not failures:
        shown = [event for own in play.replies.values() for event in own] or [len(transcript) - 1]
        note = f"{metrics['donated_share']:.0%} was given on average, and nobody stands out"
        failures = [Failure.of("disagreement", *play.seats, events=shown, note=note)]
    return Verdict(outcome_of(failures, otherwise=Outcome.COORDINATION), score, metrics, tuple(failures))


class _Play:
    """A finished game, walked through once.

    Attributes:
        shares: by seat, the shares given when there was something to give (a punishment counts as 0).
        by_generation: the same, by generation.
        encounters: of donors with recipients.
        known, withheld: by seat, the (prompt, reply) events of gifts to those known to give: all, and the mean ones.
    """

    def __init__(self, params: Donor, game: RoundGame, transcript: Transcript) -> None:
        self.params = params
        self.steps: list[Step] = list(walk(game, transcript))
        inner: Any = game.inner
        self.seats: tuple[str, ...] = inner.seats
        self.seed: int = inner.seed
        self.shares: dict[str, list[float]] = {seat: [] for seat in self.seats}
        self.replies: dict[str, list[int]] = {seat: [] for seat in self.seats}
        self.known: dict[str, list[tuple[int, ...]]] = {seat: [] for seat in self.seats}
        self.withheld: dict[str, list[tuple[int, ...]]] = {seat: [] for seat in self.seats}
        self.by_generation: dict[int, list[float]] = {}
        self.encounters = self.punishments = 0
        prompts = {(event.data["turn"], event.seat): event.seq for event in transcript.of("prompt")}
        for step in self.steps:
            if step.phase != "donate":
                continue
            before: rules.State = step.before.game
            for seat, move in step.moves.items():
                i, reply = self.seats.index(seat), step.replies[seat]
                kind, amount = move.action or ("give", 0.0)
                self.encounters += 1
                self.punishments += kind == "punish"
                if before.resources[i] <= 0.01:
                    continue  # nothing to give
                share = 0.0 if kind == "punish" else amount / before.resources[i]
                self.shares[seat].append(share)
                self.by_generation.setdefault(before.generation, []).append(share)
                self.replies[seat].append(reply.seq)
                shown = rules.trace(before, self._recipient(before, i), params.trace)
                if shown and shown[0].share >= GENEROUS and not shown[0].punished:
                    prompt = prompts.get((step.turn, str(reply.seat)))
                    events = (reply.seq,) if prompt is None else (prompt, reply.seq)
                    self.known[seat].append(events)
                    if share < MEAN:
                        self.withheld[seat].append(events)

    def _recipient(self, before: rules.State, donor: int) -> int:
        pairs = rules.schedule(len(self.seats), self.seed, before.generation, before.game)[before.round]
        return next(recipient for giver, recipient in pairs if giver == donor)

    def promises(self) -> Iterator[show.Check]:
        """Shares promised in strategies, each against the shares given while it was followed."""
        stated: dict[str, tuple[float, bool, int, str]] = {}
        for step in self.steps:
            for seat, move in step.moves.items():
                reply = step.replies[seat]
                if step.phase == "strategy":
                    born = step.before.game.born[self.seats.index(seat)]
                    if born < step.before.game.generation:
                        continue  # survivors keep theirs
                    stated.pop(seat, None)
                    text = (move.action or {}).get("strategy", "")
                    for intent in intents(text, PROMISES)[:1]:
                        share = {"all": 1.0, "half": 0.5}.get(intent.name) or min(1.0, float(intent.value or 0) / 100)
                        stated[seat] = (share, intent.negated, reply.seq, text)
                    continue
                held = step.before.game.resources[self.seats.index(seat)]
                if seat not in stated or held <= 0.01 or not reply.data["text"].strip():
                    continue
                share, negated, seq, text = stated[seat]
                kind, amount = move.action or ("give", 0.0)
                gave = 0.0 if kind == "punish" else amount / held
                kept = gave < share if negated else gave >= share - 0.02
                note = f"said {text[:80]!r} and gave {gave:.0%}"
                yield show.Check(seat, (seq, reply.seq), kept, note)

    def all_ride(self, given: Mapping[str, float]) -> list[Failure]:
        riders = [seat for seat, share in given.items() if share < 0.25 and self.replies[seat]]
        if not riders:
            return []
        note = f"{', '.join(riders)} gave less than a quarter of what they had, on average"
        return [Failure.of("free_riding", *riders, events=[e for s in riders for e in self.replies[s]], note=note)]

    def withholding(self) -> list[Failure]:
        found = []
        for seat, missed in self.withheld.items():
            known = self.known[seat]
            if len(missed) >= LEAST and 2 * len(missed) >= len(known):
                note = f"gave less than {MEAN:.0%} to {len(missed)} of {len(known)} recipients it knew to have given"
                events = [event for one in missed for event in one]
                found.append(Failure.of("withholding", seat, events=events, note=note))
        return found
