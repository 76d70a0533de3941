"""Moves and coordinates as people and models write them.

A message is rewritten so that every coordinate and every move becomes one private-use character (an
atom); what is left is plain words. Later stages match short patterns on that text, so a coordinate
never has to be parsed twice and no pattern needs unbounded backtracking.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import Final, Literal

Kind = Literal["pair", "rowcol", "xy", "a1", "ordinal", "start", "goal", "beside"]
Until = Literal["", "goal", "edge", "wall", "row", "col"]

TEXT_LIMIT: Final = 8 * 1024
"""Characters of one message that are read; of a longer one, its beginning and its end."""

_FIRST_CELL: Final = 0xE000
_CELLS: Final = 0x0F00
_FIRST_MOVE: Final = 0xF000
_MOVES: Final = 0x08F0
CELL: Final = "[\ue000-\ueeff]"
MOVE: Final = "[\uf000-\uf8ef]"
ATOM: Final = "[\ue000-\ueeff\uf000-\uf8ef]"
SEPARATOR: Final = "→"


@dataclass(frozen=True, slots=True)
class Mention:
    """A coordinate as written.

    `pair` keeps the order on the page; `rowcol` and `ordinal` are (row, col); `xy` is (x, y); `a1` is
    (index of the letter, number). `start` and `goal` are the landmarks, by name. `beside` is the cell
    that lies `delta` from the cell `of`.
    """

    kind: Kind
    first: int = 0
    second: int = 0
    of: Mention | None = None
    delta: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Step:
    """`count` steps in the direction `delta`, or as far as `until` says (`value` is a row or column as written).

    `sign`: written as an arrow, not as a word.
    """

    delta: tuple[int, int]
    count: int = 1
    until: Until = ""
    value: int = 0
    sign: bool = False


@dataclass(frozen=True, slots=True)
class Atoms:
    """A message with its coordinates and moves taken out; `items` looks an atom up."""

    text: str
    mentions: tuple[Mention, ...]
    steps: tuple[Step, ...]

    def item(self, atom: str) -> Mention | Step:
        code = ord(atom)
        return self.mentions[code - _FIRST_CELL] if code < _FIRST_MOVE else self.steps[code - _FIRST_MOVE]


UP, DOWN, LEFT, RIGHT = (-1, 0), (1, 0), (0, -1), (0, 1)
_LETTER: Final = {"u": UP, "n": UP, "d": DOWN, "s": DOWN, "l": LEFT, "w": LEFT, "r": RIGHT, "e": RIGHT}
_ARROW: Final = {
    **dict.fromkeys("↑⬆⇑▲🔼☝👆^", UP),
    **dict.fromkeys("↓⬇⇓▼🔽👇", DOWN),
    **dict.fromkeys("←⬅⇐◀👈", LEFT),
    **dict.fromkeys("→➡⇒▶👉⟶➔➜", RIGHT),
}
_NUMBER: Final = {
    word: value
    for value, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    )
} | {"a": 1, "an": 1, "another": 1, "once": 1, "twice": 2, "thrice": 3, "both": 2}
_ORDINAL: Final = {
    word: value
    for value, word in enumerate(
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"], 1
    )
}
_NOT_MOVES: Final = frozenset(
    [
        "dull",
        "lull",
        "null",
        "rule",
        "rules",
        "ruled",
        "ul",
        "dud",
        "dur",
        "lud",
        "urd",
        "we",
        "see",
        "seen",
        "seens",
        "new",
        "news",
        "sees",
        "sewn",
        "wen",
        "wens",
        "sew",
        "ne",
        "se",
        "sw",
        "nw",
        "ew",
        "nn",
        "ss",
        "ee",
        "ww",
        "ll",
        "rd",
        "ld",
        "ud",
        "ur",
        "us",
    ]
)

# ---------------------------------------------------------------- cleaning

_LATEX: Final = {
    "rightarrow": "→", "Rightarrow": "→", "longrightarrow": "→", "to": "→", "leftarrow": "←", "Leftarrow": "←",
    "uparrow": "↑", "Uparrow": "↑", "downarrow": "↓", "Downarrow": "↓",
}  # fmt: skip
_LATEX_WORD = re.compile(r"\\(" + "|".join(sorted(_LATEX, key=len, reverse=True)) + r")(?![A-Za-z])")
_LATEX_REST = re.compile(r"\\[()\[\],;]|\\(?:text|mathrm|mathbf|textbf|boxed|quad|left|right)\b\s?|\$+")
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_SYMBOL_WORDS: Final = tuple(
    (re.compile(rf"(?<![\w,\]'\"`])[`'\"]{re.escape(symbol)}[`'\"](?!\s?[,\]]\s?[`'\"][.#?@*][`'\"])"), word)
    for symbol, word in ((".", "free"), ("#", "wall"), ("?", "hidden"), ("*", "goal"), ("@", "start"))
)
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\u00ad]")
_STRUCK = re.compile(r"~~[^~\n]{1,300}~~")
_EMPHASIS = re.compile(r"\*\*|__|`+")
_EMPHASIS_ONE = re.compile(r"(?<![\w*.#@?])\*(?=[A-Za-z\u2190-\u21ff])|(?<=[A-Za-z.!?])\*(?![\w*])")
_HEADING = re.compile(r"(?m)^[ \t]{0,3}#{1,6}[ \t]+(?=[A-Za-z])")
_BULLET = re.compile(
    r"(?m)^[ \t]*(?:[-*•+–][ \t]+|\(?\d{1,2}[.)][ \t]+|(?:step|move|turn)[ \t]*#?\d{1,2}[ \t]*[:.)–-][ \t]*)", re.I
)
_STEP_LABEL = re.compile(r"\b(?:step|move|turn)[ \t]*#?\d{1,2}[ \t]*[:)=][ \t]*", re.I)
_SNAKE = re.compile(r"(?<=[A-Za-z])_(?=[A-Za-z])")
_INLINE_LIST = re.compile(r"(?<![\w,.(])\(?1[.)] [^\n]{1,80}?(?<![\w,.])\(?2[.)] ")
_INLINE_NUMBER = re.compile(r"(?<![\w,.])(?<!, )\(?\d{1,2}[.)] ")
_QUOTED = re.compile(r"(?m)^[ \t]*>[ \t]?(?=[^\n]*[A-Za-z]{3})[^\n]*$")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "—": " - ", "–": "-", "−": "-", "‑": "-"})


def clip(text: str) -> str:
    """The part of a message that is read: all of it, or its beginning and its end."""
    return text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT // 2] + "\n" + text[-TEXT_LIMIT // 2 :]


def clean(text: str) -> str:
    """`text` in plain characters: no markup, quotation, LaTeX or thinking."""
    opened, closed = text.find("<think>"), text.rfind("</think>")
    if 0 <= opened < closed:
        text = text[:opened] + "\n" + text[closed + len("</think>") :]
    text = _PRIVATE.sub(" ", unicodedata.normalize("NFKC", text)[: 2 * TEXT_LIMIT]).translate(_QUOTES)
    text = _INVISIBLE.sub("", text).replace("\r", "\n")
    if "\\" in text or "$" in text:
        text = _LATEX_WORD.sub(lambda match: _LATEX[match[1]], text)
        text = _LATEX_REST.sub(" ", text)
    for symbol, word in _SYMBOL_WORDS:
        text = symbol.sub(word, text)
    text = _STRUCK.sub(" ", text)
    text = _QUOTED.sub("", text)
    text = _HEADING.sub("", text)
    text = _BULLET.sub("", _EMPHASIS.sub("", text))
    text = _EMPHASIS_ONE.sub("", _BULLET.sub("", text))
    text = _SNAKE.sub(" ", _STEP_LABEL.sub(" ", text))
    if _INLINE_LIST.search(text):
        text = _INLINE_NUMBER.sub(" , ", text)
    return re.sub(r"\b(?:i\.e|e\.g|vs|etc|approx)\.", "that is", text, flags=re.I)


# ---------------------------------------------------------------- coordinates

_ROW, _COL = r"(?:rows?|r)", r"(?:columns?|cols?|c)"
_IS = r"[ ]?(?:[=:#]|index|number|no\.?)?[ ]?"
_AND = r"[ ]?[,;/&|]?[ ]?(?:and |in |at |of )?(?:the )?"
_NTH = r"(first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|\d{1,2}(?:st|nd|rd|th))"
_COORDINATE = re.compile(
    rf"(?P<rc>[(\[]?(?<![a-z]){_ROW}{_IS}(\d{{1,2}}){_AND}{_COL}{_IS}(\d{{1,2}})(?!\d)[)\]]?)"
    rf"|(?P<cr>[(\[]?(?<![a-z]){_COL}{_IS}(\d{{1,2}}){_AND}{_ROW}{_IS}(\d{{1,2}})(?!\d)[)\]]?)"
    rf"|(?P<orc>{_NTH} row{_AND}{_NTH} col(?:umn)?\b)"
    rf"|(?P<ocr>{_NTH} col(?:umn)?{_AND}{_NTH} row\b)"
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
_SIDES: Final = {"above": (-1, 0), "below": (1, 0), "beneath": (1, 0), "underneath": (1, 0), "under": (1, 0)}


def _nth(word: str) -> int:
    return _ORDINAL.get(word.lower()) or int(re.sub(r"\D", "", word) or 0)


class _Atomiser:
    """Collects the atoms of one message while its text is rewritten."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.mentions: list[Mention] = []
        self.steps: list[Step] = []
        self.chess = False

    def cell(self, mention: Mention) -> str:
        if len(self.mentions) >= _CELLS:
            return " "
        self.mentions.append(mention)
        return chr(_FIRST_CELL + len(self.mentions) - 1)

    def step(self, step: Step) -> str:
        if len(self.steps) >= _MOVES:
            return " "
        self.steps.append(step)
        return chr(_FIRST_MOVE + len(self.steps) - 1)

    def coordinate(self, match: re.Match[str]) -> str:
        kind = match.lastgroup or ""
        groups = [group for group in match.groups()[match.re.groupindex[kind] :] if group is not None][:2]
        one, two = groups
        if kind == "rc":
            return self.cell(Mention("rowcol", int(one), int(two)))
        if kind == "cr":
            return self.cell(Mention("rowcol", int(two), int(one)))
        if kind == "orc":
            return self.cell(Mention("ordinal", _nth(one) - 1, _nth(two) - 1))
        if kind == "ocr":
            return self.cell(Mention("ordinal", _nth(two) - 1, _nth(one) - 1))
        if kind == "xy":
            return self.cell(Mention("xy", int(one), int(two)))
        if kind == "a1":
            letter = ord(one.lower()) - ord("a")
            if not self.chess or letter >= self.size or int(two) > self.size:
                return match[0]
            return self.cell(Mention("a1", letter, int(two)))
        if kind == "bare" and max(int(one), int(two)) > self.size:
            return match[0]
        return self.cell(Mention("pair", int(one), int(two)))

    def beside(self, match: re.Match[str]) -> str:
        word = (match["side"] or match["over"]).lower().split()[0]
        of = Mention("start") if match["start"] else self.mentions[ord(match["cell"]) - _FIRST_CELL]
        return self.cell(Mention("beside", of=of, delta=_SIDES.get(word) or _WORDS[word]))

    def landmark(self, match: re.Match[str]) -> str:
        goal = match["goal1"] is not None or match["goal2"] is not None
        return self.cell(Mention("goal" if goal else "start"))


