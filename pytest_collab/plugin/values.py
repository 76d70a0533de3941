"""The values that options take: read from text, or refused with a sentence that names option, value and remedy."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest


def names_of(flag: str, text: str, separator: str = ",") -> list[str]:
    """Names, none of them empty. Raises pytest.UsageError."""
    names = [name.strip() for name in text.split(separator)] if text else []
    if any(not name for name in names):
        raise pytest.UsageError(f"{flag}={text}: there is an empty name; write NAME{separator}NAME")
    return names


def choice(flag: str, text: str, choices: tuple[str, ...]) -> str:
    """One of `choices`. Raises pytest.UsageError."""
    if text not in choices:
        raise pytest.UsageError(f"{flag}={text}: choose from {', '.join(choices)}")
    return text


def sandbox_named(name: str) -> str:
    """The name of a sandbox that there is. Raises pytest.UsageError."""
    if name not in ("auto", "docker", "bubblewrap", "kubernetes", "process"):
        from pytest_collab.errors import UsageError
        from pytest_collab.sandbox.choose import check_name

        try:
            check_name(name)
        except UsageError as error:
            raise pytest.UsageError(f"--collab-sandbox={name}: {error}") from None
    return name


def truth(flag: str, text: str) -> bool:
    """True or false. Raises pytest.UsageError."""
    if text.lower() in ("", "false", "no", "0"):
        return False
    if text.lower() in ("true", "yes", "1"):
        return True
    more = ", nor anew" if flag == "--collab-resume" else ""
    raise pytest.UsageError(f"{flag}: {text!r} is neither true nor false{more}")


def whole(flag: str, text: str, *, least: int, most: int) -> int:
    """A whole number within bounds. Raises pytest.UsageError."""
    if not text.lstrip("-").isdecimal() or not least <= int(text) <= most:
        raise pytest.UsageError(f"{flag}={text}: give a whole number from {least} to {most}")
    return int(text)


def shard_of(text: str) -> tuple[int, int] | None:
    """I/N as (I, N); None where nothing is said. Raises pytest.UsageError."""
    if not text:
        return None
    place, _, parts = text.partition("/")
    if not (place.isdecimal() and parts.isdecimal() and 1 <= int(place) <= int(parts) <= 10_000):
        raise pytest.UsageError(f"--collab-shard={text}: give I/N with I from 1 to N, e.g. 2/5")
    return int(place), int(parts)


def dollars(text: str) -> float | None:
    """A positive number of US dollars; None where nothing is said. Raises pytest.UsageError."""
    if not text:
        return None
    read: Callable[[str], float] = float
    try:
        value = read(text.lstrip("$"))
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise pytest.UsageError(f"--collab-max-cost={text}: give a positive number of US dollars, e.g. 2.50")
    return value
