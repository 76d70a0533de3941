"""How much room a model has, as read from what its server says when there was too little."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_NUMBER: Final = r"`?(\d[\d,_]*)`?"
_SUM: Final = re.compile(rf"(?<!\d){_NUMBER}\s*\+\s*{_NUMBER}\s*>\s*{_NUMBER}")
"""Anthropic: input length and max_tokens exceed context limit: 190000 + 16000 > 200000."""

_COMPARED: Final = re.compile(rf"(?<![\d-]){_NUMBER}(?:\s*tokens)?\s*>\s*{_NUMBER}(?:\s*tokens)?\s*maximum")
"""Anthropic: prompt is too long: 210000 tokens > 200000 maximum."""

_WINDOW: Final = re.compile(
    r"(?:max(?:imum)?[ _](?:context|model|sequence|prompt)[ _]?(?:length|len|size|window)?|"
    r"context (?:length|window|limit|size)|context_length|n_ctx|"
    r"maximum (?:number of )?(?:input )?tokens(?: allowed)?|maximum (?:allowed )?token length|must be <=)"
    rf"(?:[^\d\n]{{0,60}}?){_NUMBER}",
    re.IGNORECASE,
)
_WINDOW_LAST: Final = re.compile(rf"{_NUMBER}(?:\s*tokens?)?\s*(?:context|maximum context)", re.IGNORECASE)
_INPUT: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_NUMBER} input tokens",
        rf"{_NUMBER} (?:tokens )?(?:in|from) (?:the|your) (?:messages|input messages|prompt|input)",
        rf"{_NUMBER} `?inputs`? tokens",
        rf"{_NUMBER} (?:tokens? )?of text input",
        rf"(?:messages|input|prompt|request)(?: has)? resulted in {_NUMBER}",
        rf"\b(?:requested tokens|request|prompt|input|n_prompt_tokens|inputs)\b[^\d\n]{{0,24}}?{_NUMBER}",
    )
)
_ANSWER: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"at most {_NUMBER} (?:completion|output) tokens",
        rf"> {_NUMBER}, which is the maximum (?:allowed )?number of output tokens",
        rf"max(?:_completion|_output|_new)?_tokens`?\D{{0,40}}less than or equal to {_NUMBER}",
        rf"valid range of max_tokens is \[1, ?{_NUMBER}\]",
        rf"maximum (?:value|allowed)[^\d\n]{{0,30}}max(?:_completion|_output)?_tokens[^\d\n]{{0,20}}{_NUMBER}",
    )
)
_ABOUT_THE_ANSWER: Final = re.compile(
    r"max_(?:completion_|output_|new_)?tokens|in the (?:completion|output)|for the completion|"
    r"completion tokens|output tokens",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Room:
    """What a message tells about tokens; None where it does not.

    Attributes:
        window: the model's context window.
        input: what the conversation takes of it.
        answer: the longest answer that may be asked for.
        about_the_answer: the message complains of the answer's length that was asked for.
    """

    window: int | None = None
    input: int | None = None
    answer: int | None = None
    about_the_answer: bool = False

    @property
    def left(self) -> int | None:
        """Tokens that an answer may have, where that can be told; never above zero when nothing is left."""
        if self.answer is not None:
            return self.answer
        if self.window is None or self.input is None:
            return None
        return max(self.window - self.input, 0)


def room_in(message: str) -> Room:
    """The figures in an error message about context windows or lengths of answers."""
    about = bool(_ABOUT_THE_ANSWER.search(message))
    total = _SUM.search(message)
    if total:
        return Room(_number(total[3]), _number(total[1]), None, True)
    answer = next((_number(found[1]) for pattern in _ANSWER if (found := pattern.search(message))), None)
    if answer is not None:
        return Room(answer=answer, about_the_answer=True)
    compared = _COMPARED.search(message)
    if compared:
        return Room(_number(compared[2]), _number(compared[1]), None, about)
    found = _WINDOW.search(message) or _WINDOW_LAST.search(message)
    window = _number(found[1]) if found else None
    spoken = None
    for pattern in _INPUT:
        hit = pattern.search(message)
        if hit and _number(hit[1]) != window:
            spoken = _number(hit[1])
            break
    return Room(window, spoken, None, about)


def _number(text: str) -> int:
    return int(text.replace(",", "").replace("_", ""))