def _writes_chess(text: str) -> bool:
    """Letter and number are cells (`B3`), not moves (`R3 D2`)."""
    letters = {match[1].lower() for match in re.finditer(r"(?<![\w'])([a-z])-?\d{1,2}(?!\w)", text, re.I)}
    letters -= {"x"}  # `down x2`
    return bool(letters) and not letters <= set("udlr") and not letters <= set("nesw") and not letters <= set("rc")


# ---------------------------------------------------------------- moves

_IDIOM = re.compile(
    r"\b(?:you(?:'re| are|r)?|u r|that(?:'s| is)|it(?:'s| is)|all|yes|yep|absolutely|quite|exactly|seems?|"
    r"looks?|sounds?|is|are|got it|not|be)"
    r" (?:completely |totally |absolutely |about that )?right(?=\s*(?:[.,!?;:)]|$|\n|about|that|and|but|on\b|"
    r"to me\b|to us\b|"
    r"there|here|to say|so\b|now))"
    r"|\bright (?:now|away|here|there|on\b|so\b|track|path|way|direction|answer|order|idea|thing|approach|"
    r"choice|solution|one|side|edge|"
    r"corner|half|column|border|boundary|neighbou?r|hand|end|of\b|next to|before|after\b(?= the)|where)"
    r"|(?<=[a-z\ue000-\ueeff]), right\s*\?"
    r"|^[ \t]*right[ \t]*[,.!-][ \t]*(?=(?:so|i|i'm|i've|we|that|let|let's|yes|ok|okay|agreed|agree|my|the|"
    r"your|got|it|makes|you|but|good|thanks|sorry|of course)\b)"
    r"|\b(?:top|bottom|upper|lower|far|middle|north|south)[- ]?(?:left|right|east|west)(?:most)?\b"
    r"|\b(?:left|right|up|down)-?(?:most|hand)\b"
    r"|\b(?:to|on|from|at) (?:the|my|your|its|our) (?:immediate )?(?:left|right|east|west|north|south)(?: of|"
    r" (?=is\b|are\b|there\b|side\b|has\b|i\b|we have))"
    r"|\b(?:on|from|at) (?:the|my|your|its|our) (?:left|right|east|west|north|south)\b"
    r"|\b(?:from )?left[- ]to[- ]right\b|\b(?:from )?right[- ]to[- ]left\b|\bup[- ]?(?:and|/)[- ]?down\b|"
    r"\bleft[- ]?(?:and|/|or)[- ]?right\b"
    r"|\b(?:left|east|west|north|south) (?:of|side|edge|corner|half|column|border|boundary|neighbou?r|end|"
    r"part|wall|over|out|behind|unanswered|unclear)\b"
    r"|\bleft (?:to (?:do|go|explore|decide|check)|for us)\b"
    r"|\b(?:is|are|what's|whats|nothing|anything|have|has|i|you|we|they|remain(?:s|ing)?|"
    r"been) left\b(?! (?:to|then|and))"
    r"|\b(?:have|has|are|only|with|of|no|many|few|several|some|'s) (?:\w+ )?"
    r"(?:moves?|steps?|turns|cells|options?|choices?|ways?|paths?) left\b|\b(?:options?|choices?|way|path) left\b"
    r"|\b(?:set|end|ends|ended|ending|sum|summing|wrap|heads|line|lines|match|matches|back|look|follow|pick|"
    r"come|came|brings?|speed|mix|mixed|"
    r"what's|whats|thumbs|hurry|add|adds|sign|give|open|opens|speak|mess|messed|catch|clear|clears|team|split|"
    r"make|build|show|shows|wind|warm|made)"
    r" up\b|\bup to (?:you|now|date|this|that|here|there|speed|the (?:point|part|first|second|third|last)|"
    r"and including|step|move)\b|\bup (?:for|till|until) "
    r"|\b(?:write|writing|wrote|slow|break|breaks|breaking|narrow|count|calm|note|noted|laid|lay|listed|jot|"
    r"jotted|settle|shut|put|boil|boils|track|let|pin|nail)"
    r" (?:it |this |that |things |me |us |you )?down\b|\bdown (?:side|below|here|there|the line|the road|the path)\b",
    re.I | re.M,
)
_MOVE_IS_RIGHT = re.compile(
    r"\b((?:moves?|steps?|direction|vote|mine|choice|preference|proposal|suggestion|plan) (?:is|are|should be|"
    r"would be|will be|must be))"
    r" right\b",
    re.I,
)
_UP_TO = re.compile(
    rf"(?<!\bgo )(?<!\bmove )(?<!\bgoing )(?<!\bmoving )(?<!\bthen )(?<!\bstep )(?<!\band )(?<!\bhead )"
    rf"(?<!, )\bup to (?=the |{CELL})",
    re.I,
)
_NUM = r"(?:\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten)"
_UNIT = r"(?:steps?|cells?|squares?|spaces?|moves?|times|tiles?|units?|blocks?|spots?|positions?|places?)"
_WORDS: Final = {
    **dict.fromkeys(("up", "ups", "upward", "upwards", "north", "northward", "northwards"), UP),
    **dict.fromkeys(("down", "downs", "downward", "downwards", "south", "southward", "southwards"), DOWN),
    **dict.fromkeys(("dwon", "donw", "doen"), DOWN),
    **dict.fromkeys(("left", "lefts", "leftward", "leftwards", "west", "westward", "westwards", "letf", "lft"), LEFT),
    **dict.fromkeys(("right", "rights", "rightward", "rightwards", "east", "eastward", "eastwards"), RIGHT),
    **dict.fromkeys(("rigth", "rihgt", "rght", "rigt"), RIGHT),
}  # fmt: skip
_DIRECTION = "|".join(sorted(_WORDS, key=len, reverse=True))
_WORD_MOVE = re.compile(
    rf"(?<![\w,.])(?<!\w')(?P<pre>{_NUM}|an?|another)[ ]?[x×*]?[ ]?(?:more )?(?:single )?(?:{_UNIT} )?(?:straight |"
    rf"further |more )?"
    rf"(?:to |towards? )?(?:the |your |my )?(?P<dir1>{_DIRECTION})(?!\w|'\w)"
    rf"|(?<!\w)(?<!\w')(?:(?:to|towards?) the )?(?P<dir2>{_DIRECTION})(?!\w|'\w)"
    rf"(?:[ ]?(?:by |for )?[(\[]?[ ]?[x×*]?[ ]?(?P<post>{_NUM}|another|once|twice|thrice)(?![\w.]?\d|"
    rf"[ ]?,\d)[ ]?[x×]?(?:[ ](?:more )?{_UNIT})?(?![a-z])[ ]?[)\]]?"
    rf"|[ ]?[(\[]?[ ]?[x×*][ ]?(?P<post2>\d{{1,2}})[ ]?[)\]]?)?",
    re.I,
)
_JOINED = re.compile(
    r"(?<!\w)(?<!\w')(?:(?P<upper>[UDLR]{2,40}|[NESW]{2,40})|(?P<lower>[udlr]{3,40}|[nesw]{4,40})"
    r"|(?P<mixed>(?:[UDLR]\d{1,2}){2,20}|(?:\d{1,2}[UDLR]){2,20}|(?:[NESW]\d{1,2}){2,20}|"
    r"(?:\d{1,2}[NESW]){2,20}))(?!\w|'\w)"
)
_LETTER_MOVE = re.compile(
    r"(?<!\w)(?<!\w')(?P<pre>\d{1,2})?[ ]?"
    r"(?P<letter>[UDLRNESWudlrnesw])(?:[ ]?[x×*]?[ ]?(?P<post>\d{1,2}))?(?!\w|'\w)"
)
_NEIGHBOUR_GAP = re.compile(
    rf"[\s,;:>→\-/|.()\[\]\"'&+=]{{0,4}}(?:then |and )?[\s\"']{{0,2}}(?:{ATOM}|\d?[UDLRNESWudlrnesw]\d?(?!\w|'\w))"
)
_BEHIND_GAP = re.compile(
    rf"(?:{ATOM}|(?<!\w)(?<!\w')\d?[UDLRNESWudlrnesw]\d?)"
    rf"[\s,;:>→\-/|.()\[\]\"'&+=]{{1,4}}(?:then |and )?[\s\"']{{0,2}}$"
)
_LETTER_VERB = re.compile(
    r"(?:\b(?:go|move|step|head|going|moving|then|take|direction|moves|path|next)\b|[:=])[\s\"']{0,2}$", re.I
)
_ARROWS = re.compile("->|=>|-->|<-|[" + "".join(_ARROW) + "]")
_CARETS = re.compile(r"(?<![\w<>^])[<>^v](?:[ ,]{0,2}[<>^v]){1,60}(?![\w<>^])")
_UNTIL = re.compile(
    rf"({MOVE})[ ]{{0,3}}(?:all the way |straight |again |further )?(?:down |up )?(?:to|until|till|untill|into|"
    rf"onto|towards?) (?:(?:we|you|u|i) (?:reach|hit|get to|are (?:at|in)) )?(?:the |our )?"
    r"(?:(?P<goal>goal|exit|target|destination|finish)|(?P<edge>edge|border|boundary|last (?:row|col(?:umn)?)|"
    r"bottom|top|end|(?:left|right)?most col(?:umn)?)"
    r"|(?P<wall>(?:a |next )?wall)|(?P<row>row) ?(?P<r>\d{1,2})|(?P<col>col(?:umn)?) ?(?P<c>\d{1,2}))\b",
    re.I,
)


