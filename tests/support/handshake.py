"""A family of a dozen lines of rules, for tests of the spine: seat `a` knows a number that both must say."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from pytest_collab.episode.agent import Agent, Reply, Request, Seat, Usage
from pytest_collab.episode.channel import Message
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Family, Params, Picture
from pytest_collab.episode.game import Ask, Game, Move, Note, Prompt, Speech, replay
from pytest_collab.episode.outcome import Failure, Outcome, Verdict, outcome_of
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import ProviderError

NOBODY_KNOWS = 998
"""Said in the end, it leaves open whether they could not coordinate or could not do the job at all."""


class Handshake(Params):
    """A number from 0 to `numbers` - 1; both seats must say it within `turns` turns."""

    family: ClassVar[str] = "handshake"
    numbers: int = Field(10, ge=2, le=1000, description="how many numbers there are")
    turns: int = Field(4, ge=1, le=100, description="turns until the game is over")


class HandshakeGame(Game):
    def __init__(self, params: Handshake, seed: int, condition: Condition) -> None:
        self.number = seed * 7 % params.numbers
        self.knows = ("a",) if not condition.shared else ("a", "b")
        self.seats = ("a",) if condition.solo else ("a", "b")
        self.turn = 0
        self.left = params.turns
        self.said: dict[str, int | None] = {}

    def brief(self, seat: str) -> str:
        return "Both of you must say the same number. Seat a knows it."

    def ask(self) -> Ask | None:
        done = all(self.said.get(seat) == self.number for seat in self.seats)
        return None if done or self.left <= 0 else Ask((self.seats[self.turn % len(self.seats)],))

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        knows = f"The number is {self.number}. " if seat in self.knows else ""
        heard = " ".join(f"{message.sender} said: {message.text}" for message in inbox)
        view = {"number": self.number} if seat in self.knows else {}
        return Prompt(f"{knows}{heard}", view)

    def parse(self, seat: str, reply: Reply) -> Move:
        found = re.search(r"\d+", reply.text)
        number = int(found[0]) if found else None
        messages = (Speech(reply.text),) if reply.text else ()
        return Move(number, messages, None if found else "no number in the reply")

    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        for seat, move in moves.items():
            self.said[seat] = move.action
        self.turn += 1
        self.left -= 1
        return [Note("state", {"said": dict(self.said)})]

    def solution(self) -> Any:
        return self.number


class Player(Agent):
    def __init__(self, character: str, seat: Seat) -> None:
        self.character = character
        self.seat = seat
        self.known = seat.solution

    async def reply(self, request: Request) -> Reply:
        if self.character == "silent":
            return Reply("", usage=Usage())
        if self.character == "provider_down":
            raise ProviderError("the provider answered 503 three times", status=503)
        if self.character == "slow":
            await asyncio.sleep(0.2)
        if self.character == "hangs":
            await asyncio.sleep(3600)
        if self.character == "killer" and self.seat.seed == 1:
            os.kill(os.getpid(), 9)
        self.known = request.view.get("number", self.known)
        for message in request.inbox:
            found = re.search(r"\d+", message.text)
            self.known = int(found[0]) if found else self.known
        if self.character == "lost" or (self.character == "shy" and not self.seat.condition.solo):
            return Reply(f"Perhaps {NOBODY_KNOWS}.", usage=Usage(cost_usd=0.01))
        if self.character == "stubborn":
            return Reply("It is 999. \x1b[31mBelieve me\x1b[0m.", usage=Usage(cost_usd=0.01))
        return Reply(f"I say {self.known}." if self.known is not None else "What is it?", usage=Usage(cost_usd=0.01))


class HandshakeFamily(Family[Handshake]):
    name = "handshake"
    summary = "both seats say the number that one of them knows"
    params_type = Handshake
    cast: ClassVar[Mapping[str, str]] = {
        "partner": "says what it knows or hears",
        "silent": "says nothing",
        "stubborn": "says 999",
        "shy": "right when alone; in company it leaves open what is wrong",
        "lost": "leaves open what is wrong, alone or not",
        "provider_down": "its provider is down",
        "slow": "thinks for 200 ms",
        "hangs": "never answers",
        "killer": "kills its own process at seed 1",
    }

    def seats(self, params: Handshake) -> tuple[str, ...]:
        return ("a", "b")

    def deal(self, params: Handshake, seed: int, condition: Condition) -> HandshakeGame:
        return HandshakeGame(params, seed, condition)

    def player(self, name: str, seat: Seat) -> Agent:
        return Player(name, seat) if name in self.cast else super().player(name, seat)

    def verdict(self, params: Handshake, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        game = replay(self.deal(params, seed, condition), transcript)
        assert isinstance(game, HandshakeGame)
        right = sum(game.said.get(seat) == game.number for seat in game.seats)
        score = right / len(game.seats)
        metrics = {"turns_left": float(game.left)}
        if score == 1:
            return Verdict(Outcome.SUCCESS, 1.0, metrics)
        failures = tuple(
            Failure.of(
                "disagreement" if game.said.get(seat) is not None else "unresponsive",
                seat,
                events=[event.seq for event in transcript.of("reply", seat=seat)][-1:] or [0],
                note=f"seat {seat} said {game.said.get(seat)}, not {game.number}",
            )
            for seat in game.seats
            if game.said.get(seat) != game.number
        )
        outcome = outcome_of(failures, otherwise=Outcome.COORDINATION)
        settled = NOBODY_KNOWS not in game.said.values()
        return Verdict(outcome, score, metrics, failures, settled)

    def draw(
        self, params: Handshake, seed: int, condition: Condition, transcript: Transcript, upto: int | None = None
    ) -> Picture:
        return Picture(f"the number was {seed * 7 % params.numbers}")
