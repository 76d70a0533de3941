"""Actions of Hanabi in words, and reading them from whatever a model makes of the grammar."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from pytest_collab.core.games.hanabi import Action, Rules
from pytest_collab.families.hanabi.rules import COLOURS, LETTERS
from pytest_collab.families.rounds import Got

_VERBS: Final = {
    "play": r"play(?:s|ing)?",
    "discard": r"discard(?:s|ing)?|throw(?:\s+away)?|toss",
    "hint": r"hint(?:s|ing)?|clue(?:s|ing)?|tell(?:s|ing)?|reveal(?:s|ing)?|inform(?:s|ing)?|give\s+(?:a\s+)?hint",
}
_VERB: Final = re.compile("|".join(rf"(?P<{name}>\b(?:{words})\b)" for name, words in _VERBS.items()), re.IGNORECASE)
_NOT: Final = re.compile(r"(?:\b(?:not|never|instead\s+of|rather\s+than)|n['’]t)\s+(?:\w+\s+)?$", re.IGNORECASE)
_ORDINALS: Final = {
    word: number
    for number, words in enumerate(
        (("first", "1st", "one", "oldest"), ("second", "2nd", "two"), ("third", "3rd", "three"),
         ("fourth", "4th", "four"), ("fifth", "5th", "five")), 1
    )
    for word in words
}  # fmt: skip
_RANKS: Final = {
    word + end: number for number, word in enumerate(("one", "two", "three", "four", "five"), 1) for end in ("", "s")
}
_KEYS: Final = ("card", "index", "position", "slot", "place", "card_index", "number")
_TARGETS: Final = ("target", "player", "to", "seat", "recipient", "target_player")
_ASPECTS: Final = ("colour", "color", "rank", "value", "hint", "clue", "about", "info")
_THINKING: Final = re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)


def wording(action: Action, seats: Sequence[str]) -> str:
    """An action as the grammar has it: `PLAY 2`, `DISCARD 1`, `HINT b red`, `HINT b 3`; places and ranks from 1."""
    if action.kind in ("play", "discard"):
        return f"{action.kind.upper()} {action.value + 1}"
    what = COLOURS[action.value] if action.kind == "colour" else action.value + 1
    return f"HINT {seats[action.target]} {what}"


def action_of(text: str, seat: str, seats: Sequence[str], rules: Rules) -> Got[Action]:
    """The action that words name (`Hint B about red`, `play my 2nd card`, `{"action": "play", "card": 2}`).

    Places and ranks are counted from 1, places from the oldest card. What is named may be impossible by the rules:
    that is for the rules to say.
    """
    verbs = list(_VERB.finditer(text))
    if not verbs:
        return Got(None, f"{text[:60]!r} names none of PLAY, DISCARD and HINT")
    found: list[Action] = []
    why = None
    for number, verb in enumerate(verbs):
        if _NOT.search(text[: verb.start()]):
            why = why or f"{text[:60]!r} says what not to do"
            continue
        end = verbs[number + 1].start() if number + 1 < len(verbs) else len(text)
        got = _one(str(verb.lastgroup), text[verb.end() : end], seat, seats, rules)
        if got.value is None:
            why = why or got.why
        elif got.value not in found:
            found.append(got.value)
    if len(found) > 1:
        return Got(None, f"two different actions: {wording(found[0], seats)} and {wording(found[1], seats)}")
    return Got(found[0]) if found else Got(None, why)


def _one(verb: str, rest: str, seat: str, seats: Sequence[str], rules: Rules) -> Got[Action]:
    rest = re.split(r"\b(?:because|since|so\s+that|as\s+it)\b|[.;\n]\s", rest, maxsplit=1)[0]
    if verb == "hint":
        return _hint(rest, seat, seats, rules)
    digits = re.findall(r"(?<![\w-])-?\d+(?![\w.])|(?<=#)\d+", rest)
    words = [_ORDINALS[word] for word in re.findall(r"[a-z0-9]+", rest.lower()) if word in _ORDINALS]
    named = re.search(r"(?:card|slot|position|index|place|#)\s*(?:number|no\.?|#)?\s*(\d+)", rest, re.IGNORECASE)
    places = {int(named[1])} if named is not None else {int(digit) for digit in digits} or set(words)
    if re.search(r"\b(?:newest|latest|last|rightmost)\b", rest, re.IGNORECASE) and not places:
        places = {rules.hand}
    if len(places) != 1:
        problem = "names no card" if not places else "names more than one card"
        return Got(None, f"{(verb + rest)[:60]!r} {problem}; cards are counted from 1, the oldest first")
    place = places.pop()
    if place < 1:
        return Got(None, f"there is no card {place}: cards are counted from 1, the oldest first")
    return Got(Action("play" if verb == "play" else "discard", place - 1))


def _hint(rest: str, seat: str, seats: Sequence[str], rules: Rules) -> Got[Action]:
    tokens = re.findall(r"[A-Za-z]+\d?|\d+", rest)
    lower = [token.lower() for token in tokens]
    named = [i for i, token in enumerate(lower) if token in seats]
    at = next((i for i in named if not _article(lower, i)), named[0] if named else None)
    others = [other for other in seats if other != seat]
    if at is None and len(others) > 1:
        return Got(None, f"'hint{rest[:50]}' does not say whom: {', '.join(others)}")
    target = seats.index(lower[at]) if at is not None else seats.index(others[0])
    left = [token for i, token in enumerate(tokens) if i != at]
    colours = {_colour(token) for token in left} - {None}
    ranks = _ranks(left)
    if re.search(rf"\b(?:{'|'.join(COLOURS)})\s+\d|\d\s+(?:{'|'.join(COLOURS)})\b", rest, re.IGNORECASE):
        return Got(None, f"'hint{rest[:50]}' names a colour and a rank; a hint names one of them")
    if len(colours) == 1:
        return Got(Action("colour", int(next(iter(colours)) or 0), target))
    if not colours and len(ranks) == 1:
        rank = ranks.pop()
        if not 1 <= rank <= rules.ranks:
            return Got(None, f"there is no rank {rank}: ranks are 1 to {rules.ranks}")
        return Got(Action("rank", rank - 1, target))
    problem = "names no colour and no rank" if not colours and not ranks else "names more than one thing"
    return Got(None, f"'hint{rest[:50]}' {problem}; a hint names one colour or one rank")


def _article(tokens: Sequence[str], at: int) -> bool:
    """Whether an `a` is no seat but an article: `hint b a red` means b."""
    return tokens[at] == "a" and at + 1 < len(tokens) and tokens[at + 1] in (*COLOURS, "colour", "color", "rank")


def _colour(token: str) -> int | None:
    word = token.lower().removesuffix("s") if len(token) > 1 else token
    if word in COLOURS:
        return COLOURS.index(word)
    return LETTERS.index(token) if len(token) == 1 and token in LETTERS else None


def _ranks(tokens: Sequence[str]) -> set[int]:
    """The ranks that a hint names: after `rank`, or in the plural, or the only number there is."""
    lower = [token.lower() for token in tokens]
    named = {
        int(token)
        for before, token in pairwise(lower)
        if before in ("rank", "ranks", "number", "numbers", "value", "are", "all") and token.isdecimal()
    }
    named |= {_RANKS[token] for token in lower if token in _RANKS}
    named |= {int(token[0]) for token in lower if re.fullmatch(r"\ds", token)}
    return named or {int(token) for token in lower if token.isdecimal()}


def from_json(text: str) -> str | None:
    """A JSON object with an action in it as one line of the grammar; None when there is none."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return None
    try:
        data = json.loads(text[start : end + 1])
    except (ValueError, RecursionError):
        return None
    return _line(data) if isinstance(data, dict) else None


