"""What the players of Hanabi are told, and how their replies are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from pytest_collab.core.games import hanabi
from pytest_collab.core.games.hanabi import Action, Happened, State
from pytest_collab.episode.agent import Reply
from pytest_collab.episode.channel import Message
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.game import Ask, Move, Note, Prompt, Recall
from pytest_collab.families.hanabi import rules, telling, words
from pytest_collab.families.rounds import Got, RoundGame, read, somebody_else, speeches

if TYPE_CHECKING:
    from pytest_collab.families.hanabi.params import Hanabi

TRIES: Final = 3
"""So often a seat is asked for an action in one turn; then the turn passes."""

NOTES: Final = 2000
"""Where a seat's notes are cut off, in characters."""

PROTOCOLS: Final = {
    "conventions": (
        "All of you play by these conventions. A hint says that one card can be played now: the newest of the "
        "touched cards that no hint had touched before; if there is none, the newest touched one. But a hint of a "
        "rank that touches its receiver's oldest untouched card, where that may be the last copy of a card still "
        "needed, means: keep it. Touch no card that is of no use, or that is touched already in another hand. Who "
        "has nothing to play and no hint to give discards its oldest untouched card."
    )
}


@dataclass(frozen=True, slots=True)
class Written(Move):
    """A move with what its seat wants to remember.

    Attributes:
        notes: the new notes; None leaves them as they are.
        done: the action; None where none could be read.
    """

    notes: str | None = None
    done: Action | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """Where the episode stands.

    Attributes:
        past: everything that has happened, passes included.
        refused: why the last reply of the seat whose turn it is came to nothing; empty when it has not been asked.
        tries: replies of that seat in this turn that came to nothing.
        notes: by seat, what it wrote down in its last turn.
    """

    table: State
    past: tuple[Happened, ...] = ()
    refused: str = ""
    tries: int = 0
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def stalled(self) -> bool:
        """Whether everyone in a row did nothing that could be done."""
        last = self.past[-self.table.rules.players :]
        return len(last) == self.table.rules.players and all(one.action.kind == "pass" for one in last)

    @property
    def over(self) -> bool:
        return bool(self.table.ended) or self.stalled


