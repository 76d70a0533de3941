"""Reasoning that a server left in the text, between tags: taken out before anybody else reads it."""

from __future__ import annotations

import re
from functools import cache


def apart(text: str, tags: tuple[str, ...]) -> tuple[str, str]:
    """Text without reasoning, and the reasoning.

    A block without an end (the answer was cut while it thought) goes to the end of the text; an end without a
    beginning (chat templates that open the block themselves) ends what stands before it.

    Args:
        tags: names of tags, such as `think`.
    """
    if not tags or "<" not in text:
        return text, ""
    block, opening, closing = _patterns(tags)
    thoughts: list[str] = []

    def keep(match: re.Match[str]) -> str:
        thoughts.append(match["inside"].strip())
        return ""

    text, found = block.subn(keep, text)
    ends = list(closing.finditer(text))
    if ends:
        thoughts.insert(0, closing.sub("", text[: ends[-1].start()]).strip())
        text, found = text[ends[-1].end() :], 1
    begun = opening.search(text)
    if begun is not None:
        thoughts.append(text[begun.end() :].strip())
        text, found = text[: begun.start()], 1
    return (text.strip() if found else text), "\n".join(filter(None, thoughts))


@cache
def _patterns(tags: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    names = "|".join(map(re.escape, tags))
    block = re.compile(rf"<(?P<tag>{names})>(?P<inside>.*?)</(?P=tag)>", re.DOTALL | re.IGNORECASE)
    return (
        block,
        re.compile(rf"^\s*<(?:{names})>", re.IGNORECASE | re.MULTILINE),
        re.compile(rf"</(?:{names})>", re.IGNORECASE),
    )
