"""Expectations of Python's tests: pytest's and unittest's, read with `ast`.

Only what every right implementation runs into is changed: statements that no branch, handler or early return can
leave out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from pytest_collab.families.coding.counter.conditions import (
    Held,
    approximate,
    called,
    constants,
    held,
    other_classes,
)
from pytest_collab.families.coding.counter.edit import STRONG, TURNED, WEAK, Candidate, Change, shown
from pytest_collab.families.coding.counter.errors import other_errors
from pytest_collab.families.coding.counter.flow import RAISES, certain, name_of
from pytest_collab.families.coding.counter.values import DRAWS, other_number, other_text, other_word

_EQUAL: Final = re.compile(
    r"assert_?(array_|frame_|series_|list_|tuple_|set_|dict_|sequence_|multi_line_|count_|almost_?|allclose|all_?close)*"
    r"(equals?|eq|close|allclose)?",
    re.IGNORECASE,
)
_TURNED_CALLS: Final = {
    one: other
    for pair in (
        ("assertTrue", "assertFalse"),
        ("assertIn", "assertNotIn"),
        ("assertIs", "assertIsNot"),
        ("assertIsNone", "assertIsNotNone"),
        ("assertIsInstance", "assertNotIsInstance"),
        ("assertRegex", "assertNotRegex"),
        ("assertGreater", "assertLessEqual"),
        ("assertLess", "assertGreaterEqual"),
    )
    for one, other in (pair, pair[::-1])
}
_OPPOSITE: Final[dict[type[ast.cmpop], str]] = {
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Lt: ">=",
    ast.GtE: "<",
    ast.Gt: "<=",
    ast.LtE: ">",
    ast.NotEq: "==",
}
# Any exception at all may be one of these.
_ANY_ERROR: Final = ("Exception", "BaseException")
# Two of them: an array compares with a list of one as with that one.
_WRAPPED: Final = ("({}, None)", "[{}, 0]", "[0, {}]")
_LOOSE: Final = (ast.BoolOp, ast.IfExp, ast.Lambda, ast.NamedExpr)  # to `not`, which needs parentheses there
_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Python:
    """Expectations of Python's tests."""

    def find(self, source: bytes, rng: Random) -> list[Candidate]:
        tree, text = _parsed(source), Source(source)
        found: list[Candidate] = []
        for name, function in _tests(tree):
            found += _Test(text, name, function, rng).candidates()
        return found

    def beside(self, source: bytes, rng: Random) -> list[Candidate]:
        tree, text = _parsed(source), Source(source)
        found: list[Candidate] = []
        for function in tree.body:
            if isinstance(function, _Function) and not function.name.startswith("test"):
                found += _Test(text, "", function, rng).candidates()
        return [replace(one, lines=None) for one in found]

    def holds(self, test: str, name: str) -> bool:
        return test.partition("[")[0].endswith(f"::{name}")


