"""Other exceptions of Python in the place of those that a test expects."""

from __future__ import annotations

import builtins
from typing import Final

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
