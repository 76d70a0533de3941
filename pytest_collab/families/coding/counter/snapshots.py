"""Expectations that are kept in files beside tests: snapshots, golden files."""

from __future__ import annotations

import re
from random import Random
from typing import Final

from pytest_collab.families.coding.counter.edit import STRONG, Candidate, Change, shown
from pytest_collab.families.coding.counter.values import other_number, other_text

_KEPT: Final = re.compile(
    r"(^|/)(__snapshots__|snapshots?|goldens?|expected|expectations)/[^/]+$|\.(snap|ambr|golden|expected)$",
    re.IGNORECASE,
)
_VALUE: Final = re.compile(r"(?<![\w.\\])(\d+(\.\d+)?|[A-Za-z]{3,})(?![\w.]|['\"]?\s*[:=])")
"""Numbers and words, but no keys: whoever reads a value finds it by its key."""
# What snapshot libraries write about a snapshot: names, versions, where it came from.
_ABOUT: Final = re.compile(r"\s*(#|//|exports\[|---|(source|expression|snapshot_kind|input_file|info|description):)")
_LIMIT: Final = 1 << 20
_SAME: Final = ("true", "false", "null", "none", "nan")


def is_snapshot(path: str) -> bool:
    """Whether a file keeps what is expected, and nothing else, as its name says."""
    return _KEPT.search(path) is not None


def find(source: bytes, rng: Random) -> list[Candidate]:
    """One value of a snapshot, changed; empty where it has none that can be.

    Whatever reads the file is not known: the candidate names no test.
    """
    try:
        text = source.decode()
    except UnicodeDecodeError:
        return []
    if len(source) > _LIMIT:
        return []
    found: list[tuple[int, re.Match[str]]] = []
    start = 0
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if not _ABOUT.match(line):
            found += [(number, match) for match in _VALUE.finditer(text, start, start + len(line))]
        start += len(line)
    values = [one for one in found if one[1][0].lower() not in _SAME]
    for number, match in rng.sample(values, len(values)):
        new = other_number(match[0], rng) if match[0][0].isdigit() else other_text(match[0], rng)
        if new is not None and new != match[0]:
            begin, end = (len(text[:place].encode()) for place in match.span())
            return [Candidate("", number, STRONG, shown(match[0]), shown(new), (Change(begin, end, new),))]
    return []
