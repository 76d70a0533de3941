"""Expectations of Go's tests: conditions that end in `t.Error`, tables of cases, and assertion packages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Final

from pytest_collab.families.coding.counter import facts, syntax
from pytest_collab.families.coding.counter.edit import STRONG, TURNED, Candidate, Change
from pytest_collab.families.coding.counter.syntax import said
from pytest_collab.families.coding.counter.values import number

if TYPE_CHECKING:
    from tree_sitter import Node

_LITERALS: Final = syntax.Literals(
    numbers=frozenset({"int_literal", "float_literal"}),
    strings=frozenset({"interpreted_string_literal", "raw_string_literal", "rune_literal"}),
    texts=frozenset({"interpreted_string_literal_content", "raw_string_literal_content"}),
    booleans=frozenset({"true", "false"}),
    inside=re.compile(
        "composite_literal|literal_value|literal_element|keyed_element|unary_expression|parenthesized_expression"
        "|binary_expression|type_conversion_expression|expression_list"
    ),
    names=frozenset({"identifier", "selector_expression", "nil", "iota"}),
    makers=re.compile(r"u?int(8|16|32|64)?|float(32|64)|string|rune|byte|time\.Duration|errors\.New"),
    values=("value", "body", "operand"),
)
_FAILS: Final = re.compile(r"\w+\.(Error|Errorf|Fatal|Fatalf|Fail|FailNow)")
_TURNED: Final = {
    one: other
    for pair in (
        ("True", "False"),
        ("Nil", "NotNil"),
        ("NoError", "Error"),
        ("Empty", "NotEmpty"),
        ("Zero", "NotZero"),
        ("Contains", "NotContains"),
        ("Panics", "NotPanics"),
        ("Same", "NotSame"),
        ("ErrorIs", "NotErrorIs"),
        ("NotEqual", "Equal"),
    )
    for one, other in (pair, pair[::-1])
}
_COMPARED: Final = re.compile("Equal|EqualValues|Exactly|Len|JSONEq|ElementsMatch|EqualError")


class Go:
    """Expectations of Go's tests."""

    def find(self, source: bytes, rng: Random) -> list[Candidate]:
        root = syntax.parsed(source, syntax.grammar("tree_sitter_go"))
        found: list[Candidate] = []
        helpers = _helpers(root) if root is not None else {}
        for function in root.named_children if root is not None else ():
            name = said(function.child_by_field_name("name"))
            body = function.child_by_field_name("body")
            if function.type == "function_declaration" and re.match(r"Test(?![a-z])", name) and body is not None:
                found += _Test(name, body, helpers, rng).candidates()
        return found

    def beside(self, source: bytes, rng: Random) -> list[Candidate]:
        return []

    def holds(self, test: str, name: str) -> bool:
        return re.search(rf"\.{re.escape(name)}(/|$)", test) is not None


