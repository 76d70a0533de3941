"""Mutations of Python, read with `ast`."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from random import Random

from pytest_collab.families.coding.counter.edit import Change
from pytest_collab.families.coding.counter.python import Source
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

_LEAVES = ast.Return | ast.Raise | ast.Continue | ast.Break
_COMPARED = re.compile(r"not\s+in\b|is\s+not\b|[<>=!]=|[<>]|\bis\b|\bin\b")


def find(source: bytes, lines: Collection[int], rng: Random) -> list[Mutation]:
    """Every mutation of what stands on these lines (from 1); none where the file is no Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return []
    found = _Finder(source, lines, rng)
    found.block(tree.body, within=False)
    return found.mutations


class _Finder:
    def __init__(self, source: bytes, lines: Collection[int], rng: Random) -> None:
        self.source = Source(source)
        self.lines = lines
        self.rng = rng
        self.mutations: list[Mutation] = []

    def block(self, body: list[ast.stmt], *, within: bool = True) -> None:
        """The statements of a block; `within`: one of a function or class, which may not be left empty."""
        for place, statement in enumerate(body):
            if place == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                continue  # a docstring
            self._statement(statement, alone=within and len(body) == 1)

    def _statement(self, statement: ast.stmt, *, alone: bool) -> None:
        if isinstance(statement, ast.If):
            self._if(statement, alone)
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            self._out("call", statement, alone)
        elif isinstance(statement, ast.Break | ast.Continue):
            start, end = self.source.span(statement)
            self._add("exit", statement, Change(start, end, "continue" if end - start == len("break") else "break"))
        elif isinstance(statement, ast.For | ast.AsyncFor) and not isinstance(statement.body[-1], _LEAVES):
            _, end = self.source.span(statement.body[-1])
            indent = " " * statement.body[0].col_offset
            if statement.body[0].lineno > statement.lineno:
                self._add("exit", statement, Change(end, end, f"\n{indent}break"), new="... break")
        for expression in _expressions(statement):
            self._expression(expression)
        for name in ("body", "orelse", "finalbody"):
            inner = getattr(statement, name, None)
            if isinstance(inner, list) and inner and isinstance(inner[0], ast.stmt):
                self.block(inner)
        for handler in [*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())]:
            self.block(handler.body)

    def _if(self, statement: ast.If, alone: bool) -> None:
        kind: Kind = "guard" if isinstance(statement.body[-1], _LEAVES) else "branch"
        if not statement.orelse:
            self._out(kind, statement, alone and not self._is_elif(statement))
        elif not (len(statement.orelse) == 1 and self._is_elif(statement.orelse[0])):
            start, end = self.source.span(statement.body[-1])[1], self.source.span(statement.orelse[-1])[1]
            words = self.source.bytes[start:end].decode(errors="replace").strip()
            if words.startswith("else"):
                self._add("branch", statement, Change(start, end, ""), new=GONE)

    def _is_elif(self, statement: ast.stmt) -> bool:
        start, _ = self.source.span(statement)
        return isinstance(statement, ast.If) and self.source.bytes[start : start + 4] == b"elif"

    def _out(self, kind: Kind, statement: ast.stmt, alone: bool) -> None:
        start, end = self.source.span(statement)
        gone = Change(start, end, "pass") if alone else whole_lines(self.source.bytes, start, end)
        if gone.new or gone.start < start or self.source.bytes[gone.end - 1 : gone.end] == b"\n":
            self._add(kind, statement, gone, new=gone.new or GONE)

    def _expression(self, node: ast.expr) -> None:
        match node:
            case ast.Compare(ops=[_]):
                self._comparison(node)
            case ast.BoolOp():
                places = [self.source.between(a, b) for a, b in zip(node.values, node.values[1:], strict=False)]
                old = "and" if isinstance(node.op, ast.And) else "or"
                words = [self._word(place, rf"\b{old}\b") for place in places]
                if all(words):
                    changes = [Change(start, end, LOGIC[old]) for start, end in filter(None, words)]
                    self._add("logic", node, *changes)
            case ast.UnaryOp(op=ast.Not()):
                start, _ = self.source.span(node)
                self._add("logic", node, Change(start, self.source.span(node.operand)[0], ""), new=GONE)
            case ast.BinOp() if not any(isinstance(side, ast.JoinedStr) or _is_text(side) for side in _sides(node)):
                word = self._word(self.source.between(node.left, node.right), r"//|\*\*|<<|>>|[-+*/%@|&^]")
                new = ARITHMETIC.get(self.source.bytes[slice(*word)].decode()) if word else None
                if word and new:
                    self._add("arithmetic", node, Change(*word, new))
            case ast.Constant():
                self._constant(node)
            case ast.Call(args=[first, second, *_]) if not any(isinstance(one, ast.Starred) for one in node.args):
                one, other = self.source.of(first), self.source.of(second)
                if one != other:
                    changes = [Change(*self.source.span(first), other), Change(*self.source.span(second), one)]
                    self._add("arguments", node, *changes)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr) and not isinstance(child, ast.JoinedStr):
                self._expression(child)
            elif isinstance(child, ast.comprehension | ast.keyword):
                for inner in ast.iter_child_nodes(child):
                    if isinstance(inner, ast.expr) and not isinstance(inner, ast.JoinedStr):
                        self._expression(inner)

    def _comparison(self, node: ast.Compare) -> None:
        word = self._word(self.source.between(node.left, node.comparators[0]), _COMPARED.pattern)
        if word is None:
            return
        old = " ".join(self.source.bytes[slice(*word)].decode().split())
        if old in BOUNDARIES:
            self._add("boundary", node, Change(*word, BOUNDARIES[old]))
        elif old in OPPOSITES:
            self._add("comparison", node, Change(*word, OPPOSITES[old]))

    def _constant(self, node: ast.Constant) -> None:
        text = self.source.of(node)
        new: str | None = None
        if isinstance(node.value, bool):
            new = str(not node.value)
        elif isinstance(node.value, int):
            new = one_more(text)
        elif isinstance(node.value, str):
            match = re.fullmatch(r"""([rRuU]?)("|')(.+)\2""", text)
            inner = other_text(match[3], self.rng) if match else None
            new = f"{match[1]}{match[2]}{inner}{match[2]}" if match and inner and inner != match[3] else None
        if new is not None:
            self._add("constant", node, Change(*self.source.span(node), new))

    def _word(self, place: tuple[int, int], pattern: str) -> tuple[int, int] | None:
        """Where the operator between two operands stands."""
        middle = self.source.bytes[slice(*place)].decode(errors="replace")
        match = re.search(pattern, middle)
        if match is None or not middle.isascii():
            return None
        return place[0] + match.start(), place[0] + match.end()

    def _add(self, kind: Kind, node: ast.expr | ast.stmt, *changes: Change, new: str | None = None) -> None:
        if among(node.lineno, node.end_lineno or node.lineno, self.lines):
            line = self.source.bytes.count(b"\n", 0, changes[0].start) + 1
            self.mutations.append(made(kind, line, self.source.bytes, *changes, new=new))


def _expressions(statement: ast.stmt) -> Iterator[ast.expr]:
    """What a statement evaluates where it stands: no annotations, no decorators, no condition of a `while`."""
    left_out = {"annotation", "returns", "decorator_list", "bases", "args"}
    if isinstance(statement, ast.While):
        left_out.add("test")  # loops that never end take a whole time-out to be found out
    for name, value in ast.iter_fields(statement):
        if name in left_out:
            continue
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, ast.expr) and not isinstance(one, ast.JoinedStr):
                yield one
            elif isinstance(one, ast.withitem):
                yield one.context_expr


def _sides(node: ast.BinOp) -> tuple[ast.expr, ast.expr]:
    return node.left, node.right


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
