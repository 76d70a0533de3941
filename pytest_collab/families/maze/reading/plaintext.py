"""A message as plain characters: without markup, quotation, LaTeX and thinking."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

TEXT_LIMIT: Final = 8 * 1024
"""Characters of one message that are read; of a longer one, its beginning and its end."""

_LATEX: Final = {
    "rightarrow": "→", "Rightarrow": "→", "longrightarrow": "→", "to": "→", "leftarrow": "←", "Leftarrow": "←",
    "uparrow": "↑", "Uparrow": "↑", "downarrow": "↓", "Downarrow": "↓",
}  # fmt: skip
_LATEX_WORD = re.compile(r"\\(" + "|".join(sorted(_LATEX, key=len, reverse=True)) + r")(?![A-Za-z])")
_LATEX_TEXT = re.compile(r"\\(?:text|mathrm|mathbf|mathit|textbf|textit|boxed|operatorname)\s?\{([^{}\n]{0,200})\}")
_LATEX_REST = re.compile(r"\\[()\[\]{},;]|\\(?:text|mathrm|mathbf|textbf|boxed|quad|left|right)\b\s?|\$+")
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_SYMBOL_WORDS: Final = tuple(
    (re.compile(rf"(?<![\w,\]'\"`])[`'\"]{re.escape(symbol)}[`'\"](?!\s?[,\]]\s?[`'\"][.#?@*][`'\"])"), word)
    for symbol, word in ((".", "free"), ("#", "wall"), ("?", "hidden"), ("*", "goal"), ("@", "start"))
)
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\u00ad]")
_STRUCK = re.compile(r"~~[^~\n]{1,300}~~")
_EMPHASIS = re.compile(r"\*\*|__|`+")
_EMPHASIS_ONE = re.compile(r"(?<![\w*.#@?])\*(?=[A-Za-z\u2190-\u21ff])|(?<=[A-Za-z.!?])\*(?![\w*])")
_TITLE = re.compile(r"(?m)^([ \t]{0,3}#{1,6}[ \t]+[A-Za-z][^\n]{0,80}?[A-Za-z)])[ \t]*$")
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


_ANSWERED = (
    r"(?<![\w-])[\"']?(?:agree(?:d|ment|s)?|accept(?:ed|ance|s)?|approved?|approval|confirm(?:ed|ation|s)?|"
    r"response|reply|"
    r"answer|decision|vote|verdict|consent|ok)[\"']?[ \t]*[:=][ \t]*[\"']?"
)
_YES_FIELD = re.compile(
    _ANSWERED + r"(?:true|yes|y|accept(?:ed)?|agreed?|approved?|ok|okay|confirm(?:ed)?)\b[\"']?", re.I
)
_NO_FIELD = re.compile(
    _ANSWERED
    + r"(?:false|no|n|none|null|reject(?:ed)?|refused?|disagreed?|declined?|denied|not agreed|nope)\b[\"']?",
    re.I,
)
_KEY = re.compile(r"[\"']([A-Za-z_][\w ]{0,24})[\"'][ \t]*:[ \t]*")
_FIRST_HALF, _LAST_HALF = re.compile(r"\A\S{0,64}"), re.compile(r"\S{0,64}\Z")
_OMITTED = re.compile(r"\[\.\.\. ?[\d,]+ characters left out ?\.\.\.\]")


_THOUGHT = re.compile(
    r"<(think(?:ing)?|reasoning|reflection|analysis|scratchpad|thoughts?)>.*?(?:</\1>|\Z)|"
    r"<\|channel\|>(?:analysis|thought|commentary)\b.*?(?:<\|end\|>|(?=<\|channel\|>final)|\Z)",
    re.I | re.S,
)
_THOUGHT_END = re.compile(r"\A.*</(?:think(?:ing)?|reasoning|reflection|analysis|scratchpad|thoughts?)>", re.I | re.S)
_STAGED = re.compile(
    r"(?m)(?:(?<=\s)|^)\*(?=(?:thinks?|thinking|considers?|pauses?|looks?|checks?|studies|examines|ponders?|frowns?|"
    r"nods?|smiles?|sighs?|scratches|mumbles?|hesitates?|traces?)\b)[^*\n]{0,300}\*(?!\*)"
)
_COMMENT = re.compile(r"(?mi)\b(up|down|left|right|north|south|east|west)[\"']?[,;]?[ \t]*#[ \t]*(?=\S)")
_CODE_COMMENT = re.compile(r"(?m)^([ \t]*[A-Za-z_]\w*\([^\n#]*\)[;]?)[ \t]*#[ \t]*(?=[A-Za-z(\[])")
_MODEST = re.compile(
    r"\b(?:if|as far as) i(?:'m| am)? (?:not (?:mistaken|wrong)|(?:read|see|understand|remember|can see|can "
    r"tell|recall)"
    r"(?: (?:my|the|it|this|that)(?: \w+)?)?(?: correctly| right| properly)?),[ ]?",
    re.I,
)
"""Politeness in telling, no condition."""
_KEYCAP = re.compile("[0-9#*]\ufe0f?\u20e3")
_TAGGED = re.compile(r"<([A-Za-z_]{2,20})>([^<>]{0,400})</\1>")
_ALONE = re.compile(r"<([A-Za-z_]{2,20})[ ]?/>")
_ENVELOPES = frozenset(
    {"message", "output", "final", "text", "content", "say", "speech", "p", "b", "i", "em", "strong"}
)
_TOLD_BACK = re.compile(
    r"\b((?:you|they) (?:just |also |first |earlier )?(?:said|say|wrote|write|asked|proposed|suggested|told me)|"
    r"(?:your|their|the|that|previous|last) (?:last |previous |first |earlier )?(?:message|proposal|question|"
    r"suggestion|"
    r"sentence|statement|reply))[ ]?[:,-]?[ ]?\"[^\"\n]{1,400}\"",
    re.I,
)
"""Words of the other given back between marks of quotation."""
_CROSSED = re.compile(r"[❌✖✗✘🚫⛔][ \t]*(?=(?:up|down|left|right|north|south|east|west|[UDLRNSEW])\b)", re.I)
_CROSSED_OUT = re.compile(
    r"\b(up|down|left|right|north|south|east|west)\b[ \t]*[:=-]?[ \t]*[❌✖✗✘🚫⛔](?![ \t]*(?:up|down|left|right|"
    r"north|south|"
    r"east|west)\b)",
    re.I,
)
_UP_TO_AND = re.compile(r"\bup to and including\b", re.I)


def _field(match: re.Match[str]) -> str:
    """What stands in a tag: with the tag's name before it, unless that only says that something is said."""
    named = "" if match[1].lower() in _ENVELOPES else f" {match[1]}: "
    return f"{named}{match[2]} ;\n"


