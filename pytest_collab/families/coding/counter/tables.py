"""Tables of cases in JavaScript's tests: loops over arrays that are written out, and what their rows hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pytest_collab.families.coding.counter import syntax
from pytest_collab.families.coding.counter.syntax import said

if TYPE_CHECKING:
    from tree_sitter import Node

Binding = tuple[list["Node"], list["Node"]]
"""Rows of a table, and the names that each is given: one, or several for the parts of a row."""

_COUNTED: Final = re.compile(r"(\w+)\s*<\s*(?:(\w+)\.length|[1-9]\d*);?")
_EACH: Final = re.compile(r"\.(each|for)$")


def is_entered(loop: Node) -> bool:
    """Whether a loop's body is run, whatever the code under test does."""
    if loop.type == "for_in_statement":
        return bool(_rows(loop.child_by_field_name("right")))
    if loop.type != "for_statement":
        return False
    start, condition = loop.child_by_field_name("initializer"), loop.child_by_field_name("condition")
    match = _COUNTED.fullmatch(said(condition))
    if match is None or not re.search(rf"\b{match[1]}\s*=\s*0;?$", said(start)):
        return False
    return match[2] is None or bool(_rows(_declared(loop, match[2])))


def bindings(body: Node) -> list[Binding]:
    """The tables that a test is made from: `test.each(table)`, and the loops that it stands in.

    One that something else uses as well is left out: what is expected here may be given to another test.

    Args:
        body: of the test.
    """
    found: list[Binding] = []
    node: Node | None = body
    while node is not None:
        parent = node.parent
        if node.type == "for_in_statement":
            rows, left = _own(node.child_by_field_name("right")), node.child_by_field_name("left")
            if rows and left is not None:
                found.append((rows, [left]))
        elif node.type in ("arrow_function", "function_expression") and parent is not None:
            rows = _given(parent.parent)
            parameters = node.child_by_field_name("parameters") or node.child_by_field_name("parameter")
            if rows and parameters is not None:
                names = [parameters] if parameters.type == "identifier" else parameters.named_children
                found.append((rows, [one.child_by_field_name("pattern") or one for one in names]))
        node = parent
    return found


def column(body: Node, node: Node) -> list[Node]:
    """What the rows hold in the place of a name or of `row.name`, if that is used once in a test."""
    if node.type not in ("identifier", "member_expression"):
        return []
    if sum(said(one) == said(node) for one in syntax.every(body, node.type)) != 1:
        return []
    for rows, names in bindings(body):
        cells = [cell for row in rows if (cell := _cell(row, names, node)) is not None]
        if cells:
            return cells
    return []


def _given(call: Node | None) -> list[Node]:
    """The rows that a call gives to its function, one at a time: `each(rows)(...)`, `rows.forEach(...)`."""
    function = call.child_by_field_name("function") if call is not None and call.type == "call_expression" else None
    if function is None:
        return []
    if function.type == "call_expression" and _EACH.search(said(function.child_by_field_name("function"))):
        arguments = function.child_by_field_name("arguments")
        return _own(arguments.named_children[0]) if arguments is not None and arguments.named_children else []
    if function.type == "member_expression" and said(function.child_by_field_name("property")) == "forEach":
        return _own(function.child_by_field_name("object"))
    return []


def _own(node: Node | None) -> list[Node]:
    """The rows of a table that is used here and nowhere else."""
    if node is not None and node.type == "identifier" and syntax.uses(_root(node), said(node)) != 2:
        return []
    return _rows(node)


def _rows(node: Node | None) -> list[Node]:
    """The elements of an array that is written out, in place or under a name of its own; none if it may be empty."""
    while node is not None and node.type in ("as_expression", "satisfies_expression", "parenthesized_expression"):
        node = node.named_children[0]
    if node is not None and node.type == "identifier":
        node = _declared(node, said(node))
        while node is not None and node.type in ("as_expression", "satisfies_expression"):
            node = node.named_children[0]
    if node is None or node.type != "array":
        return []
    return [one for one in node.named_children if one.type not in ("spread_element", "comment")]


def _declared(node: Node, name: str) -> Node | None:
    """What a constant of a file is; None where the name has several meanings."""
    declared = syntax.every(_root(node), "variable_declarator")
    found = [one for one in declared if said(one.child_by_field_name("name")) == name]
    constant = len(found) == 1 and found[0].parent is not None and said(found[0].parent).startswith("const")
    return found[0].child_by_field_name("value") if constant else None


def _root(node: Node) -> Node:
    while node.parent is not None:
        node = node.parent
    return node


def _cell(row: Node, names: Sequence[Node], node: Node) -> Node | None:
    if len(names) > 1:
        return _part(row, names, said(node))
    pattern = names[0] if names else None
    if pattern is None:
        return None
    if pattern.type == "identifier":
        if node.type == "identifier":
            return row if said(node) == said(pattern) and row.type != "array" else None
        same = said(node.child_by_field_name("object")) == said(pattern)
        return _value(row, said(node.child_by_field_name("property"))) if same else None
    if pattern.type == "array_pattern":
        return _part(row, pattern.named_children, said(node))
    known = [said(one) for one in pattern.named_children if one.type == "shorthand_property_identifier_pattern"]
    return _value(row, said(node)) if said(node) in known else None


def _part(row: Node, names: Sequence[Node], name: str) -> Node | None:
    known = [said(one) for one in names]
    if row.type != "array" or name not in known or len(row.named_children) <= known.index(name):
        return None
    return row.named_children[known.index(name)]


def _value(row: Node, key: str) -> Node | None:
    if row.type != "object":
        return None
    for pair in row.named_children:
        if pair.type == "pair" and said(pair.child_by_field_name("key")).strip("'\"") == key:
            return pair.child_by_field_name("value")
    return None
