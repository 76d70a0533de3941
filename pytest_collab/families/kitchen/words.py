"""Plain words about kitchens: items and places as people call them, and one action of a cook."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from pytest_collab.core.kitchen.plan import DISH, Layout
from pytest_collab.families.kitchen.macros import (
    BEGIN,
    DIRECTIONS,
    FILL,
    LONGEST_WAIT,
    MOVE,
    PICKUP,
    PUT,
    SERVE,
    WAIT,
    Macro,
)
from pytest_collab.families.rounds import Got

_VERBS: Final[Mapping[str, str]] = {
    FILL: r"fill(?:\s+up)?|scoop|ladle|dish\s+up|plate(?:\s+up)?",
    PICKUP: r"pick(?:ing)?\s*-?\s*up|pick|take|taking|grab|get|fetch|collect|retrieve|remove",
    PUT: r"put(?:ting)?|place|placing|drop|add|insert|load|set|lay|leave|deposit",
    BEGIN: r"start|begin|activate|turn\s+on|switch\s+on|cook|boil|bake|roast|cut|chop|slice|dice|blend|mash|stir",
    SERVE: r"serve|deliver(?:\s+soup)?",
    WAIT: r"wait|stay|idle|noop|no\s*op|pass|do\s+nothing|nothing|stand(?:\s+still)?|skip",
    MOVE: r"move|step\s+aside|step|walk|go",
}
_WHERE: Final = {"cook": "pot", "boil": "pot", "bake": "oven", "roast": "oven"} | dict.fromkeys(
    ("cut", "chop", "slice", "dice"), "board"
)
_WHERE_MIXED: Final = dict.fromkeys(("blend", "mash", "stir"), "blender")
_START: Final = re.compile(
    r"^(?:(?:i(?:['’]ll|\s+will|\s+am\s+going\s+to)?|let\s+me|now|first|next|then|to|please|action|so|and)\s+)*"
    rf"(?P<verb>{'|'.join(f'(?:{words})' for words in _VERBS.values())})\b",
)
_PLACES: Final[Mapping[str, str]] = {
    "window": r"serving\s+(?:window|hatch|location|area|counter|station)|(?:delivery|serving)\b|window|hatch",
    "dishes": r"(?:dish|plate|bowl)\s+(?:dispenser|rack|pile|stack|shelf)|dishes|plates|bowls",
    "onions": r"onion\s+(?:dispenser|pile|box|crate|basket|stack)|onions",
    "pantry": r"ingredients?\s+(?:dispenser|rack|shelf|box|pile)|pantry|dispenser|fridge|store\s*room",
    "board": r"(?:chopping|cutting)\s*board|board",
    "counter": r"(?:shared\s+|free\s+|empty\s+|middle\s+)?(?:counters?(?:\s*top)?|tables?|work\s*top)",
    "blender": r"blender|mixer",
    "oven": r"oven",
    "pot": r"(?:cooking\s+)?pot",
}
_PLACE: Final = re.compile(
    "|".join(rf"(?P<{name}>\b(?:{words})\b(?!s))" for name, words in _PLACES.items()).replace(
        r")\b(?!s))", r")(?:\s*(?:no\.?|number|#)?\s*\d+)?\b)"
    ),
)
_DISHES: Final = r"(?:dish|plate|bowl)(?:es|s)?"
_CALL: Final = re.compile(r"^[\W_]*(?P<call>[a-z][\w ]*\([^()\n]*\))[\W_]*$", re.IGNORECASE)


def plain(text: str) -> str:
    """Lower case, without quotes, markup, underscores and brackets; `sliced egg` as `egg slices`."""
    text = re.sub(r"[_\-]+", " ", text.lower())
    text = re.sub(r"[`*\"“”'’<>\[\]{}]+", lambda found: "'" if found.group() in ("'", "’") else " ", text)
    text = re.sub(r"\bpick\s*up\b", "pick up", text)
    return re.sub(r"\s+", " ", text).strip()


def place_of(kitchen: Layout, text: str) -> tuple[str, str]:
    """The first place that plain words name, as `Layout.places` has it (empty if none), and the words without it."""
    for found in _PLACE.finditer(text):
        name = str(found.lastgroup)
        number = re.search(r"\d+$", found.group())
        exact = f"{name}{int(number.group())}" if number else name
        known = exact if exact in kitchen.places else name
        if known in kitchen.places:
            return known, f"{text[: found.start()]} | {text[found.end() :]}"
    return "", text


def items_in(kitchen: Layout, text: str) -> list[tuple[int, str]]:
    """The items that plain words name, each with where it begins; longer names first where two would fit."""
    found: list[tuple[int, str]] = []
    taken = [False] * len(text)
    for item, pattern in _patterns(kitchen.items):
        for match in pattern.finditer(text):
            if not any(taken[match.start() : match.end()]):
                taken[match.start() : match.end()] = [True] * (match.end() - match.start())
                found.append((match.start(), item))
    return sorted(found)


@lru_cache(maxsize=256)
def _patterns(items: Sequence[str]) -> list[tuple[str, re.Pattern[str]]]:
    """By item, its names: plurals, and other ways to say that something is cut, boiled, baked or mashed."""
    made = []
    for item in sorted((one for one in items if one), key=len, reverse=True):
        if item == DISH:
            words = _DISHES
        elif item == "soup":
            words = r"(?:onion\s+)?soups?"
        else:
            words = _names(item.lower())
        made.append((item, re.compile(rf"\b(?:{words})\b")))
    return made


def _names(item: str) -> str:
    way, _, rest = item.partition(" ")
    if way in ("boiled", "baked", "mashed"):
        inner = _names(rest)
        ways = {"boiled": "boiled|cooked", "baked": "baked|roasted", "mashed": "mashed|blended|pureed|stirred"}[way]
        return rf"(?:{ways})\s+(?:the\s+)?(?:{inner})"
    if item.endswith(" slices"):
        raw = re.escape(item.removesuffix(" slices"))
        cut = r"(?:sliced|chopped|cut|diced)(?:\s+up)?"
        return rf"{raw}(?:e?s)?\s+(?:slices?|pieces?)|{cut}\s+{raw}(?:e?s)?|slices?\s+of\s+{raw}(?:e?s)?"
    return rf"{re.escape(item)}(?:e?s)?"


def calls(text: str) -> list[str]:
    """Lines that are a call and nothing else (`pickup(egg, pantry)`), for replies without a label."""
    found = (_CALL.match(line.strip()) for line in text.splitlines())
    return list(dict.fromkeys(match["call"] for match in found if match is not None))


def macro(kitchen: Layout, value: str) -> Got[Macro]:
    """The one action that words tell a cook to do, or why they do not."""
    text = re.sub(r"\s*\(\s*", " ", re.sub(r"\)\s*(?=\w)", " ; ", plain(value))).replace(")", " ").strip(" .!;")
    text = re.sub(r"\b(?:place obj on counter)\b", "put on counter", text)
    text = re.sub(r"\b(?:put obj in utensil)\b", "put in", text)
    text = re.sub(r"\b(?:fill dish with food)\b", "fill", text)
    parts = [part.strip() for part in re.split(r";|\bthen\b|\band\b|\n|\.\s", text) if part.strip()]
    begins = [part for part in parts if _START.match(part)]
    if not begins:
        return Got(None, f"{value.strip()[:60]!r} is no action of this kitchen")
    if len(begins) > 1:
        return Got(None, f"{value.strip()[:60]!r} holds more than one action")
    # What follows the verb may go on after an `and`: "fill the dish and ..." has been told apart above.
    return _one(kitchen, begins[0], value)


def _one(kitchen: Layout, text: str, value: str) -> Got[Macro]:
    start = _START.match(text)
    assert start is not None
    word = start["verb"]
    verb = next(name for name, words in _VERBS.items() if re.fullmatch(words, word))
    rest = text[start.end() :]
    if verb == WAIT:
        return _waiting(rest)
    if verb == MOVE:
        return _moving(rest, value)
    place, left = place_of(kitchen, rest)
    named = [item for _, item in items_in(kitchen, left)]
    if verb == PICKUP:
        piles = {"onions": "onion", "dishes": DISH}
        item = named[0] if named else piles.get(place, "")
        if not item:
            return Got(None, f"{value.strip()[:60]!r} does not say what to pick up")
        return Got(Macro(PICKUP, item, place))
    if verb == BEGIN:
        usual = _WHERE.get(word, _WHERE_MIXED.get(word, ""))
        return Got(Macro(BEGIN, place=place or (usual if usual in kitchen.places else "")))
    if verb == PUT:
        return Got(Macro(PUT, named[0] if named else "", place))
    return Got(Macro(FILL, place=place) if verb == FILL else Macro(SERVE))


def _waiting(rest: str) -> Got[Macro]:
    numbers = [int(found) for found in re.findall(r"\d+", rest)]
    if not numbers:
        return Got(Macro(WAIT, count=1))
    if re.search(r"-\s*\d|\d\.\d", rest) or not 1 <= numbers[0] <= LONGEST_WAIT:
        return Got(None, f"wait takes a whole number of steps from 1 to {LONGEST_WAIT}")
    return Got(Macro(WAIT, count=numbers[0]))


def _moving(rest: str, value: str) -> Got[Macro]:
    ways = {"up": 0, "down": 1, "right": 2, "left": 3} | {name: at for at, name in enumerate(DIRECTIONS)}
    found = {ways[word] for word in re.findall(r"[a-z]+", rest) if word in ways}
    if len(found) != 1:
        return Got(None, f"{value.strip()[:60]!r} names no direction (north, south, east, west)")
    return Got(Macro(MOVE, count=found.pop()))
