"""What a server says of an answer's tokens, believed only where it can be a count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_collab.agents.prices import Tokens


def part(of: Any, name: str) -> Any:
    """A field of what an SDK made of a server's JSON, whatever shape that has; None where there is no such field."""
    return of.get(name) if isinstance(of, Mapping) else getattr(of, name, None)


def counted(spoken: Any, written: Any, *, cached: Any = None, stored: Any = None) -> Tokens | None:
    """Tokens of an answer; None where input or output is missing, negative or no number: never zero for unknown.

    Args:
        spoken: all input, what was read from the cache and written to it included.
        written: output.
        cached: the part of the input that was read from the cache; what cannot be is none.
        stored: the part that was written to it.
    """
    asked, answered = whole(spoken), whole(written)
    if asked is None or answered is None:
        return None
    read = min(whole(cached) or 0, asked)
    return Tokens(asked, answered, read, min(whole(stored) or 0, asked - read))


def openai_tokens(usage: Any, asked: str, answered: str) -> Tokens | None:
    """What an answer of OpenAI's kind says, where input has the name `asked` and output `answered`.

    Cached tokens are part of its input already.
    """
    details = part(usage, f"{asked}_details")
    return counted(
        part(usage, asked),
        part(usage, answered),
        cached=part(details, "cached_tokens"),
        stored=part(details, "cache_write_tokens"),
    )


def whole(value: Any) -> int | None:
    """A count, also where a server writes it as text or with a point; None for what is none."""
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
