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


def other_number(text: str, rng: Random) -> str | None:
    """Another number in the same notation; None for notations that are left alone (hexadecimal, exponents).

    It has no more digits, and so fits wherever the first one did, and is off by a quarter at least.
    """
    if match := _INTEGER.fullmatch(text):
        return f"{_other(int(match[1].replace('_', '')), rng)}{match[2] or ''}"
    if match := _FRACTION.fullmatch(text):
        return f"{_other(int(match[1].replace('_', '')), rng)}.{match[2]}{match[3] or ''}"
    return None


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
