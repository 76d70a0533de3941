"""What is an amount of money."""

from decimal import Decimal

import pytest

from daybook.errors import InvalidAmount
from daybook.money import amount


@pytest.mark.parametrize(
    ("value", "exact"),
    [(3, "3.00"), ("3.5", "3.50"), (Decimal("-0.01"), "-0.01"), ("1.100", "1.10"), (10**20, "100000000000000000000.00")],
)
def test_amounts_have_two_decimals(value, exact):
    assert str(amount(value)) == exact


@pytest.mark.parametrize("value", [0.5, "", "1,50", "0.001", False, b"1", Decimal("Infinity"), 10**40])
def test_anything_else_is_refused(value):
    with pytest.raises(InvalidAmount):
        amount(value)
