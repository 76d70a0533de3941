"""Keys: held so that no traceback, log or report can show them, and taken out of everything that is written."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Final

MASK: Final = "[secret]"

SHORTEST: Final = 6
"""Values shorter than this are not looked for: taking them out would tear ordinary words apart."""

LIKELY: Final = 12
"""Values of the environment shorter than this are hardly keys."""

_LOGIN: Final = re.compile(r"""(?<=://)[^/\s"'@:?#]*:[^/\s"'@]+(?=@)""")
"""The user and the password of an address."""

_WEB_LOGIN: Final = re.compile(r"https?://[^/\s@]*@")

_known: set[str] = set()
_pattern: re.Pattern[str] | None = None


def logs_in(address: str) -> bool:
    """Whether an address holds a password, or what a web server takes for one; that is remembered as secret then.

    The user's name alone, as in ssh://git@host, is none.
    """
    found = _LOGIN.findall(address) + [login.partition("://")[2][:-1] for login in _WEB_LOGIN.findall(address)]
    remember(*found, *(login.partition(":")[2] for login in found))
    return bool(found)


class Secret:
    """A value that shows itself only to `reveal`.

    Its repr, str and format are a mask, it cannot be pickled, and `redact` removes it from text from now on.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        remember(value)

    def reveal(self) -> str:
        """The value itself. Hand it straight on; never bind it to a name."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> Any:
        raise TypeError("a secret is not pickled")


def remember(*values: str) -> None:
    """Take these values out of all text that goes through `redact`."""
    global _pattern
    fresh = {value for value in values if len(value) >= SHORTEST} - _known
    if fresh:
        _known.update(fresh)
        # The longest first, so that a key which begins like another is taken out whole.
        _pattern = re.compile("|".join(re.escape(value) for value in sorted(_known, key=len, reverse=True)))


def redact(text: str) -> str:
    """`text` with every known secret masked, and whoever logs in to an address."""
    if "@" in text and "://" in text:
        text = _LOGIN.sub(MASK, text)
    return text if _pattern is None else _pattern.sub(MASK, text)


def redacted(value: Any) -> Any:
    """JSON-ready data as `redact` leaves text, in keys too."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(str(key)): redacted(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redacted(item) for item in value]
    return value


_SENSITIVE: Final = re.compile(r"(^|_)(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)(_|$)", re.IGNORECASE)


def sensitive(name: str, value: str) -> bool:
    """Whether an environment variable is likely to hold a secret: its name says so, or it logs in somewhere."""
    return bool(_SENSITIVE.search(name) or _LOGIN.search(value))


def environment() -> None:
    """Remember the values of all environment variables whose name says that they are secret.

    Plain words and numbers are left alone: MAX_TOKEN is no secret, and its value may well stand in a text.
    """
    for name, value in os.environ.items():
        for login in _LOGIN.findall(value):
            remember(login, login.partition(":")[2])
        if _SENSITIVE.search(name) and len(value) >= LIKELY and not value.isalpha() and not value.isdigit():
            remember(value)
