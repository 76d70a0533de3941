"""The lane of a provider account: its rate limits and calls in flight, whoever keeps the count."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from pytest_collab.agents.settings import RateLimits


class Permit:
    """The right to make one call. Set `tokens` to what it consumed, and `served` when the provider answered it."""

    __slots__ = ("served", "tokens")

    def __init__(self) -> None:
        self.tokens = 0
        self.served = False


class Lane(Protocol):
    """The limits of one account, shared by all who call it."""

    limits: RateLimits

    def permit(self, tokens: int = 0) -> AbstractAsyncContextManager[Permit]:
        """Wait for the right to make one call; give it back at the end.

        Args:
            tokens: an estimate of what the call will consume; corrected by `Permit.tokens`.
        """

    def slow_down(self, seconds: float) -> None:
        """The provider refused a call because there are too many: everybody waits, and goes on more slowly."""


class Lanes(Protocol):
    """All lanes of a session."""

    def get(self, account: str, limits: RateLimits) -> Lane:
        """The lane of an account; whoever asks first sets its limits."""
