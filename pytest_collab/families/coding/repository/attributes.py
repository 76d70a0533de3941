"""What a repository's own `.gitattributes` say of merging, in the form that git reads from `info/attributes`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Final

_MERGE: Final = re.compile(r"[-!]?merge(=\S+)?|binary")
_BUILT_IN: Final = frozenset({"merge", "-merge", "!merge", "merge=text", "merge=binary", "merge=union", "binary"})


def merge_rules(files: Mapping[str, str]) -> str:
    """The lines about merging of all `.gitattributes` files of a tree; empty where there are none.

    Drivers that git does not bring itself are defined in a user's configuration, which nobody's clone has: git takes
    its own in their place, and so does this.

    Args:
        files: path of each file to its content.
    """
    lines = []
    for path in sorted(files, key=lambda path: path.count("/")):
        folder = posixpath.dirname(path)
        for line in files[path].splitlines():
            pattern, *words = line.split() or [""]
            kept = [word for word in words if _MERGE.fullmatch(word) and word in _BUILT_IN]
            if pattern and not pattern.startswith(("#", "[", '"')) and kept:
                lines.append(f"{_from_the_root(pattern, folder)} {' '.join(kept)}\n")
    return "".join(lines)


def _from_the_root(pattern: str, folder: str) -> str:
    """A pattern of a nested file, as one that counts from the root. Those without a slash hold at any depth."""
    if not folder:
        return pattern
    return f"/{folder}/{pattern.lstrip('/')}" if "/" in pattern.rstrip("/") else f"/{folder}/**/{pattern}"
