"""What agents cost that pay for themselves (programs, agents behind a protocol, Python): as told, or as declared."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

from pytest_collab.agents.prices import Tariff, Tokens
from pytest_collab.episode.agent import Agent, Casting, Desk, Reply, Request, Seat, Usage


class Fare:
    """Books one seat of one episode: what the agent tells of itself, else what was declared for it.

    Args:
        tariff: by tokens, by the episode, or both.
    """

    def __init__(self, tariff: Tariff) -> None:
        self._tariff = tariff
        self._booked = False

    def of(self, usage: Usage) -> Usage:
        """The usage with its cost, where that can be known."""
        price = self._tariff.price
        if usage.cost_usd is not None:
            return usage
        by_tokens = price.input or price.output
        if by_tokens and price.episode is None and not usage.input_tokens + usage.output_tokens:
            return usage  # it told no tokens either
        tokens = Tokens(usage.input_tokens, usage.output_tokens, usage.cached_tokens)
        cost = usage.known_usd + self._tariff.cost(tokens)
        if not self._booked:
            self._booked = True
            cost += price.episode or 0.0
        return replace(usage, cost_usd=cost, known_usd=0.0, guessed_usd=0.0)


class FaredAgent(Agent):
    """An agent whose price was declared: what it does not tell of its cost is booked by that."""

    def __init__(self, live: Agent, tariff: Tariff) -> None:
        self._live = live
        self._tariff = tariff
        _resemble(self, live)

    def refuses(self, family: Casting) -> str | None:
        return self._live.refuses(family)

    def seated(self, seat: Seat) -> Agent:
        return _FaredSeat(self._live.seated(seat), self._tariff)

    async def reply(self, request: Request) -> Reply:
        return await _booked(self._live.reply(request), Fare(self._tariff))

    async def aclose(self) -> None:
        await self._live.aclose()

    def describe(self) -> dict[str, Any]:
        price = self._tariff.price.model_dump(exclude_none=True)
        return self._live.describe() | {"price": price, "price_from": self._tariff.source}


class _FaredSeat(Agent):
    def __init__(self, live: Agent, tariff: Tariff) -> None:
        self._live = live
        self._fare = Fare(tariff)
        _resemble(self, live)

    def instructions(self, desk: Desk) -> str:
        return self._live.instructions(desk)

    async def reply(self, request: Request) -> Reply:
        return await _booked(self._live.reply(request), self._fare)

    async def work(self, desk: Desk) -> Reply:
        return await _booked(self._live.work(desk), self._fare)

    async def leave(self) -> None:
        await self._live.leave()


async def _booked(answer: Awaitable[Reply], fare: Fare) -> Reply:
    try:
        reply = await answer
    except BaseException as error:
        spent = getattr(error, "usage", None)
        if isinstance(spent, Usage):
            error.usage = fare.of(spent)  # type: ignore[attr-defined]
        raise
    return replace(reply, usage=fare.of(reply.usage)) if isinstance(reply, Reply) else reply


def _resemble(agent: Agent, other: Agent) -> None:
    agent.name, agent.model = other.name, other.model
    agent.context_tokens, agent.autonomous = other.context_tokens, other.autonomous
