"""Expectations of JavaScript's and TypeScript's tests: node's assert, `expect` of jest and vitest, ava."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Final

from pytest_collab.families.coding.counter import facts, syntax, tables
from pytest_collab.families.coding.counter.edit import STRONG, TURNED, WEAK, Candidate, Change
from pytest_collab.families.coding.counter.syntax import said
from pytest_collab.families.coding.counter.values import number, other_text

if TYPE_CHECKING:
    from tree_sitter import Language, Node

_LITERALS: Final = syntax.Literals(
    numbers=frozenset({"number"}),
    strings=frozenset({"string", "template_string"}),
    texts=frozenset({"string_fragment"}),
    booleans=frozenset({"true", "false"}),
    inside=re.compile(
        "array|object|pair|unary_expression|parenthesized_expression|as_expression|satisfies_expression"
        "|binary_expression"
    ),
    names=frozenset({"identifier", "member_expression", "null", "undefined", "shorthand_property_identifier"}),
    makers=re.compile(
        r"Map|Set|Date|Array|Number|String|BigInt|Object\.assign|Object\.freeze|Uint8Array|Buffer\.from"
    ),
)
_TESTS: Final = re.compile(r"(test|it|t\.test|Deno\.test|specify)(\.(only|concurrent|serial|sequential))*")
_GROUPS: Final = re.compile(r"(describe|suite|context)(\.\w+)*")
_FUNCTIONS: Final = ("arrow_function", "function_expression", "function")
_TURNED: Final = {
    one: other
    for pair in (
        ("ok", "notOk"),
        ("true", "false"),
        ("truthy", "falsy"),
        ("notEqual", "equal"),
        ("notStrictEqual", "strictEqual"),
        ("notDeepEqual", "deepEqual"),
        ("notDeepStrictEqual", "deepStrictEqual"),
        ("match", "doesNotMatch"),
        ("throws", "doesNotThrow"),
        ("rejects", "doesNotReject"),
    )
    for one, other in (pair, pair[::-1])
}
_MATCHERS: Final = re.compile(
    r"toBe|toEqual|toStrictEqual|toHaveLength|toMatchObject|toMatchInlineSnapshot|toThrow|toThrowError|eq(ual)?s?|eql"
    r"|toThrowErrorMatchingInlineSnapshot|toHaveBeenCalledWith|toHaveBeenCalledTimes|toHaveProperty|toBeCloseTo"
)
_ERRORS: Final = ("TypeError", "RangeError", "SyntaxError", "ReferenceError")
"""What tests expect every day: what they are changed to is not to be told from what they are changed from."""
# Of no kin to what code throws, whatever its own errors extend.
_RARE_ERRORS: Final = ("EvalError", "URIError", "AggregateError")
_SHORT: Final = 5
_WRAPPED: Final = ("[{}, 0]", "[0, {}]", "{{ value: {} }}")


class JavaScript:
    """Expectations of JavaScript's tests.

    Args:
        typed: TypeScript's syntax (with that of JSX, which it holds but for one kind of cast).
    """

    def __init__(self, typed: bool = False) -> None:
        self._typed = typed

    def _grammars(self) -> Iterator[Language]:
        if self._typed:
            yield syntax.grammar("tree_sitter_typescript", "language_typescript")
            yield syntax.grammar("tree_sitter_typescript", "language_tsx")
        yield syntax.grammar("tree_sitter_javascript")

    def find(self, source: bytes, rng: Random) -> list[Candidate]:
        root = next((tree for one in self._grammars() if (tree := syntax.parsed(source, one)) is not None), None)
        found: list[Candidate] = []
        for name, body in _tests(root) if root is not None else ():
            made = _Test(name, body, rng).candidates()
            # Any test at all may have a name that is made at run time: it is known by where it fails.
            found += [replace(one, lines=_lines(body)) for one in made] if name == "*" else made
        return found

    def beside(self, source: bytes, rng: Random) -> list[Candidate]:
        return []

    def holds(self, test: str, name: str) -> bool:
        pattern = ".*".join(re.escape(part) for part in name.split("*"))
        return re.search(rf"(^|::|\s|›)\s*{pattern}$", test, re.DOTALL) is not None


def _tests(node: Node) -> Iterator[tuple[str, Node]]:
    """Names and bodies of tests; what only groups them is gone through."""
    for call in syntax.every(node, "call_expression"):
        function, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
        if function is None or arguments is None or not _TESTS.fullmatch(_called(function)):
            continue
        given = arguments.named_children
        body = next((one.child_by_field_name("body") for one in given if one.type in _FUNCTIONS), None)
        if body is None or not given:
            continue
        if given[0].type in ("string", "template_string"):
            yield _title(given[0]), body
        elif tables.bindings(body):
            yield "*", body


def _called(function: Node) -> str:
    """What is called; tables of `test.each(...)` and `test.for(...)` are left out."""
    if function.type == "call_expression":
        return re.sub(r"\.(each|for)$", "", said(function.child_by_field_name("function")))
    return said(function)


def _lines(body: Node) -> tuple[int, int]:
    return body.start_point[0] + 1, body.end_point[0] + 1


def _title(node: Node) -> str:
    parts = []
    for child in node.named_children:
        parts.append(said(child) if child.type == "string_fragment" else "*")
    return re.sub(r"%[sdifjo#pc]|\$[\w.]+", "*", "".join(parts))


class _Test:
    """The expectations of one test."""

    def __init__(self, name: str, body: Node, rng: Random) -> None:
        self.name, self.body, self.rng = name, body, rng

    def candidates(self) -> list[Candidate]:
        if self.body.type != "statement_block":
            return self._called(self.body)
        return [one for call in _certain(self.body) for one in self._called(call)]

    def _called(self, call: Node) -> list[Candidate]:
        while call.type in ("await_expression", "parenthesized_expression") and call.named_children:
            call = call.named_children[0]
        function, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
        if call.type != "call_expression" or function is None or arguments is None:
            return []
        name = said(function.child_by_field_name("property")) or said(function)
        given = arguments.named_children
        if _expected(function):
            return self._matched(function, name, given)
        if name == "assert" or name in ("ok", "true", "truthy", "assertTrue"):
            return self._wrapped(given[0], True) if given else []
        if name in ("false", "falsy", "notOk", "assertFalse"):
            return self._wrapped(given[0], False) if given else []
        if name in ("throws", "rejects", "throwsAsync"):
            return self._throws(function, name, given)
        if name in _TURNED and name not in ("equal", "strictEqual", "deepEqual", "deepStrictEqual"):
            word = self._pattern(given[1]) if name == "match" and len(given) > 1 else []
            return [*word, self._turned(function, name)]
        if syntax.EQUAL.fullmatch(name) and len(given) > 1:
            return self._operands(given[:2]) or [self._other_shape(given[1])]
        return []

    def _operands(self, operands: Sequence[Node]) -> list[Candidate]:
        expected = [node for node in operands if syntax.constants(node, _LITERALS)]
        if len(expected) == 1:
            return syntax.values(self.name, expected[0], _LITERALS, self.rng)
        if expected:
            return []
        found = []
        for node in operands:
            cells = tables.column(self.body, node)
            changes = [syntax.first(syntax.constants(cell, _LITERALS), _LITERALS, self.rng) for cell in cells]
            if made := [change for change in changes if change is not None]:
                found.append(syntax.made(self.name, STRONG, node, made[0].new, made))
            value = _assigned(self.body, said(node)) if node.type == "identifier" else None
            if value is not None and syntax.uses(self.body, said(node)) == 2:
                found += syntax.values(self.name, value, _LITERALS, self.rng)
        return found

    def _other_shape(self, node: Node) -> Candidate:
        """Names and calls: nothing that is equal to a value is equal to a list of it."""
        return syntax.made(self.name, WEAK, node, self.rng.choice(_WRAPPED).format(said(node)))

    def _wrapped(self, node: Node, truth: bool) -> list[Candidate]:
        return [*self._facts(node, truth), syntax.made(self.name, TURNED, node, syntax.negated(node))]

    def _facts(self, node: Node, truth: bool) -> list[Candidate]:
        found = []
        for fact in facts.facts(node, truth):
            if fact.kind == "equal":
                found += self._operands(fact.nodes)
            else:
                found += facts.changes(self.name, fact, _LITERALS, self.rng)
        return found

    def _turned(self, function: Node, name: str) -> Candidate:
        change = Change(function.end_byte - len(name), function.end_byte, _TURNED[name])
        return syntax.made(self.name, TURNED, function, _TURNED[name], [change])

    def _throws(self, function: Node, name: str, given: Sequence[Node]) -> list[Candidate]:
        if len(given) < 2:
            return [self._turned(function, name)] if name in _TURNED else []
        kind = given[1]
        if said(kind) == "Error":
            return [self._turned(function, name)] if name in _TURNED else []
        if kind.type == "identifier" and said(kind)[0].isupper():
            return [syntax.made(self.name, STRONG, kind, self.rng.choice(_other_errors(kind)))]
        return self._pattern(kind) or syntax.values(self.name, kind, _LITERALS, self.rng)

    def _pattern(self, node: Node) -> list[Candidate]:
        """A word of a regular expression is changed."""
        pattern = next(syntax.every(node, "regex_pattern"), None)
        words = list(re.finditer(r"(?<![\\\w(?])[A-Za-z]{3,}(?![\w?*+{])", said(pattern)))
        if pattern is None or not words or re.search(r"\[|\||\(\?!", said(pattern)):
            return []
        long = [word for word in words if len(word[0]) > _SHORT]
        word = self.rng.choice(long or words)
        letters = [one for one in "bcdfghjklmnpqrstvwxz" if one not in word[0].lower()]
        at = pattern.start_byte + len(said(pattern)[: word.start()].encode())
        # A long word with another letter is found nowhere; a short one may be a part of some other word.
        new = (other_text(word[0], self.rng) if long else None) or "".join(self.rng.sample(letters, 3))
        change = Change(at, at + len(word[0]), new)
        return [syntax.made(self.name, STRONG, node, new, [change], old=word[0])]

    def _matched(self, function: Node, name: str, given: Sequence[Node]) -> list[Candidate]:
        """A matcher of `expect(...)`."""
        dot = function.child_by_field_name("property")
        assert dot is not None
        chain = said(function.child_by_field_name("object"))
        if chain.endswith(".not"):
            change = Change(dot.start_byte - len("not."), dot.start_byte, "")
            return [syntax.made(self.name, TURNED, function, name, [change], old=f"not.{name}")]
        found: list[Candidate] = []
        if _MATCHERS.fullmatch(name):
            for node in given:
                if said(node) == "Error":
                    continue
                if name == "toBeCloseTo":
                    found += self._close(given) if node is given[0] else []
                elif node.type == "identifier" and name.startswith("toThrow") and said(node)[0].isupper():
                    found.append(syntax.made(self.name, STRONG, node, self.rng.choice(_other_errors(node))))
                else:
                    found += self._pattern(node) or self._operands([node])
        elif name == "toContain" and given:
            found += facts.changes(self.name, facts.Fact("holds", (given[0],)), _LITERALS, self.rng)
        elif name == "toMatch" and given:
            found += self._pattern(given[0])
        if said(given[0] if given else None) in ("", "true") and name in ("toBe", "toEqual", "toBeTruthy"):
            held = next((inner.named_children for inner in syntax.every(function, "arguments")), [])
            found = (self._facts(held[0], True) if held else []) or found
        change = Change(dot.start_byte, dot.start_byte, "not.")
        found.append(syntax.made(self.name, TURNED, function, f"not.{name}", [change], old=name))
        return found

    def _close(self, given: Sequence[Node]) -> list[Candidate]:
        """Of `toBeCloseTo(value, digits)`."""
        digits = number(said(given[1])) if len(given) > 1 else 2
        if digits is None:
            return []
        return syntax.values(self.name, given[0], _LITERALS, self.rng, 10**-digits)


def _other_errors(kind: Node) -> list[str]:
    return [error for error in (_ERRORS if said(kind) in _ERRORS else _RARE_ERRORS) if error != said(kind)]


def _expected(function: Node) -> bool:
    """Whether it is a matcher: `expect(...)`, then names."""
    inner = function.child_by_field_name("object") if function.type == "member_expression" else None
    while inner is not None and inner.type == "member_expression":
        inner = inner.child_by_field_name("object")
    return inner is not None and inner.type == "call_expression" and said(inner).startswith("expect(")


def _certain(block: Node) -> Iterator[Node]:
    """Calls that are statements, and are run whatever the code under test does, if none before them fails."""
    for statement in block.named_children:
        if statement.type == "expression_statement":
            yield statement.named_children[0]
        inner: Node | None = None
        if tables.is_entered(statement):
            inner = statement.child_by_field_name("body")
        elif statement.type == "statement_block":
            inner = statement
        elif statement.type == "try_statement" and statement.child_by_field_name("handler") is None:
            inner = statement.child_by_field_name("body")
        if inner is not None and inner.type == "statement_block":
            yield from _certain(inner)
        if syntax.leaves(statement):
            return


def _assigned(scope: Node, name: str) -> Node | None:
    for one in syntax.every(scope, "variable_declarator"):
        if said(one.child_by_field_name("name")) == name:
            return one.child_by_field_name("value")
    return None
