"""Mutations of Go, Rust, JavaScript and TypeScript, read with tree-sitter's grammars."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from random import Random
from typing import TYPE_CHECKING, Final

from pytest_collab.families.coding.counter import syntax
from pytest_collab.families.coding.counter.edit import Change
from pytest_collab.families.coding.counter.syntax import replaced, said
from pytest_collab.families.coding.counter.values import other_text
from pytest_collab.families.coding.interception.mutants.mutation import (
    ARITHMETIC,
    BOUNDARIES,
    GONE,
    LOGIC,
    OPPOSITES,
    Kind,
    Mutation,
    among,
    made,
    one_more,
    whole_lines,
)

if TYPE_CHECKING:
    from tree_sitter import Language, Node

_GRAMMARS: Final = {
    "go": (("tree_sitter_go", "language"),),
    "rust": (("tree_sitter_rust", "language"),),
    "javascript": (("tree_sitter_javascript", "language"),),
    "typescript": (("tree_sitter_typescript", "language_typescript"), ("tree_sitter_typescript", "language_tsx")),
}
_NUMBERS: Final[frozenset[str]] = frozenset({"int_literal", "integer_literal", "number"})
_TEXTS: Final[frozenset[str]] = frozenset({"interpreted_string_literal_content", "string_content", "string_fragment"})
_LEAVES: Final = re.compile(r"(return|break|continue|throw)\b|panic")
# What is no code that runs: types, imports, attributes; and tests that Rust keeps beside the code.
_LEFT_OUT: Final = re.compile(
    r"(import|use|attribute|type)_\w+|attribute|type|comment|line_comment|package_clause|import_declaration"
)
_LOOPS: Final[frozenset[str]] = frozenset({"for_statement", "for_in_statement", "for_expression"})


def find(source: bytes, lines: Collection[int], rng: Random, language: str) -> list[Mutation]:
    """Every mutation of what stands on these lines (from 1); none where the file cannot be read.

    Raises:
        SetupError: the language's grammar is not installed.
    """
    root = _root(source, language)
    if root is None:
        return []
    found: list[Mutation] = []
    for node in _nodes(root):
        if among(node.start_point[0] + 1, node.end_point[0] + 1, lines):
            found += _of(node, source, rng)
    return found


def _root(source: bytes, language: str) -> Node | None:
    for module, function in _GRAMMARS[language]:
        grammar: Language = syntax.grammar(module, function)
        root = syntax.parsed(source, grammar)
        if root is not None:
            return root
    return None


def _nodes(node: Node) -> Iterator[Node]:
    for child in node.children:
        tests = child.type == "mod_item" and "test" in said(child.child_by_field_name("name"))
        if not tests and not _LEFT_OUT.fullmatch(child.type):
            yield child
            yield from _nodes(child)


def _of(node: Node, source: bytes, rng: Random) -> Iterator[Mutation]:
    def change(kind: Kind, *changes: Change, new: str | None = None) -> Mutation:
        return made(kind, source.count(b"\n", 0, changes[0].start) + 1, source, *changes, new=new)

    match node.type:
        case "binary_expression":
            operator = node.child_by_field_name("operator")
            texts = any(list(syntax.every(side, *_TEXTS)) for side in node.named_children)
            for kind, table in _OPERATORS:
                if operator is not None and said(operator) in table and not (texts and kind == "arithmetic"):
                    yield change(kind, replaced(operator, table[said(operator)]))
        case "unary_expression" if node.children[0].type == "!":
            yield change("logic", replaced(node.children[0], ""), new=GONE)
        case "if_statement" | "if_expression":
            yield from _if(node, source, change)
        case "true" | "false" if node.is_named or said(node) == node.type:
            yield change("constant", replaced(node, "false" if node.type == "true" else "true"))
        case "boolean_literal":
            yield change("constant", replaced(node, "false" if said(node) == "true" else "true"))
        case "call_expression":
            arguments = node.child_by_field_name("arguments")
            given = arguments.named_children if arguments is not None else []
            if len(given) > 1 and said(given[0]) != said(given[1]):
                swapped = replaced(given[0], said(given[1])), replaced(given[1], said(given[0]))
                yield change("arguments", *swapped)
        case "expression_statement" if node.named_children and node.named_children[0].type == "call_expression":
            yield change("call", whole_lines(source, node.start_byte, node.end_byte), new=GONE)
        case "break_statement" | "continue_statement" | "break_expression" | "continue_expression":
            word = "break" if node.type.startswith("break") else "continue"
            if said(node).rstrip(";") == word:
                other = "continue" if word == "break" else "break"
                yield change("exit", Change(node.start_byte, node.start_byte + len(word), other))
        case _ if node.type in _NUMBERS:
            larger = one_more(said(node))
            if larger is not None:
                yield change("constant", replaced(node, larger))
        case _ if node.type in _TEXTS:
            other_one = other_text(said(node), rng)
            if other_one is not None and other_one != said(node):
                yield change("constant", replaced(node, other_one))
        case _ if node.type in _LOOPS:
            last = _last(node.child_by_field_name("body"))
            start = source.rfind(b"\n", 0, last.start_byte) + 1 if last is not None else 0
            indent = source[start : last.start_byte].decode(errors="replace") if last is not None else ""
            if last is not None and not indent.strip() and not _LEAVES.match(said(last)):
                end = last.end_byte + (source[last.end_byte : last.end_byte + 1] == b";")
                word = "break" if node.type == "for_statement" and ";" not in said(last) else "break;"
                yield change("exit", Change(end, end, f"\n{indent}{word}"), new="... break")


_OPERATORS: Final[tuple[tuple[Kind, dict[str, str]], ...]] = (
    ("boundary", BOUNDARIES),
    ("comparison", OPPOSITES),
    ("logic", LOGIC),
    ("arithmetic", ARITHMETIC),
)


def _if(node: Node, source: bytes, change: _Change) -> Iterator[Mutation]:
    consequence = node.child_by_field_name("consequence")
    alternative = node.child_by_field_name("alternative")
    if consequence is None:
        return
    if alternative is not None:
        parts = {part.type.partition("_")[0] for part in (alternative, *alternative.children)}
        if "if" not in parts:
            yield change("branch", Change(consequence.end_byte, alternative.end_byte, ""), new=GONE)
        return
    kind: Kind = "guard" if _LEAVES.match(said(_last(consequence))) else "branch"
    parent = node.parent
    inside = parent is not None and parent.type in ("else_clause", "if_statement", "if_expression")
    if not inside:
        yield change(kind, whole_lines(source, node.start_byte, node.end_byte), new=GONE)


def _last(block: Node | None) -> Node | None:
    """The last statement of a block, or the block itself where it is a statement; None where it is empty."""
    while block is not None and block.type in ("block", "statement_block", "statement_list"):
        block = block.named_children[-1] if block.named_children else None
    return block


if TYPE_CHECKING:
    from typing import Protocol

    class _Change(Protocol):
        def __call__(self, kind: Kind, *changes: Change, new: str | None = None) -> Mutation: ...
