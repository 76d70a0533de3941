"""What card logic shows of a game of Hanabi: cards to be played, or not to be, hints ignored or kept back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from pytest_collab.core.games.hanabi import Action, Happened, State
from pytest_collab.episode.outcome import Failure
from pytest_collab.episode.text import counted
from pytest_collab.families.hanabi import logic, rules
from pytest_collab.families.hanabi.telling import event
from pytest_collab.families.rounds import Step

PATIENCE: Final = 3
"""So many turns of its own a seat may leave a card in its hand of which it is certain that it can be played."""

UNSEEN: Final = 0.5
"""A card of which nothing is known may be played if it is likelier than this to go."""

TURNS: Final = 5
"""Who so often discarded with a token and something to say, and never gave a hint unforced, keeps it to itself."""

OFFERS: Final = 3
"""So many hints at cards that can be played, none of them taken up, are enough to say that a seat ignores hints."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn in which something happened.

    Attributes:
        before, after: the table around it.
        reply: the event in which the seat said it.
        knows: what the seat's own cards can be by all that it could know, as bits.
    """

    seat: int
    action: Action
    happened: Happened
    before: State
    after: State
    reply: int
    knows: tuple[int, ...]

    @property
    def sure(self) -> tuple[int, ...]:
        """Places in the deck of cards in the seat's hand that are certain to go."""
        playable, hand = logic.board_of(self.before).playable, self.before.hands[self.seat]
        return tuple(held.at for held, cards in zip(hand, self.knows, strict=True) if not cards & ~playable)


@dataclass(slots=True)
class Record:
    """A finished game, turn by turn; `shared`: everyone was shown its own cards."""

    seats: tuple[str, ...]
    shared: bool
    turns: list[Turn] = field(default_factory=list)
    refused: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    def own(self, seat: int) -> list[tuple[int, Turn]]:
        """The turns of a seat, with their numbers."""
        return [(number, turn) for number, turn in enumerate(self.turns) if turn.seat == seat]

    def knowledge(self, state: State, seat: int) -> list[int]:
        """What a seat's cards can be by all that it can know."""
        if self.shared:
            return [1 << state.card(held) for held in state.hands[seat]]
        return logic.knowledge(state, seat)

    def words(self, turn: Turn) -> str:
        """What happened in a turn."""
        return event(turn.before.rules, turn.happened, self.seats)


def record(seats: tuple[str, ...], shared: bool, steps: Sequence[Step]) -> Record:
    """The turns of an episode; answers that came to nothing apart."""
    found = Record(seats, shared)
    for step in steps:
        seat, move = next(iter(step.moves.items()))
        reply = step.replies[seat].seq
        if len(step.after.past) == len(step.before.past):
            if move.action is not None:
                found.refused.setdefault(seat, []).append((reply, step.after.refused))
            continue
        happened, player = step.after.past[-1], seats.index(seat)
        before, after = step.before.table, step.after.table
        knows = tuple(found.knowledge(before, player))
        found.turns.append(Turn(player, happened.action, happened, before, after, reply, knows))
    return found


def own_part_failed(game: Record) -> list[Failure]:
    """Cards certain to go that stayed in a hand for `PATIENCE` turns in which its owner played nothing."""
    found = []
    for seat, name in enumerate(game.seats):
        waits: dict[int, list[Turn]] = {}
        worst: list[Turn] = []
        card = -1
        for _, turn in game.own(seat):
            played = turn.action.kind == "play"
            waits = {at: [] if played else [*waits.get(at, []), turn] for at in turn.sure}
            for at, turns in waits.items():
                if len(turns) > len(worst):
                    worst, card = turns, at
        if len(worst) >= PATIENCE:
            proof = [turn.reply for turn in game.turns if card in turn.happened.told]
            which = rules.worded(worst[0].before.rules, worst[0].before.deck[card])
            note = (
                f"could tell that the {which} in its hand could be played, and did not in "
                f"{counted(len(worst), 'turn')}"
            )
            events = [*proof, *(turn.reply for turn in worst)]
            found.append(Failure.of("own_part_failed", name, events=events, note=note))
    return found


