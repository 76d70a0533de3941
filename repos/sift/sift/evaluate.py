"""Give a node its value for one record."""

from __future__ import annotations

import operator
from functools import singledispatch
from typing import Any, Mapping

from sift import nodes
from sift.errors import EvaluationError

Record = Mapping[str, Any]

_ORDERINGS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@singledispatch
def evaluate(node: nodes.Node, record: Record) -> Any:
    """Return the value of ``node`` for ``record``.

    Raises ``EvaluationError`` when values of different kinds are ordered.
    """
    raise TypeError(f"no way to evaluate {type(node).__name__}")


@evaluate.register
def _(node: nodes.Literal, record: Record) -> Any:
    return node.value


@evaluate.register
def _(node: nodes.Name, record: Record) -> Any:
    value: Any = record
    for part in node.path:
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


@evaluate.register
def _(node: nodes.Compare, record: Record) -> bool:
    left, right = evaluate(node.left, record), evaluate(node.right, record)
    if node.operator == "=":
        return same(left, right)
    if node.operator == "!=":
        return not same(left, right)
    return ordered(node.operator, left, right)


@evaluate.register
def _(node: nodes.Not, record: Record) -> bool:
    return not evaluate(node.operand, record)


@evaluate.register
def _(node: nodes.And, record: Record) -> bool:
    return bool(evaluate(node.left, record) and evaluate(node.right, record))


@evaluate.register
def _(node: nodes.Or, record: Record) -> bool:
    return bool(evaluate(node.left, record) or evaluate(node.right, record))


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal; unlike in Python, ``1`` is not ``true``."""
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    return bool(left == right)


def ordered(symbol: str, left: Any, right: Any) -> bool:
    """Whether ``left symbol right`` holds; nothing is ordered against null."""
    if left is None or right is None:
        return False
    try:
        return bool(_ORDERINGS[symbol](left, right))
    except TypeError:
        raise EvaluationError(
            f"cannot order {left!r} ({type(left).__name__}) against {right!r} ({type(right).__name__})"
        ) from None