class _Test:
    """The expectations of one test function."""

    def __init__(self, name: str, body: Node, helpers: Mapping[str, list[bool]], rng: Random) -> None:
        self.name, self.body, self.helpers, self.rng = name, body, helpers, rng

    def candidates(self) -> list[Candidate]:
        found: list[Candidate] = []
        for statement in _certain(self.body):
            if statement.type == "if_statement" and _fails(statement):
                condition = statement.child_by_field_name("condition")
                if condition is not None:
                    found += self._condition(condition)
            elif statement.type == "expression_statement":
                found += self._called(statement.named_children[0])
        return found

    def _condition(self, condition: Node) -> list[Candidate]:
        """Of an `if` that fails the test."""
        found = [one for part in _alternatives(condition) for one in self._differs(part)]
        found += self._facts(condition, False)
        found.append(syntax.made(self.name, TURNED, condition, syntax.negated(condition)))
        return found

    def _facts(self, condition: Node, truth: bool) -> list[Candidate]:
        """What else than a value a thing is held to: nearness to one, a text that it has in it."""
        kept = [fact for fact in facts.facts(condition, truth) if fact.kind != "equal"]
        return [one for fact in kept for one in facts.changes(self.name, fact, _LITERALS, self.rng)]

    def _differs(self, part: Node) -> list[Candidate]:
        """What one thing must be equal to, or else the test fails."""
        if part.type == "binary_expression" and said(part.child_by_field_name("operator")) == "!=":
            return self._operands([part.child_by_field_name("left"), part.child_by_field_name("right")])
        if part.type == "unary_expression" and said(part).startswith("!"):
            call = part.child_by_field_name("operand")
            if call is not None and call.type == "call_expression" and _compares(call):
                return self._operands(syntax.arguments(call))
        return []

    def _operands(self, operands: Sequence[Node | None]) -> list[Candidate]:
        given = [node for node in operands if node is not None]
        expected = [node for node in given if syntax.constants(node, _LITERALS)]
        if len(expected) == 1:
            return syntax.values(self.name, expected[0], _LITERALS, self.rng)
        return [one for node in given for one in self._named(node)] if not expected else []

    def _named(self, node: Node) -> list[Candidate]:
        """Expected values by name: a column of a table, a local variable that is used for nothing else."""
        if node.type == "selector_expression":
            cells = _column(self.body, node)
            changes = [change for cell in cells if (change := self._first(cell)) is not None]
            if changes:
                return [syntax.made(self.name, STRONG, node, changes[0].new, changes)]
        if node.type == "identifier" and syntax.uses(self.body, said(node)) == 2:
            value = _assigned(self.body, said(node))
            if value is not None:
                return syntax.values(self.name, value, _LITERALS, self.rng)
        return []

    def _first(self, cell: Node) -> Change | None:
        return syntax.first(syntax.constants(cell, _LITERALS), _LITERALS, self.rng)

    def _called(self, call: Node) -> list[Candidate]:
        function = call.child_by_field_name("function")
        if call.type != "call_expression" or function is None:
            return []
        if said(function) in self.helpers:
            return self._helped(call, self.helpers[said(function)])
        package, _, name = said(function).rpartition(".")
        arguments = [node for node in syntax.arguments(call) if said(node) not in ("t", "tt", "b")]
        if _COMPARED.fullmatch(name) or _compares(call):
            return self._operands(arguments[:2])
        bare = name.removesuffix("f")
        if package in ("assert", "require") and bare in _TURNED:
            new = _TURNED[bare] + name[len(bare) :]
            change = Change(function.end_byte - len(name), function.end_byte, new)
            return [*self._told(bare, arguments), syntax.made(self.name, TURNED, function, new, [change])]
        if package in ("assert", "require") and bare == "InDelta" and len(arguments) > 2:
            margin = number(said(arguments[2]))
            near = facts.Fact("near", (arguments[0], arguments[1]), margin or 0.0)
            return facts.changes(self.name, near, _LITERALS, self.rng) if margin else []
        return []

    def _told(self, name: str, arguments: Sequence[Node]) -> list[Candidate]:
        """What `assert.True` and the like hold a thing to."""
        if name == "Contains" and len(arguments) > 1:
            return facts.changes(self.name, facts.Fact("holds", (arguments[1],)), _LITERALS, self.rng)
        if name not in ("True", "False") or not arguments:
            return []
        given = facts.facts(arguments[0], name == "True")
        equal = [one for fact in given if fact.kind == "equal" for one in self._operands(fact.nodes)]
        return [*equal, *self._facts(arguments[0], name == "True")]

    def _helped(self, call: Node, compared: Sequence[bool]) -> list[Candidate]:
        """Of a helper that is told what to expect; more arguments than it names belong to the last one."""
        arguments = syntax.arguments(call)
        places = [min(place, len(compared) - 1) for place in range(len(arguments))]
        expected = [node for node, place in zip(arguments, places, strict=True) if compared[place]]
        found = [node for node in expected if syntax.constants(node, _LITERALS)]
        return syntax.values(self.name, self.rng.choice(found), _LITERALS, self.rng) if found else []


def _helpers(root: Node) -> dict[str, list[bool]]:
    """Functions of a test file that fail a test, and which of their parameters something must be equal to."""
    found: dict[str, list[bool]] = {}
    for function in root.named_children:
        body, parameters = function.child_by_field_name("body"), function.child_by_field_name("parameters")
        name = said(function.child_by_field_name("name"))
        if function.type != "function_declaration" or body is None or parameters is None or name.startswith("Test"):
            continue
        if not any(_fails(one) for one in syntax.every(body, "if_statement")):
            continue
        names = [said(one) for part in parameters.named_children for one in part.children_by_field_name("name")]
        compared: set[str] = set()
        for one in syntax.every(body, "binary_expression", "call_expression"):
            if one.type == "call_expression" and _compares(one):
                compared |= {said(argument) for argument in syntax.arguments(one)}
            elif said(one.child_by_field_name("operator")) == "!=":
                compared |= {said(one.child_by_field_name(side)) for side in ("left", "right")}
        if any(parameter in compared for parameter in names):
            found[name] = [parameter in compared for parameter in names]
    return found


def _compares(call: Node) -> bool:
    name = said(call.child_by_field_name("function")).rpartition(".")[2]
    return syntax.EQUAL.fullmatch(name) is not None and not name.lower().startswith("not")


