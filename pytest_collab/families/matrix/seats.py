"""What the seats of a matrix game are told, and how their replies are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_collab.episode.agent import Reply
from pytest_collab.episode.channel import Message
from pytest_collab.episode.game import Ask, Move, Note, Prompt
from pytest_collab.families.matrix.rules import State, Telling
from pytest_collab.families.rounds import RoundGame, choice, one, read, seat_names, somebody_else, speeches

if TYPE_CHECKING:
    from pytest_collab.families.matrix.params import MatrixParams


class MatrixGame(RoundGame):
    """One episode: each round a phase of talk (if the params allow it), then a phase in which all choose at once.

    A seat whose reply holds no readable action plays the family's `idle` action.
    """

    def __init__(self, family: Telling, params: MatrixParams) -> None:
        self.family, self.params = family, params
        self.seats = seat_names(params.seats)
        self.payoffs = family.payoffs_of(params)
        self.state = State()

    def brief(self, seat: str) -> str:
        other = somebody_else(seat, self.seats)
        talk = (
            "Before each round all may talk, at the same time: answer with lines `MESSAGE: ...` (to all) or "
            f"`MESSAGE to {other}: ...`; what is said is read before you choose. "
        )
        return (
            f"You are seat {seat} of {', '.join(self.seats)}. {self.family.story(self.params)}\n"
            f"You play {self.params.rounds} rounds; in each all choose at the same time. "
            f"{talk if self.params.talk else ''}"
            f"When asked to choose, answer with one line `ACTION: X`, X one of {', '.join(self.family.actions)}. "
            f"No readable action counts as {self.family.idle}.\n"
            "The team is judged by what all are paid together."
        )

    def ask(self) -> Ask | None:
        if len(self.state.profiles) >= self.params.rounds:
            return None
        return Ask(self.seats, "talk" if self.params.talk and not self.state.talked else "act")

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        asked = self.ask()
        phase = asked.phase if asked else "act"
        lines = [f"Round {len(self.state.profiles) + 1} of {self.params.rounds}."]
        if self.state.profiles:
            last = zip(self.seats, self.state.profiles[-1], self.state.paid[-1], strict=True)
            lines.append("Last round: " + "; ".join(f"{s} chose {a} and got {p:g}" for s, a, p in last) + ".")
        lines += [f"Message from {message.sender}: {message.text}" for message in inbox]
        lines.append("Talk to the others, or answer with nothing." if phase == "talk" else "Choose your action.")
        view = {
            "phase": phase,
            "round": len(self.state.profiles),
            "rounds": self.params.rounds,
            "profiles": self.state.profiles,
            "seats": self.seats,
        }
        return Prompt("\n".join(lines), view, may_be_silent=phase == "talk")

    def parse(self, seat: str, reply: Reply) -> Move:
        reading = read(reply.text)
        asked = self.ask()
        messages = speeches(reading, {name: name for name in self.seats}) if self.params.talk else ()
        if asked is None or asked.phase == "talk":
            return Move(None, messages)
        got = one(reading, seat, self.seats, lambda value: choice(value, self.family.actions))
        return Move(got.value, messages, got.why)

    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        asked = self.ask()
        if asked is not None and asked.phase == "talk":
            self.state = replace(self.state, talked=True)
            return ()
        profile = tuple(moves[seat].action or self.family.idle for seat in self.seats)
        self.state = self.state.played(profile, self.payoffs)
        return (Note("state", {"profile": list(profile), "paid": list(self.state.paid[-1])}),)

    def solution(self) -> str:
        return self.family.cooperate
