"""What expectations of JavaScript, Go and Rust have in common, read with tree-sitter's grammars."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final

from pytest_collab.errors import SetupError
from pytest_collab.families.coding.counter.edit import STRONG, Candidate, Change, shown
from pytest_collab.families.coding.counter.values import DRAWS, apart, other_number, other_text, other_word

if TYPE_CHECKING:
    from tree_sitter import Language, Node

EQUAL: Final = re.compile(
    r"(assert|check|expect|must|require)?_?(not|deep|strict|loose|exactly)*_?(equals?|equal_?values|eq|same|is|exactly)",
    re.IGNORECASE,
)
"""Functions that compare what they are given: `assertEqual`, `DeepEqual`, `strictEqual`, `is`, ..."""


@dataclass(frozen=True, slots=True)
class Literals:
    """A grammar's names of what values are made of.

    Attributes:
        texts: the inside of strings; strings without one are empty.
        inside: what may stand around constants of an expected value.
        names: what may stand beside them.
        makers: functions that make a value of constants.
    """

    numbers: frozenset[str]
    strings: frozenset[str]
    texts: frozenset[str]
    booleans: frozenset[str]
    inside: re.Pattern[str]
    names: frozenset[str]
    makers: re.Pattern[str]
    values: tuple[str, ...] = ("value",)


def parsed(source: bytes, language: Language) -> Node | None:
    """The root of a file's tree; None where it is no program of the language."""
    from tree_sitter import Parser

    root = Parser(language).parse(source).root_node
    return None if root.has_error else root


def grammar(module: str, function: str = "language") -> Language:
    """A grammar that is installed as a package of its own.

    Raises:
        SetupError: it is missing.
    """
    from importlib import import_module

    try:
        from tree_sitter import Language

        return Language(getattr(import_module(module), function)())
    except ImportError:
        name = module.replace("_", "-")
        raise SetupError(f"{name} is not installed; pip install tree-sitter {name}") from None


def said(node: Node | None) -> str:
    """A node's source."""
    return (node.text or b"").decode(errors="replace") if node is not None else ""