_CELL_IS = rf"({CELL}[)\]]?[ ]?(?:(?:is|are|=|:|shows|as|contains|has|marked|-|–|→)[ ]?){{1,3}}(?:an? )?)"
_DOT_CELL = re.compile(_CELL_IS + r"\.(?=[\s,;)]|$)", re.I)
_HIDDEN_CELL = re.compile(_CELL_IS + r"\?(?=[\s,;)]|$)", re.I)


def _count(word: str | None) -> int:
    if not word:
        return 1
    return min(int(word), 99) if word.isdigit() else _NUMBER.get(word.lower(), 1)


def _word_move(match: re.Match[str], atoms: _Atomiser) -> str:
    direction = match["dir1"] or match["dir2"]
    return (
        " "
        + atoms.step(Step(_WORDS[direction.lower()], _count(match["pre"] or match["post"] or match["post2"])))
        + " "
    )


def _joined(match: re.Match[str], atoms: _Atomiser) -> str:
    if match["mixed"]:
        pairs = re.findall(r"([A-Z])(\d{1,2})" if match[0][0].isalpha() else r"(\d{1,2})([A-Z])", match[0])
        split = [pair if pair[0].isalpha() else pair[::-1] for pair in pairs]
        return "".join(atoms.step(Step(_LETTER[letter.lower()], _count(count))) for letter, count in split)
    if match[0].lower() in _NOT_MOVES:
        return match[0]
    return "".join(atoms.step(Step(_LETTER[letter.lower()])) for letter in match[0])


