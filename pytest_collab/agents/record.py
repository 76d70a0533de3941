"""`--collab-record`: an agent whose every exchange is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pytest_collab.agents.recorded_work import Beside, Log, Work
from pytest_collab.agents.recording import (
    Exchange,
    Head,
    Recording,
    asked,
    opening_hash,
    request_hash,
    settled,
    write,
)
from pytest_collab.episode.agent import Agent, Casting, Desk, Reply, Request, Seat, Turn
from pytest_collab.episode.limits import BudgetSpent
from pytest_collab.errors import InfrastructureError, UsageError

_NOT_KEPT: Final = (InfrastructureError, BudgetSpent, UsageError, ConnectionError, TimeoutError)
"""What failed for reasons outside the agent is no part of what it did."""


class RecordingAgent(Agent):
    """Hands requests on to another agent and keeps what came of them.

    An answer that failed for reasons outside the agent is not kept: it is no part of what the agent did.

    Args:
        settings: the settings that can change an answer.
        append: go on in files that exist (True when the same directory is replayed too).
    """

    def __init__(self, live: Agent, folder: Path, settings: Mapping[str, Any], *, append: bool = False) -> None:
        self.live = live
        self.settings = settings
        self.folder = folder
        self._recording = Recording(folder)
        self._append = append
        self._begun: set[Path] = set()
        _resemble(self, live)

    def refuses(self, family: Casting) -> str | None:
        return self.live.refuses(family)

    def seated(self, seat: Seat) -> Agent:
        beside = Beside(seat)
        return _RecordingSeat(self, self.live.seated(beside.seat), seat, beside)

    async def reply(self, request: Request) -> Reply:
        raise UsageError(f"agent {self.name!r} was asked before it was seated")

    async def aclose(self) -> None:
        await self.live.aclose()

    def describe(self) -> dict[str, Any]:
        return self.live.describe() | {"recorded": True}

    def keep(
        self,
        seat: Seat,
        request: Request,
        ordinal: int,
        outcome: Reply | Exception,
        work: Work | None = None,
        beside: tuple[Sequence[Any], ...] = (),
    ) -> None:
        """Write one exchange down."""
        path = self._recording.path(self.name, seat.episode, seat.name)
        fresh = path not in self._begun and not self._append
        self._begun.add(path)
        head = Head(self.name, self.live.model, seat.episode, seat.name, request.system, self.settings)
        key = request_hash(request, self.settings)
        turns = len(request.conversation)
        opening = opening_hash(request, self.settings) if seat.own_pace else ""
        exchange = Exchange(head, key, ordinal, request.turn, turns, asked(request), outcome, opening, work, beside)
        write(path, exchange, fresh=fresh)


class _RecordingSeat(Agent):
    def __init__(self, recorder: RecordingAgent, live: Agent, seat: Seat, beside: Beside) -> None:
        self._recorder = recorder
        self._beside = beside
        self._live = live
        self._seat = seat
        self._asked: Counter[str] = Counter()
        _resemble(self, live)

    async def reply(self, request: Request) -> Reply:
        key = request_hash(request, self._recorder.settings)
        ordinal = self._asked[key]
        self._asked[key] += 1
        outcome: Reply | Exception
        try:
            outcome = await self._live.reply(request)
        except _NOT_KEPT:
            raise
        except Exception as error:
            self._recorder.keep(self._seat, request, ordinal, error, beside=self._beside.take())
            raise
        outcome = settled(outcome)
        self._recorder.keep(self._seat, request, ordinal, outcome, beside=self._beside.take())
        assert isinstance(outcome, Reply)
        return outcome

    def instructions(self, desk: Desk) -> str:
        return self._live.instructions(desk)

    async def work(self, desk: Desk) -> Reply:
        log = Log(replace(desk, seat=self._beside.seat), self._beside.done)
        outcome: Reply | Exception
        try:
            outcome = settled(await self._live.work(log.desk))
        except _NOT_KEPT:
            raise
        except Exception as error:
            self._recorder.keep(self._seat, job(desk), 0, error, log.work())
            raise
        self._recorder.keep(self._seat, job(desk), 0, outcome, log.work())
        assert isinstance(outcome, Reply)
        return outcome

    async def leave(self) -> None:
        await self._live.leave()


def job(desk: Desk) -> Request:
    """The whole job of an autonomous agent as one request: what recordings know it by."""
    prompt = desk.prompt.replace(str(desk.folder), "TREE")  # where the tree lies is another place each time
    return Request(desk.seat.name, 0, "", (Turn("user", prompt),), phase="work")


def _resemble(agent: Agent, other: Agent) -> None:
    """To the engine, a wrapped agent looks like the one inside."""
    agent.name = other.name
    agent.model = other.model
    agent.context_tokens = other.context_tokens
    agent.wants_solution = other.wants_solution
    agent.autonomous = other.autonomous