def unthought(text: str) -> str:
    """`text` without what was only thought, even where the opening of the thought is missing."""
    return _THOUGHT_END.sub("\n", _THOUGHT.sub("\n", text))


def clip(text: str) -> str:
    """The part of a message that is read: all of it, or its beginning and its end, in whole words."""
    if len(text) <= TEXT_LIMIT:
        return text
    return _LAST_HALF.sub("", text[: TEXT_LIMIT // 2]) + "\n" + _FIRST_HALF.sub("", text[-TEXT_LIMIT // 2 :])


def clean(text: str) -> str:
    """`text` in plain characters: no markup, quotation, LaTeX or thinking."""
    text = unthought(_QUOTED.sub("", text))
    text = _OMITTED.sub("\n", text)
    text = _PRIVATE.sub(" ", unicodedata.normalize("NFKC", text)[: 2 * TEXT_LIMIT]).translate(_QUOTES)
    text = _INVISIBLE.sub("", text).replace("\r", "\n")
    if "\\" in text or "$" in text:
        text = _LATEX_TEXT.sub(r"\1", text)
        text = _LATEX_WORD.sub(lambda match: _LATEX[match[1]], text)
        text = _LATEX_REST.sub(" ", text)
    for symbol, word in _SYMBOL_WORDS:
        text = symbol.sub(word, text)
    text = _CODE_COMMENT.sub(r"\1\n", text)
    text = _COMMENT.sub(r"\1 ", _KEYCAP.sub(" ", _STAGED.sub(" ", _ALONE.sub(r" \1 ; ", _TAGGED.sub(_field, text)))))
    text = _YES_FIELD.sub(" ; agreed ; ", _NO_FIELD.sub(" ; not agreed ; ", text))
    text = _KEY.sub(r" \1 : ", text)
    text = _CROSSED.sub(" but not ", _CROSSED_OUT.sub(r" but not \1 ", _STRUCK.sub(" ", text)))
    text = _TOLD_BACK.sub(r"\1 ", _UP_TO_AND.sub("until", text))
    text = _HEADING.sub("", _TITLE.sub(r"\1:", text))
    text = _BULLET.sub("", _EMPHASIS.sub("", text))
    text = _EMPHASIS_ONE.sub("", _BULLET.sub("", text))
    text = _SNAKE.sub(" ", _STEP_LABEL.sub(" ", text))
    if _INLINE_LIST.search(text):
        text = _INLINE_NUMBER.sub(" , ", text)
    text = _MODEST.sub("", text)
    text = re.sub(r"(?<=\S)[ \t]{2,}(?=\S)", " ", text)
    return re.sub(r"\b(?:i\.e|e\.g|vs|etc|approx)\.", "that is", text, flags=re.I)