def _letter_move(match: re.Match[str], atoms: _Atomiser) -> str:
    text = match.string
    behind = text[max(0, match.start() - 12) : match.start()]
    near = _BEHIND_GAP.search(behind) is not None or _NEIGHBOUR_GAP.match(text, match.end()) is not None
    counted = bool(match["pre"] or match["post"]) and match["letter"].isupper()
    last = behind.rstrip(" \"'")[-1:] in (":", "=") and not text[match.end() : match.end() + 3].strip(" \"'.!?])")
    commanded = last or (match["letter"].isupper() and _LETTER_VERB.search(behind) is not None)
    alone = match["letter"].isupper() and text.strip(" .!\n") == match[0].strip()
    if not (near or counted or commanded or alone):
        return match[0]
    return " " + atoms.step(Step(_LETTER[match["letter"].lower()], _count(match["pre"] or match["post"]))) + " "


def _arrow(match: re.Match[str], atoms: _Atomiser) -> str:
    text = match.string
    before, after = (
        text[max(0, match.start() - 6) : match.start()].rstrip(" ,"),
        text[match.end() : match.end() + 6].lstrip(" ,"),
    )
    delta = _ARROW.get(match[0], LEFT if match[0] == "<-" else RIGHT)
    among_arrows = (before[-1:] in _ARROW and before[-1:] != "^") or (
        bool(after) and (after[0] in _ARROW or after[:2] in ("->", "=>"))
    )
    beside_atom = bool(re.search(ATOM + r"[\"')\]]{0,2}$", before)) or bool(re.match(r"[\"'(\[]{0,2}" + ATOM, after))
    among_words = before[-1:].isalnum() or after[:1].isalnum()
    if delta == RIGHT and not among_arrows and (beside_atom or among_words):
        return f" {SEPARATOR} "
    return atoms.step(Step(delta, sign=True))