def illegal_moves(game: Record) -> list[Failure]:
    """Plays of cards of which their owner could tell that they do not fit, and what the rules refused often."""
    found = []
    for seat, name in enumerate(game.seats):
        plays = [
            turn
            for _, turn in game.own(seat)
            if turn.action.kind == "play" and not turn.knows[turn.action.value] & logic.board_of(turn.before).playable
        ]
        if plays:
            note = f"could tell that it does not fit: {game.words(plays[0])}"
            found.append(Failure.of("illegal_move", name, events=[turn.reply for turn in plays], note=note))
        refused = game.refused.get(name, [])
        if len(refused) >= 3:
            note = f"{len(refused)} actions that cannot be done: {refused[0][1]}"
            found.append(Failure.of("illegal_move", name, events=[reply for reply, _ in refused], note=note[:300]))
    return found


def ungrounded(game: Record) -> list[Failure]:
    """Lives lost with cards of which nothing was known: untouched by hints, and more likely not to go."""
    found = []
    for seat, name in enumerate(game.seats):
        blind = [turn for _, turn in game.own(seat) if _blind(turn)]
        lost = game.turns[-1].after.lives < 1
        if len(blind) >= 2 or (blind and lost):
            note = f"knew nothing of the card ({len(blind)} such plays cost a life): {game.words(blind[0])}"
            found.append(Failure.of("ungrounded", name, events=[turn.reply for turn in blind], note=note))
    return found


def _blind(turn: Turn) -> bool:
    if turn.action.kind != "play" or turn.happened.scored or (not turn.before.left and turn.before.lives > 1):
        return False
    held, cards = turn.before.hands[turn.seat][turn.action.value], turn.knows[turn.action.value]
    playable = logic.board_of(turn.before).playable
    if held.touched or not cards & playable or not cards & ~playable:
        return False
    seen = [*turn.before.discards]
    for player, hand in enumerate(turn.before.hands):
        seen += [turn.before.card(other) for other in hand if player != turn.seat]
    left = logic.unseen(turn.before.rules, turn.before.fireworks, seen)
    return logic.chance(cards, playable, left) < UNSEEN


@dataclass(frozen=True, slots=True)
class Offer:
    """A hint that pointed at a card which could be played.

    Attributes:
        certain: it made its target certain of exactly one play, where there was none before.
        taken: a card that it touched was played in the target's next two turns.
        answer: the target's next turn; None when there was none.
    """

    hint: Turn
    certain: bool
    taken: bool
    answer: Turn | None
    forgone: bool


def offers(game: Record) -> Iterator[Offer]:
    """The hints at cards that could be played, and what became of them."""
    for number, turn in enumerate(game.turns):
        if turn.action.kind not in ("colour", "rank"):
            continue
        target = turn.action.target
        playable = logic.board_of(turn.before).playable
        if not any(playable >> turn.before.deck[at] & 1 for at in turn.happened.told):
            continue
        was = _certain(game, turn.before, target, playable)
        now = _certain(game, turn.after, target, playable)
        later = [later for _, later in game.own(target) if later in game.turns[number + 1 :]][:2]
        played = [one.happened.at for one in later if one.action.kind == "play"]
        new = now - was
        taken = any(at in turn.happened.told for at in played)
        still = bool(later) and bool(new & set(later[0].sure))
        certain = not was and len(now) == 1
        forgone = certain and still and later[0].action.kind != "play"
        yield Offer(turn, certain, taken, later[0] if later else None, forgone)


def _certain(game: Record, state: State, seat: int, playable: int) -> set[int]:
    cards = game.knowledge(state, seat)
    return {held.at for held, can in zip(state.hands[seat], cards, strict=True) if not can & ~playable}


