"""Cut the text of an expression into tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Iterator

from sift.errors import ParseError


class Kind(Enum):
    """What a token is."""

    NAME = "name"
    NUMBER = "number"
    STRING = "string"
    KEYWORD = "keyword"
    OPERATOR = "operator"
    OPEN = "("
    CLOSE = ")"
    END = "end of expression"


@dataclass(frozen=True)
class Token:
    """One token: its kind, its text as written (keywords in lower case) and where it starts."""

    kind: Kind
    text: str
    position: int

    def is_keyword(self, *words: str) -> bool:
        return self.kind is Kind.KEYWORD and self.text in words

    def is_operator(self, *symbols: str) -> bool:
        return self.kind is Kind.OPERATOR and self.text in symbols


KEYWORDS = frozenset(
    {
        "and",
        "false",
        "not",
        "null",
        "or",
        "true",
    }
)

# Longer operators come first, so that "<=" is never read as "<" and "=".
_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
    | (?P<string>'(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*")
    | (?P<operator><= | >= | != | = | < | >)
    | (?P<open>\()
    | (?P<close>\))
    """,
    re.VERBOSE | re.DOTALL,
)

_KINDS = {
    "number": Kind.NUMBER,
    "name": Kind.NAME,
    "string": Kind.STRING,
    "operator": Kind.OPERATOR,
    "open": Kind.OPEN,
    "close": Kind.CLOSE,
}


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of ``text``, the last of them of kind ``END``.

    Raises ``ParseError`` at the first character that begins no token.
    """
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            if text[position] in "'\"":
                raise ParseError("string is not closed", text, position)
            raise ParseError(f"unexpected character {text[position]!r}", text, position)
        group = found.lastgroup or ""
        if group != "space":
            yield _token(_KINDS[group], found.group(), position)
        position = found.end()
    yield Token(Kind.END, "", position)


def _token(kind: Kind, text: str, position: int) -> Token:
    if kind is Kind.NAME and text.lower() in KEYWORDS:
        return Token(Kind.KEYWORD, text.lower(), position)
    return Token(kind, text, position)
