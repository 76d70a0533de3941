"""Agents' text, made safe: bounded in size, valid Unicode, and printable where people see it."""

from __future__ import annotations

import re
from typing import Final

REPLY_LIMIT: Final = 64 * 1024
MESSAGE_LIMIT: Final = 8 * 1024

_MARK = r"\[\.\.\. \d+ characters left out \.\.\.\]"
_OMISSION = re.compile(rf"\S{{0,64}}\n{_MARK}\n\S{{0,64}}|\n?{_MARK}\n?")
_ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI sequences (colours, cursor)
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC sequences (titles, links)
    r"|\x1b[PX^_].*?(?:\x1b\\|$)"  # device control strings
    r"|\x1b[@-Z\\-_]?",
    re.DOTALL,
)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def valid(text: str) -> str:
    """The same text with lone surrogates replaced, so that it can be encoded."""
    return text.encode("utf-8", "replace").decode("utf-8") if _has_surrogate(text) else text


def _has_surrogate(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def bounded(text: str, limit: int) -> str:
    """`text` cut to `limit` characters, saying how many were left out.

    The first two thirds and the last third of the limit are kept.
    """
    if len(text) <= limit:
        return text
    head = limit * 2 // 3
    tail = limit - head
    return f"{text[:head]}\n[... {len(text) - limit} characters left out ...]\n{text[-tail:]}"


def without_omissions(text: str) -> str:
    """`text` without the words that `bounded` put in, and without the halves of words beside them.

    Nobody said them, so no reader of a dialogue may read them.
    """
    return _OMISSION.sub("\n\n", text)


def printable(text: str, limit: int | None = None) -> str:
    """`text` for a terminal or a page: no escape sequence, control or direction-changing character.

    Newlines and tabs stay. Characters that were taken out leave U+FFFD where they stood, except whole
    ANSI sequences, which leave nothing.
    """
    text = _CONTROL.sub("\ufffd", _ANSI.sub("", valid(text).replace("\r\n", "\n")))
    return text if limit is None else bounded(text, limit)


def one_line(text: str, limit: int = 120) -> str:
    """`text` as one printable line of at most `limit` characters."""
    line = " ".join(printable(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def plural(count: int, one: str, many: str = "") -> str:
    """The word that goes with a count: `one` with 1, else `many`, which is `one` with an s if left out."""
    return one if count == 1 else many or f"{one}s"


def counted(count: int, noun: str, many: str = "") -> str:
    """`1 episode`, `2 episodes`; `many` as in `plural`."""
    return f"{count} {plural(count, noun, many)}"


def told(error: BaseException) -> str:
    """An exception on one line: its type, and what it says."""
    text = one_line(str(error), 500)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def duration(seconds: float) -> str:
    """Seconds as people say them: `40 s`, `3 min`, `1 h`, `1 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
