"""What a message says beside its proposal: reasons under a heading of their own, and words it corrects as it goes."""

from __future__ import annotations

import re
from typing import Final

from pytest_collab.families.maze.reading.atoms import ATOM

_I: Final = re.I
_REASONS = re.compile(
    r"^\W*(?:(?:my |the |brief |short )*(?:reason(?:s|ing)?|why|rationale|explanation|justification|analysis|"
    r"thoughts?|"
    r"thinking|logic|background|motivation|context)(?: (?:for|behind|is|why)\b[^:\n]{0,40})?[ ]?[:?]|because\b)",
    _I,
)
_SPOKEN = re.compile(
    r"[\s,;:.…(-]*\b(?:actually,? (?:no|wait|scratch that|make (?:that|it))|wait,? no|no,? wait|(?:no,? "
    r")?scratch that|"
    r"strike that|make that|make it|or rather|rather,? no|correction|edit|typo|(?:sorry,? )?i mean(?:t)?|i meant to "
    r"(?:say|write))\b[\s,:;.…-]*",
    _I,
)
_MEANT = re.compile(r"\bi mean|\bmake (?:that|it)|or rather", _I)
_LATER = re.compile(r"^\W*(?:edit|correction|typo|erratum|(?:sorry,? )?i mean(?:t)?)\b", _I)


def begins_reasons(words: str) -> bool:
    """A sentence that opens the part of a message which only says why."""
    return _REASONS.match(words) is not None


def takes_up_again(words: str) -> bool:
    """A sentence that puts right what the message said before ("EDIT: I meant ...")."""
    return _LATER.match(words) is not None


def corrected(words: str) -> str:
    """A sentence without the moves and cells that it takes back itself: "down, I mean right", "left, no, wait, up".

    What was meant replaces as many of the last moves as it names; what is scratched goes altogether.
    """
    for match in reversed(list(_SPOKEN.finditer(words))):
        before, after = words[: match.start()], words[match.end() :]
        said, meant = re.findall(ATOM, before), re.findall(ATOM, after)
        if not said or not meant or any((one < meant[0]) != (said[0] < meant[0]) for one in said):
            continue
        keep = max(0, len(said) - len(meant)) if _MEANT.search(match[0]) else 0
        kept = iter(range(len(said)))
        cut = re.sub(ATOM, lambda atom: atom[0] if next(kept) < keep else "·", before)  # noqa: B023
        words = f"{cut} , {after}"
    return words


_HARKS_BACK = re.compile(
    r"\b(?:your|that) (?:very )?(?P<which>first|original|initial|earlier|previous|old|prior) (?:proposal|plan|idea|"
    r"suggestion|path|route|option|offer|version|one|way|move|sequence)\b",
    _I,
)
_NOT_BACK = re.compile(
    r"\b(?:not|but|problem|wrong|wall|instead|reject\w*|disagree\w*|unlike|than|why|misread)\b|n't\b|\?", _I
)


def harks_back(plain: str) -> str:
    """Which earlier proposal of the other a message comes back to: `first`, `last` (the one before), or none."""
    match = _HARKS_BACK.search(plain)
    sentence = plain[: match.end() + 60] if match else ""
    if match is None or _NOT_BACK.search(re.split(r"[.!\n]", sentence[match.start() :])[0]):
        return ""
    if _NOT_BACK.search(re.split(r"[.!;\n]", sentence[: match.start()])[-1]):
        return ""
    return "first" if match["which"].lower() in ("first", "original", "initial") else "last"
