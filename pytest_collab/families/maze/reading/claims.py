"""What a message says about the content of cells, and the rows and maps it copies out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pytest_collab.families.maze.reading.atoms import CELL, MOVE, SEPARATOR


@dataclass(frozen=True, slots=True)
class Stated:
    """`content` at the cell that `atom` stands for."""

    atom: str
    content: str


@dataclass(frozen=True, slots=True)
class Line:
    """A row (or column) copied out symbol by symbol; `number` is as written, None if it is a row of a whole map."""

    number: int | None
    ordinal: bool
    column: bool
    symbols: str
    index: int = 0


_WALL = (
    r"(?:walls?|blocked|blockers?|obstacles?|obstructed|closed|impassable|solid|not passable|not walkable|"
    r"not free|not open|#+)"
)
_FREE = (
    r"(?:free|open|clear|empty|passable|walkable|unblocked|floor|safe|accessible|path|dots?|not blocked|"
    r"no walls?|\.(?=\s|$|[,;)'\"]))"
)
_END = r"(?:(?:the |our |my )?(?:goal|exit|target|finish)\b|\*)"
_BEGIN = r"(?:(?:the |our |my )?start(?:ing)?(?: (?:point|cell|position))?\b|@)"
_CONTENT = rf"(?:(?P<wall>{_WALL})|(?P<free>{_FREE})|(?P<goal>{_END})|(?P<start>{_BEGIN}))"
_CELLS = rf"{CELL}(?:[ ,;&/+\n]{{0,4}}(?:and |or |nor )?{CELL}){{0,1023}}+"  # a maze has at most 1024 cells
_OUTSIDE_A_LIST = rf"(?<!{CELL})(?<!{CELL}[ ,;&/+\n])(?<!{CELL}[,;] )(?<!{CELL} (?:and|nor) )(?<!{CELL} or )"
"""Not in the middle of a list: a long one is then read once, not again from each of its cells."""
_FORWARD = re.compile(
    rf"{_OUTSIDE_A_LIST}(?P<cells>{_CELLS})"
    rf"(?P<link>[ ]?(?:\([^)\n]{{0,20}}\)[ ]?)?(?:(?:in|on|from|for|by) (?:me|us|(?:my|"
    rf"our) (?:map|view|grid|side|maze|copy|end|version))[ ,]{{0,2}})?(?:,? ?which |that |there |also |both |all |"
    rf"cell )?"
    r"(?:is|are|'s|s|=+|:|was|were|has|have|shows?|contains?|looks?|appears?|seems?|must be|should be|→|-)?[ "
    r"]?[❌🚫⛔✖✗✘🧱✅✔]*[ ]?"
    r"(?:(?:a|an|also|both|all|definitely|actually|indeed|clearly|marked|shown|listed|as|to be|like|just|only|"
    r"really|still|there's|there is|there|confirmed|completely|visible and|for me|on my map|on my side|"
    r"in my (?:map|view|grid)|\w{3,12}ly)[ ]){0,4})"
    rf"(?P<not>(?:not|isn't|isnt|aren't|no)[ ](?:a[ ]|an[ ])?)?['\"(\[]?{_CONTENT}(?![a-z])",
    re.I,
)
_BACKWARD = re.compile(
    r"(?P<no>\b(?:no|not a|without|any)[ ])?(?:\ba |\ban |\bthe )?['\"]?"
    rf"(?:(?P<wall>\b(?:walls?|blocked|obstacles?)\b|#)|(?P<free>\b(?:free|open|clear|empty|passable|"
    rf"walkable)\b|(?<!\w)\.(?=['\"]? at))|(?P<goal>\bgoal\b|\*)|(?P<start>\bstart\b|@))['\"]?"
    r"(?:[ ](?:cells?|tiles?|squares?|spaces?|spots?|positions?|symbols?|ones?))?(?:[ ](?:is|are|right|"
    r"located|also|that i (?:can )?see|i (?:can )?see|i know|known|for me|on my (?:map|side|view)|"
    r"in my (?:view|map)|include|includes))*"
    rf"[ ]?(?:at|in|on|:|=|\(|from)?[ \n]{{0,2}}(?:the )?(?:cells?|positions?|coordinates?|coords?|"
    rf"squares?)?[ ]?:?[ ]?(?P<cells>{_CELLS})",
    re.I,
)
_UNSURE = re.compile(
    r"\b(?:if|whether|unless|assuming|assume|suppose|might|may|could|maybe|perhaps|probably|possibly|not sure|"
    r"unsure|hopefully|provided|in case|until|unknown|hidden|guess|you (?:said|say|see|told|mentioned|have|"
    r"can see)|your (?:map|view|row|grid|side)|do you|is there|are there|can you|does(?! not)(?!n't))\b[^.;]*$|"
    r"^[^\w\ue000-\uf8ef]*(?:is|are|was)\b[^.;]*$",
    _I := re.I,
)
_SPAN = re.compile(rf"\b(?:from|between)[ ](?:the )?{CELL}[ ]*(?:to|and|towards?)[ ](?:the )?$", re.I)
_AFTER_UNSURE = re.compile(r"^[^.;,\n]{0,25}\b(?:on|in|for|from|by) (?:your|you)\b|^[ ,]*(?:or not|right\?)", _I)

_SYMBOLS: Final = str.maketrans({"█": "#", "■": "#", "⬛": "#", "▓": "#", "□": ".", "⬜": ".", "·": ".", "•": "."})
_ROW_LINE = re.compile(
    r"(?P<label>(?:my |the )?(?:(?P<nth>first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|top|"
    r"bottom|last|\d{1,2}(?:st|nd|rd|th)) )?(?P<what>rows?|r|columns?|cols?|c)?[ ]?#?(?P<n>\d{1,2})?"
    r"(?: \([^)\n]{0,30}\))?(?: (?:is|has|reads|looks like|shows|as|on my map))?[ ]?[:=|][ ]?|"
    r"(?P<n2>\d{1,2})[ ]?[:|.]?[ ]|[|][ ]?)?"
    r"(?P<symbols>[\[(\"'`|]?[ ]?[.#?@*](?:[ ,|\"'`]{0,4}[.#?@*]){2,31})[ \"'`\])|,]*(?=$|[;.]|\n| (?:and|my|"
    r"row|col))",
    re.I | re.M,
)
_NTH = {
    w: i
    for i, w in enumerate(
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"], 1
    )
}


def copied_lines(text: str, size: int) -> tuple[tuple[Line, ...], str]:
    """Rows, columns and maps that a raw message copies out, and the message without them.

    A line counts if it has exactly `size` symbols; unlabelled lines only if exactly `size` of them follow
    one another.
    """
    text = text.translate(_SYMBOLS)
    if text.count("#") + text.count("?") + text.count(".") + text.count("*") < 3:
        return (), text
    lines: list[Line] = []
    block: list[str] = []
    kept: list[str] = []
    for row in [*text.split("\n"), ""]:
        match = _ROW_LINE.search(row)
        symbols = "".join(sign for sign in match["symbols"] if sign in ".#?@*") if match else ""
        if match is None or len(symbols) != size:
            if len(block) == size:
                lines.extend(Line(None, False, False, written, index) for index, written in enumerate(block))
            block = []
            bare = row.strip(" `|0123456789+-=_")
            kept.append("" if match and len(symbols) >= 3 and not bare.strip(".#?@* |") else row)
            continue
        what = (match["what"] or "").lower()
        nth = (match["nth"] or "").lower()
        number = match["n"] or match["n2"]
        if what.startswith(("r", "c")) and (number or nth):
            column = what.startswith("c")
            for found in _ROW_LINE.finditer(row):
                written = "".join(sign for sign in found["symbols"] if sign in ".#?@*")
                what, nth, number = (
                    (found["what"] or "").lower(),
                    (found["nth"] or "").lower(),
                    found["n"] or found["n2"],
                )
                if len(written) == size and (number or nth):
                    position = (
                        int(number)
                        if number
                        else size
                        if nth in ("bottom", "last")
                        else 1
                        if nth == "top"
                        else _NTH.get(nth) or int(nth[:-2])
                    )
                    lines.append(Line(position, bool(nth) and not number, column, written))
            kept.append(_ROW_LINE.sub(" ", row))
        else:
            block.append(symbols)
            kept.append(row[: match.start()] + " " + row[match.end() :] if row[: match.start()].strip() else "")
    return tuple(lines), "\n".join(kept[:-1] if kept else kept)


def stated_in(clause: str, *, question: bool) -> tuple[tuple[Stated, ...], str]:
    """Claims about single cells in one clause of atoms, and the clause without their coordinates."""
    found: list[Stated] = []
    if not re.search(CELL, clause):
        return (), clause

    def take(match: re.Match[str]) -> str:
        content = "#" if match["wall"] else "." if match["free"] else "*" if match["goal"] else "@"
        groups = match.groupdict()
        if groups.get("not") or groups.get("no"):
            if content in "@*":
                return match[0]
            content = "." if content == "#" else "#"
        cells = re.findall(CELL, match["cells"])
        if content in "@*":
            linked = bool((groups.get("link") or "x").strip())
            if not question and linked and not _UNSURE.search(clause[max(0, match.start() - 60) : match.start()]):
                found.append(Stated(cells[-1] if "link" in groups else cells[0], content))
            return match[0] if "link" not in groups or len(cells) > 1 or not linked else " · "
        doubtful = (
            question
            or (
                _SPAN.search(clause[max(0, match.start() - 24) : match.start()])
                and not re.search(r"which|that", match.groupdict().get("link") or "", _I)
            )
            or _UNSURE.search(clause[max(0, match.start() - 60) : match.start()])
            or _AFTER_UNSURE.search(clause[match.end() : match.end() + 40])
        )
        if not doubtful:
            found.extend(Stated(cell, content) for cell in cells)
        return " · "

    clause = _FORWARD.sub(take, clause)
    clause = _BACKWARD.sub(take, clause)
    return tuple(found), clause


_HEADER_WALL = re.compile(r"\b(?:walls?|blocked|obstacles?)\b[^:]{0,30}:", re.I)
_HEADER_FREE = re.compile(r"\b(?:free|open|empty|clear|passable|walkable)\b[^:]{0,30}:", re.I)
_HEADER_OTHER = re.compile(r"\b(?:path|route|moves?|steps?|plan|your|you|hidden|unknown|if)\b", re.I)
_ONLY_CELLS = re.compile(rf"^[\s,;&(\[]*{CELL}(?:[\s,;&/+]{{0,4}}(?:and )?{CELL}){{0,1023}}+[\s,;)\]]*$")


def listed_under(header: str, clause: str) -> tuple[Stated, ...]:
    """Claims of a line that is nothing but cells, under a heading such as `Walls:`."""
    if not header or not _ONLY_CELLS.match(clause) or _HEADER_OTHER.search(header):
        return ()
    content = "#" if _HEADER_WALL.search(header) else "." if _HEADER_FREE.search(header) else ""
    return tuple(Stated(cell, content) for cell in re.findall(CELL, clause)) if content else ()


_SIGNED = re.compile(
    rf"(?P<cell>{CELL})[)\]\"']*[ ]*(?:=|:|\|)[ ]*[\"'(]?(?:(?P<wall>#|walls?\b)|(?P<free>\.(?=[\s,;)|\"']|$)|"
    rf"free\b|open\b)|"
    r"\?|hidden\b|unknown\b)[\"')]?(?=[\s,;|.)\]}]|$)",
    re.I,
)
_LISTED = re.compile(
    r"(?P<no>\b(?:no|not|without|any|avoid(?:s|ing)?|if)[ ](?:\w+ )?)?"
    r"(?:(?P<wall>\b(?:walls?|blocked|obstacles?|impassable)\b|(?<![#\w])#(?= ?(?:at|in|on|:|=|cells?|symbols?)))|"
    r"(?P<free>\b(?:free|open|clear|empty|passable|walkable)\b|\bpaths?(?= \(?free\b| cells?\b)))"
    rf"(?P<fluff>[^.;!?\n{chr(0xE000)}-{chr(0xF8EF)}]{{0,70}}?)(?:\b(?:at|are|is(?=[ ]*[{{\[(])|include|"
    rf"includes)\b|:|=|\()"
    rf"[ ]*(?:the )?(?:following )?(?:positions?|cells?|coordinates?|locations?|squares?)?[ ]*:?[\s\[({{\"'-]*"
    rf"(?P<cells>{CELL}(?:(?:(?!\n[ \t]*\n)[\s,;&/+\])(\[-]){{0,8}}(?:and |or )?[\[(]*{CELL}){{0,1023}}+)",
    re.I,
)
_OF_OTHERS = re.compile(r"\b(?:your|you|if|whether|might|may|could|maybe|perhaps|probably|is|are|do|does)\b", re.I)
_NO_LIST = re.compile(
    r"\b(?:your|you|if|whether|from|between|avoid|through|path (?:is|would|from)|route|moves?|go|let|propose|"
    r"suggest|might|may|could|maybe|"
    r"perhaps|probably|not|no|what|which|where|tell|is)\b",
    re.I,
)
_BRACKETED = re.compile(r"\([^()]*\)")
_NEIGHBOUR = re.compile(
    rf"{MOVE}[ ]*(?:of us |from here |neighbou?r |cell )?(?:to |at |is |would be |leads to |takes us to |goes "
    rf"to |=|:|-|\()*[ ]*(?P<cell>{CELL})[ )]*"
    r"(?:is |are |looks |has |-|:|=|\(|,|→|which is |shows )*[ ]*(?:an? )?['\"]?"
    r"(?:(?P<wall>walls?|blocked|#|closed|obstacle)|(?P<free>open|free|clear|path|empty|passable|"
    r"(?<![\ue000-\ueeff])\.(?=[ ]*[,;\n]))|"
    r"hidden|unknown|unseen|not visible|outside|off the (?:grid|map)|out of bounds|invalid|visited|where we "
    r"came from|back|\?)['\"]?(?![a-z])[ )]*",
    re.I,
)


def listed_in(text: str) -> tuple[tuple[Stated, ...], str]:
    """Claims written as lists ("walls at (1,5), (2,3)", "(1,1)=., (1,2)=#"), and the text without them."""
    found: list[Stated] = []

    def signed(match: re.Match[str]) -> str:
        if (match["wall"] or match["free"]) and not _OF_OTHERS.search(_sentence_before(match.string, match.start())):
            found.append(Stated(match["cell"], "#" if match["wall"] else "."))
        return " · "

    def listed(match: re.Match[str]) -> str:
        end = re.compile(r"[.!?\n]|$").search(text, match.end())
        asked = end is not None and end[0] == "?"
        doubtful = match["no"] or asked or _NO_LIST.search(_BRACKETED.sub(" ", match["fluff"]))
        if doubtful or _UNSURE.search(_sentence_before(match.string, match.start())):
            return match[0]
        if re.match(rf"[ ]*(?:{SEPARATOR}|->)", match.string[match.end() :]):
            return match[0]
        found.extend(Stated(cell, "#" if match["wall"] else ".") for cell in re.findall(CELL, match["cells"]))
        return " · "

    if len(_SIGNED.findall(text)) > 1 or "|" in text:
        text = _SIGNED.sub(signed, text)
    text = _LISTED.sub(listed, text)
    return tuple(found), text


def _sentence_before(text: str, at: int) -> str:
    return re.split(r"[.!?;\n]", text[max(0, at - 60) : at])[-1]


def neighbours_in(text: str) -> tuple[tuple[Stated, ...], str]:
    """What a list of the cells around says of each ("up (3,0) - wall, right (4,1) - open"), and the text without it.

    One such mention may be a proposal with its reason; from two on it is a list.
    """
    found = list(_NEIGHBOUR.finditer(text))
    if len(found) < 2:
        return (), text
    stated = tuple(
        Stated(match["cell"], "#" if match["wall"] else ".") for match in found if match["wall"] or match["free"]
    )
    return stated, _NEIGHBOUR.sub(" ", text)
