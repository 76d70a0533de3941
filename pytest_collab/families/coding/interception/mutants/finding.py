"""Which mutations a patch has: those of the lines that it adds to code that runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random
from typing import Final

from pytest_collab.families.coding.counter.edit import changed
from pytest_collab.families.coding.interception.mutants import python, trees
from pytest_collab.families.coding.interception.mutants.mutation import KINDS, Kind, Mutation
from pytest_collab.families.coding.pool.pool import Pool
from pytest_collab.families.coding.repository.compose import is_protected
from pytest_collab.families.coding.repository.git import Store

_CODE: Final = {
    "python": re.compile(r"\.py$"),
    "go": re.compile(r"\.go$"),
    "rust": re.compile(r"\.rs$"),
    "javascript": re.compile(r"\.[cm]?jsx?$"),
    "typescript": re.compile(r"\.[cm]?[jt]sx?$"),
}
_HUNK: Final = re.compile(r"^@@ -\S+ \+(\d+)(?:,\d+)? @@")


def added_lines(patch: str) -> dict[str, set[int]]:
    """The lines that a patch adds, from 1, by the path of the file after it."""
    found: dict[str, set[int]] = {}
    path, line = "", 0
    for text in patch.splitlines():
        if text.startswith("diff --git "):
            path, line = "", 0
        elif not line and text.startswith("+++ "):
            path = text[4:].partition("\t")[0].strip('"').removeprefix("b/")
        elif match := _HUNK.match(text):
            line = int(match[1])
        elif line and text.startswith("+"):
            found.setdefault(path, set()).add(line)
            line += 1
        elif line and not text.startswith(("-", "\\")):
            line += 1
    return found


def mutations(pool: Pool, store: Store, tree: str) -> Iterator[tuple[str, Mutation]]:
    """Every mutation of what `tree` adds to the base, with its file: kinds take turns, chance orders each of them.

    The order depends on nothing but the code: the first of a feature are the same everywhere.
    """
    by_kind: dict[Kind, list[tuple[str, Mutation]]] = {kind: [] for kind in KINDS}
    entries = store.entries(tree)
    for path, lines in sorted(added_lines(store.patch(tree)).items()):
        if not _CODE[pool.language].search(path) or is_protected(path, pool) or path not in entries:
            continue
        source = store.blob(entries[path][1])
        rng = Random(source)
        for one in _of(pool.language, source, lines, rng):
            by_kind[one.kind].append((path, one))
    rng = Random(tree)
    for found in by_kind.values():
        rng.shuffle(found)
    order = [found for found in by_kind.values() if found]
    rng.shuffle(order)
    for turn in range(max(map(len, order), default=0)):
        yield from (found[turn] for found in order if turn < len(found))


def _of(language: str, source: bytes, lines: set[int], rng: Random) -> list[Mutation]:
    if language == "python":
        return python.find(source, lines, rng)
    return trees.find(source, lines, rng, language)


def mutated(store: Store, tree: str, path: str, mutation: Mutation) -> str:
    """The tree with a mutation made."""
    entries = store.entries(tree)
    mode, oid = entries[path]
    data = changed(store.blob(oid), mutation.changes)
    new = store.git("hash-object", "-w", "--stdin", stdin=data).stdout.decode().strip()
    return store.write({**entries, path: (mode, new)})
