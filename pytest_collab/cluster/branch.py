"""The bank's branch in a player: books, lanes and trouble that ask and tell the bank."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, Final, Protocol

from pytest_collab.agents.lane import Permit
from pytest_collab.agents.settings import RateLimits
from pytest_collab.agents.trouble import Trouble
from pytest_collab.episode.limits import excused

SERVED_S: Final = 1.0
"""That an agent's calls are answered is told this often at most."""


class Line(Protocol):
    """The way to the bank."""

    async def ask(self, name: str, *arguments: Any) -> Any:
        """Ask and wait for the answer."""

    def tell(self, name: str, *arguments: Any) -> None:
        """Tell, and go on."""


class BranchBooks:
    """Where the calls of one episode are booked, which the driver has let begin.

    Args:
        episode: its id.
    """

    def __init__(self, line: Line, episode: str) -> None:
        self._line = line
        self._episode = episode

    def add(self, usd: float) -> None:
        """Book what a call has cost."""
        self._line.tell("add", self._episode, usd)


class BranchLane:
    """A lane that is kept by the bank."""

    def __init__(self, line: Line, account: str, limits: RateLimits) -> None:
        self.limits = limits
        self._line = line
        self._account = account
        self._told = limits.model_dump(mode="json")

    @asynccontextmanager
    async def permit(self, tokens: int = 0) -> AsyncIterator[Permit]:
        """Wait for the right to make one call; give it back at the end."""
        asking = asyncio.ensure_future(self._line.ask("acquire", self._account, self._told, tokens))
        try:
            with excused():
                number = await asyncio.shield(asking)
        except asyncio.CancelledError:
            asking.add_done_callback(self._give_back)
            raise
        permit = Permit()
        try:
            yield permit
        finally:
            self._line.tell("release", number, permit.tokens, permit.served)

    def slow_down(self, seconds: float) -> None:
        """Everybody waits, and goes on more slowly."""
        self._line.tell("slow_down", self._account, self._told, seconds)

    def _give_back(self, asked: asyncio.Future[Any]) -> None:
        """Nobody wants the permit any more that was waited for."""
        if not asked.cancelled() and asked.exception() is None:
            self._line.tell("release", asked.result(), 0, False)


class BranchLanes:
    """All lanes, as a player sees them."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._lanes: dict[str, BranchLane] = {}

    def get(self, account: str, limits: RateLimits) -> BranchLane:
        """The lane of an account."""
        if account not in self._lanes:
            self._lanes[account] = BranchLane(self._line, account, limits)
        return self._lanes[account]


class BranchTrouble(Trouble):
    """Tells the bank; whether an agent is past help is for the driver to see, which plays with it no more."""

    def __init__(self, line: Line) -> None:
        super().__init__(None)
        self._line = line
        self._fine: dict[str, float] = {}

    def notice(self, about: str, text: str) -> None:
        self._line.tell("notice", about, text)

    def lost(self, agent: str, why: str, *, lasting: bool) -> None:
        self._fine.pop(agent, None)
        self._line.tell("lost", agent, why, lasting)

    def served(self, agent: str) -> None:
        now = monotonic()
        if now - self._fine.get(agent, -math.inf) > SERVED_S:
            self._fine[agent] = now
            self._line.tell("served", agent)
