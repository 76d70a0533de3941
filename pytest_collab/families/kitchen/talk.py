"""What cooks say to each other, read from plain words: what is asked for, promised and claimed.

Only sentences that are surely meant so count: questions are not claims, what is negated is not asked for, and what
"I" do is not asked of "you".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pytest_collab.core.kitchen.plan import DISH, Layout
from pytest_collab.families.kitchen import words
from pytest_collab.families.rounds import reported, unquoted

_SENTENCE: Final = re.compile(r"(?<=[.!?;\n])\s*")
_CLAUSE: Final = re.compile(r"[,;:()]|\band\b|\bthen\b|\bwhile\b|\bafter that\b|\bplus\b|\s[-–—]\s")
_NOT: Final = re.compile(r"\b(?:not|never|no|without|instead of|nor|neither)\b|n['’]t\b|\b(?:dont|cant|wont)\b")
_NEED: Final = re.compile(
    r"\b(?:need|want|require|would like|['’]d like|wait(?:ing)? for|missing|short of|ask(?:ing)? for|recipe)\b"
)
_OWN: Final = re.compile(
    r"^\W*(?:(?:ok(?:ay)?|sure|yes|now|then|next|first|so|and|meanwhile)\W+)*(?:i\b|i['’]|my\b|let me\b)"
)
_YOU: Final = re.compile(r"\b(?:you|your|please|pls)\b")
_ASKING: Final = re.compile(r"\b(?:can|could|would|will)\s+you\b|\bplease\b")
_CUT: Final = re.compile(r"\b(?:cut|chop|slice|dice)\b|\binto slices\b")
_MIX: Final = re.compile(r"\b(?:blend|mash|stir|puree)\b")
_WILL: Final = re.compile(
    r"\bi(?:['’]ll|\s+will|['’]m\s+going\s+to|\s+am\s+going\s+to|['’]m\s+about\s+to)\b|\blet\s+me\b"
    r"|\bi(?:['’]m|\s+am)\s+(?:now\s+)?"
    r"(?:bringing|fetching|getting|taking|cutting|chopping|slicing|blending|mashing|putting|cooking|boiling|"
    r"baking|picking)\b"
)
_LATER: Final = re.compile(
    r"\b(?:if|unless|once|when(?:ever)?|after|as soon as|until|later|before|might|could|maybe)\b"
)
_OTHERS_DEED: Final = re.compile(
    r"\b(?:wait|let\s+you|tell|while\s+you|watch|leave|tired|remind|ask|hope|see\s+(?:if|whether))\b"
)
_NO_WISH: Final = re.compile(
    r"\b(?:thanks?|thank\s+you|forget|never\s*mind|stop|no\s+more|already|(?:you|i)(?:['’]ve|"
    r"\s+have)?\s+(?:brought|gave|"
    r"given|put|cut|made|took|taken|got)|(?:is|are)\s+(?:now\s+|already\s+)?(?:done|ready|cooked|finished|here))\b"
)
_LIES: Final = re.compile(
    r"\b(?:is|are|lies|lie|sits|now|waits|waiting)\b[^.]{0,25}\b(?:on|at)\b[^.]{0,20}\bcounter"
    r"|\bi(?:['’]ve|\s+have)?\s+(?:just\s+|already\s+|now\s+)?(?:put|placed|left|set|laid|delivered|dropped)\b"
    r"[^.]{0,60}\bcounter"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """Something said about the kitchen as it is: `item` lies on a counter."""

    item: str
    sentence: str


def sentences(text: str) -> Iterator[str]:
    """The sentences of a message."""
    return (part.strip() for part in _SENTENCE.split(text) if part and part.strip())


def raw_of(item: str) -> str:
    """The ingredient that an item was made of."""
    for way in ("boiled ", "baked ", "mashed "):
        item = item.removeprefix(way)
    return item.removesuffix(" slices")


def named(kitchen: Layout, text: str) -> frozenset[str]:
    """Everything that a message names, whatever it says of it."""
    return frozenset(item for _, item in words.items_in(kitchen, words.plain(text)))


def wanted(kitchen: Layout, text: str) -> list[str]:
    """What a message asks the other cook for, in order, as it is to be handed over (`cut an egg`: egg slices)."""
    found: list[str] = []
    for sentence in sentences(unquoted(text)):
        plain = words.plain(sentence)
        if plain.endswith("?") and not _ASKING.search(plain):
            continue
        if reported(plain) or (_NO_WISH.search(plain) and not _NEED.search(plain) and not _ASKING.search(plain)):
            continue
        if _OWN.match(plain) and not _NEED.search(plain) and not _YOU.search(plain):
            continue
        mine = False
        for clause in _CLAUSE.split(plain):
            if _OWN.match(clause):
                mine = not _NEED.search(clause)
            elif _YOU.search(clause):
                mine = False
            if not mine and not _NOT.search(clause):
                _ask(kitchen, clause, found)
    return list(dict.fromkeys(found))


def _ask(kitchen: Layout, clause: str, found: list[str]) -> None:
    items = [item for _, item in words.items_in(kitchen, clause) if item != kitchen.order]
    cut, mix = _CUT.search(clause) is not None, _MIX.search(clause) is not None
    if not items and found and (cut or mix):
        found[-1] = _made(kitchen, found[-1], cut, mix)
    for item in items:
        made = _made(kitchen, item, cut, mix)
        if not made.startswith(("boiled ", "baked ")):
            found.append(made)


def _made(kitchen: Layout, item: str, cut: bool, mix: bool) -> str:
    raw = raw_of(item)
    if mix and f"mashed {raw}" in kitchen.items:
        return f"mashed {raw}"
    return f"{raw} slices" if cut and item == raw and f"{raw} slices" in kitchen.items else item


def promised(kitchen: Layout, text: str) -> list[tuple[str, str]]:
    """What the speaker says that it does now or next: (item, sentence)."""
    found = []
    for sentence in sentences(unquoted(text)):
        plain = words.plain(sentence)
        if plain.endswith("?") or not _WILL.search(plain) or _LATER.search(plain) or _NOT.search(plain):
            continue
        begin = _WILL.search(plain)
        assert begin is not None
        if reported(plain[: begin.start()]):
            continue
        items = [item for _, item in words.items_in(kitchen, plain[begin.end() :])]
        rest = plain[begin.end() :]
        first = words.items_in(kitchen, rest)[:1]
        if items and not _OTHERS_DEED.search(rest[: first[0][0]]):
            found.append((items[0], sentence))
    return found


def claimed(kitchen: Layout, text: str) -> list[Claim]:
    """What the speaker says that lies on a counter."""
    found = []
    for sentence in sentences(unquoted(text)):
        plain = words.plain(sentence)
        if plain.endswith("?") or _NOT.search(plain) or _LATER.search(plain) or not _LIES.search(plain):
            continue
        if reported(plain) or re.search(r"\bi\s+(?:said|thought|meant|hoped|took|take|picked|grabbed)\b", plain):
            continue
        if re.search(r"\b(?:will|should|must|please|put it|going to|you)\b", plain):
            continue
        items = [item for _, item in words.items_in(kitchen, plain)]
        found += [Claim(item, sentence) for item in items[:1] if item != DISH or len(items) == 1]
    return found
