"""Amounts: decimals with two places."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Union

from daybook.errors import InvalidAmount

Amount = Union[Decimal, int, str]

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


def amount(value: Amount) -> Decimal:
    """Return ``value`` with exactly two decimals.

    Raises ``InvalidAmount`` for floats and booleans, for what is no finite number or too large to be exact, and where cents
    would be lost.
    """
    if isinstance(value, bool) or not isinstance(value, (Decimal, int, str)):
        raise InvalidAmount(f"{value!r} is no amount: give a Decimal, an int or a text")
    try:
        exact = Decimal(value)
    except InvalidOperation:
        raise InvalidAmount(f"{value!r} is no number") from None
    if not exact.is_finite():
        raise InvalidAmount(f"{value!r} is not finite")
    try:
        rounded = exact.quantize(CENT)
    except InvalidOperation:
        raise InvalidAmount(f"{value!r} is larger than amounts can be") from None
    if exact != rounded:
        raise InvalidAmount(f"{value!r} has more than two decimals")
    return rounded
