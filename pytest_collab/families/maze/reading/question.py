"""Questions: those for information, and suggestions put as questions."""

from __future__ import annotations

import re
from typing import Final

_I: Final = re.I
_ASKS = re.compile(
    r"\b(?:can you see|do you see|what|which|is there|are there|do you have|have you|could you (?:tell|check|"
    r"confirm|see)|can you (?:tell|check|confirm|verify)|where|how (?:does|is|do|are|many)|any|who|whether|"
    r"does your|is your|are you|is it|is (?=[\ue000-\ueeff])|are (?=[\ue000-\ueeff])|is (?=[\uf000-\uf8ef])|"
    r"what's|whats|did you|should i check)\b",
    _I,
)
_OFFERS = re.compile(
    r"\b(?:shall|should (?:we|i)|let's|lets|let us|how about|what about (?:going|moving|we)|what if we|"
    r"why don't we|why not|want to|do you want|would you|agree|ok|okay|sounds?|works?|work|can we (?:go|move|"
    r"try)|could we|may we|what do you (?:think|say)|thoughts on|your thoughts|propose|suggest|my (?:proposal|"
    r"plan|path)|good|fine|deal)\b|\b(?:what|"
    r"how) about[ ]*[\ue000-\uf8ef]",
    _I,
)
_ON_YOURS = re.compile(
    r"\b(?:can|could|would|will|does|do|is|are|may|might)\b[^.;]*\b(?:on|in|from|by|according to) your "
    r"(?:copy|map|side|view|grid|end|maze|version)\b",
    _I,
)
"""What only the other can know."""


def asks(words: str) -> bool:
    """A question for information, by its words."""
    return _ASKS.search(words) is not None or _ON_YOURS.search(words) is not None


def offers(words: str) -> bool:
    """A suggestion put as a question, by its words."""
    return _OFFERS.search(_ON_YOURS.sub(" ", words)) is not None