class HanabiGame(RoundGame):
    """One episode: turns one after the other, each with what that seat sees and nothing else.

    No seat is shown its earlier turns again: all that the rules let it know is told anew each time, or, with notes as
    its memory, what it wrote down. So one agent that plays all hands does not remember from one hand's turn what it
    may not see in another's.
    """

    labels = ("action", "message", "notes")

    def __init__(self, params: Hanabi, seed: int, condition: Condition, seats: tuple[str, ...]) -> None:
        self.params, self.condition, self.seats = params, condition, seats
        self.rules = params.rules
        self.state = Scene(hanabi.start(self.rules, params.dealt(seed)))

    @property
    def turn(self) -> str:
        """The seat whose turn it is."""
        scene: Scene = self.state
        return self.seats[scene.table.player]

    # What they are told.

    def brief(self, seat: str) -> str:
        lines = telling.rules_of(self.params, seat, self.seats)
        if self.condition.shared:
            lines.append("In this episode everyone is shown its own cards, too.")
        if self.condition.kind == "protocol":
            lines.append(PROTOCOLS[self.condition.argument])
        return "\n".join([*lines, self.grammar(seat)])

    def grammar(self, seat: str) -> str:
        """How actions are written."""
        example, colour = somebody_else(seat, self.seats), rules.COLOURS[0]
        forms = ["ACTION: PLAY 2", "ACTION: DISCARD 1"]
        if self.rules.hints:
            forms += [f"ACTION: HINT {example} {colour}", f"ACTION: HINT {example} 1"]
        text = f"Answer with one line, such as {', '.join(f'`{form}`' for form in forms)}. "
        text += "Cards are counted from 1, the oldest first."
        if self.params.talk:
            count = "one line" if self.params.talk == 1 else f"up to {self.params.talk} lines"
            text += f" You may add {count} `MESSAGE: ...`, which everyone reads."
        if self.params.scaffold == "memory":
            text += (
                " Add `NOTES: ...`: beside what hints have said of your own cards, all that you will be shown of "
                f"what you know when it is your turn again (at most {NOTES} characters)."
            )
        return text

    def ask(self) -> Ask | None:
        return None if self.state.over else Ask((self.turn,), "act")

    def recall(self, seat: str) -> Recall | None:
        return Recall()

    def look(self, seat: str) -> rules.Look:
        """What the seat sees now."""
        scene = self.state
        return rules.look(scene.table, self.seats.index(seat), scene.past, shared=self.condition.shared)

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        scene, look = self.state, self.look(seat)
        lines = telling.board(look, len(scene.past) + 1)
        lines += telling.hands(look, self.seats, self.params.scaffold)
        lines += telling.since(look, self.seats)
        lines += [f"{message.sender} says: {message.text}" for message in inbox]
        if self.params.scaffold == "memory":
            lines.append(f"Your notes: {scene.notes.get(seat) or '(none yet)'}")
        if scene.refused:
            left = TRIES - scene.tries
            lines.append(
                f"YOUR LAST ANSWER CAME TO NOTHING: {scene.refused}. {self.grammar(seat)} "
                f"After {left} more such answer{'s' * (left > 1)} your turn passes."
            )
        lines.append("What do you do?")
        return Prompt("\n".join(lines), self.view(seat, look))

    def view(self, seat: str, look: rules.Look) -> dict[str, Any]:
        """What the seat knows, as data: `look` for the cast, the rest as plain values."""
        size = self.rules
        return {
            "look": look,
            "fireworks": {rules.COLOURS[colour]: high for colour, high in enumerate(look.fireworks)},
            "discards": [rules.name(size, card) for card in look.discards],
            "hands": {
                other: [rules.name(size, card) if card >= 0 else "?" for card in look.cards[player]]
                for player, other in enumerate(self.seats)
            },
            "can_be": [[rules.name(size, card) for card in telling.bits(cards)] for cards in look.own],
            "hints": look.hints,
            "lives": look.lives,
            "deck": look.left,
            "shared": self.condition.shared,
            "talk": self.params.talk,
            "seats": list(self.seats),
            "notes": self.state.notes.get(seat, ""),
            "refused": self.state.refused,
        }

    # What they do.

    def parse(self, seat: str, reply: Reply) -> Move:
        reading = read(reply.text, ("action", "message"), ("play", "discard", "hint", "clue"))
        got = self._action(seat, reply.text)
        said = speeches(reading, {other: other for other in self.seats})[: self.params.talk]
        messages = tuple(replace(speech, to=None) for speech in said)
        notes = words.notes_of(reply.text) if self.params.scaffold == "memory" else None
        if got.value is None:
            return Written(None, messages, got.why, notes)
        return Written(words.wording(got.value, self.seats), messages, None, notes, got.value)

    def _action(self, seat: str, text: str) -> Got[Action]:
        """The one action of a reply: of its labelled lines, or else of its last line."""
        if not text.strip():
            return Got(None, "the answer is empty")
        line = words.from_json(text)
        if line is not None:
            return words.action_of(line, seat, self.seats, self.rules)
        reading = read(text, ("action", "message", "notes"), ("play", "discard", "hint", "clue"))
        labelled = [found.value for found in reading.of("action") if not found.who or seat in found.who.split()]
        if not labelled:
            commands = [found for verb in ("play", "discard", "hint", "clue") for found in reading.of(verb)]
            labelled = [f"{found.label} {found.value}" for found in commands] or [reading.last_line]
        found: list[Action] = []
        why = None
        for value in labelled:
            got = words.action_of(value, seat, self.seats, self.rules)
            if got.value is None:
                why = why or got.why
            elif got.value not in found:
                found.append(got.value)
        if len(found) > 1:
            one, two = (words.wording(action, self.seats) for action in found[:2])
            return Got(None, f"two different actions: {one} and {two}")
        return Got(found[0]) if found else Got(None, why or "there is no action in the answer")

    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        seat, move = next(iter(moves.items()))
        scene, table = self.state, self.state.table
        assert isinstance(move, Written)
        notes = scene.notes
        if move.notes is not None:
            notes = {**notes, seat: move.notes[:NOTES]}
        why = hanabi.illegal(table, move.done) if move.done is not None else move.malformed
        if why and scene.tries + 1 < TRIES:
            told = f"{move.action}: {why}" if move.done is not None else why
            self.state = replace(scene, refused=told, tries=scene.tries + 1, notes=notes)
            return (Note("refused", {"why": told}, seat),)
        action = move.done if move.done is not None and not why else Action("pass")
        after, happened = hanabi.step(table, action)
        self.state = Scene(after, (*scene.past, happened), notes=notes)
        told = telling.event(self.rules, happened, self.seats)
        figures = {"points": after.points, "hints": after.hints, "lives": after.lives, "deck": after.left}
        return (Note("state", {"happened": told, **figures}),)

    def solution(self) -> Any:
        table = self.state.table
        return [rules.name(table.rules, card) for card in table.deck]
