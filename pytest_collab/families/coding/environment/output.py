"""What programs print, as plain text."""

from __future__ import annotations

import re

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def plain(text: str) -> str:
    """Text without escape sequences and control characters (line ends and tabs stay)."""
    return _CONTROL.sub("", _ANSI.sub("", text).replace("\r\n", "\n"))
