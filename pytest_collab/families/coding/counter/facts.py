"""What a condition of a JavaScript or Go test holds a thing to: a value, nearness to one, a text in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final

from pytest_collab.families.coding.counter import syntax
from pytest_collab.families.coding.counter.edit import Candidate
from pytest_collab.families.coding.counter.syntax import Literals, said
from pytest_collab.families.coding.counter.values import number

if TYPE_CHECKING:
    from tree_sitter import Node

_ENDS: Final = re.compile(r"(starts|ends)_?with|has_?(prefix|suffix)", re.IGNORECASE)
_HOLDS: Final = re.compile(r"includes|contains", re.IGNORECASE)
_ABSOLUTE: Final = re.compile(r"(Math\.|math\.)?[aA]bs")
_LESS: Final = ("<", "<=")
_MORE: Final = (">", ">=")


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a condition asks for.

    Attributes:
        kind: `equal`; `near`, to within `margin`; `ends`, of a text that begins or ends so; `holds`, of one that has
            it somewhere.
        nodes: what is compared; for texts, the one that is looked for.
    """

    kind: str
    nodes: tuple[Node, ...]
    margin: float = 0.0


def facts(node: Node | None, truth: bool) -> Iterator[Fact]:
    """What must be so for a condition to be true, or false, each by itself."""
    if node is None:
        return
    left, right, operator = (node.child_by_field_name(name) for name in ("left", "right", "operator"))
    if node.type == "parenthesized_expression":
        yield from facts(node.named_children[0], truth)
    elif node.type == "unary_expression" and said(node).startswith("!"):
        yield from facts(node.named_children[0], not truth)
    elif node.type == "binary_expression" and left is not None and right is not None:
        sign = said(operator)
        if sign == ("&&" if truth else "||"):
            yield from facts(left, truth)
            yield from facts(right, truth)
        elif sign in (("==", "===") if truth else ("!=", "!==")):
            yield Fact("equal", (left, right))
        elif sign in (_LESS if truth else _MORE):
            yield from _near(left, right)
        elif sign in (_MORE if truth else _LESS):
            yield from _near(right, left)
    elif node.type == "call_expression" and truth:
        name = said(node.child_by_field_name("function")).rpartition(".")[2]
        given = syntax.arguments(node)
        kind = "ends" if _ENDS.fullmatch(name) else "holds" if _HOLDS.fullmatch(name) else ""
        if kind and given:
            yield Fact(kind, (given[-1],))


def _near(distance: Node, margin: Node) -> Iterator[Fact]:
    given, within = syntax.arguments(distance), number(said(margin))
    absolute = distance.type == "call_expression" and _ABSOLUTE.fullmatch(
        said(distance.child_by_field_name("function"))
    )
    if not absolute or within is None or len(given) != 1 or given[0].type != "binary_expression":
        return
    sides = given[0].child_by_field_name("left"), given[0].child_by_field_name("right")
    if said(given[0].child_by_field_name("operator")) == "-" and sides[0] is not None and sides[1] is not None:
        yield Fact("near", (sides[0], sides[1]), within)


def changes(test: str, fact: Fact, literals: Literals, rng: Random) -> list[Candidate]:
    """Another value in the place of the one that a fact (other than `equal`) is about."""
    expected = [node for node in fact.nodes if syntax.constants(node, literals)]
    if len(expected) != 1:
        return []
    node = expected[0]
    if fact.kind == "near":
        return syntax.values(test, node, literals, rng, fact.margin)
    if node.type not in literals.strings or not any(child.type in literals.texts for child in node.children):
        return []
    return (
        syntax.values(test, node, literals, rng) if fact.kind == "ends" else syntax.words(test, node, literals, rng)
    )
