"""Expectations of Rust's tests: the standard assertions, and panics that must come."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from random import Random
from typing import TYPE_CHECKING, Final

from pytest_collab.families.coding.counter import syntax
from pytest_collab.families.coding.counter.edit import STRONG, TURNED, Candidate, Change
from pytest_collab.families.coding.counter.syntax import said
from pytest_collab.families.coding.counter.values import apart, number

if TYPE_CHECKING:
    from tree_sitter import Node

_LITERALS: Final = syntax.Literals(
    numbers=frozenset({"integer_literal", "float_literal"}),
    strings=frozenset({"string_literal", "raw_string_literal", "char_literal"}),
    texts=frozenset({"string_content"}),
    booleans=frozenset({"boolean_literal"}),
    inside=re.compile("array_expression|tuple_expression|reference_expression|unary_expression|token_tree"),
    names=frozenset({"identifier", "scoped_identifier", "unit_expression", "self", "primitive_type"}),
    makers=re.compile(r"Some|Ok|Err|String::from|\w+::from|Box::new|Vec::from"),
)
_PLAIN: Final = re.compile(
    r"identifier|self|crate|super|primitive_type|token_tree|boolean_literal|\.|::|!|integer_literal"
)
"""Tokens of paths, calls and macros, all of which `!` reaches."""
_SIMPLE: Final = re.compile("Some|Ok|Err|vec|from|to_string|to_owned|to_vec|into|new|join|as_str|as_slice")


class Rust:
    """Expectations of Rust's tests."""

    def find(self, source: bytes, rng: Random) -> list[Candidate]:
        root = syntax.parsed(source, syntax.grammar("tree_sitter_rust"))
        if root is None:
            return []
        found: list[Candidate] = []
        for function, attributes in _tests(root):
            name, body = said(function.child_by_field_name("name")), function.child_by_field_name("body")
            if body is None:
                continue
            found += _panics(name, attributes, rng)
            for statement in _certain(body):
                for call in statement.named_children if statement.type == "expression_statement" else [statement]:
                    if call.type == "macro_invocation":
                        found += _asserted(name, call, body, rng)
        return found

    def beside(self, source: bytes, rng: Random) -> list[Candidate]:
        return []

    def holds(self, test: str, name: str) -> bool:
        return test.rpartition("::")[2] == name


def _tests(root: Node) -> Iterator[tuple[Node, list[Node]]]:
    """Functions with the attribute `test`, and all their attributes."""
    for function in syntax.every(root, "function_item"):
        attributes: list[Node] = []
        before = function.prev_named_sibling
        while before is not None and before.type in ("attribute_item", "line_comment"):
            attributes.append(before)
            before = before.prev_named_sibling
        if any(re.search(r"\btest\b", said(one).partition("(")[0]) for one in attributes):
            yield function, attributes


def _panics(name: str, attributes: Sequence[Node], rng: Random) -> list[Candidate]:
    for attribute in attributes:
        if "should_panic" in said(attribute):
            strings = list(syntax.every(attribute, "string_literal"))
            change = syntax.first(strings, _LITERALS, rng)
            if change is not None:
                return [syntax.made(name, STRONG, strings[0], change.new, [change])]
            return [syntax.made(name, TURNED, attribute, "", [syntax.replaced(attribute, "")])]
    return []


def _certain(block: Node) -> Iterator[Node]:
    """Statements that are run whatever the code under test does, as long as none before them fails."""
    for statement in block.named_children:
        yield statement
        inner = statement.named_children[0] if statement.type == "expression_statement" else statement
        if inner.type == "for_expression" and _is_filled(inner.child_by_field_name("value")):
            body = inner.child_by_field_name("body")
            if body is not None:
                yield from _certain(body)
        elif inner.type == "block":
            yield from _certain(inner)
        if syntax.leaves(statement):
            return


def _is_filled(node: Node | None) -> bool:
    while node is not None and node.type == "reference_expression":
        node = node.child_by_field_name("value")
    return node is not None and node.type == "array_expression" and bool(node.named_children)


def _asserted(test: str, call: Node, body: Node, rng: Random) -> list[Candidate]:
    name = said(call.child_by_field_name("macro")).rpartition("::")[2]
    tree = next((child for child in call.named_children if child.type == "token_tree"), None)
    operands = syntax.split(tree.children) if tree is not None else []
    if not operands:
        return []
    if name in ("assert_eq", "assert_ne") and len(operands) < 2:
        return []
    macro = call.child_by_field_name("macro")
    assert macro is not None
    if name == "assert_ne":
        end = macro.end_byte
        return [syntax.made(test, TURNED, macro, "assert_eq", [Change(end - len("assert_ne"), end, "assert_eq")])]
    if name == "assert":
        turned = syntax.made(test, TURNED, call, "the opposite", _opposite(operands[0]))
        return [*_held(test, call, operands[0], rng), turned]
    if name != "assert_eq":
        return []
    turned = syntax.made(test, TURNED, macro, "assert_ne", [Change(macro.end_byte - 2, macro.end_byte, "ne")])
    expected = [operand for operand in operands[:2] if _simple(operand) and _tokens(operand)]
    found = [token for operand in operands[:2] for token in _variable(operand, body)]
    if not found and len(expected) == 1:
        found = _tokens(expected[0])
    return [*_another(test, call, found, rng), turned]


