"""What each philosopher sees, and how its replies are read."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pytest_collab.episode.agent import Reply
from pytest_collab.episode.channel import Message
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.game import Ask, Move, Note, Prompt, Recall, Speech
from pytest_collab.families.philosophers import rules, telling
from pytest_collab.families.rounds import Got, RoundGame, choice, one, read, seat_names, speeches

if TYPE_CHECKING:
    from pytest_collab.families.philosophers.params import Philosophers


@dataclass(frozen=True, slots=True)
class Scene:
    """The table, and where the episode stands.

    Attributes:
        talks: rounds of talk held since the last step.
        deadlocked: the last look at the table showed a deadlock that was not resolved.
        deadlocks: how many deadlocks there were, resolved ones included.
        past: the table after earlier steps, newest last, as many as the memory window holds, each with whether it
            was deadlocked before it was resolved.
        held: by philosopher, for how many steps it has held exactly one fork (counted where there is back-off).
        said: as published, by seat what it said last; it stands until it says something else.
        shown: as published, what was said before the last round of talk: the study shows those who act no more.
    """

    table: rules.State
    talks: int = 0
    deadlocked: bool = False
    deadlocks: int = 0
    past: tuple[tuple[rules.State, bool], ...] = ()
    held: tuple[int, ...] = ()
    said: Mapping[str, str] = field(default_factory=dict)
    shown: Mapping[str, str] = field(default_factory=dict)


class PhilosophersGame(RoundGame):
    """One dinner. Messages go to the two neighbours only."""

    def __init__(self, params: Philosophers, seed: int, condition: Condition) -> None:
        self.params, self.seed = params, seed
        self.shared = condition.shared
        self.published = params.prompts == "as_published"
        self.variant = telling.VARIANTS[condition.argument] if condition.kind == "protocol" else telling.PLAIN
        self.seats = seat_names(params.seats)
        self.state = Scene(rules.initial(params.seats), held=(0,) * params.seats)

    def neighbours(self, seat: str) -> tuple[str, str]:
        """Who sits to the left and to the right."""
        i, n = self.seats.index(seat), len(self.seats)
        return self.seats[(i - 1) % n], self.seats[(i + 1) % n]

    def brief(self, seat: str) -> str:
        return telling.brief(self.params, self.seats.index(seat), self.seats, self.neighbours(seat), self.variant)

    def recall(self, seat: str) -> Recall | None:
        """As published every call stands for itself: what is remembered is in the prompt."""
        return Recall() if self.published else None

    # Who acts.

    def ask(self) -> Ask | None:
        scene, table = self.state, self.state.table
        sequential = self.params.protocol == "sequential"
        turn = table.timestep % len(self.seats) if sequential else 0
        if turn == 0 and (scene.deadlocked or table.timestep >= self.params.timesteps):
            return None
        if scene.talks < self.params.talk - 1:
            return Ask(self.seats, "talk")
        return Ask((self.seats[turn],) if sequential else self.seats, "act")

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        asked = self.ask()
        phase = asked.phase if asked else "act"
        view = self.view(seat, phase)
        if self.published:
            said = self.state.said if phase == "talk" or not self.state.talks else self.state.shown
            heard = {
                side: said[name]
                for side, name in zip(("left", "right"), self.neighbours(seat), strict=True)
                if name in said
            }
            lines = [telling.now(self.params, view, heard, self.state.talks + 1)]
            lines += self._memory() if phase == "act" else []
            if self.shared:
                lines.append(f"The whole table: {self._table(self.state.table)}")
            return Prompt("\n".join(lines), view)
        hands = [name for name in ("left", "right") if view[name]]
        fork = {True: "free", False: "taken"}
        lines = [f"Step {view['step'] + 1} of {view['steps']}."]
        lines += self._memory()
        lines.append(
            f"You are {'eating' if view['eating'] else 'hungry'} and have eaten {view['meals']} times. "
            f"You hold {' and '.join(f'your {hand} fork' for hand in hands) or 'nothing'}. "
            + " ".join(
                f"Your {side} fork is {fork[view[f'{side}_free']]}." for side in ("left", "right") if not view[side]
            )
        )
        if self.shared:
            lines.append("The whole table: " + self._table(self.state.table))
        lines += [f"{message.sender} says: {message.text}" for message in inbox]
        lines.append("Talk with your neighbours." if phase == "talk" else "What do you do?")
        return Prompt("\n".join(lines), view)

    def view(self, seat: str, phase: str) -> dict[str, Any]:
        """What the seat knows, as data."""
        i, table = self.seats.index(seat), self.state.table
        right_fork = (i + 1) % table.seats
        view: dict[str, Any] = {
            "phase": phase,
            "number": i,
            "seats": self.seats,
            "neighbours": self.neighbours(seat),
            "protocol": self.params.protocol,
            "talk": self.params.talk,
            "one_message": self.published,  # to both neighbours; otherwise one to each, too
            "step": table.timestep,
            "steps": self.params.timesteps,
            "moment": table.timestep if self.params.protocol == "simultaneous" else table.timestep // table.seats,
            "eating": table.eating[i],
            "meals": table.meals[i],
            "left": table.left[i],
            "right": table.right[i],
            "left_free": table.forks[i] in (rules.FREE, i),
            "right_free": table.forks[right_fork] in (rules.FREE, i),
        }
        if self.shared:
            view["table"] = table
        return view

    def _memory(self) -> list[str]:
        return [
            f"After step {table.timestep}{' (a deadlock)' if stuck else ''}: {self._table(table)}"
            for table, stuck in self.state.past
        ]

    def _table(self, table: rules.State) -> str:
        return telling.table(table, [f"P{i}" for i in range(len(self.seats))] if self.published else self.seats)

    # What they do.

    def parse(self, seat: str, reply: Reply) -> Move:
        reading = read(reply.text)
        messages, why = self._messages(seat, speeches(reading, self._aliases(seat)))
        asked = self.ask()
        if asked is None or asked.phase == "talk":
            return Move(None, messages, why)
        got: Got[str] = one(reading, seat, self.seats, lambda value: choice(value, rules.ACTIONS))
        return Move(got.value, messages, got.why or why)

    def _aliases(self, seat: str) -> dict[str, str]:
        left, right = self.neighbours(seat)
        numbered = {f"p{i}": name for i, name in enumerate(self.seats)}
        return {name: name for name in self.seats} | numbered | {"left": left, "right": right}

    def _messages(self, seat: str, spoken: Sequence[Speech]) -> tuple[tuple[Speech, ...], str | None]:
        """Messages go to neighbours; to oneself or to nobody is for the channel to drop, to others is a mistake."""
        if not self.params.talk:
            return (), None
        near = tuple(dict.fromkeys(self.neighbours(seat)))
        if self.published:  # one message, to both
            first = spoken[:1]
            return tuple(Speech(one.text[: self.params.message_characters].strip(), near) for one in first), None
        far = set(self.seats) - {*near, seat}
        kept, why = [], None
        for speech in spoken:
            to = near if speech.to is None else tuple(name for name in speech.to if name not in far)
            if speech.to is not None and len(to) < len(speech.to):
                why = f"a message to {', '.join(sorted(far & set(speech.to)))}, who is no neighbour"
            if to:
                kept.append(Speech(speech.text[: self.params.message_characters].strip(), to))
        return tuple(kept), why

    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        asked = self.ask()
        scene = self.state
        if asked is not None and asked.phase == "talk":
            said = {**scene.said, **dict.fromkeys(moves, ""), **_spoken(moves)}
            heard = {seat: text for seat, text in said.items() if text}
            self.state = replace(scene, talks=scene.talks + 1, said=heard, shown=scene.said)
            return ()
        scene = replace(scene, said={**scene.said, **_spoken(moves)})
        actions = {seat: move.action or "wait" for seat, move in moves.items()}
        if self.params.protocol == "simultaneous":
            table = rules.simultaneous(scene.table, [actions[seat] for seat in self.seats])
            looked_at = True
        else:
            ((seat, action),) = actions.items()
            table = rules.alone(scene.table, self.seats.index(seat), action)
            looked_at = table.timestep % table.seats == 0
        scene = replace(scene, table=table, talks=scene.talks if not looked_at else 0)
        stuck = looked_at and rules.is_deadlock(table)
        if stuck:
            terminal = self.params.deadlock == "terminal"
            table = table if terminal else rules.resolved(table)
            scene = replace(scene, table=table, deadlocked=terminal, deadlocks=scene.deadlocks + 1)
        if looked_at and self.params.backoff_after and not scene.deadlocked:
            table, held = rules.backed_off(table, scene.held, self._falls(table.timestep), self.params.backoff_after)
            scene = replace(scene, table=table, held=held)
        if looked_at and self.params.memory:
            scene = replace(scene, past=(*scene.past, (table, stuck))[-self.params.memory :])
        self.state = scene
        meals = {seat: table.meals[i] for i, seat in enumerate(self.seats)}
        return (Note("state", {"step": table.timestep, "meals": meals, "deadlock": stuck}),)

    def _falls(self, timestep: int) -> list[bool]:
        chance = random.Random(f"philosophers:{self.seed}:{timestep}")
        return [chance.random() < self.params.backoff_chance for _ in self.seats]

    def solution(self) -> Any:
        period, starts = rules.slots(len(self.seats))
        return {"period": period, "slots": list(starts)}


def _spoken(moves: Mapping[str, Move]) -> dict[str, str]:
    """What each seat that said something said first."""
    return {seat: move.messages[0].text for seat, move in moves.items() if move.messages}
