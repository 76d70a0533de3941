"""Limits per episode and per seat, as context managers; hitting one is an outcome, not a crash."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Protocol

import anyio
from pydantic import BaseModel, ConfigDict, Field

from pytest_collab.episode.agent import Usage
from pytest_collab.episode.text import duration
from pytest_collab.errors import CollabError, LimitReached


class SeatLimits(BaseModel):
    """Limits of each single seat."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    turns: int | None = Field(None, ge=1, description="answers a seat may give")
    tokens: int | None = Field(None, ge=1, description="input and output tokens a seat may use")
    cost_usd: float | None = Field(None, gt=0, description="dollars a seat may spend")
    answer_seconds: float | None = Field(600.0, gt=0, allow_inf_nan=False, description="seconds one answer may take")


class Limits(SeatLimits):
    """Limits of an episode; `seat` holds those of each seat. None means no limit."""

    turns: int | None = Field(None, ge=1, description="turns of the engine")
    tokens: int | None = Field(None, ge=1, description="input and output tokens of all seats")
    cost_usd: float | None = Field(None, gt=0, description="dollars of all seats")
    seconds: float | None = Field(None, gt=0, allow_inf_nan=False, description="wall time of the episode")
    seat: SeatLimits = Field(SeatLimits(), description="limits of each single seat")

    def told(self, *, alone: bool) -> str:
        """What a seat that works at its own pace is told of its limits; empty where there are none.

        Args:
            alone: it does the whole job by itself, in one answer.
        """
        seat = self.seat
        parts = [f"{seat.turns} answers of yours"] if seat.turns and not alone else []
        parts += [f"{seat.tokens:,} tokens of yours"] if seat.tokens else []
        parts += [f"{duration(seat.answer_seconds)} for one answer"] if seat.answer_seconds and not alone else []
        parts += [f"{self.tokens:,} tokens in all"] if self.tokens else []
        parts += [f"{duration(self.seconds)} in all"] if self.seconds else []
        if not parts:
            return ""
        return f"Limits: {', '.join(parts)}. Where one is reached, the work of everybody ends as it stands."


class BudgetSpent(CollabError):
    """What is left of the session's `--collab-max-cost` does not cover an episode: it is not begun."""


class Books(Protocol):
    """Where an episode's calls are booked."""

    def add(self, usd: float) -> None:
        """Book what a call has cost."""


class Purse(Books, Protocol):
    """The money of the whole session, over all workers."""

    def admit(self, likely_usd: float) -> AbstractContextManager[Books]:
        """Around an episode: it begins only if what is left covers what it is likely to cost.

        Returns:
            Where its calls are booked: what they cost, it is not likely to cost any more.

        Raises:
            BudgetSpent: what is left does not cover it, or there is nothing left.
        """


class OpenPurse:
    """A purse without a bottom; counts all the same."""

    def __init__(self) -> None:
        self.spent = 0.0

    def admit(self, likely_usd: float) -> AbstractContextManager[Books]:
        return nullcontext(self)

    def add(self, usd: float) -> None:
        self.spent += usd


class _Clock:
    """A time limit that runs, except while somebody waits for what is nobody's doing."""

    __slots__ = ("_excused_until", "_left", "_scope", "_waiting")

    def __init__(self, scope: anyio.CancelScope) -> None:
        self._scope = scope
        self._waiting = 0
        self._left = 0.0
        self._excused_until = -math.inf

    def stop(self) -> None:
        if not self._waiting:
            self._left = self._scope.deadline - anyio.current_time()
            self._scope.deadline = math.inf
        self._waiting += 1

    def go_on(self) -> None:
        self._waiting -= 1
        if not self._waiting:
            self._scope.deadline = anyio.current_time() + self._left

    def give_back(self, began: float, ended: float) -> None:
        began = max(began, self._excused_until)  # what several seats lost together is given back once
        if ended > began:
            self._excused_until = ended
            if self._waiting:
                self._left += ended - began
            else:
                self._scope.deadline += ended - began


_clocks: ContextVar[tuple[_Clock, ...]] = ContextVar("_clocks", default=())


@contextmanager
def excused() -> Iterator[None]:
    """Stop the time limits that run around the caller.

    For agents that wait for a rate limit or for their turn at a provider: that is not the agent's slowness.
    """
    clocks = _clocks.get()
    for clock in clocks:
        clock.stop()
    try:
        yield
    finally:
        for clock in clocks:
            clock.go_on()


def give_back(began: float, ended: float) -> None:
    """Take a stretch of time that has passed out of the time limits that run around the caller.

    For attempts that turn out to have failed at the provider.

    Args:
        began, ended: moments of `anyio.current_time`.
    """
    for clock in _clocks.get():
        clock.give_back(began, ended)


class Meter:
    """Counts what an episode uses, and raises `LimitReached` at its limits."""

    def __init__(self, limits: Limits, seats: tuple[str, ...]) -> None:
        self.limits = limits
        self.turns = 0
        self.total = Usage(calls=0)
        self.usage = {seat: Usage(calls=0) for seat in seats}
        self.answers = dict.fromkeys(seats, 0)

    @asynccontextmanager
    async def episode(self) -> AsyncIterator[None]:
        """Around the whole play: wall time."""
        seconds = self.limits.seconds
        with anyio.move_on_after(math.inf if seconds is None else seconds) as scope:
            token = _clocks.set((*_clocks.get(), _Clock(scope)))
            try:
                yield
            finally:
                _clocks.reset(token)
        if scope.cancelled_caught:
            raise LimitReached("time_limit", float(seconds or 0))

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Around one turn of the engine."""
        if self.limits.turns is not None and self.turns >= self.limits.turns:
            raise LimitReached("turn_limit", self.limits.turns)
        self.turns += 1
        yield

    @asynccontextmanager
    async def answer(self, seat: str) -> AsyncIterator[None]:
        """Around one answer of a seat: its number, and the time it takes."""
        limits = self.limits.seat
        if limits.turns is not None and self.answers[seat] >= limits.turns:
            raise LimitReached("turn_limit", limits.turns, seat)
        self.answers[seat] += 1
        seconds = limits.answer_seconds
        with anyio.move_on_after(math.inf if seconds is None else seconds) as scope:
            token = _clocks.set((*_clocks.get(), _Clock(scope)))
            try:
                yield
            finally:
                _clocks.reset(token)
        if scope.cancelled_caught:
            raise LimitReached("time_limit", float(seconds or 0), seat)

    def spend(self, seat: str, usage: Usage) -> None:
        """Book an answer's usage.

        Raises:
            LimitReached: tokens or cost of the seat or of the episode are used up.
        """
        self.usage[seat] += usage
        self.total += usage
        for limits, used, whose in (
            (self.limits.seat, self.usage[seat], seat),
            (self.limits, self.total, None),
        ):
            tokens = used.input_tokens + used.output_tokens
            if limits.tokens is not None and tokens > limits.tokens:
                raise LimitReached("token_limit", limits.tokens, whose)
            if limits.cost_usd is not None and (used.cost_usd or 0.0) > limits.cost_usd:
                raise LimitReached("cost_limit", limits.cost_usd, whose)
