"""The merge check: what seats' trees become together, by `git merge-tree` (nothing is checked out).

Both trees are commits on the same base, so the base is the merge base. What the base's `.gitattributes` say of
merging holds (what a seat's say does not: it would decide about its partner's work). Rules for what git leaves open:
docs/families/coding-merge-and-grading.md.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_collab.families.coding.repository.attributes import merge_rules
from pytest_collab.families.coding.repository.git import MARKERS, GitError, Store

Strategy = Literal["naive", "union", "plain"]
Status = Literal["clean", "conflicts", "error"]

_HEX = re.compile(r"[0-9a-f]{40,64}")
_RANGE = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_SHOWN_LINES = 40


@dataclass(frozen=True, slots=True)
class Hunk:
    """One place where both sides differ.

    Attributes:
        line: 1-based line of the conflict in the merged file (with its markers).
        ours, theirs: the lines of either side, at most 40 of each.
    """

    line: int
    ours: tuple[str, ...]
    theirs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """One path that does not merge.

    Attributes:
        kind: git's word: `contents`, `modify/delete`, `rename/rename`, `rename/delete`, `binary`, `file/directory`,
            `submodule`, `distinct types`, `add/add` ... lower case.
        hunks: empty where the conflict is not about lines.
    """

    path: str
    kind: str
    hunks: tuple[Hunk, ...] = ()


@dataclass(frozen=True, slots=True)
class MergeCheck:
    """What merging came to.

    Attributes:
        tree: the merged tree; with conflicts, the one with markers in it; empty on errors.
        commit: a commit of a clean tree, on the merged commits; empty otherwise.
        rescued: `union` only: paths that conflict without it, so that luck is seen.
        message: what git said, for errors.
    """

    status: Status
    strategy: Strategy
    tree: str = ""
    commit: str = ""
    conflicts: tuple[Conflict, ...] = ()
    rescued: tuple[str, ...] = ()
    message: str = ""

    @property
    def clean(self) -> bool:
        """Whether there is a merged tree to grade."""
        return self.status == "clean"

    @property
    def files(self) -> tuple[str, ...]:
        """Paths in conflict."""
        return tuple(conflict.path for conflict in self.conflicts)


def check_merge(store: Store, commits: Sequence[str], strategy: Strategy = "naive") -> MergeCheck:
    """Merge commits on the base, one after the other, in the order given.

    `naive` is what `git merge` does in a clone of the base: it finds renames, and follows the base's attributes.
    `plain` is the same without attributes. `union` keeps the lines of both sides where they conflict, the later
    seat's first, as when the earlier one's branch is merged into it (CooperBench's order; which one it is
    decides whether some pairs work). Conflicts that are not about lines of text (deletes, links, binary
    files) stay conflicts.

    Returns:
        The first merge that conflicts, or the last one.
    """
    if not commits:
        raise ValueError("nothing to merge; give at least one commit")
    merged = commits[0]
    rescued: dict[str, None] = {}
    for commit in commits[1:]:
        check = _merge_two(store, merged, commit, "plain" if strategy == "plain" else "naive")
        if strategy == "union" and check.status == "conflicts":
            plain, check = check, _merge_two(store, commit, merged, "union")
            if check.clean:
                rescued.update(dict.fromkeys(plain.files))
        if not check.clean:
            return MergeCheck(check.status, strategy, check.tree, "", check.conflicts, tuple(rescued), check.message)
        merged = check.commit
    return MergeCheck("clean", strategy, store.tree(merged), merged, (), tuple(rescued))


def has_rules(store: Store) -> bool:
    """Whether the base says how it wants to be merged, so that `naive` and `plain` may differ."""
    return bool(_rules(store))


def _rules(store: Store) -> str:
    base = store.entries(store.tree(store.base))
    found = [path for path in base if path.rpartition("/")[2] == ".gitattributes" and base[path][0].startswith("100")]
    return merge_rules({path: store.blob(base[path][1]).decode(errors="replace") for path in found})


def _attributes(store: Store, strategy: Strategy) -> tuple[str, str]:
    """Names of the attributes to merge by: as they are, and with the markers that are read back."""
    rules = "" if strategy == "plain" else _rules(store)
    if strategy == "union":  # files that have no lines have none to keep
        whole = [line for line in rules.splitlines() if re.search(r" (-merge|binary|merge=binary)\b", line)]
        rules = "\n".join(["* merge=union", *whole, ""])
    marked = f"{rules}* conflict-marker-size={MARKERS}\n"
    return store.ruled(strategy, rules), store.ruled(f"{strategy}-marked", marked)


def _merge_two(store: Store, ours: str, theirs: str, strategy: Strategy) -> MergeCheck:
    words = ("merge-tree", "--write-tree", "-z", "--messages", ours, theirs)
    attributes, marked = _attributes(store, strategy)
    try:
        done = store.git(*words, attributes=attributes, accept=(0, 1))
        again = store.git(*words, attributes=marked, accept=(0, 1)) if done.returncode else done
    except GitError as error:
        return MergeCheck("error", strategy, message=str(error))
    shown = again.stdout.partition(b"\0")[0].decode(errors="replace")
    tree, _, rest = done.stdout.partition(b"\0")
    # Exit 1 is a conflict, and also an object that does not exist: only a tree's id tells them apart.
    if not _HEX.fullmatch(tree.decode(errors="replace")):
        return MergeCheck("error", strategy, message=done.stderr.decode(errors="replace").strip())
    if done.returncode == 0:
        merged = tree.decode()
        return MergeCheck("clean", strategy, merged, store.commit(merged, ours, theirs, message="merge"))
    stages, _, messages = rest.partition(b"\0\0")
    paths = dict.fromkeys(os.fsdecode(line.partition(b"\t")[2]) for line in stages.split(b"\0") if b"\t" in line)
    kinds = _kinds(messages)
    conflicts = tuple(_conflict(store, shown, path, kinds.get(path, "contents")) for path in paths)
    return MergeCheck("conflicts", strategy, tree.decode(), "", conflicts)


def _kinds(messages: bytes) -> dict[str, str]:
    """Path to kind of conflict, from git's records: number of paths, the paths, a type, a sentence."""
    words = messages.split(b"\0")
    kinds: dict[str, str] = {}
    at = 0
    while at < len(words) and words[at].isdigit():
        count = int(words[at])
        paths = words[at + 1 : at + 1 + count]
        kind = words[at + 1 + count].decode(errors="replace") if at + 1 + count < len(words) else ""
        if kind.startswith("CONFLICT"):
            name = kind.partition("(")[2].rstrip(")") or "contents"
            for path in paths:
                kinds.setdefault(os.fsdecode(path), name)
        at += count + 3
    return kinds


