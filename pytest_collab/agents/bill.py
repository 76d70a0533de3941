"""What the attempts at one answer consume, and what of that cannot be known."""

from __future__ import annotations

from pytest_collab.agents.prices import Tariff, Tokens
from pytest_collab.episode.agent import Usage


class Bill:
    """Adds up attempts. What a provider began to answer and never counted is unknown, never zero.

    Args:
        price: None when it is not known.
        likely: input and output tokens that an attempt of unknown size is taken for, by budgets only.
    """

    def __init__(self, price: Tariff | None, likely: Tokens) -> None:
        self.attempts = 0
        self._price = price
        self._likely = likely
        self._total = Tokens()
        self._cost = 0.0
        self._guessed = 0.0
        self._measured = True
        self._open = False

    def begin(self) -> None:
        """An attempt starts."""
        self.attempts += 1
        self._open = True

    def end(self, tokens: Tokens, *, unknown: bool = False) -> None:
        """It ended.

        Args:
            tokens: what is known of what it consumed.
            unknown: it may have consumed more.
        """
        self._open = False
        total = self._total
        self._total = Tokens(
            total.input + tokens.input,
            total.output + tokens.output,
            total.cached + tokens.cached,
            total.written + tokens.written,
        )
        cost = self._price.cost(tokens) if self._price is not None else 0.0
        self._cost += cost
        if unknown:
            self._measured = False
            if self._price is not None:
                self._guessed += max(self._price.cost(self._likely) - cost, 0.0)

    def usage(self) -> Usage:
        """All attempts so far; one that is still under way (it was cut off) is of unknown size."""
        if self._open:
            self.end(Tokens(), unknown=True)
        total = self._total
        unknown = not self._measured or (self._price is None and total != Tokens())
        return Usage(
            calls=1 if self.attempts else 0,
            input_tokens=total.input,
            output_tokens=total.output,
            cached_tokens=total.cached,
            cost_usd=None if unknown else self._cost,
            retries=max(self.attempts - 1, 0),
            known_usd=self._cost if unknown else 0.0,
            guessed_usd=self._guessed,
        )