def _carets(match: re.Match[str], atoms: _Atomiser) -> str:
    deltas = {">": RIGHT, "<": LEFT, "^": UP, "v": DOWN}
    return "".join(atoms.step(Step(deltas[sign])) for sign in match[0] if sign in deltas)


def _until(match: re.Match[str], atoms: _Atomiser) -> str:
    index = ord(match[1]) - _FIRST_MOVE
    for until in ("goal", "edge", "wall", "row", "col"):
        if match[until]:
            value = int(match["r"] or match["c"] or 0)
            atoms.steps[index] = replace(atoms.steps[index], until=until, value=value)
    return match[1]


def atomise(text: str, size: int) -> Atoms:
    """The coordinates and moves of a cleaned message, and the words around them.

    Args:
        text: as `clean` gives it.
        size: rows (and columns) of the maze.
    """
    atoms = _Atomiser(size)
    atoms.chess = _writes_chess(text)
    text = _COORDINATE.sub(atoms.coordinate, text)
    text = _BESIDE.sub(atoms.beside, text)
    text = _MOVE_IS_RIGHT.sub(r"\1 rightwards", text)
    text = _UP_TO.sub("until ", _IDIOM.sub(" · ", text))
    text = _JOINED.sub(lambda match: _joined(match, atoms), text)
    text = _CARETS.sub(lambda match: _carets(match, atoms), text)
    text = _WORD_MOVE.sub(lambda match: _word_move(match, atoms), text)
    text = _LETTER_MOVE.sub(lambda match: _letter_move(match, atoms), text)
    text = _UNTIL.sub(lambda match: _until(match, atoms), text)
    text = _LANDMARK.sub(atoms.landmark, text)
    text = _ARROWS.sub(lambda match: _arrow(match, atoms), text)
    text = _DOT_CELL.sub(r"\1free", text)
    text = _HIDDEN_CELL.sub(r"\1hidden", text)
    return Atoms(text, tuple(atoms.mentions), tuple(atoms.steps))
