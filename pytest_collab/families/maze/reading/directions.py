"""Moves as people and models write them: words, letters, arrows, and how far each goes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from pytest_collab.families.maze.reading.atoms import (
    ATOM,
    CELL,
    DOWN,
    FIRST_MOVE,
    LEFT,
    MOVE,
    RIGHT,
    SEPARATOR,
    UP,
    Atomiser,
    Step,
)

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
_IDIOM = re.compile(
    r"\b(?:sound|look|seem|feel|appear)s? (?:about |all |completely |to be )?right\b|\b(?:is|isn't|are|was|do|"
    r"did|have|got|get|am) (?:that|this|it|i|we|you|my|your|our|the|these|everything)"
    r"(?: \w+){0,3}? right(?=\s*\?)|(?<=[.!?;)])[ ]+right[ ]*\?|\bright\?(?=[ ]*$)(?<=[.!?] right\?)"
    r"|\b(?:i'?m|i am|we'?re|we are|always|totally|definitely|also|still) down (?:to|for|with)\b"
    r"|\b(?:you(?:'re| are)|that(?:'s| is)|it(?:'s| is)|is|are) right\b(?=[,.;! ]*(?:agreed|i agree|yes|ok|so|"
    r"let|then)\b)"
    r"|\b(?:you(?:'re| are|r)?|u r|that(?:'s| is)|it(?:'s| is)|all|yes|yep|absolutely|quite|exactly|seems?|"
    r"looks?|sounds?|is|are|got it|not|be)"
    r" (?:completely |totally |absolutely |about that )?right(?=\s*(?:[.,!?;:)]|$|\n|about|that|and|but|on\b|"
    r"to me\b|to us\b|"
    r"there|here|to say|so\b|now))"
    r"|\bright (?:now|away|here|there|on\b|so\b|track|path|way|direction|answer|order|idea|thing|approach|"
    r"choice|solution|one|side|edge|"
    r"corner|half|column|border|boundary|neighbou?r|hand|end|of\b|next to|before|after\b(?= the)|where)"
    r"|^[ \t]*right[ \t]*[,.!-][ \t]*(?=(?:so|i|i'm|i've|we|that|let|let's|yes|ok|okay|agreed|agree|my|the|"
    r"your|got|it|makes|you|but|good|thanks|sorry|of course)\b)"
    r"|\b(?:top|bottom|upper|lower|far|middle|north|south)[- ]?(?:left|right|east|west)(?:most)?\b"
    r"|\b(?:left|right|up|down)-?(?:most|hand)\b"
    r"|\b(?:to|on|from|at) (?:the|my|your|its|our) (?:immediate )?(?:left|right|east|west|north|south)(?: of|"
    r" (?=is\b|are\b|there\b|side\b|has\b|i\b|we have))"
    r"|\b(?:on|from|at) (?:the|my|your|its|our) (?:left|right|east|west|north|south)\b"
    r"|(?<!\w)[xy](?:[ -](?:axis|coordinate))?,? (?:(?:goes|going|increases|increasing|grows|growing|runs|"
    r"running|points|"
    r"pointing|is|being|counts) )?(?:to (?:the )?)?(?:right|left|up|down)(?:wards?)?\b"
    r"|\b(?:from )?left[- ]to[- ]right\b|\b(?:from )?right[- ]to[- ]left\b|\bup[- ]?(?:and|/)[- ]?down\b|"
    r"\bleft[- ]?(?:and|/|or)[- ]?right\b"
    r"|\b(?:left|east|west|north|south) (?:of|side|edge|corner|half|column|border|boundary|neighbou?r|end|"
    r"part|wall|over|out|behind|unanswered|unclear)\b"
    r"|\bleft (?:to (?:do|go|explore|decide|check)|for us)\b"
    r"|\b(?:is|are|what's|whats|nothing|anything|have|has|i|you|we|they|remain(?:s|ing)?|"
    r"been) left\b(?! (?:to|then|and))"
    r"|\b(?:have|has|are|only|with|of|no|many|few|several|some|it's|that's|there's) (?:\w+ )?"
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
_MOVE_IS = re.compile(
    r"\b((?:moves?|steps?|direction|vote|mine|choice|preference|proposal|suggestion|plan|path|route|sequence|"
    r"solution|way|order|these|"
    r"those|recommendation|pick|answer|next) (?:is|are|should be|would be|will be|must be)) (right|left)\b(?! "
    r"(?:now|away|here|there|for|to you|on|so|of|over|out)\b)",
    re.I,
)
_UP_TO = re.compile(rf"\bup to (?=the |{CELL})", re.I)
_UNTIL_THERE = re.compile(
    r"\b(?:agree\w*|ok|okay|fine|good|works?|yes|path|plan|route|moves?|steps?|everything|all|it|that|this|you|"
    r"accept\w*|only|way|"
    r"valid|clear|free|open|correct|sure|way|part|line|and|me)[ ,]*$",
    re.I,
)
_WILLING = re.compile(r"\b(?:i'?m|i am) (?:also |totally |definitely |still |always )?down (?:to|for|with)\b", re.I)
_TAG = re.compile(r"(?P<before>[^.!?;:\n]*), right(?=\s*\?)", re.I)
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
    r"(?:\b(?:go|move|step|head|going|moving|then|take|direction|moves|path|next|propose|proposing|suggest)\b|[:=])[\s\"']{0,2}$",
    re.I,
)
_ARROWS = re.compile("->|=>|-->|<-|[" + "".join(_ARROW) + "]")
_REMARK = re.compile(r"[ ]*[a-z]{2,}", re.I)
"""What a left arrow points from: a remark on what stands before it."""
_CARETS = re.compile(r"(?<![\w<>^])[<>^v](?:[ ,]{0,2}[<>^v]){1,60}(?![\w<>^])")
_UNTIL = re.compile(
    rf"({MOVE})[ ]{{0,3}}(?:all the way |straight |again |further )?(?:down |up )?(?:to|until|till|untill|into|"
    rf"onto|towards?) (?:(?:we|you|u|i) (?:reach|hit|get to|are (?:at|in)) )?(?:the |our )?"
    r"(?:(?P<goal>goal|exit|target|destination|finish)|(?P<edge>edge|border|boundary|last (?:row|col(?:umn)?)|"
    r"bottom|top|end|(?:left|right)?most col(?:umn)?)"
    r"|(?P<wall>(?:a |next )?wall)|(?P<row>row) ?(?P<r>\d{1,2})|(?P<col>col(?:umn)?) ?(?P<c>\d{1,2}))\b",
    re.I,
)


def _count(word: str | None) -> int:
    if not word:
        return 1
    return min(int(word), 99) if word.isdigit() else _NUMBER.get(word.lower(), 1)


def _word_move(match: re.Match[str], atoms: Atomiser) -> str:
    direction = match["dir1"] or match["dir2"]
    return (
        " "
        + atoms.step(Step(_WORDS[direction.lower()], _count(match["pre"] or match["post"] or match["post2"])))
        + " "
    )


def _joined(match: re.Match[str], atoms: Atomiser) -> str:
    if match["mixed"]:
        pairs = re.findall(r"([A-Z])(\d{1,2})" if match[0][0].isalpha() else r"(\d{1,2})([A-Z])", match[0])
        split = [pair if pair[0].isalpha() else pair[::-1] for pair in pairs]
        return "".join(atoms.step(Step(_LETTER[letter.lower()], _count(count))) for letter, count in split)
    if match[0].lower() in _NOT_MOVES:
        return match[0]
    return "".join(atoms.step(Step(_LETTER[letter.lower()])) for letter in match[0])


def _letter_move(match: re.Match[str], atoms: Atomiser) -> str:
    text = match.string
    behind = text[max(0, match.start() - 12) : match.start()]
    near = _BEHIND_GAP.search(behind) is not None or _NEIGHBOUR_GAP.match(text, match.end()) is not None
    counted = bool(match["pre"] or match["post"]) and match["letter"].isupper()
    last = behind.rstrip(" \"'")[-1:] in (":", "=") and not text[match.end() : match.end() + 3].strip(" \"'.!?])")
    commanded = last or (match["letter"].isupper() and _LETTER_VERB.search(behind) is not None)
    alone = match["letter"].isupper() and text.strip(" .!?\n") == match[0].strip()
    asked = (
        match["letter"].isupper() and text[match.end() : match.end() + 1] == "?" and behind.rstrip()[-1:] in ".!;,"
    )
    if not (near or counted or commanded or alone or asked):
        return match[0]
    return " " + atoms.step(Step(_LETTER[match["letter"].lower()], _count(match["pre"] or match["post"]))) + " "


def _arrow(match: re.Match[str], atoms: Atomiser) -> str:
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
    if delta == LEFT and not among_arrows and _REMARK.match(text, match.end()):
        return " - "
    return atoms.step(Step(delta, sign=True))


def _carets(match: re.Match[str], atoms: Atomiser) -> str:
    deltas = {">": RIGHT, "<": LEFT, "^": UP, "v": DOWN}
    return "".join(atoms.step(Step(deltas[sign])) for sign in match[0] if sign in deltas)


def _tag(match: re.Match[str]) -> str:
    """A tag question (`that works, right?`) goes; the last of a list of moves (`up, right?`) stays."""
    return match[0] if re.search(rf"(?:{_DIRECTION})$", match["before"], re.I) else match["before"]


def _up_to(match: re.Match[str]) -> str:
    """`fine up to (1,2)` sets a limit, `move up to (1,2)` is a move."""
    behind = match.string[max(0, match.start() - 24) : match.start()]
    return (
        "until "
        if _UNTIL_THERE.search(behind) and not re.search(r"\b(?:go|move|moving|step|then) *$", behind)
        else match[0]
    )


def _until(match: re.Match[str], atoms: Atomiser) -> str:
    index = ord(match[1]) - FIRST_MOVE
    for until in ("goal", "edge", "wall", "row", "col"):
        if match[until]:
            value = int(match["r"] or match["c"] or 0)
            atoms.steps[index] = replace(atoms.steps[index], until=until, value=value)
    return match[1]


def take_moves(text: str, atoms: Atomiser) -> str:
    """`text` with its moves taken out, all but those written as single arrows."""
    text = _MOVE_IS.sub(r"\1 \2wards", text)
    text = _WILLING.sub("i would like to", text)
    text = _TAG.sub(_tag, text)
    text = _UP_TO.sub(_up_to, _IDIOM.sub(" · ", text))
    text = _JOINED.sub(lambda match: _joined(match, atoms), text)
    text = _CARETS.sub(lambda match: _carets(match, atoms), text)
    text = _WORD_MOVE.sub(lambda match: _word_move(match, atoms), text)
    text = _LETTER_MOVE.sub(lambda match: _letter_move(match, atoms), text)
    return _UNTIL.sub(lambda match: _until(match, atoms), text)


def take_arrows(text: str, atoms: Atomiser) -> str:
    """`text` with its arrows taken out, as moves or as separators between cells."""
    return _ARROWS.sub(lambda match: _arrow(match, atoms), text)
