"""Tool calls as models write them, made safe to be carried out and to be sent back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

from pytest_collab.episode.agent import UNREADABLE, ToolCall

_TEMPLATE_TOKEN: Final = re.compile(r"<\|.*$", re.DOTALL)
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_-]+")
_NOT_IN_IDS: Final = re.compile(r"[^A-Za-z0-9_-]")
LONGEST_NAME: Final = 64


def tidy(calls: Iterable[ToolCall]) -> tuple[ToolCall, ...]:
    """Calls with ids of their own, and names that every provider accepts when they are sent back.

    Servers refuse an id that stands twice, and names with other characters than letters, digits, `_` and `-`; some
    models write tokens of their template into the name (`run<|channel|>commentary`).
    """
    seen: set[str] = set()
    tidied = []
    for number, call in enumerate(calls):
        name = _NOT_IN_NAMES.sub("_", _TEMPLATE_TOKEN.sub("", call.name)).strip("_")[:LONGEST_NAME] or "unnamed"
        name = call.name if _NOT_IN_NAMES.search(call.name) is None and 0 < len(call.name) <= LONGEST_NAME else name
        identity = call.id
        if not identity or identity in seen or _NOT_IN_IDS.search(identity):
            identity = made_id(call.id, number, call.name)
        seen.add(identity)
        tidied.append(replace(call, id=identity, name=name))
    return tuple(tidied)


def made_id(*parts: object) -> str:
    """An id of nine letters and digits: the one form that all servers accept."""
    return sha256("\x1f".join(map(str, parts)).encode("utf-8", "replace")).hexdigest()[:9]


def arguments_of(raw: Any) -> dict[str, Any]:
    """A tool call's arguments; text that is no JSON object goes under `UNREADABLE`, for the tool to complain of.

    Nothing at all is no arguments; some servers write JSON into JSON, which is read twice.
    """
    value = {} if raw is None else raw
    for _ in range(2):
        if not isinstance(value, str):
            break
        try:
            value = json.loads(value) if value.strip() else {}
        except ValueError:
            return {UNREADABLE: raw}
    return value if isinstance(value, dict) else {UNREADABLE: str(raw)}
