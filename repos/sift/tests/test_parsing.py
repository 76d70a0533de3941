"""What is an expression, and what tree it makes."""

import pytest

from sift import ParseError
from sift.nodes import And, Compare, Literal, Name, Not, Or
from sift.parser import parse

A, B, C = Name(("a",)), Name(("b",)), Name(("c",))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("0.5", 0.5),
        ("'text'", "text"),
        ('"it\'s"', "it's"),
        (r"'it\'s'", "it's"),
        (r"'back\\slash'", "back\\slash"),
        ("true", True),
        ("FALSE", False),
        ("null", None),
    ],
)
def test_literals(text, value):
    assert parse(text) == Literal(value)


def test_dots_step_into_nested_records():
    assert parse("address.zip") == Name(("address", "zip"))


@pytest.mark.parametrize("symbol", ["=", "!=", "<", "<=", ">", ">="])
def test_comparisons(symbol):
    assert parse(f"a{symbol}1") == Compare(symbol, A, Literal(1))


def test_and_binds_tighter_than_or():
    assert parse("a or b and c") == Or(A, And(B, C))


def test_not_binds_tighter_than_and():
    assert parse("not a and b") == And(Not(A), B)


def test_not_covers_a_whole_comparison():
    assert parse("not a = b") == Not(Compare("=", A, B))


def test_parentheses_group():
    assert parse("(a or b) and c") == And(Or(A, B), C)


def test_chains_lean_left():
    assert parse("a and b and c") == And(And(A, B), C)


def test_keywords_are_not_case_sensitive_but_names_are():
    assert parse("A AND b") == And(Name(("A",)), B)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        ("a =", 3),
        ("a = 1 b", 6),
        ("(a", 2),
        ("a)", 1),
        ("a # b", 2),
        ("a = 'open", 4),
        ("and a", 0),
        ("a = 1 = 2", 6),
    ],
)
def test_errors_say_where(text, position):
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert caught.value.position == position


def test_an_error_points_at_the_place():
    with pytest.raises(ParseError) as caught:
        parse("a = ) b")
    assert str(caught.value).splitlines()[1:] == ["  a = ) b", "      ^"]
