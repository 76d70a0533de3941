"""What a seat changed, told so that a verdict needs no repository: regions of the base, definitions, added lines."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Final

from pytest_collab.episode.text import bounded, printable
from pytest_collab.families.coding.repository.git import Store
from pytest_collab.families.coding.repository.merge import Region, overlaps, regions
from pytest_collab.families.coding.repository.work import IGNORED, Work

DIFF_LIMIT: Final = 256 * 1024
PATCH_LIMIT: Final = 1024 * 1024
ADDED_LIMIT: Final = 32 * 1024
MOST_REGIONS: Final = 400
MOST_PLACES: Final = 50

_WORDS: Final = r"(?:export|default|pub(?:\([^)]*\))?|async|static|abstract|unsafe|const|public|private|protected)"
_DEFINITION: Final = re.compile(
    rf"^(\s*)(?:{_WORDS}\s+)*(?:def|class|func|fn|function|struct|enum|trait|interface|impl|type)\s+"
    r"(?:\([^)]*\)\s*)?([A-Za-z_]\w*)"
)
_METHOD: Final = re.compile(
    rf"^(\s+)(?:{_WORDS}\s+)*(?!if\b|for\b|while\b|switch\b|catch\b|return\b)([A-Za-z_]\w*)\s*\(.*\{{\s*$"
)


def enclosing(lines: Sequence[str], first: int, last: int) -> tuple[str, ...]:
    """Names of the definitions around lines `first`..`last` (from 1), and of those that begin in there."""
    names: dict[str, None] = {}
    for line in lines[max(first - 1, 0) : last]:
        if match := _DEFINITION.match(line) or _METHOD.match(line):
            names[match[2]] = None
    inner = next((line for line in lines[max(first - 1, 0) :] if line.strip()), "")
    indent = len(inner) - len(inner.lstrip())
    for line in reversed(lines[: max(first - 1, 0)]):
        if not line.strip():
            continue
        depth = len(line) - len(line.lstrip())
        if depth < indent:
            indent = depth
            if match := _DEFINITION.match(line) or _METHOD.match(line):
                names[match[2]] = None
    return tuple(names)


def told(store: Store, work: Work) -> tuple[dict[str, Any], dict[str, tuple[Region, ...]]]:
    """A seat's work as data for the transcript, and its regions."""
    changed = regions(store, work.tree)
    base = store.entries(store.tree(store.base))
    listed: list[Any] = []
    for path, parts in changed.items():
        known = base.get(path)
        lines: list[str] = []
        if known is not None and known[0].startswith("100"):
            lines = store.blob(known[1]).decode(errors="replace").splitlines()
        for part in parts or (Region(1, 0),):
            start, end = (part.first, part.last) if part.first <= part.last else (part.last, part.last)
            listed.append([path, start, end, list(enclosing(lines, start, end))])
    patch = store.patch(work.tree)
    # Cut first: of hundreds of megabytes little is shown.
    added = [line[1:] for line in patch.splitlines() if line.startswith("+") and not line.startswith("+++ ")]
    shown = printable(bounded(patch, DIFF_LIMIT))
    data = {
        "stat": store.stat(work.tree),
        "regions": listed[:MOST_REGIONS],
        "added": printable(bounded("\n".join(added), ADDED_LIMIT)),
        "diff": shown,
        "whole": shown == patch,
        "tree": work.tree,
        "skipped": dict(sorted(work.skipped.items(), key=_less_telling)[:20]),
        "refused": work.refused,
    }
    if shown != patch and len(patch) <= PATCH_LIMIT:  # control characters, foreign encodings: kept to be applied
        data["patch_base64"] = base64.b64encode(patch.encode(errors="surrogateescape")).decode()
    return data, changed


def _less_telling(skipped: tuple[str, str]) -> tuple[int, str]:
    path, why = skipped
    return (2 if why == IGNORED else not why.startswith(("larger", "deeper")), path)


def places(
    store: Store, works: Mapping[str, Work], changed: Mapping[str, Mapping[str, tuple[Region, ...]]]
) -> list[dict[str, Any]]:
    """Where two seats changed the same or adjacent lines, and did not do the same.

    `rewritten`: one of them rewrote lines that the other rewrote or put something between, or both made the file.
    (Insertions at the same place, and changes of neighbouring lines, conflict as well, but rewrite nothing.)
    """
    base = store.entries(store.tree(store.base))
    entries = {seat: store.entries(work.tree) for seat, work in works.items()}
    found: list[dict[str, Any]] = []
    for one, other in combinations(works, 2):
        for path, pairs in overlaps(changed[one], changed[other]).items():
            if entries[one].get(path) == entries[other].get(path):
                continue
            for mine, theirs in pairs:
                found.append(
                    {
                        "path": path,
                        "spans": {one: _span(mine), other: _span(theirs)},
                        "rewritten": path not in base or _rewritten(mine, theirs),
                    }
                )
    return found[:MOST_PLACES]


def _span(region: Region) -> list[int]:
    return [min(region.first, region.last), region.last]


def _rewritten(one: Region, other: Region) -> bool:
    if one.first > one.last and other.first > other.last:
        return False
    if one.first > one.last:
        return other.first <= one.last < other.last
    if other.first > other.last:
        return one.first <= other.last < one.last
    return one.first <= other.last and other.first <= one.last