def unresponsive(game: Record) -> list[Failure]:
    """Seats that did not take up hints which left exactly one play, or that took up no hint at all."""
    found = []
    made = list(offers(game))
    for seat, name in enumerate(game.seats):
        own = [offer for offer in made if offer.hint.action.target == seat and offer.answer is not None]
        certain = [offer for offer in own if offer.certain]
        forgone = [offer for offer in certain if offer.forgone]
        if len(forgone) >= 2 and 2 * len(forgone) >= len(certain):
            shown, what = forgone, f"{len(forgone)} of {counted(len(certain), 'hint')} that left exactly one play"
        elif len(own) >= OFFERS and not any(offer.taken for offer in own):
            shown, what = own, f"all {counted(len(own), 'hint')} at cards that could be played"
        else:
            continue
        note = f"did not take up {what}: {game.words(shown[0].hint)}"
        events = [event for offer in shown for event in _both(offer)]
        found.append(Failure.of("unresponsive", name, events=events, note=note))
    return found


def _both(offer: Offer) -> list[int]:
    return [offer.hint.reply, *([offer.answer.reply] if offer.answer is not None else [])]


def withholding(game: Record, deaf: Collection[str] = ()) -> list[Failure]:
    """Seats that gave no hint though they could, or let the next one discard the last of its kind, unwarned.

    Args:
        deaf: seats that take up no hint: nobody is blamed for telling them none.
    """
    found = []
    lost = {game.seats.index(name) for name in deaf}
    for seat, name in enumerate(game.seats):
        own = game.own(seat)
        could = [turn for _, turn in own if turn.before.hints]
        given = [turn for turn in could if turn.action.kind in ("colour", "rank")]
        free = [turn for turn in could if turn.before.hints < turn.before.rules.hints]
        kept = [turn for turn in free if turn.action.kind == "discard" and _had_something_to_say(turn, lost)]
        if len(kept) >= TURNS and not any(turn in given for turn in free):
            note = (
                f"saw cards that could be played, untouched by hints, and "
                f"{counted(len(kept), 'time')} discarded instead"
            )
            found.append(Failure.of("withholding", name, events=[turn.reply for turn in kept], note=note))
            continue
        unwarned = [pair for pair in (_unwarned(game, number) for number, _ in own) if pair is not None]
        unwarned = [pair for pair in unwarned if pair[1].seat not in lost]
        if len(unwarned) >= 2:
            note = (
                f"had a token, saw it, and did not warn ({counted(len(unwarned), 'time')}): "
                f"{game.words(unwarned[0][1])}"
            )
            events = [turn.reply for pair in unwarned for turn in pair]
            found.append(Failure.of("withholding", name, events=events, note=note))
    return found


def _had_something_to_say(turn: Turn, deaf: Collection[int]) -> bool:
    """Whether somebody else held a card that could be played, of which no hint had told it anything."""
    playable, state = logic.board_of(turn.before).playable, turn.before
    return any(
        playable >> state.card(held) & 1 and not held.touched
        for player, hand in enumerate(state.hands)
        if player != turn.seat and player not in deaf
        for held in hand
    )


def _unwarned(game: Record, number: int) -> tuple[Turn, Turn] | None:
    """A discard with a token there, before the next one discards the last of its kind, as was to be seen."""
    turn, after = game.turns[number], game.turns[number + 1 : number + 2]
    if not after or turn.action.kind != "discard" or not turn.before.hints or after[0].action.kind != "discard":
        return None
    other = after[0]
    state, place = other.before, other.action.value
    critical = logic.board_of(state).critical
    if place != logic.chop(state.hands[other.seat]) or not critical >> other.happened.card & 1:
        return None
    if other.sure or not other.knows[place] & ~critical:
        return None
    drawn_since = other.happened.at >= turn.before.drawn
    return None if drawn_since else (turn, other)
