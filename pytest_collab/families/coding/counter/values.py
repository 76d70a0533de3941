"""Other values in the place of those that a test expects: of the same kind, and far from equal.

Two values that something equals are equal to each other. So whatever met the true expectation must miss the other
one, if the two are not equal by any rule that people use: case, accents, blanks, order, tolerances.
"""

from __future__ import annotations

import re
import string
from random import Random
from typing import Final

_INTEGER: Final = re.compile(r"(\d[\d_]*)([iu](?:8|16|32|64|128|size)|n)?")
_FRACTION: Final = re.compile(r"(\d[\d_]*)\.(\d[\d_]*)(f32|f64)?")
_SMALL: Final = 100
DRAWS: Final = 8
"""So often a number is drawn anew that may be too near."""
_LONG: Final = 6
"""Letters of a word that, with another one in it, is part of no other word."""


def other_number(text: str, rng: Random) -> str | None:
    """Another number in the same notation; None for notations that are left alone (hexadecimal, exponents).

    It has no more digits, and so fits wherever the first one did, and is off by a quarter at least.
    """
    if match := _INTEGER.fullmatch(text):
        return f"{_other(int(match[1].replace('_', '')), rng)}{match[2] or ''}"
    if match := _FRACTION.fullmatch(text):
        return f"{_other(int(match[1].replace('_', '')), rng)}.{match[2]}{match[3] or ''}"
    return None


def number(text: str) -> float | None:
    """What a number is, as it stands in a source of any of the languages; None where it is none."""
    match = re.fullmatch(
        r"(\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(e[-+]?\d+)?_?([iu](?:8|16|32|64|128|size)|n|f32|f64)?", text, re.I
    )
    return float(f"{match[1]}{match[2] or ''}".replace("_", "")) if match else None


def apart(old: str, new: str, margin: float) -> bool:
    """Whether nothing is within `margin` of two numbers at once."""
    values = number(old), number(new)
    return values[0] is not None and values[1] is not None and abs(values[0] - values[1]) > 2 * margin


def other_word(text: str, rng: Random) -> str | None:
    """The text with a letter of a long word replaced, which is found nowhere else; None where it has no long word."""
    words = list(re.finditer(rf"(?<![\\\w{{%$])[A-Za-z]{{{_LONG},}}(?!\w)", text))
    if not words:
        return None
    word = rng.choice(words)
    new = other_text(word[0], rng)
    return f"{text[: word.start()]}{new}{text[word.end() :]}" if new else None


def _other(value: int, rng: Random) -> int:
    far = max(1, -(-value // 4))
    if value < _SMALL:
        near = [n for n in range(min(max(10, 2 * value + 2), _SMALL)) if abs(n - value) >= far]
        return rng.choice(near)
    return rng.randrange(value // 10, value - far)


def other_text(text: str, rng: Random) -> str | None:
    """The text with a letter or a digit of it replaced; None where it has none, or an escape is near.

    Args:
        text: as it stands in a source, without its quotes.
    """
    if not text:
        return rng.choice(string.ascii_lowercase)
    escaped = {at for match in re.finditer(r"\\|[{}$%]", text) for at in range(match.start(), match.start() + 10)}
    places = [at for at, one in enumerate(text) if one.isascii() and one.isalnum() and at not in escaped]
    if not places:
        return None
    at = rng.choice(places)
    digit = text[at].isdigit()
    kind = string.digits if digit else string.ascii_uppercase if text[at].isupper() else string.ascii_lowercase
    known = [one for one in dict.fromkeys(text) if one in kind]
    other = [one for one in known if one != text[at]] or [one for one in kind if one != text[at]]
    return f"{text[:at]}{rng.choice(other)}{text[at + 1 :]}"
