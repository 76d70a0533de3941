"""The tree that an expression is parsed into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

Value = Union[str, int, float, bool, None]


class Node:
    """Base of all nodes."""

    __slots__ = ()


@dataclass(frozen=True)
class Literal(Node):
    """A value written out."""

    value: Value


@dataclass(frozen=True)
class Name(Node):
    """A field of the record; ``path`` has one part for each level of nesting."""

    path: tuple[str, ...]


@dataclass(frozen=True)
class Compare(Node):
    """``left operator right``, where the operator is one of ``= != < <= > >=``."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Not(Node):
    """The opposite of ``operand``."""

    operand: Node


@dataclass(frozen=True)
class And(Node):
    """True when both sides are; the right side is looked at only when the left is true."""

    left: Node
    right: Node


@dataclass(frozen=True)
class Or(Node):
    """True when either side is; the right side is looked at only when the left is false."""

    left: Node
    right: Node
