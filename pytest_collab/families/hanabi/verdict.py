"""From the transcript of a game of Hanabi to its verdict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_collab.episode.condition import Condition
from pytest_collab.episode.outcome import CAUSE_OF, Cause, Failure, Outcome, Verdict, outcome_of
from pytest_collab.episode.text import counted
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.hanabi import evidence, logic, rules, talk
from pytest_collab.families.hanabi.evidence import Record, Turn
from pytest_collab.families.hanabi.seats import HanabiGame
from pytest_collab.families.rounds import RoundGame, walk
from pytest_collab.families.rounds import evidence as show
from pytest_collab.families.rounds.evidence import Said

if TYPE_CHECKING:
    from pytest_collab.families.hanabi.params import Hanabi


def assess(params: Hanabi, condition: Condition, game: RoundGame, transcript: Transcript) -> Verdict:
    """Score: points over the most there can be; none for a game that ends with its last life, unless they are kept.

    Failures run from cause to symptom: false words, broken words, hints ignored, hints kept back, cards played in
    the dark; what a seat got wrong by itself comes last. Where none of these is to be seen, nobody is blamed.
    """
    inner = game.inner
    assert isinstance(inner, HanabiGame)
    steps = list(walk(game, transcript))  # brings the game to its end
    table = inner.state.table
    played = evidence.record(inner.seats, condition.shared, steps)
    points = table.score if params.strikeout == "zero" else table.points
    score = points / table.rules.most
    metrics = {**show.talk_metrics(transcript), **figures(played, inner)}
    if score >= params.target:
        return Verdict(Outcome.SUCCESS, score, metrics)
    found = failures(played, params, condition, transcript) if played.turns else []
    found = found or [*show.malformed(transcript)]
    if not found:
        note = f"{table.points} of {counted(table.rules.most, 'point')}{_end(table.lives)}, and nobody stands out"
        last = [played.turns[-1].reply] if played.turns else [len(transcript) - 1]
        ungraded = Failure.of("disagreement", events=last, note=note)
        found = [ungraded.model_copy(update={"ungraded": True})]
    return Verdict(outcome_of(found, otherwise=Outcome.COORDINATION), score, metrics, tuple(found))


def _end(lives: int) -> str:
    return ", all lives lost" if lives < 1 else ""


def failures(game: Record, params: Hanabi, condition: Condition, transcript: Transcript) -> list[Failure]:
    """Everything that can be shown, from cause to symptom."""
    if condition.muted:
        note = "no hint could be given, so what everyone saw stayed with it"
        found = [Failure.of("undelivered", *game.seats, events=[game.turns[-1].reply], note=note)]
        return [*found, *evidence.ungrounded(game), *evidence.illegal_moves(game), *show.malformed(transcript)]
    hints = bool(params.rules.hints) and not condition.shared
    silent = [*show.unresponsive(transcript, speech=False), *(evidence.unresponsive(game) if hints else ())]
    deaf = {seat for failure in silent for seat in failure.seats}
    found = [
        *show.broken(claimed(game, transcript), "false_claim", least=1, share=0.0),
        *show.broken(promised(game, transcript), least=2),
        *silent,
        *(evidence.withholding(game, deaf) if hints else ()),
        *evidence.ungrounded(game),
        *(show.repetition(transcript) if params.talk else ()),
        *show.malformed(transcript),
        *evidence.illegal_moves(game),
        *evidence.own_part_failed(game),
    ]
    return sorted(found, key=lambda failure: CAUSE_OF[failure.code] is Cause.COMPETENCE)


def figures(game: Record, inner: HanabiGame) -> dict[str, float]:
    """Points in both readings, lives, and what became of the hints."""
    table, turns = inner.state.table, game.turns
    hints = [turn for turn in turns if turn.action.kind in ("colour", "rank")]
    made = list(evidence.offers(game))
    found = {
        "points": float(table.score),
        "points_kept": float(table.points),
        "strikes": float(table.rules.lives - table.lives),
        "struck_out": float(table.lives < 1),
        "turns": float(len(turns)),
        "passed": float(sum(turn.action.kind == "pass" for turn in turns)),
        "hints_given": float(len(hints)),
        "useless_hints": float(sum(turn.before.hands == turn.after.hands for turn in hints)),
        "sure_not_played": float(sum(bool(turn.sure) and turn.action.kind != "play" for turn in turns)),
        "critical_discards": float(sum(map(_lost, turns))),
        "refused_actions": float(sum(map(len, game.refused.values()))),
    }
    if made:
        found["hints_acted_on"] = sum(offer.taken for offer in made) / len(made)
    if hints:
        found["points_per_hint"] = table.points / len(hints)
    return found


def _lost(turn: Turn) -> bool:
    """Whether the last copy of a card that was needed went away, by a discard or a misplay."""
    if turn.action.kind not in ("play", "discard") or turn.happened.scored:
        return False
    return bool(logic.board_of(turn.before).critical >> turn.happened.card & 1)


def _spoken(game: Record, transcript: Transcript) -> Iterator[tuple[Said, int, Turn]]:
    """Messages with the turn in which they were said."""
    replies = {turn.reply: number for number, turn in enumerate(game.turns)}
    for one in show.said(transcript):
        before = [number for reply, number in replies.items() if reply < one.event.seq]
        if before and game.seats[game.turns[max(before)].seat] == one.seat:
            yield one, max(before), game.turns[max(before)]


def claimed(game: Record, transcript: Transcript) -> Iterator[show.Check]:
    """Statements about others' cards, against the cards, in the places that they had before the turn or after it."""
    for one, _, turn in _spoken(game, transcript):
        for claim in talk.claims(one.text, one.seat, game.seats):
            if claim.whose == one.seat:
                continue
            player, ranks = game.seats.index(claim.whose), turn.before.rules.ranks
            hand = turn.before.hands[player]
            if claim.place >= len(hand):
                continue
            card = turn.before.card(hand[claim.place])
            note = f"said {claim.text!r}; it is the {rules.worded(turn.before.rules, card)}"
            yield show.Check(one.seat, (one.event.seq, turn.reply), claim.fits(card, ranks), note)


def promised(game: Record, transcript: Transcript) -> Iterator[show.Check]:
    """What seats said that they would do in their next turn, against what they did."""
    for one, number, turn in _spoken(game, transcript):
        later = next((t for t in game.turns[number + 1 :] if t.seat == turn.seat), None)
        if later is None or later.action.kind == "pass":
            continue
        for kind, place in talk.promises(one.text):
            did = "hint" if later.action.kind in ("colour", "rank") else later.action.kind
            kept = did == kind and (place < 0 or kind == "hint" or place == later.action.value)
            note = f"said {one.text[:80]!r}; then {game.words(later)}"
            yield show.Check(one.seat, (one.event.seq, later.reply), kept, note)