def _conflict(store: Store, tree: str, path: str, kind: str) -> Conflict:
    done = store.git("ls-tree", "-z", tree, "--", f":(literal){path}", accept=(0, 128))
    head = done.stdout.partition(b"\t")[0].split()
    if len(head) != 3 or head[1] != b"blob" or head[0] == b"120000":
        return Conflict(path, kind)
    content = store.blob(head[2].decode())
    if b"\0" in content[:8000]:
        return Conflict(path, "binary" if kind == "contents" else kind)
    return Conflict(path, kind, tuple(_hunks(content.decode(errors="replace").splitlines())))


def _hunks(lines: Sequence[str]) -> list[Hunk]:
    found: list[Hunk] = []
    start = 0
    ours: list[str] = []
    theirs: list[str] = []
    side: list[str] | None = None
    for number, line in enumerate(lines, 1):
        if line.startswith(f"{'<' * MARKERS} ") and side is None:
            start, ours, theirs = number, [], []
            side = ours
        elif line == "=" * MARKERS and side is ours and side is not None:
            side = theirs
        elif line.startswith(f"{'>' * MARKERS} ") and side is theirs and side is not None:
            found.append(Hunk(start, tuple(ours[:_SHOWN_LINES]), tuple(theirs[:_SHOWN_LINES])))
            side = None
        elif side is not None:
            side.append(line)
    return found


@dataclass(frozen=True, slots=True)
class Region:
    """Lines `first`..`last` of a base file (1-based, inclusive) that were rewritten; an insertion after line n
    is the empty region `first` = n + 1, `last` = n."""

    first: int
    last: int

    def touches(self, other: Region) -> bool:
        """Whether both rewrote the same or adjacent lines (what a textual merge calls a conflict)."""
        return self.first <= other.last + 1 and other.first <= self.last + 1


def regions(store: Store, tree: str) -> dict[str, tuple[Region, ...]]:
    """Which lines of which base files a tree rewrites. New files have the region (1, 0), binary ones none."""
    base = store.tree(store.base)
    listed = store.git("diff-tree", "-r", "-z", "--name-status", "--no-renames", base, tree).stdout.split(b"\0")
    # A file that has become a link, or the other way round, is told as one that goes and one that comes.
    told = [
        name for status, name in zip(listed[::2], listed[1::2], strict=False) for _ in range(1 + (status == b"T"))
    ]
    words = ("-r", "-p", "-U0", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames")
    found: dict[str, list[Region]] = {os.fsdecode(name): [] for name in told}
    names = iter(told)
    parts: list[Region] = []
    for line in store.git("diff-tree", *words, base, tree).stdout.split(b"\n"):
        if line.startswith(b"diff --git "):
            parts = found[os.fsdecode(next(names))]
        elif match := _RANGE.match(line):
            first, count = int(match[1]), int(match[2] or 1)
            parts.append(Region(first, first + count - 1) if count else Region(first + 1, first))
    return {path: tuple(parts) for path, parts in found.items()}


def overlaps(
    one: Mapping[str, tuple[Region, ...]], other: Mapping[str, tuple[Region, ...]]
) -> dict[str, tuple[tuple[Region, Region], ...]]:
    """Path to the pairs of regions that two seats both rewrote."""
    found = {
        path: tuple((a, b) for a in one[path] for b in other[path] if a.touches(b)) for path in one if path in other
    }
    return {path: pairs for path, pairs in found.items() if pairs}
