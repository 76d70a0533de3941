"""Which statements of a Python test are run whatever the code under test does."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Final

RAISES: Final = frozenset({"raises", "assertRaises", "assertRaisesRegex"})
"""What expects an exception of the statements below it."""


def name_of(node: ast.expr) -> str:
    """The last part of a dotted name; empty for what is no name."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def certain(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that are run whatever the code under test does, as long as none before them fails."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.With | ast.AsyncWith):
            managers = [item.context_expr for item in statement.items if isinstance(item.context_expr, ast.Call)]
            if not {name_of(manager.func) for manager in managers} & {*RAISES, "suppress"}:
                yield from certain(statement.body)
        elif (isinstance(statement, ast.For) and is_filled(statement.iter)) or (
            isinstance(statement, ast.Try) and not statement.handlers
        ):
            yield from certain(statement.body)
        if _may_leave(statement):
            return


def _may_leave(node: ast.AST, looping: bool = False) -> bool:
    """Whether what follows a statement can be left out because of it.

    Args:
        looping: it is in a loop of its own, which is what `break` and `continue` leave.
    """
    if isinstance(node, ast.Return) or (isinstance(node, ast.Break | ast.Continue) and not looping):
        return True
    if isinstance(node, ast.Call) and name_of(node.func) in ("skip", "skipTest", "xfail", "importorskip", "assume"):
        return True
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
        return False
    looping = looping or isinstance(node, ast.For | ast.AsyncFor | ast.While)
    return any(_may_leave(child, looping) for child in ast.iter_child_nodes(node))


def is_filled(node: ast.expr) -> bool:
    """Whether a loop over it is entered, whatever the code under test does."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return bool(node.elts) and not any(isinstance(one, ast.Starred) for one in node.elts)
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str | bytes) and bool(node.value)
    if isinstance(node, ast.Call) and name_of(node.func) in ("range", "enumerate", "zip"):
        if name_of(node.func) == "range":
            return bool(node.args) and isinstance(end := node.args[-1], ast.Constant) and bool(end.value)
        return bool(node.args) and all(is_filled(one) for one in node.args)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Dict):
        return bool(node.func.value.keys)
    return False