def every(node: Node, *kinds: str) -> Iterator[Node]:
    """Every node of these kinds below one, in the order of the source."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one.type in kinds:
            yield one
        waiting.extend(reversed(one.children))


def arguments(call: Node) -> list[Node]:
    """What a call is given; nothing for what is no call."""
    found = call.child_by_field_name("arguments")
    return found.named_children if found is not None else []


_JUMPS: Final = re.compile("break_(statement|expression)|continue_(statement|expression)")
_RETURNS: Final = re.compile("return_(statement|expression)|goto_statement")
_LOOPS: Final = re.compile("(for|while|do|for_in|loop)_(statement|expression)")
_FUNCTIONS: Final = re.compile(
    "func_literal|arrow_function|function_expression|function|closure_expression|function_item"
)


def leaves(node: Node, looping: bool = False) -> bool:
    """Whether what follows a statement can be left out because of it.

    Args:
        looping: it is in a loop of its own, which is what `break` and `continue` leave.
    """
    if _RETURNS.fullmatch(node.type) or (_JUMPS.fullmatch(node.type) and not looping):
        return True
    if _FUNCTIONS.fullmatch(node.type):
        return False
    looping = looping or _LOOPS.fullmatch(node.type) is not None
    return any(leaves(child, looping) for child in node.named_children)


def replaced(node: Node, new: str) -> Change:
    """The change that puts `new` in the place of a node."""
    return Change(node.start_byte, node.end_byte, new)


def made(test: str, strength: int, node: Node, new: str, changes: Sequence[Change] = (), old: str = "") -> Candidate:
    """A candidate that changes `node`, or makes `changes`."""
    changes = tuple(changes) or (replaced(node, new),)
    return Candidate(test, node.start_point[0] + 1, strength, shown(old or said(node)), shown(new), changes)


def constants(node: Node, literals: Literals) -> list[Node]:
    """Constants that an expected value is made of; none where it is more than that."""
    found: list[Node] = []
    return found if _gather(node, literals, found) else []


def _gather(node: Node, literals: Literals, found: list[Node]) -> bool:
    if node.type in literals.numbers | literals.strings | literals.booleans:
        if any(child.type in ("template_substitution", "interpolation") for child in node.children):
            return False
        found.append(node)
        return True
    if node.type in literals.names:
        return True
    if node.type in ("call_expression", "new_expression"):
        function = node.child_by_field_name("function") or node.child_by_field_name("constructor")
        arguments = node.child_by_field_name("arguments")
        if arguments is None or not literals.makers.fullmatch(said(function)):
            return False
        return all(_gather(one, literals, found) for one in arguments.named_children)
    if not literals.inside.fullmatch(node.type):
        return False
    parts = node.named_children
    for field in literals.values:
        value = node.child_by_field_name(field)
        if value is not None:
            parts = [value]
    return all(_gather(one, literals, found) for one in parts)


def other(constant: Node, literals: Literals, rng: Random) -> Change | None:
    """Another value in the place of a constant."""
    text = said(constant)
    if constant.type in literals.booleans:
        return replaced(constant, "false" if text.strip() == "true" else "true")
    if constant.type in literals.numbers:
        new = other_number(text, rng)
        return replaced(constant, new) if new is not None else None
    parts = [child for child in constant.children if child.type in literals.texts]
    if parts:
        for part in rng.sample(parts, len(parts)):
            new = other_text(said(part), rng)
            if new is not None and new != said(part):
                return replaced(part, new)
        return None
    if len(text) == 2:
        letter = other_text("", rng)
        return replaced(constant, f"{text[0]}{letter}{text[1]}")
    inner = other_text(text[1:-1], rng) if len(text) == 3 else None  # a character
    return replaced(constant, f"{text[0]}{inner}{text[-1]}") if inner else None


_OPPOSITE: Final = {
    one: other
    for pair in (("==", "!="), ("===", "!=="), ("<", ">="), (">", "<="))
    for one, other in (pair, pair[::-1])
}
_JOINED: Final = {"&&": "||", "||": "&&"}
_TIGHT: Final = re.compile("identifier|(member|selector|call|subscript|index|parenthesized)_expression|true|false")


def negated(node: Node) -> str:
    """The opposite of a condition (JavaScript, Go) on the same lines, as people write it: its form tells nothing."""
    text = said(node)
    if node.type == "unary_expression" and text.startswith("!"):
        inner = node.named_children[0]
        bare = inner.type == "parenthesized_expression" and inner.named_children[0].type != "sequence_expression"
        return said(inner.named_children[0]) if bare and "\n" not in text else text[1:]
    left, right, operator = (node.child_by_field_name(name) for name in ("left", "right", "operator"))
    if node.type == "binary_expression" and left is not None and right is not None and operator is not None:
        source, start = node.text or b"", node.start_byte
        before = source[left.end_byte - start : operator.start_byte - start].decode(errors="replace")
        after = source[operator.end_byte - start : right.start_byte - start].decode(errors="replace")
        if (opposite := _OPPOSITE.get(said(operator))) is not None:
            return f"{said(left)}{before}{opposite}{after}{said(right)}"
        if (joined := _JOINED.get(said(operator))) is not None:
            return f"{_enclosed(left)}{before}{joined}{after}{_enclosed(right)}"
    return f"!{text}" if _TIGHT.fullmatch(node.type) else f"!({text})"


def _enclosed(side: Node) -> str:
    joined = side.type == "binary_expression" and said(side.child_by_field_name("operator")) in _JOINED
    negative = side.type == "unary_expression" and side.named_children[0].type == "parenthesized_expression"
    new = negated(side)
    return f"({new})" if (joined or negative) and not new.startswith("(") else new


def values(test: str, node: Node, literals: Literals, rng: Random, margin: float = 0.0) -> list[Candidate]:
    """The candidate that changes one constant of an expected value.

    Args:
        margin: how far from it a right answer may be; the value must then be a number.
    """
    for _ in range(DRAWS if margin else 1):
        change = first(constants(node, literals), literals, rng)
        if change is not None and (not margin or apart(_at(node, change), change.new, margin)):
            return [made(test, STRONG, node, change.new, [change], old=_at(node, change))]
    return []


def words(test: str, node: Node, literals: Literals, rng: Random) -> list[Candidate]:
    """The candidate that changes a long word of a text that something must have in it."""
    for part in node.children:
        new = other_word(said(part), rng) if part.type in literals.texts else None
        if new is not None:
            return [made(test, STRONG, node, new, [replaced(part, new)], old=said(part))]
    return []


def first(found: Sequence[Node], literals: Literals, rng: Random) -> Change | None:
    """Another value for one of these constants."""
    changes = (other(constant, literals, rng) for constant in rng.sample(found, len(found)))
    return next((change for change in changes if change is not None), None)


def _at(node: Node, change: Change) -> str:
    text = node.text or b""
    start = change.start - node.start_byte
    return text[start : start + change.end - change.start].decode(errors="replace") or said(node)


def uses(scope: Node, name: str, *kinds: str) -> int:
    """How often a name stands below a node."""
    return sum(said(node) == name for node in every(scope, *(kinds or ("identifier",))))


def split(tokens: Iterable[Node]) -> list[list[Node]]:
    """A list of tokens at its commas, brackets left out."""
    parts: list[list[Node]] = [[]]
    for token in tokens:
        if token.type == ",":
            parts.append([])
        elif token.type not in ("(", ")", "[", "]", "{", "}"):
            parts[-1].append(token)
    return [part for part in parts if part]