def _line(data: Mapping[str, Any]) -> str | None:
    lower = {str(key).strip().lower(): value for key, value in data.items()}
    for key in ("action", "move", "decision", "choice"):
        value = lower.get(key)
        if isinstance(value, Mapping):
            return _line(value)
        if isinstance(value, str) and value:
            return " ".join([value, *_rest(lower, value)])
    for verb in ("play", "discard", "hint"):
        value = lower.get(verb)
        if isinstance(value, Mapping):
            return " ".join([verb, *_rest({str(k).lower(): v for k, v in value.items()}, verb)])
        if value is not None:
            return f"{verb} {value}"
    if isinstance(lower.get("type"), str):
        return " ".join([lower["type"], *_rest(lower, lower["type"])])
    return None


def _rest(data: Mapping[str, Any], verb: str) -> list[str]:
    """The other parts of an action that JSON gives in keys of their own."""
    keys = (*_TARGETS, *_ASPECTS) if not re.search("play|discard", verb, re.IGNORECASE) else _KEYS
    return [str(data[key]) for key in keys if isinstance(data.get(key), (str, int)) and str(data[key])]


def notes_of(text: str) -> str | None:
    """What a reply asks to be remembered: all that follows `NOTES:`, up to the next label; None without one."""
    text = _THINKING.sub("", text)
    found = list(
        re.finditer(
            r"^[\s>#*_`\"-]*notes?\b[*_`\"]*\s*[:=]\s*(.*?)(?=^[\s>#*_`\"-]*(?:action|message)\b[^\n]*[:=]|\Z)",
            text,
            re.IGNORECASE | re.DOTALL | re.MULTILINE,
        )
    )
    return found[-1][1].strip().strip('*`",').strip() if found else None
