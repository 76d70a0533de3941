"""What free lines say of cards and of what comes next."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_collab.families.hanabi.rules import COLOURS
from pytest_collab.families.rounds import intents, reported, unquoted

_PLACE: Final = r"(?:card|slot|position)\s*(?:number|no\.?|#)?\s*(?P<place>\d)"
_COLOUR: Final = rf"(?P<colour>{'|'.join(COLOURS)})"
_IS: Final = r"(?:\s+(?:is|=)|:|'s)\s+(?:an?\s+|the\s+|your\s+|probably\s+)?"
_CLAIM: Final = re.compile(
    rf"(?:\b(?P<whose>your|my|[a-e]['’]s)\s+){_PLACE}{_IS}(?:{_COLOUR}\b(?:\s+(?P<both>\d)\b)?|"
    rf"(?:an?\s+)?(?P<rank>\d)\b)",
    re.IGNORECASE,
)
_ADDRESSED: Final = re.compile(r"^\W*(?:to\s+|hey\s+)?(?P<who>[a-e])\s*[,:]", re.IGNORECASE)
_DOUBT: Final = re.compile(r"\b(?:not|never|if|maybe|perhaps|might|could|think|guess|probably|hope)\b|n['’]t\b", re.I)
_THOUGHT: Final = re.compile(
    r"\b(?:said|told|thought|wrote|claimed|meant|assum\w*|suppos\w*|would|should|unless|whether|wish|were|was)\b",
    re.I,
)
_PHRASES: Final = {
    "play": (r"\bplay(?:ing)?\b(?:(?!\band\b)[^.,;])*?\b(\d)\b", r"\bplay(?:ing)?\b"),
    "discard": (r"\bdiscard(?:ing)?\b(?:(?!\band\b)[^.,;])*?\b(\d)\b", r"\bdiscard(?:ing)?\b"),
    "hint": (r"\b(?:hint|clue)(?:ing)?\b",),
}
_NEXT: Final = re.compile(r"\b(?:in|on|at)?\s*(?:my|the)?\s*next\s+(?:turn|move|action|time)?\b,?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement about one card.

    Attributes:
        whose: the seat in whose hand it is.
        place: from 0.
        colour, rank: from 0; -1 where it says nothing of it.
    """

    whose: str
    place: int
    colour: int
    rank: int
    text: str

    def fits(self, card: int, ranks: int) -> bool:
        """Whether it is true of a card."""
        return self.colour in (-1, card // ranks) and self.rank in (-1, card % ranks)


def claims(text: str, speaker: str, seats: Sequence[str]) -> tuple[Claim, ...]:
    """What a line says of cards, plainly: `b, your card 2 is the red 1`, `c's card 1 is blue`, `your card 3 is a 5`.

    Doubts, questions, negations and quotations are no claims, nor is what somebody said or thought; nor is
    `your` where it is open who is meant.
    """
    found = []
    addressed = _ADDRESSED.search(text)
    others = [seat for seat in seats if seat != speaker]
    for sentence in re.split(r"(?<=[.!?;])\s+|\n+", unquoted(text)):
        start = _ADDRESSED.search(sentence) or addressed
        for match in _CLAIM.finditer(sentence):
            if reported(sentence[: match.start()]) or _THOUGHT.search(sentence[: match.start()]):
                continue
            if _DOUBT.search(sentence) or sentence.rstrip().endswith("?"):
                continue
            whose = match["whose"].lower()
            if whose == "my":
                seat = speaker
            elif whose == "your":
                seat = start["who"].lower() if start else others[0] if len(others) == 1 else ""
            else:
                seat = whose[0]
            if seat not in seats:
                continue
            rank = match["rank"] or match["both"]
            colour = COLOURS.index(match["colour"].lower()) if match["colour"] else -1
            claim = Claim(seat, int(match["place"]) - 1, colour, int(rank) - 1 if rank else -1, match.group(0))
            found.append(claim)
    return tuple(found)


def promises(text: str) -> tuple[tuple[str, int], ...]:
    """What its speaker will do in its next turn, it says: (`play`, `discard` or `hint`; the place from 0, or -1)."""
    plain = _NEXT.sub("", text)
    if plain == text:
        return ()
    stated = [intent for intent in intents(plain, _PHRASES) if not intent.negated]
    return tuple((intent.name, int(intent.value) - 1 if intent.value else -1) for intent in stated)
