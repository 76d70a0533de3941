"""One small change that makes right code wrong, and the kinds of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pytest_collab.families.coding.counter.edit import Change, shown

Kind = Literal[
    "comparison", "boundary", "logic", "arithmetic", "constant", "guard", "branch", "arguments", "call", "exit"
]

KINDS: Final[Mapping[Kind, str]] = {
    "comparison": "a comparison is turned round: equal for unequal, in for not in",
    "boundary": "a boundary is moved: less for less or equal",
    "logic": "and for or, or a negation is gone",
    "arithmetic": "another operator: minus for plus",
    "constant": "another number (one more), text or truth value",
    "guard": "an `if` that leaves early is gone",
    "branch": "any other `if`, or an `else`, is gone",
    "arguments": "the first two arguments of a call have changed places",
    "call": "a call for its effect is gone",
    "exit": "break for continue, or a loop ends after its first round",
}
"""The operators of mutation testing (DeMillo, Lipton and Sayward 1978) that people's mistakes resemble."""

BOUNDARIES: Final = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
OPPOSITES: Final = {
    "==": "!=",
    "!=": "==",
    "===": "!==",
    "!==": "===",
    "is": "is not",
    "is not": "is",
    "in": "not in",
    "not in": "in",
}
LOGIC: Final = {"&&": "||", "||": "&&", "and": "or", "or": "and"}
ARITHMETIC: Final = {"+": "-", "-": "+", "*": "+", "//": "*", "/": "*", "%": "*"}

GONE: Final = "(gone)"
"""What stands in the place of what was taken out, for people to read."""

_NUMBER: Final = re.compile(r"(\d[\d_]*)([iu](?:8|16|32|64|128|size)|n)?")


@dataclass(frozen=True, slots=True)
class Mutation:
    """A change of one file.

    Attributes:
        line: where it begins, from 1, in the file as it was.
        old, new: what stood there, and what stands there now; for people to read, in one short line.
    """

    kind: Kind
    line: int
    old: str
    new: str
    changes: tuple[Change, ...]


def made(kind: Kind, line: int, source: bytes, *changes: Change, new: str | None = None) -> Mutation:
    """A mutation that makes these changes; its words are those of the first."""
    first = changes[0]
    old = source[first.start : first.end].decode(errors="replace")
    return Mutation(kind, line, shown(old), shown(first.new if new is None else new), changes)


def one_more(text: str) -> str | None:
    """A whole number in the same notation, larger by one; None for any other notation."""
    match = _NUMBER.fullmatch(text)
    return f"{int(match[1].replace('_', '')) + 1}{match[2] or ''}" if match else None


def whole_lines(source: bytes, start: int, end: int) -> Change:
    """The change that takes a statement out: with its lines, where nothing else stands on them."""
    first = source.rfind(b"\n", 0, start) + 1
    last = source.find(b"\n", end)
    last = len(source) if last < 0 else last + 1
    alone = not source[first:start].strip() and not source[end:last].strip().strip(b";,")
    return Change(first, last, "") if alone else Change(start, end, "")


def among(first: int, last: int, lines: Collection[int]) -> bool:
    """Whether all lines from `first` to `last` are among these."""
    return all(line in lines for line in range(first, last + 1))
