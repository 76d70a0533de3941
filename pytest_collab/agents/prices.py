"""What answers cost: the package's dated price table, which a user's own price overrides."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from pytest_collab.agents.settings import AgentSettings, Price
from pytest_collab.errors import UsageError

_SNAPSHOT = re.compile(r"-(\d{8}|\d{4}-\d{2}-\d{2})$")
"""A dated snapshot costs what its undated name costs."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What one call consumed, in one convention for all providers.

    Attributes:
        input: all input tokens, read from the cache and written to it included.
        cached: the part that was read from the cache.
        written: the part that was written to the cache.
    """

    input: int = 0
    output: int = 0
    cached: int = 0
    written: int = 0


@dataclass(frozen=True, slots=True)
class Tariff:
    """A model's price, with the higher one for long requests where the provider has one.

    Attributes:
        above: input tokens beyond which `long` holds for the whole request.
        source: where the price comes from, for people: `agents file` or `price table of <date>`.
    """

    price: Price
    source: str
    above: int | None = None
    long: Price | None = None

    def cost(self, tokens: Tokens) -> float:
        """Dollars of one call."""
        price = self.price
        if self.long is not None and self.above is not None and tokens.input > self.above:
            price = self.long
        fresh = max(tokens.input - tokens.cached - tokens.written, 0)
        cached = price.input if price.cached_input is None else price.cached_input
        written = price.input if price.cache_write is None else price.cache_write
        return (
            fresh * price.input + tokens.cached * cached + tokens.written * written + tokens.output * price.output
        ) / 1e6


def tariff(settings: AgentSettings) -> Tariff | None:
    """What the agent's answers cost; None when that is not known.

    The table's prices hold for the providers' own addresses only: what a compatible server, a gateway or a
    machine of one's own charges is not known unless the user says so.
    """
    if settings.price is not None:
        return Tariff(settings.price, "agents file")
    row = _row(settings.model) if settings.official else None
    if row is None:
        return None
    raw = row.get("long")
    return Tariff(
        _price(row),
        f"price table of {table()['as_of']}",
        above=raw["above"] if raw else None,
        long=_price(raw) if raw else None,
    )


def context_tokens(settings: AgentSettings) -> int | None:
    """The model's context window in tokens, as far as it is known."""
    if settings.context_tokens is not None:
        return settings.context_tokens
    row = _row(settings.model) if settings.official else None
    return row.get("context") if row else None


def refuse_unpriced(
    agents: Mapping[str, Tariff | None], max_cost_usd: float, by_themselves: Collection[str] = ()
) -> None:
    """A budget cannot hold what it cannot count.

    Args:
        by_themselves: names of agents that pay for themselves (programs, agents behind a protocol, Python).

    Raises:
        UsageError: `--collab-max-cost` is set and the price of an agent is not known.
    """
    unknown = sorted(name for name, price in agents.items() if price is None)
    models = [name for name in unknown if name not in by_themselves]
    if models:
        raise UsageError(
            f"--collab-max-cost={max_cost_usd:g} cannot be kept: the price of {', '.join(models)} is not known. "
            "Give it in the agents file (price: {input: ..., output: ...}, dollars per million tokens; "
            "0 for a machine of your own), or leave the option out."
        )
    if unknown:
        raise UsageError(
            f"--collab-max-cost={max_cost_usd:g} cannot be kept: what {', '.join(unknown)} will spend is not known. "
            "Say what one seat of one episode costs where the agent does not tell it (price: {episode: ...} in the "
            "agents file, `price = {'episode': ...}` on what a Python agent names; 0 if it costs nothing), or leave "
            "the option out."
        )


@cache
def table() -> dict[str, Any]:
    """The price table of the package: `as_of`, `sources`, `models`."""
    import yaml

    text = files("pytest_collab.agents").joinpath("prices.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def _row(model: str) -> dict[str, Any] | None:
    models: dict[str, dict[str, Any]] = table()["models"]
    return models.get(model) or models.get(_SNAPSHOT.sub("", model))


def _price(row: dict[str, Any]) -> Price:
    return Price(**{key: row[key] for key in ("input", "cached_input", "cache_write", "output") if key in row})