def _fails(statement: Node) -> bool:
    block = statement.child_by_field_name("consequence")
    if block is None or statement.child_by_field_name("alternative") is not None:
        return False
    return any(_FAILS.fullmatch(said(call.child_by_field_name("function"))) for call in _calls(block))


def _calls(block: Node) -> Iterator[Node]:
    """Calls that are statements of a block."""
    for statement in _statements(block):
        if statement.type == "expression_statement" and statement.named_children[0].type == "call_expression":
            yield statement.named_children[0]


def _statements(block: Node) -> list[Node]:
    lists = [child for child in block.named_children if child.type == "statement_list"]
    return [one for part in lists for one in part.named_children] if lists else block.named_children


def _alternatives(condition: Node) -> Iterator[Node]:
    if condition.type == "parenthesized_expression":
        yield from _alternatives(condition.named_children[0])
    elif condition.type == "binary_expression" and said(condition.child_by_field_name("operator")) == "||":
        for field in ("left", "right"):
            side = condition.child_by_field_name(field)
            if side is not None:
                yield from _alternatives(side)
    else:
        yield condition


def _certain(block: Node) -> Iterator[Node]:
    """Statements that are run whatever the code under test does, as long as none before them fails."""
    for statement in _statements(block):
        yield statement
        inner: Node | None = None
        if statement.type == "for_statement" and _is_entered(statement, block):
            inner = statement.child_by_field_name("body")
        elif statement.type == "block":
            inner = statement
        elif statement.type == "expression_statement":
            call = statement.named_children[0]
            if said(call.child_by_field_name("function")).endswith(".Run"):
                bodies = (
                    one.child_by_field_name("body") for one in syntax.arguments(call) if one.type == "func_literal"
                )
                inner = next(bodies, None)
        if inner is not None:
            yield from _certain(inner)
        if syntax.leaves(statement) and not _fails(statement):
            return
        if re.search(r"\.Skip(f|Now)?\(", said(statement)):
            return


def _is_entered(loop: Node, block: Node) -> bool:
    for clause in loop.named_children:
        if clause.type == "range_clause":
            right = clause.child_by_field_name("right")
            literal = _literal(right, block)
            return literal is not None and bool(literal.named_children)
        if clause.type == "for_clause":
            condition = said(clause.child_by_field_name("condition"))
            start = said(clause.child_by_field_name("initializer"))
            return re.fullmatch(r"\w+ <=? [1-9]\d*", condition) is not None and start.endswith("0")
    return False


def _literal(node: Node | None, scope: Node) -> Node | None:
    """The `{...}` of a composite literal, in place or by the name of a local variable."""
    if node is not None and node.type == "identifier":
        node = _assigned(scope, said(node))
    return node.child_by_field_name("body") if node is not None and node.type == "composite_literal" else None


def _assigned(scope: Node, name: str) -> Node | None:
    for one in syntax.every(scope, "short_var_declaration"):
        left, right = one.child_by_field_name("left"), one.child_by_field_name("right")
        if said(left) == name and right is not None and len(right.named_children) == 1:
            return right.named_children[0]
    return None


def _column(body: Node, cell: Node) -> list[Node]:
    """What a table holds in the place of `row.field`, if that is used once."""
    row, field = said(cell.child_by_field_name("operand")), said(cell.child_by_field_name("field"))
    if sum(said(one) == said(cell) for one in syntax.every(body, "selector_expression")) != 1:
        return []
    for loop in syntax.every(body, "for_statement"):
        clause = next((one for one in loop.named_children if one.type == "range_clause"), None)
        if clause is None or said(clause.child_by_field_name("left")).rpartition(",")[2].strip() != row:
            continue
        right = clause.child_by_field_name("right")
        whole = _assigned(body, said(right)) if right is not None and right.type == "identifier" else right
        literal = _literal(right, body)
        if whole is None or literal is None:
            continue
        names = [said(one) for one in syntax.every(whole, "field_identifier") if _is_declared(one)]
        found = [_cell(element, field, names) for element in literal.named_children]
        return [one for one in found if one is not None]
    return []


def _is_declared(node: Node) -> bool:
    return node.parent is not None and node.parent.type == "field_declaration"


def _cell(element: Node, field: str, names: Sequence[str]) -> Node | None:
    value = element.child_by_field_name("value") or element
    values = next(syntax.every(value, "literal_value"), None)
    if values is None:
        return None
    parts = values.named_children
    for part in parts:
        if part.type == "keyed_element" and said(part.child_by_field_name("key")) == field:
            return part.child_by_field_name("value")
    if field in names and len(parts) == len(names) and all(part.type == "literal_element" for part in parts):
        return parts[names.index(field)]
    return None
