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


_ANSWERED = (
    r"(?<![\w-])[\"']?(?:agree(?:d|ment|s)?|accept(?:ed|ance|s)?|approved?|approval|confirm(?:ed|ation|s)?|response|reply|"
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


def clip(text: str) -> str:
    """The part of a message that is read: all of it, or its beginning and its end, in whole words."""
    if len(text) <= TEXT_LIMIT:
        return text
    return _LAST_HALF.sub("", text[: TEXT_LIMIT // 2]) + "\n" + _FIRST_HALF.sub("", text[-TEXT_LIMIT // 2 :])


def clean(text: str) -> str:
    """`text` in plain characters: no markup, quotation, LaTeX or thinking."""
    text = _QUOTED.sub("", text)
    opened, closed = text.find("<think>"), text.rfind("</think>")
    if closed >= 0:  # what comes before it was thought, even where the opening is missing
        text = text[: max(0, min(opened, closed))] + "\n" + text[closed + len("</think>") :]
    elif opened >= 0:
        text = text[:opened]
    text = _OMITTED.sub("\n", text)
    text = _PRIVATE.sub(" ", unicodedata.normalize("NFKC", text)[: 2 * TEXT_LIMIT]).translate(_QUOTES)
    text = _INVISIBLE.sub("", text).replace("\r", "\n")
    if "\\" in text or "$" in text:
        text = _LATEX_WORD.sub(lambda match: _LATEX[match[1]], text)
        text = _LATEX_REST.sub(" ", text)
    for symbol, word in _SYMBOL_WORDS:
        text = symbol.sub(word, text)
    text = _YES_FIELD.sub(" ; agreed ; ", _NO_FIELD.sub(" ; not agreed ; ", text))
    text = _KEY.sub(r" \1 : ", text)
    text = _STRUCK.sub(" ", text)
    text = _HEADING.sub("", text)
    text = _BULLET.sub("", _EMPHASIS.sub("", text))
    text = _EMPHASIS_ONE.sub("", _BULLET.sub("", text))
    text = _SNAKE.sub(" ", _STEP_LABEL.sub(" ", text))
    if _INLINE_LIST.search(text):
        text = _INLINE_NUMBER.sub(" , ", text)
    return re.sub(r"\b(?:i\.e|e\.g|vs|etc|approx)\.", "that is", text, flags=re.I)
