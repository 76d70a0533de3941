"""The bank: money and rate limits of all players of a session, in one place."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any, Protocol

from pytest_collab.agents.lane import Permit
from pytest_collab.agents.limiter import FileLanes
from pytest_collab.agents.purse import SessionPurse
from pytest_collab.agents.settings import RateLimits
from pytest_collab.agents.trouble import Trouble
from pytest_collab.episode.limits import Books


class Desk(Protocol):
    """What the driver asks the bank."""

    async def admit(self, episode: str, likely_usd: float) -> None:
        """Let an episode begin that is likely to cost so much; it stays admitted however often it is lost.

        Raises:
            BudgetSpent: what is left does not cover it.
        """

    async def spent_on(self, episode: str) -> float:
        """Dollars that an admitted episode has cost so far, those of plays that were lost included."""

    async def settle(self, episode: str) -> None:
        """An admitted episode has ended: what it was likely to cost beyond what it did is free again."""

    async def forget(self, player: str) -> None:
        """A player is no more: the calls that it had under way are over."""


class Bank:
    """Keeps the books in a folder; runs on one event loop. Implements `Desk`, and answers players (`answer`).

    Args:
        shared: where the files of money, lanes and trouble are.
        max_cost_usd: the session's budget; None only counts.
    """

    def __init__(self, shared: Path, max_cost_usd: float | None) -> None:
        self._purse = SessionPurse(shared, max_cost_usd)
        self._lanes = FileLanes(shared)
        self._trouble = Trouble(shared)
        self._admitted: dict[str, ExitStack] = {}
        self._books: dict[str, Books] = {}
        self._costs: dict[str, float] = {}
        self._numbers = itertools.count(1)
        self._permits: dict[tuple[str, int], tuple[AsyncExitStack, Permit]] = {}
        self._waiting: dict[str, set[asyncio.Task[Any]]] = {}

    # The driver's side.

    async def admit(self, episode: str, likely_usd: float) -> None:
        with ExitStack() as stack:
            self._books[episode] = stack.enter_context(self._purse.admit(likely_usd))
            self._admitted[episode] = stack.pop_all()
        self._costs[episode] = 0.0

    async def spent_on(self, episode: str) -> float:
        return self._costs.get(episode, 0.0)

    async def settle(self, episode: str) -> None:
        self._costs.pop(episode, None)
        self._books.pop(episode, None)
        stack = self._admitted.pop(episode, None)
        if stack is not None:
            stack.close()

    async def forget(self, player: str) -> None:
        for waiting in self._waiting.pop(player, ()):
            waiting.cancel()
        for key in [key for key in self._permits if key[0] == player]:
            await self._permits.pop(key)[0].aclose()

    @property
    def spent(self) -> float:
        """Dollars spent by all players."""
        return self._purse.spent

    def close(self) -> None:
        """Let go of the files."""
        for stack in self._admitted.values():
            stack.close()
        self._admitted.clear()
        self._purse.close()

    # The players' side.

    async def answer(self, player: str, name: str, arguments: list[Any]) -> Any:
        """What a player asks or tells: the name of a method below, and its arguments."""
        if name == "acquire":
            return await self._acquire(player, *arguments)
        if name == "release":
            return await self._release(player, *arguments)
        if name == "slow_down":
            account, limits, seconds = arguments
            return self._lanes.get(account, RateLimits.model_validate(limits)).slow_down(seconds)
        if name == "add":
            return self._add(*arguments)
        if name == "notice":
            return self._trouble.notice(*arguments)
        if name == "lost":
            agent, why, lasting = arguments
            return self._trouble.lost(agent, why, lasting=lasting)
        if name == "served":
            return self._trouble.served(*arguments)
        raise ValueError(f"the bank has no {name!r}")

    async def _acquire(self, player: str, account: str, limits: dict[str, Any], tokens: int) -> int:
        """Wait for the right to make a call; its number, to be given back."""
        me = asyncio.current_task()
        assert me is not None
        waiting = self._waiting.setdefault(player, set())
        waiting.add(me)
        lane = self._lanes.get(account, RateLimits.model_validate(limits))
        try:
            async with AsyncExitStack() as stack:
                permit = await stack.enter_async_context(lane.permit(tokens))
                number = next(self._numbers)
                self._permits[player, number] = (stack.pop_all(), permit)
                return number
        finally:
            waiting.discard(me)

    async def _release(self, player: str, number: int, tokens: int, served: bool) -> None:
        held = self._permits.pop((player, number), None)
        if held is not None:
            stack, permit = held
            permit.tokens, permit.served = tokens, served
            await stack.aclose()

    def _add(self, episode: str, usd: float) -> None:
        self._books.get(episode, self._purse).add(usd)
        if episode in self._costs:
            self._costs[episode] += usd
