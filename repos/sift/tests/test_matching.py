"""Which records an expression is true of."""

import pytest

from sift import EvaluationError, Filter

ANN = {"name": "Ann", "age": 31, "active": True, "address": {"city": "Oslo", "zip": None}}


@pytest.mark.parametrize(
    "text",
    [
        "name = 'Ann'",
        "name != 'Bob'",
        "age >= 31 and age <= 31",
        "age > 30.5",
        "active",
        "active = true",
        "not (age < 18 or name = 'Bob')",
        "address.city = 'Oslo'",
        "address.zip = null",
        "missing = null",
        "address.city.street = null",
        "name < 'Bob'",
    ],
)
def test_true_of_ann(text):
    assert Filter(text).matches(ANN)


@pytest.mark.parametrize(
    "text",
    [
        "name = 'ann'",
        "age = '31'",
        "missing",
        "missing < 3",
        "missing >= 3",
        "age = null",
        "active = 1",
        "address.city != 'Oslo'",
    ],
)
def test_false_of_ann(text):
    assert not Filter(text).matches(ANN)


def test_different_kinds_have_no_order():
    with pytest.raises(EvaluationError, match="cannot order 31 .int. against 'x' .str."):
        Filter("age < 'x'").matches(ANN)


def test_the_right_side_is_skipped_when_the_left_decides():
    assert Filter("active or age < 'x'").matches(ANN)
    assert not Filter("missing and age < 'x'").matches(ANN)


def test_select_keeps_order():
    records = [{"n": 3}, {"n": 1}, {"n": 2}]
    assert list(Filter("n >= 2").select(records)) == [{"n": 3}, {"n": 2}]


def test_repr_shows_the_text():
    assert repr(Filter("a = 1")) == "Filter('a = 1')"
