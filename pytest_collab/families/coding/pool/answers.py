"""Known solutions of a pool, for the built-in cast: references, the combined patch, and which lines they change."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_collab.families.coding.pool.pool import Pool

COMBINED: Final = "combined.patch"
"""Beside the task file, or beside the features' folders: one patch that builds all features of the pool together."""

_FILE: Final = re.compile(r"^diff --git a/(.+) b/(.+)$")
_HUNK: Final = re.compile(r"^@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@")


@dataclass(frozen=True, slots=True)
class Span:
    """Lines of the base that a patch changes, both inclusive; (0, 0) for a new file.

    An insertion after line n is n..n.
    """

    path: str
    first: int
    last: int

    def meets(self, other: Span) -> bool:
        """Whether a merge of both would have to choose: the same or adjacent lines, or the same new file."""
        return self.path == other.path and self.first <= other.last + 1 and other.first <= self.last + 1

    def __str__(self) -> str:
        return f"{self.path}:{self.first}-{self.last}" if self.last else self.path


def reference(pool: Pool, feature: str) -> str | None:
    """The patch that solves a feature, if the pool has one."""
    found = pool.reference(pool.feature(feature))
    return None if found is None else found.decode(errors="surrogateescape")


def combined(pool: Pool, group: Sequence[str]) -> str | None:
    """A patch that solves all features of the group together, if the pool has one."""
    if len(group) == 1:
        return reference(pool, group[0])
    beside = [pool.path(feature.reference).parent.parent for feature in pool.features if feature.reference]
    for folder in dict.fromkeys((pool.folder, *beside)):
        if (folder / COMBINED).is_file():
            return (folder / COMBINED).read_text(encoding="utf-8")
    return None


def spans(patch: str) -> tuple[Span, ...]:
    """Which lines of the base a unified diff changes."""
    found: list[Span] = []
    path, old, new = "", 0, False
    first = last = 0

    def keep() -> None:
        nonlocal first, last
        if first:
            found.append(Span(path, first, last))
        first = last = 0

    for line in patch.splitlines():
        if match := _FILE.match(line):
            keep()
            path, old, new = match[2], 0, False
        elif line.startswith("new file mode"):
            new = True
            found.append(Span(path, 0, 0))
        elif match := _HUNK.match(line):
            keep()
            old = int(match[1])
        elif old and not new and line.startswith("-") and not line.startswith("--- "):
            first, last = first or old, old
            old += 1
        elif old and not new and line.startswith("+") and not line.startswith("+++ "):
            first, last = first or max(old - 1, 1), max(last, old - 1, 1)
        elif old and (line.startswith(" ") or not line):
            keep()
            old += 1
    keep()
    return tuple(found)
