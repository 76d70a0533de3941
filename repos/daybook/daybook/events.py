"""What can happen to a ledger.

Events are facts: frozen, complete, and valid at the time they were recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class Event:
    """Base of all events."""


@dataclass(frozen=True)
class Line:
    """One line of an entry: debits are positive, credits negative."""

    account: str
    amount: Decimal


@dataclass(frozen=True)
class Opened(Event):
    """An account may be used from ``date`` on."""

    account: str
    date: date


@dataclass(frozen=True)
class Posted(Event):
    """An entry was made in the books."""

    number: int
    date: date
    memo: str
    lines: tuple[Line, ...]
