"""What a repository's own `.gitattributes` say of merging, in the form that git reads from `info/attributes`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

_BLANK: Final = " \t\r\f\v"
_LINE: Final = re.compile(rf'("(?:[^"\\]|\\.)*"|[^{_BLANK}]+)[{_BLANK}]*(.*)')
_MACRO: Final = "[attr]"
_BUILT_IN: Final = frozenset({"merge", "-merge", "!merge", "merge=text", "merge=binary", "merge=union", "binary"})
_ESCAPED: Final = re.compile(rb"\\([0-7]{3}|[\x00-\x7f])", re.DOTALL)
_LETTERS: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_WILD: Final = re.compile(r"([\\*?\[])")


def merge_rules(files: Mapping[str, str]) -> str:
    """The lines about merging of all `.gitattributes` files of a tree; empty where there are none.

    Macros (which only the root's file may define) are written out. Drivers that git does not bring itself are defined
    in a user's configuration, which nobody's clone has: git takes its own for text in their place, and so does this.

    Args:
        files: path of each file to its content.
    """
    macros: dict[str, Sequence[str]] = {}
    lines = []
    for path in sorted(files, key=lambda path: path.count("/")):
        folder = posixpath.dirname(path)
        for pattern, words in _parsed(files[path]):
            if pattern.startswith(_MACRO):
                if not folder:
                    macros[pattern.removeprefix(_MACRO)] = words
            elif kept := list(_about_merging(words, macros)):
                lines.append(f"{_quoted(_from_the_root(pattern, folder))} {' '.join(kept)}\n")
    return "".join(lines)


def _parsed(text: str) -> Iterator[tuple[str, list[str]]]:
    """Pattern and attributes of each line; a pattern in quotes without them."""
    for line in text.removeprefix("\ufeff").split("\n"):
        match = _LINE.fullmatch(line.strip(_BLANK))
        if match is None or match[1].startswith("#"):
            continue
        pattern = match[1]
        if len(pattern) > 1 and pattern.startswith('"') and pattern.endswith('"'):
            pattern = _ESCAPED.sub(_unescaped, pattern[1:-1].encode()).decode(errors="replace")
        yield pattern, match[2].split()


def _unescaped(match: re.Match[bytes]) -> bytes:
    word = match[1]
    return bytes([int(word, 8) & 255]) if len(word) == 3 else _LETTERS.get(word.decode(), word.decode()).encode()


def _about_merging(words: Sequence[str], macros: Mapping[str, Sequence[str]], depth: int = 0) -> Iterator[str]:
    for word in words:
        if word in _BUILT_IN:
            yield word
        elif word.startswith("merge="):
            yield "merge=text"
        elif word in macros and depth < len(macros):
            yield from _about_merging(macros[word], macros, depth + 1)


def _from_the_root(pattern: str, folder: str) -> str:
    """A pattern of a nested file, as one that counts from the root. Those without a slash hold at any depth."""
    if not folder:
        return pattern
    folder = _WILD.sub(r"\\\1", folder)
    return f"/{folder}/{pattern.lstrip('/')}" if "/" in pattern.rstrip("/") else f"/{folder}/**/{pattern}"


def _quoted(pattern: str) -> str:
    if not re.search(rf'[{_BLANK}\n"]', pattern) and not pattern.startswith(("#", _MACRO)):
        return pattern
    named = {letter: name for name, letter in _LETTERS.items()}
    return '"' + "".join(f"\\{named.get(one, one)}" if one in '\\"' or one in named else one for one in pattern) + '"'
