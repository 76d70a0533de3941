"""What a specification asks beyond its brief, which of it a test checks, and whether it was told. Pure.

Words are compared, not meanings: what is between told and not told is neither, and nobody is blamed by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

TOLD: Final = 0.6
"""From this share of a requirement's own words on, it was told."""

UNTOLD: Final = 0.25
"""Up to this share it was not."""

_BULLET: Final = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+")
_CODE: Final = re.compile(r"`([^`\n]+)`|^ {4,}(\S.*)$", re.MULTILINE)
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_COMMON_WORDS: Final = """
that this with from when where which what they them there their then than have must also does into
each same other only such will would could should more most some very about after before while
because been being were
"""
_COMMON: Final = frozenset(_COMMON_WORDS.split())


def requirements(specification: str, brief: str) -> tuple[str, ...]:
    """Paragraphs and points of a specification that ask for more than the brief says."""
    blocks: list[list[str]] = []
    for line in specification.splitlines():
        if not line.strip():
            blocks.append([])
        elif line.startswith("#"):
            continue
        elif _BULLET.match(line) or not blocks:
            blocks.append([line])
        else:
            blocks[-1].append(line)
    found = ("\n".join(block).strip("\n") for block in blocks if block)
    return tuple(text for text in found if own(text, brief))


def own(requirement: str, brief: str) -> frozenset[str]:
    """The words and pieces of code by which a requirement is known, those of the brief left out."""
    said = brief.lower()
    return frozenset(piece for piece in {*_pieces(requirement), *_words(requirement)} if piece not in said)


def share_told(requirement: str, brief: str, told: Iterable[str]) -> float:
    """The share of a requirement's own words that were told; 1 where the brief leaves none out."""
    mine = own(requirement, brief)
    said = "\n".join(told).lower()
    return sum(piece in said for piece in mine) / len(mine) if mine else 1.0


def checked(asked: Sequence[str], patch: str, tests: Sequence[str]) -> dict[str, list[int]]:
    """Which requirements each test checks, by the names and literals that its source has in common with them.

    Args:
        asked: requirements.
        patch: the hidden tests, as a patch.
        tests: ids of tests.

    Returns:
        Places in `asked`, by test; tests of which nothing can be said are left out.
    """
    marks = [_marks(text) for text in asked]
    rare = [
        {mark for mark in mine if 2 * sum(mark in other for other in marks) <= max(len(marks), 2)} for mine in marks
    ]
    found = {}
    for test in tests:
        text = source(patch, test)
        hits = [place for place, mine in enumerate(rare) if any(mark in text for mark in mine)]
        if hits:
            found[test] = hits
    return found


def source(patch: str, test: str) -> str:
    """What a patch adds of a test: its function where there is one of its name, else its file, else all."""
    name = re.split(r"::|\.|/| > ", test.partition("[")[0])[-1].strip()
    added = _added(patch)
    for lines in added.values():
        for start, line in enumerate(lines):
            if name and re.match(rf"\s*(?:async\s+)?(?:def|func|fn)\s+{re.escape(name)}\b", line):
                return "\n".join([*_before(lines, start), line, *_body(lines, start)])
    files = ["\n".join(lines) for path, lines in added.items() if path in test]
    return "\n".join(files or ("\n".join(lines) for lines in added.values()))


def _added(patch: str) -> dict[str, list[str]]:
    files: dict[str, list[str]] = {}
    path = ""
    for line in patch.splitlines():
        if line.startswith("diff --git "):
            path = line.rpartition(" b/")[2]
            files[path] = []
        elif path and line.startswith("+") and not line.startswith("+++ "):
            files[path].append(line[1:])
    return files


def _before(lines: Sequence[str], start: int) -> list[str]:
    """Decorators: the lines above a function up to the last blank one."""
    first = start
    while first and lines[first - 1].strip():
        first -= 1
    return list(lines[first:start])


def _body(lines: Sequence[str], start: int) -> list[str]:
    indent = len(lines[start]) - len(lines[start].lstrip())
    taken = []
    for line in lines[start + 1 :]:
        if line.strip() and len(line) - len(line.lstrip()) <= indent and not line.strip().startswith(("}", ")", "]")):
            break
        taken.append(line)
    return taken


def _pieces(text: str) -> set[str]:
    """Code in a text, in lower case."""
    return {(match[1] or match[2]).strip().lower() for match in _CODE.finditer(text)} - {""}


def _words(text: str) -> set[str]:
    prose = _CODE.sub(" ", text)
    return {word.lower() for word in _WORD.findall(prose) if len(word) >= 4 and word.lower() not in _COMMON}


def _marks(text: str) -> set[str]:
    """What a test's source can have in common with a requirement: pieces of code, and names in them."""
    found: set[str] = set()
    for match in _CODE.finditer(text):
        code = (match[1] or match[2]).strip()
        if len(code) >= 3:
            found.add(code)
        found.update(name for name in _WORD.findall(code) if len(name) >= 4)
    return found
