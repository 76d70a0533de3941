"""What a condition of a Python test holds a thing to: a value, nearness to one, a beginning, a word, a class."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pytest_collab.families.coding.counter.flow import is_filled, name_of
from pytest_collab.families.coding.counter.values import apart, number

_MAKERS: Final = re.compile(
    "approx|set|frozenset|tuple|list|dict|str|int|float|bytes|bytearray|Decimal|Fraction|date|datetime|time|timedelta"
    "|Path|Pure(Posix)?Path|UUID|array|asarray|Counter|OrderedDict|snapshot|Series|DataFrame|deque|IPv[46]Address"
    "|ip_address|SimpleNamespace"
)
_CLOSE: Final = re.compile("is_?close|all_?close", re.IGNORECASE)
_RELATIVE: Final = ("rel", "rel_tol", "rtol")
_ABSOLUTE: Final = ("abs", "abs_tol", "atol", "delta")
_CLASSES: Final = ("int", "float", "str", "bytes", "list", "tuple", "dict", "set")
"""No object is of two of them."""


@dataclass(frozen=True, slots=True)
class Held:
    """What one thing is held to.

    Attributes:
        kind: what `node` is: a `value`, one whose `shape` can be changed, a text with a `word` in it, a `class`.
        near: a right answer may be as far from the value as `margin`, and this part of it (`relative`).
    """

    kind: str
    node: ast.expr
    near: bool = False
    margin: float = 0.0
    relative: float = 0.0

    def apart(self, old: str, new: str) -> bool:
        """Whether nothing is near to two numbers at once."""
        largest = max(number(old) or 0.0, number(new) or 0.0)
        return apart(old, new, self.margin + self.relative * largest)


def held(test: ast.expr) -> Iterator[Held]:
    """What must be so for a condition to be true, and can be for no two values."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        left, right = test.left, test.comparators[0]
        if isinstance(test.ops[0], ast.Lt | ast.LtE):
            yield from _distance(left, right)
        elif isinstance(test.ops[0], ast.Gt | ast.GtE):
            yield from _distance(right, left)
        elif isinstance(test.ops[0], ast.In) and _text(left):
            yield Held("word", left)
    elif isinstance(test, ast.Call):
        name = name_of(test.func)
        if name == "all" and len(test.args) == 1 and isinstance(test.args[0], ast.GeneratorExp | ast.ListComp):
            yield from _each(test.args[0])
        elif name in ("startswith", "endswith") and len(test.args) == 1 and _text(test.args[0]):
            yield Held("value", test.args[0])
        elif name == "isinstance":
            yield from _class(test)
        elif _CLOSE.fullmatch(name):
            yield from _tolerant(test)


def called(name: str, call: ast.Call) -> Iterator[Held]:
    """What an assertion that is called holds a thing to."""
    if name == "assertIn" and call.args and _text(call.args[0]):
        yield Held("word", call.args[0])
    elif name == "assertIsInstance":
        yield from _class(call)
    elif re.search("almost|close", name, re.IGNORECASE):
        yield from _tolerant(call)


def approximate(node: ast.expr) -> Iterator[Held]:
    """What `approx(value, ...)` is near to, where it says how near."""
    if isinstance(node, ast.Call) and name_of(node.func) == "approx" and node.keywords and len(node.args) == 1:
        yield from _within(node.args, node.keywords)


def other_classes(name: str) -> list[str]:
    """Classes that nothing of the class called `name` is of."""
    own = getattr(builtins, name)
    return [one for one in _CLASSES if not issubclass(own, getattr(builtins, one))]


def _class(call: ast.Call) -> Iterator[Held]:
    """Of `isinstance(one, str)`: a name alone, for `np.str` is another class."""
    kind = call.args[1] if len(call.args) > 1 else None
    if isinstance(kind, ast.Name) and kind.id in _CLASSES:
        yield Held("class", kind)


def _text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(node.value)


def _each(made: ast.GeneratorExp | ast.ListComp) -> Iterator[Held]:
    """Of something for each of what is given, if anything is."""
    loop, condition = made.generators[0], made.elt
    if len(made.generators) > 1 or loop.ifs or not is_filled(loop.iter):
        return
    if isinstance(condition, ast.Compare) and len(condition.ops) == 1 and isinstance(condition.ops[0], ast.Eq):
        sides = [condition.left, condition.comparators[0]]
        expected = [node for node in sides if constants(node)]
        yield Held("value", expected[0]) if len(expected) == 1 else Held("shape", sides[1])
    else:
        yield from held(condition)


def _distance(distance: ast.expr, margin: ast.expr) -> Iterator[Held]:
    """Of `abs(one - other)` below a margin."""
    if isinstance(distance, ast.Call) and name_of(distance.func) in ("abs", "fabs") and len(distance.args) == 1:
        inner, within = distance.args[0], _number(margin)
        if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Sub) and within is not None:
            expected = [node for node in (inner.left, inner.right) if _number(node) is not None]
            if len(expected) == 1:
                yield Held("value", expected[0], True, within)


def _tolerant(call: ast.Call) -> Iterator[Held]:
    """Of `isclose(one, other)` and `assertAlmostEqual(one, other)`, with what they say of tolerances."""
    places = [word.value for word in call.keywords if word.arg in ("places", "decimal")]
    if places:
        digits = _number(places[0])
        expected = [node for node in call.args[:2] if constants(node)]
        if digits is not None and len(expected) == 1:
            yield Held("value", expected[0], True, 10**-digits)
    elif len(call.args) == len("ab"):
        yield from _within(call.args, call.keywords)


def _within(given: list[ast.expr], words: list[ast.keyword]) -> Iterator[Held]:
    expected = [node for node in given if constants(node)]
    margins = {word.arg: _number(word.value) for word in words if word.arg not in ("nan_ok", "equal_nan")}
    if len(expected) != 1 or {*margins} - {*_RELATIVE, *_ABSOLUTE} or None in margins.values():
        return
    relative = max((margins[name] or 0.0 for name in _RELATIVE if name in margins), default=1e-4)
    absolute = max((margins[name] or 0.0 for name in _ABSOLUTE if name in margins), default=1e-6)
    yield Held("value", expected[0], True, absolute, relative)


def _number(node: ast.expr) -> float | None:
    node = node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else node
    value = node.value if isinstance(node, ast.Constant) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def constants(node: ast.expr) -> list[ast.Constant]:
    """Constants that an expected value is made of; none where it is more than that."""
    found: list[ast.Constant] = []
    return found if _gather(node, found) else []


def _gather(node: ast.expr, found: list[ast.Constant]) -> bool:
    if isinstance(node, ast.Constant):
        if node.value is not None and node.value is not Ellipsis and not isinstance(node.value, complex):
            found.append(node)
        return True
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return all(_gather(one, found) for one in node.elts)
    if isinstance(node, ast.Dict):
        return all(one is not None and _gather(one, found) for one in (*node.keys, *node.values))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        return _gather(node.operand, found)
    if isinstance(node, ast.BinOp):
        return _gather(node.left, found) and _gather(node.right, found)
    if isinstance(node, ast.Call):
        near = name_of(node.func) == "approx" and (node.keywords or len(node.args) > 1)
        if near or not _MAKERS.fullmatch(name_of(node.func)):
            return False
        return all(_gather(one, found) for one in node.args)
    return isinstance(node, ast.Name | ast.Attribute)