def _held(test: str, call: Node, condition: Sequence[Node], rng: Random) -> list[Candidate]:
    """Other values for what a condition holds a thing to: `==`, `(a - b).abs() < e`, `starts_with`, ..."""
    words = [said(token) for token in condition]
    if "&&" in words and "||" not in words:
        place = words.index("&&")
        parts = condition[:place], condition[place + 1 :]
        return [one for part in parts for one in _held(test, call, part, rng)]
    if not words or {"||", "|", ".."} & {*words}:
        return []
    found: list[Node] = []
    margin = 0.0
    at = next((place for place, word in enumerate(words) if word in ("==", "<", "<=")), None)
    if at is not None and words[at] == "==":
        sides = [side for side in (condition[:at], condition[at + 1 :]) if _simple(side) and _tokens(side)]
        found = _tokens(sides[0]) if len(sides) == 1 else []
    elif at is not None and words[1:at] == [".", "abs", "()"] and len(words) == at + 2:
        inner = condition[0].children[1:-1]
        minus = [place for place, token in enumerate(inner) if said(token) == "-" and place]
        both = [inner[: minus[-1]], inner[minus[-1] + 1 :]] if minus else []
        known = [side for side in both if _simple(side) and _tokens(side)]
        margin = number(words[-1]) or 0.0
        found = _tokens(known[0]) if len(known) == 1 and margin else []
    elif at is None and len(words) > 2 and words[-2] in ("starts_with", "ends_with", "contains"):
        texts = [token for token in _tokens(condition[-1:]) if token.type == "string_literal"]
        if len(condition[-1].named_children) == len(texts) == 1:
            if words[-2] == "contains":
                return syntax.words(test, texts[0], _LITERALS, rng)
            found = texts if said(texts[0]) != '""' else []
    elif at is None and words[:-1] == ["matches", "!"] and not re.search(r"\||\.\.|\bif\b", words[-1]):
        _, *pattern = syntax.split(condition[-1].children)
        found = [token for part in pattern for token in _tokens(part)]
    return _another(test, call, found, rng, margin)


def _another(test: str, call: Node, found: Sequence[Node], rng: Random, margin: float = 0.0) -> list[Candidate]:
    change = syntax.first(found, _LITERALS, rng)
    if change is None:
        return []
    node = next(one for one in found if one.start_byte <= change.start and change.end <= one.end_byte)
    if margin and not apart(said(node), change.new, margin):
        return []
    return [syntax.made(test, STRONG, call, change.new, [change], old=said(node))]


def _opposite(operand: Sequence[Node]) -> list[Change]:
    """The changes that turn a condition, as people write it: nobody sees that it has been turned."""
    words = [said(token) for token in operand]
    compared = [token for token in operand if said(token) in ("==", "!=")]
    first, last = operand[0], operand[-1]
    if len(compared) == 1 and not {"&&", "||"} & {*words}:
        return [syntax.replaced(compared[0], "!=" if said(compared[0]) == "==" else "==")]
    if words[0] == "!" and all(_PLAIN.fullmatch(token.type) for token in operand[1:]):
        return [syntax.replaced(first, "")]
    if all(_PLAIN.fullmatch(token.type) for token in operand):
        return [Change(first.start_byte, first.start_byte, "!")]
    return [Change(first.start_byte, first.start_byte, "!("), Change(last.end_byte, last.end_byte, ")")]


def _simple(operand: Sequence[Node]) -> bool:
    """Whether tokens make a value of constants, and call nothing else. (Variants of enums are taken for values.)"""
    for place, token in enumerate(operand):
        after = operand[place + 1] if place + 1 < len(operand) else None
        called = after is not None and (after.type == "token_tree" and said(after).startswith("("))
        if (
            token.type == "identifier"
            and called
            and not _SIMPLE.fullmatch(said(token))
            and not said(token)[0].isupper()
        ):
            return False
        if token.type == "token_tree" and not _simple(token.children):
            return False
        if token.type in (".", "identifier") and after is not None and after.type == "?":
            return False
    return True


def _tokens(operand: Sequence[Node]) -> list[Node]:
    kinds = (*_LITERALS.numbers, *_LITERALS.strings, *_LITERALS.booleans)
    return [found for token in operand for found in syntax.every(token, *kinds)]


def _variable(operand: Sequence[Node], body: Node) -> list[Node]:
    """The constants of a local variable that the operand names, and nothing else does."""
    names = [said(token) for token in operand if token.type == "identifier"]
    if not names or not all(_SIMPLE.fullmatch(name) for name in names[1:]) or syntax.uses(body, names[0]) != 2:
        return []
    for statement in body.named_children:
        value = statement.child_by_field_name("value")
        if statement.type == "let_declaration" and said(statement.child_by_field_name("pattern")) == names[0]:
            return syntax.constants(value, _LITERALS) if value is not None else []
    return []