def _parsed(source: bytes) -> ast.Module:
    """The file; an empty one where it is no Python."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])


def _tests(tree: ast.Module) -> Iterator[tuple[str, _Function]]:
    for node in tree.body:
        if isinstance(node, _Function) and node.name.startswith("test"):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, _Function) and inner.name.startswith("test"):
                    yield f"{node.name}::{inner.name}", inner


class Source:
    """A file by the places that `ast` counts in: lines, and bytes of a line."""

    def __init__(self, source: bytes) -> None:
        self.bytes = source
        self._starts = [0]
        for line in re.split(rb"(?<=\n)|(?<=\r)(?!\n)", source):
            self._starts.append(self._starts[-1] + len(line))

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start, end = self._starts[node.lineno - 1], self._starts[node.end_lineno - 1]
        return start + node.col_offset, end + node.end_col_offset

    def of(self, node: ast.expr | ast.stmt) -> str:
        start, end = self.span(node)
        return self.bytes[start:end].decode(errors="replace")

    def between(self, one: ast.expr, other: ast.expr) -> tuple[int, int]:
        return self.span(one)[1], self.span(other)[0]


@dataclass(slots=True)
class _Test:
    """The expectations of one test function."""

    source: Source
    name: str
    function: _Function
    rng: Random

    def candidates(self) -> list[Candidate]:
        found: list[Candidate] = []
        for statement in certain(self.function.body):
            if isinstance(statement, ast.Assert):
                found += self._condition(statement.test, statement)
            elif isinstance(statement, ast.With | ast.AsyncWith):
                found += self._raising(statement)
            elif isinstance(statement, ast.Expr):
                found += self._called(statement)
        return found

    def _made(
        self, statement: ast.stmt, strength: int, node: ast.expr, new: str, *changes: Change, old: str = ""
    ) -> Candidate:
        lines = statement.lineno, statement.end_lineno or statement.lineno
        changes = changes or (Change(*self.source.span(node), new),)
        return Candidate(
            self.name, node.lineno, strength, shown(old or self.source.of(node)), shown(new), changes, lines
        )

    def _condition(self, test: ast.expr, statement: ast.stmt) -> list[Candidate]:
        if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
            return [one for value in test.values for one in self._condition(value, statement)]
        return [*self._held(held(test), statement), *self._opposite(test, statement)]

    def _held(self, found: Iterable[Held], statement: ast.stmt) -> list[Candidate]:
        made = []
        for one in found:
            node = one.node
            if one.kind == "shape":
                new = self.rng.choice(_WRAPPED).format(self.source.of(node))
                made.append(self._made(statement, WEAK, node, new))
            elif one.kind == "class":
                made.append(self._made(statement, STRONG, node, self.rng.choice(other_classes(self.source.of(node)))))
            elif one.kind == "word":
                new = other_word(self.source.of(node), self.rng) or ""
                made += [self._made(statement, STRONG, node, new)] if new else []
            else:
                for _ in range(DRAWS if one.near else 1):
                    values = self._values(node, statement)
                    if not values or not one.near or one.apart(values[0].old, values[0].new):
                        made += values
                        break
        return made

    def _opposite(self, test: ast.expr, statement: ast.stmt) -> list[Candidate]:
        if isinstance(test, ast.Compare) and all(isinstance(op, ast.Eq) for op in test.ops):
            return self._equal([test.left, *test.comparators], statement)
        if isinstance(test, ast.Compare):
            if len(test.ops) > 1 or type(test.ops[0]) not in _OPPOSITE:
                return [self._turned(test, statement)]
            place = self.source.between(test.left, test.comparators[0])
            middle = self.source.bytes[slice(*place)].decode(errors="replace")
            word = re.search(r"not\s+in|is\s+not|[<>=!]=?|\bis\b|\bin\b", middle)
            if word is None:
                return [self._turned(test, statement)]
            new = _OPPOSITE[type(test.ops[0])]
            start = place[0] + len(middle[: word.start()].encode())
            change = Change(start, start + len(word[0].encode()), new)
            return [self._made(statement, TURNED, test, f"{new} ...", change, old=f"{word[0]} ...")]
        if isinstance(test, ast.Call) and isinstance(test.func, ast.Attribute) and test.func.attr == "all":
            inner = test.func.value
            if isinstance(inner, ast.Compare) and isinstance(inner.ops[0], ast.Eq):
                return [*self._values(inner.comparators[0], statement), self._turned(test, statement)]
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            start, text = self.source.span(test)[0], self.source.of(test)
            rest = text.removeprefix("not").lstrip(" \t")
            change = Change(start, start + len(text) - len(rest), "")
            return [self._made(statement, TURNED, test, rest, change)]
        return [self._turned(test, statement)]

    def _turned(self, test: ast.expr, statement: ast.stmt) -> Candidate:
        text = self.source.of(test)
        return self._made(statement, TURNED, test, f"not ({text})" if isinstance(test, _LOOSE) else f"not {text}")

    def _equal(self, operands: Sequence[ast.expr], statement: ast.stmt) -> list[Candidate]:
        expected = [node for node in operands if constants(node)]
        found = [one for node in expected for one in self._values(node, statement)]
        found += self._held((near for node in operands for near in approximate(node)), statement)
        found += self._variables(operands, statement)
        if not found:
            # Names and calls: nothing that is equal to a value is equal to a list of it.
            node = operands[-1]
            found.append(self._made(statement, WEAK, node, self.rng.choice(_WRAPPED).format(self.source.of(node))))
        return found

    def _values(self, node: ast.expr, statement: ast.stmt) -> list[Candidate]:
        change = self._first(node)
        if change is None:
            return []
        old = self.source.bytes[change.start : change.end].decode(errors="replace")
        return [self._made(statement, STRONG, node, change.new, change, old=old)]

    def _variables(self, operands: Sequence[ast.expr], statement: ast.stmt) -> list[Candidate]:
        """Expected values by name: columns of `parametrize`, and local variables that are used for nothing else."""
        found = []
        for node in operands:
            if not isinstance(node, ast.Name):
                continue
            uses = [n for n in ast.walk(self.function) if isinstance(n, ast.Name) and n.id == node.id]
            loads = [n for n in uses if isinstance(n.ctx, ast.Load)]
            rows = _column(self.function, node.id)
            if rows and len(uses) == 1:
                changes = [change for row in rows if (change := self._first(row)) is not None]
                if changes:
                    old = self.source.bytes[changes[0].start : changes[0].end].decode(errors="replace")
                    found.append(self._made(statement, STRONG, node, changes[0].new, *changes, old=old))
            value = _assigned(self.function, node.id)
            if value is not None and len(loads) == 1 and len(uses) == 2:
                found += self._values(value, statement)
        return found

    def _first(self, row: ast.expr) -> Change | None:
        found = constants(row)
        made = (self._other(constant) for constant in self.rng.sample(found, len(found)))
        return next((change for change in made if change is not None), None)

    def _other(self, constant: ast.Constant) -> Change | None:
        start, end = self.source.span(constant)
        text = self.source.bytes[start:end].decode(errors="replace")
        new: str | None = None
        if isinstance(constant.value, bool):
            new = str(not constant.value)
        elif isinstance(constant.value, int | float):
            new = other_number(text, self.rng)
        elif isinstance(constant.value, str | bytes):
            match = re.fullmatch(r"""([a-zA-Z]*)("{3}|'{3}|"|')(.*)\2""", text, re.DOTALL)
            inner = other_text(match[3], self.rng) if match else None
            new = f"{match[1]}{match[2]}{inner}{match[2]}" if match and inner is not None else None
        if new is None:
            return None
        try:
            value = ast.literal_eval(new)
        except (ValueError, SyntaxError):
            return None
        return Change(start, end, new) if type(value) is type(constant.value) and value != constant.value else None

    def _raising(self, statement: ast.With | ast.AsyncWith) -> list[Candidate]:
        found = []
        for item in statement.items:
            call = item.context_expr
            if not isinstance(call, ast.Call) or name_of(call.func) not in RAISES or not call.args:
                continue
            kind = call.args[0]
            if isinstance(kind, ast.Name | ast.Attribute) and name_of(kind) not in _ANY_ERROR:
                new = self.rng.choice(other_errors(self.source.of(kind)))
                found.append(self._made(statement, STRONG, kind, new))
            for keyword in call.keywords:
                if keyword.arg == "match":
                    found += self._values(keyword.value, statement)
        return found

    def _called(self, statement: ast.Expr) -> list[Candidate]:
        call = statement.value.value if isinstance(statement.value, ast.Await) else statement.value
        if not isinstance(call, ast.Call):
            return []
        name = name_of(call.func)
        if name in _TURNED_CALLS:
            _, end = self.source.span(call.func)
            new = _TURNED_CALLS[name]
            strong = self._held(called(name, call), statement)
            if name == "assertTrue" and call.args:
                strong = [one for one in self._condition(call.args[0], statement) if one.strength == STRONG]
            return [
                *strong,
                self._made(statement, TURNED, call.func, new, Change(end - len(name), end, new), old=name),
            ]
        if name in RAISES and len(call.args) > 1 and isinstance(kind := call.args[0], ast.Name | ast.Attribute):
            if name_of(kind) in _ANY_ERROR:
                return []
            return [self._made(statement, STRONG, kind, self.rng.choice(other_errors(self.source.of(kind))))]
        if not name or not _EQUAL.fullmatch(name) or len(call.args) < 2:
            return []
        if re.search("almost|close", name, re.IGNORECASE) and (call.keywords or len(call.args) > 2):
            return self._held(called(name, call), statement)
        operands = call.args[:2]
        expected = [node for node in operands if constants(node)]
        return self._values(expected[0], statement) if len(expected) == 1 else self._variables(operands, statement)


def _column(function: _Function, name: str) -> list[ast.expr]:
    """What `parametrize` gives an argument of the test, one for each row."""
    for decorator in function.decorator_list:
        if not isinstance(decorator, ast.Call) or name_of(decorator.func) != "parametrize" or len(decorator.args) < 2:
            continue
        given, rows = decorator.args[:2]
        names: list[str] = []
        if isinstance(given, ast.Constant) and isinstance(given.value, str):
            names = [one.strip() for one in given.value.split(",")]
        elif isinstance(given, ast.Tuple | ast.List):
            names = [str(one.value) for one in given.elts if isinstance(one, ast.Constant)]
        if name not in names or not isinstance(rows, ast.Tuple | ast.List):
            continue
        at, found = names.index(name), list[ast.expr]()
        for row in rows.elts:
            if isinstance(row, ast.Call) and name_of(row.func) == "param":
                cells: Sequence[ast.expr] = row.args
            else:
                cells = row.elts if isinstance(row, ast.Tuple | ast.List) and len(names) > 1 else (row,)
            if at < len(cells):
                found.append(cells[at])
        return found
    return []


def _assigned(function: _Function, name: str) -> ast.expr | None:
    """What a local variable is set to, once, at the top of the function."""
    for statement in function.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
            if isinstance(target, ast.Name) and target.id == name:
                return statement.value
    return None
