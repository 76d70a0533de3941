"""The game of several teams: each builds as a single one does, and all look at what was proposed before they end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio

from pytest_collab.episode.agent import Desk, Seat, Tool
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.text import bounded
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.coding import tools
from pytest_collab.families.coding.pool import brief
from pytest_collab.families.coding.rules import Deal
from pytest_collab.families.coding.seats import CodingGame
from pytest_collab.families.coding.teams import words
from pytest_collab.families.coding.teams.exchange import Exchange
from pytest_collab.families.coding.teams.grading import grade

if TYPE_CHECKING:
    from pytest_collab.families.coding.pool.brief import Means
    from pytest_collab.families.coding.workspace.bench import Bench


class TeamsGame(CodingGame):
    """One episode of several teams."""

    def __init__(self, bench: Bench, deal: Deal, condition: Condition) -> None:
        super().__init__(bench, deal, condition)
        self._exchange: Exchange
        self._handlers |= {"proposal": self._proposal, "take_over": self._take_over}

    # What seats are told.

    def mates(self, seat: str) -> tuple[str, ...]:
        return tuple(other for other in self.plan.of(seat).seats if other != seat)

    def _standing(self, seat: str, means: Means) -> str:
        bench, team = self.bench, self.plan.of(seat)
        told = brief.standing(seat, team, self._condition, bench.pool.language, bench.how_to_test, means)
        return f"{told}\n\n{words.standing(self.plan, means)}"

    def _assignment(self, seat: str) -> str:
        return brief.assignment(seat, self.plan.of(seat), self.bench.descriptions, self._condition)

    def tools(self, seat: str) -> tuple[Tool, ...]:
        known = super().tools(seat)[:-1]
        if self.plan.apart:
            return (*known, tools.PROPOSE)
        return (*known, tools.PROPOSAL, tools.TAKE_OVER, tools.PROPOSE)

    def solution(self) -> Any:
        return self.bench.solution(self.plan.teams[0])

    # The world outside.

    async def open(self, transcript: Transcript) -> None:
        await super().open(transcript)
        self._exchange = Exchange(self._workspace, self.plan, transcript)

    async def leave(self, seat: str) -> None:
        await super().leave(seat)
        await self._exchange.leave(seat)

    async def desk(self, seat: Seat) -> Desk:
        return await super().desk(replace(seat, seats=self.plan.of(seat.name).seats))

    async def close(self, transcript: Transcript) -> None:
        exchange: Exchange | None = getattr(self, "_exchange", None)
        if exchange is None:
            await super().close(transcript)
            return
        try:
            if transcript.last("error") is None:
                await grade(self.bench, self._workspace, self.plan, exchange.proposals, transcript)
        finally:
            with anyio.CancelScope(shield=True):
                await self._workspace.close()

    # Tools.

    def _deliver(self, seat: str, to: str | None, text: str) -> str:
        named = to.strip().strip("'\"") if to else ""
        if named in self.seats and named not in (seat, *self.mates(seat)):
            return f"not delivered to {named}: it is in another team"
        return super()._deliver(seat, to, text)

    async def _news(self, seat: str) -> None:
        """Also returns when all teammates wait for the exchange: they write no more before it."""
        async with anyio.create_task_group() as group:

            async def message() -> None:
                await super(TeamsGame, self)._news(seat)
                group.cancel_scope.cancel()

            async def silence() -> None:
                await self._exchange.until_silent(self.mates(seat))
                group.cancel_scope.cancel()

            group.start_soon(message)
            group.start_soon(silence)

    async def _finish(self, seat: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        if self._exchange.held:
            return await super()._finish(seat, arguments)
        return await self._exchange.propose(seat, bounded(arguments.get("summary", ""), 2000)), False

    async def _proposal(self, seat: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        if not self._exchange.held:
            return "not all teams have proposed yet; call `finish` when your own work is complete", True
        return self._exchange.show(int(arguments["team"]), arguments.get("path"))

    async def _take_over(self, seat: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        if not self._exchange.held:
            return "not all teams have proposed yet; call `finish` when your own work is complete", True
        return await self._exchange.take_over(seat, int(arguments["team"]))
