"""Other exceptions of Python in the place of those that a test expects."""

from __future__ import annotations

import builtins
import re
from collections.abc import Sequence
from random import Random
from typing import Final

from pytest_collab.families.coding.counter.edit import CounterTest, Edit

_COMMON: Final = (
    *("AttributeError", "IndexError", "KeyError", "RuntimeError", "TypeError", "ValueError"),
    "ZeroDivisionError",
)
"""What tests expect every day: what they are changed to is not to be told from what they are changed from."""

_RARE: Final = ("BufferError", "ReferenceError", "StopAsyncIteration")
"""Of no kin to a project's own errors, whatever these derive from."""

_MIXED: Final = {"KeyError": "AttributeError", "AttributeError": "KeyError"}
"""Often both in one class."""


def other_errors(name: str) -> list[str]:
    """Exceptions that are not the expected one, and none of its kin.

    Args:
        name: as it stands in the test; what is no exception of Python itself is the project's own.
    """
    known = getattr(builtins, name, None)
    if not isinstance(known, type) or not issubclass(known, Exception):
        return [error for error in _RARE if error != name]
    kin = {*known.__mro__} - {Exception, BaseException, object}
    return [one for one in _COMMON if one != _MIXED.get(name) and not kin & {*getattr(builtins, one).__mro__}]


def third_errors(counter: CounterTest, met: Sequence[Edit], rng: Random) -> dict[str, str] | None:
    """Files of a counter-test in which wrong expectations that a tree met are exceptions of a third kind.

    A class may be of the kind that a test expects and of the one it was changed to; no honest one is of all.

    Returns:
        None where it met anything but exceptions in the place of others.
    """
    files = dict(counter.files)
    for edit in met:
        others = other_errors(edit.old)
        if edit.old not in vars(builtins) or edit.new not in others:
            return None
        others = [one for one in others if one not in (edit.new, _MIXED.get(edit.new))]
        lines = files[edit.path].split("\n")
        place = lines[edit.line - 1]
        lines[edit.line - 1] = re.sub(rf"\b{edit.new}\b", rng.choice(others), place, count=1)
        if lines[edit.line - 1] == place:
            return None
        files[edit.path] = "\n".join(lines)
    return files if met else None
