"""Cells as people and models write them: pairs, rows and columns, letters, landmarks, neighbours of other cells."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from pytest_collab.families.maze.reading.atoms import CELL, DOWN, FIRST_CELL, LEFT, RIGHT, UP, Atomiser, Mention

_ORDINAL: Final = {
    word: value
    for value, word in enumerate(
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"], 1
    )
}
_ROW, _COL = r"(?:rows?|r)", r"(?:columns?|cols?|c)"
_IS = r"[ ]?(?:[=:#]|index|number|no\.?)?[ ]?"
_AND = r"[ ]?[,;/&|]?[ ]?(?:and |in |at |of )?(?:the )?"
_NTH = r"(first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|\d{1,2}(?:st|nd|rd|th))"
_COORDINATE = re.compile(
    rf"(?P<rc>[(\[]?(?<![a-z]){_ROW}{_IS}(\d{{1,2}}){_AND}{_COL}{_IS}(\d{{1,2}})(?!\d)[)\]]?)"
    rf"|(?P<cr>[(\[]?(?<![a-z]){_COL}{_IS}(\d{{1,2}}){_AND}{_ROW}{_IS}(\d{{1,2}})(?!\d)[)\]]?)"
    rf"|(?P<orc>{_NTH} row{_AND}{_NTH} col(?:umn)?\b)"
    rf"|(?P<ocr>{_NTH} col(?:umn)?{_AND}{_NTH} row\b)"
    rf"|(?P<ofrow>{_NTH} (?:cell|square|tile|space|field) (?:of|in|on) (?:the )?{_NTH} row\b)"
    rf"|(?P<ofcol>{_NTH} (?:cell|square|tile|space|field) (?:of|in|on) (?:the )?{_NTH} col(?:umn)?\b)"
    r"|(?P<xy>[(\[]?(?<![a-z])x[ ]?[=:]?[ ]?(\d{1,2})[ ]?[,;]?[ ]?(?:and )?y[ ]?[=:]?[ ]?(\d{1,2})(?!\d)[)\]]?)"
    r"|(?P<pair>[(\[{<][ ]{0,2}(\d{1,2})[ ]{0,2}[,;:|/ -][ ]{0,2}(\d{1,2})[ ]{0,2}[)\]}>])"
    r"|(?P<index>\[(\d{1,2})\]\[(\d{1,2})\])"
    r"|(?P<bare>(?<![\w.,(\[/-])(\d{1,2}),(\d{1,2})(?![\w/]|[.,]\d))"
    r"|(?P<a1>(?<![\w'])([a-z])-?(\d{1,2})(?![\w]))",
    re.I,
)
_LANDMARK = re.compile(
    r"(?:(?<=from )|(?<=to )|(?<=at )|(?<=→ )|(?<=→)|(?<=into ))(?:the |our )?"
    r"(?P<goal1>goal|exit|target|destination|finish|\*)(?: (?:cell|square|tile|position))?\b"
    r"|(?:(?<=from )|(?<=at ))(?:the |our )?(?P<start1>start(?:ing)?|@)(?: (?:cell|square|tile|position|"
    r"point))?(?!\w)"
    r"|(?P<start2>@|\bstart(?:ing (?:cell|point|position))?)(?=[ ]?(?:→|->|=>))"
    r"|(?<=→ )\*(?P<goal2>)",
    re.I,
)


_BESIDE = re.compile(
    r"\b(?:the )?(?:cell |square |tile |one |space )?(?:that is |directly |immediately |just |right )?"
    rf"(?:(?:to |on )?(?:the |its )?(?P<side>right|left|east|west|north|south)(?: side)? of|(?P<over>above|"
    rf"below|beneath|underneath|under|north of|south of|east of|west of)) "
    rf"(?:(?:the |our |my )?(?P<start>start(?:ing)?)\b(?: (?:cell|square|tile|position|point))?|"
    rf"(?:cell )?(?P<cell>{CELL}))",
    re.I,
)
_SIDES: Final = {
    **dict.fromkeys(("above", "north"), UP),
    **dict.fromkeys(("below", "beneath", "underneath", "under", "south"), DOWN),
    **dict.fromkeys(("left", "west"), LEFT),
    **dict.fromkeys(("right", "east"), RIGHT),
}


def _nth(word: str) -> int:
    return _ORDINAL.get(word.lower()) or int(re.sub(r"\D", "", word) or 0)


def _coordinate(match: re.Match[str], atoms: Atomiser) -> str:
    """The atom of a coordinate, with a bracket around the sentence left where it is."""
    opened, closed = match[0][0] in "([", match[0][-1] in ")]"
    atom = _cell(match, atoms)
    if opened == closed or len(atom) > 1:
        return atom
    return f"{match[0][0]}{atom}" if opened else f"{atom}{match[0][-1]}"


def _cell(match: re.Match[str], atoms: Atomiser) -> str:
    kind = match.lastgroup or ""
    groups = [group for group in match.groups()[match.re.groupindex[kind] :] if group is not None][:2]
    one, two = groups
    if kind == "rc":
        return atoms.cell(Mention("rowcol", int(one), int(two)))
    if kind == "cr":
        return atoms.cell(Mention("rowcol", int(two), int(one)))
    if kind in ("orc", "ofcol"):
        return atoms.cell(Mention("ordinal", _nth(one) - 1, _nth(two) - 1))
    if kind in ("ocr", "ofrow"):
        return atoms.cell(Mention("ordinal", _nth(two) - 1, _nth(one) - 1))
    if kind == "xy":
        return atoms.cell(Mention("xy", int(one), int(two)))
    if kind == "a1":
        letter = ord(one.lower()) - ord("a")
        if not atoms.chess or letter >= atoms.size or int(two) > atoms.size:
            return match[0]
        return atoms.cell(Mention("a1", letter, int(two)))
    if kind == "bare" and max(int(one), int(two)) > atoms.size:
        return match[0]
    return atoms.cell(Mention("pair", int(one), int(two)))


def _beside(match: re.Match[str], atoms: Atomiser) -> str:
    word = (match["side"] or match["over"]).lower().split()[0]
    of = Mention("start") if match["start"] else atoms.mentions[ord(match["cell"]) - FIRST_CELL]
    return atoms.cell(Mention("beside", of=of, delta=_SIDES[word]))


_TOWARDS = re.compile(
    r"\b(?:ways?|routes?|paths?|closer|close|nearer|near|next|leads?|leading|lead us|get|gets|getting|get us|"
    r"got|distance|progress|access|"
    r"direction|steps?|moves?|all|far|back|away|relative|adjacent|start|@|road|line|solution|connect(?:s|ed|"
    r"ion)?|bring(?:s|ing)?(?: us)?|take(?:s)? us|headed|us)"
    r" (?:from [^.;]{1,20} )?(?:on |in)?to (?:the |our )?$",
    re.I,
)


def _landmark(match: re.Match[str], atoms: Atomiser) -> str:
    if match["goal1"] and _TOWARDS.search(match.string[max(0, match.start() - 48) : match.start()]):
        return match[0]
    goal = match["goal1"] is not None or match["goal2"] is not None
    return atoms.cell(Mention("goal" if goal else "start"))


_LETTERED = re.compile(r"(?<![\w'])([a-z])-?\d{1,2}(?!\w)", re.I)


def _writes_chess(text: str) -> bool:
    """Letter and number are cells (`B3`), not moves (`R3 D2`)."""
    letters = {match[1].lower() for match in _LETTERED.finditer(text)}
    letters -= {"x"}  # `down x2`
    return bool(letters) and not letters <= set("udlr") and not letters <= set("nesw") and not letters <= set("rc")


def _within(text: str, size: int) -> bool:
    """Every letter with a number is one that a maze of `size` columns has."""
    return all(ord(match[1].lower()) - ord("a") < size for match in _LETTERED.finditer(text))


def writes_chess(texts: Iterable[str]) -> bool:
    """Somebody writes cells as letter and number, and says so by letters that stand for no direction."""
    return any(_writes_chess(text) for text in texts)


def take_coordinates(text: str, atoms: Atomiser, *, chess: bool = False) -> str:
    """`text` with its coordinates, and the cells told by others, taken out.

    Args:
        chess: cells are letter and number elsewhere in the dialogue, so that `E2` may be one here as well.
    """
    atoms.chess = _writes_chess(text) or (chess and _within(text, atoms.size))
    text = _COORDINATE.sub(lambda match: _coordinate(match, atoms), text)
    return _BESIDE.sub(lambda match: _beside(match, atoms), text)


def take_landmarks(text: str, atoms: Atomiser) -> str:
    """`text` with the start and the goal taken out where they are named as places to go from or to."""
    return _LANDMARK.sub(lambda match: _landmark(match, atoms), text)
