"""Work of a seat that is not in its working tree, and so does not count: said in sentences.

The seat's own git is asked, in the seat's sandbox, about objects and refs; what these hold is compared with what was
collected. No index, work tree, filter, hook, monitor or replaced object of the seat's has a say in that, so nothing
that it left half done or set up for itself hides what is there. The answer is believed as far as a hint goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from pytest_collab.episode.text import printable
from pytest_collab.families.coding.repository.git import Entries

SECONDS: Final = 60.0
"""How long a seat's git may take to answer; what it has said by then is taken."""

OUTPUT_LIMIT: Final = 8 * 1024 * 1024

QUIET: Final = {"core.fsmonitor": "false", "core.hooksPath": "/dev/null", "core.quotePath": "false"}
"""Settings that outrank those of the seat's repository: none of its programs has a part in what is asked."""

VARIABLES: Final = {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_OPTIONAL_LOCKS": "0"}

SCRIPT: Final = r"""
base=$1 who=$2
mark() { printf '\0//%s\0' "$1"; }
changes() { GIT_INDEX_FILE=/nonexistent git diff-tree -r -z --no-renames "$1" "$2"; }  # a broken index stops it
see() {
  mark "$1"
  { changes "$base" "$2" || changes "$nothing" "$2"; } | head -c 200000
}
mine() {
  [ -z "$who" ] || [ -n "$(git rev-list -n 1 --fixed-strings --committer="$who" "$1" --not ${head:+"$head"})" ]
}
exec 2>/dev/null
nothing=$(git hash-object -t tree /dev/null)
head=$(git rev-parse -q --verify 'HEAD^{commit}')
refs=$(git for-each-ref --sort=-committerdate ${head:+--no-merged=HEAD} --format='%(objectname) %(refname)') || exit 9
mark whole
own=$(git rev-parse --git-dir)
for name in MERGE_HEAD CHERRY_PICK_HEAD REVERT_HEAD BISECT_LOG rebase-merge rebase-apply; do
  if [ -e "$own/$name/applying" ]; then mark "half am"; elif [ -e "$own/$name" ]; then mark "half $name"; fi
done
if [ -n "$head" ]; then see head "$head"; fi
mark hidden
git ls-files -t -z | grep -az '^S ' | head -c 200000
printf '%s\n' "$refs" | grep -vE " refs/(stash|notes|bisect|replace${who:+|remotes})(/|\$)" | head -n 20 |
  while read -r id ref; do
    if mine "$id"; then see "ref $id $ref" "$id"; fi
  done
for id in $(git rev-parse -q --verify refs/stash; git log -g -n 10 --format=%H refs/stash --); do
  see stash "$id"
  see stash "$id^3"
done
mark index
git diff-index --cached -r -z --no-renames "$base" | head -c 200000
been=$(tail -n 50 "$own/logs/HEAD" | cut -d ' ' -f 2)
if [ -n "$been" ]; then
  for id in $(git rev-list -n 20 --ignore-missing ${who:+--fixed-strings --committer="$who"} $been \
      --not $head ${who:+--exclude=refs/remotes/*} --all); do
    see lost "$id"
  done
fi
git worktree list --porcelain | sed -n 's/^worktree //p' | tail -n +2 | head -n 5 | while IFS= read -r place; do
  see "worktree ${place#"$PWD/"}" "$(git -C "$place" rev-parse HEAD)"
  if [ -n "$(git -C "$place" status --porcelain | head -c 1)" ]; then mark "changed ${place#"$PWD/"}"; fi
done
"""
"""Prints sections: a NUL, two slashes and what it is, a NUL, then what a commit changes in the base (git's raw form).

Its arguments: the base's id; and, where seats share a remote, what of a committer's name shows that it is the seat.
"""

_HALF: Final = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "BISECT_LOG": "a bisection",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "am": "patches that were being applied",
}
_NOT_GRADED: Final = "which was not what is graded"

Changes = Mapping[str, str | None]
"""Path to the id of what a commit has there in the base's place; None where it has nothing."""


def sentences(output: str, base: Entries, tree: Entries) -> list[str]:
    """What `SCRIPT` has found, as words that follow a seat's name; the most telling first.

    Args:
        output: of the script, whole or cut off.
        base, tree: entries of the base, and of what was collected.
    """
    sections = list(_sections(output))
    if not any(title == "whole" for title, _ in sections):
        return ["left no working .git; the files as they stand are what is graded"]
    compare = _Comparison(base, tree)
    said: list[str] = []
    seen: set[str] = set()
    known: set[str] = set()
    for title, content in sections:
        kind, _, rest = title.partition(" ")
        changes = _changes(content)
        sentence = ""
        if kind == "half":
            sentence = f"left {_HALF[rest]} half done" if rest in _HALF else ""
        elif kind in ("head", "index"):
            missing = [path for path in compare.lacking(changes) if path not in known]
            known.update(missing)
            sentence = _lacking("committed" if kind == "head" else "staged", missing)
        elif kind == "hidden":
            gone = compare.deleted(word.removeprefix("S ") for word in content)
            sentence = f"deleted {_named(gone)} by a sparse checkout" if gone else ""
        elif kind == "ref":
            commit, _, name = rest.partition(" ")
            sentence = _on(name) if commit not in seen and compare.other(changes) else ""
            seen.add(commit)
        elif kind == "stash":
            sentence = f"keeps work in a stash, {_NOT_GRADED}" if compare.other(changes) else ""
        elif kind == "lost" and not any(words.startswith("changed ") for words in said):
            missing = compare.lacking(changes)
            sentence = f"changed {_named(missing)} in a commit that is on no branch, {_NOT_GRADED}" if missing else ""
        elif kind == "changed" or (kind == "worktree" and compare.other(changes)):
            sentence = f"left work in another working tree, {printable(rest, 80)}, {_NOT_GRADED}"
        if sentence and sentence not in said:
            said.append(sentence)
    return said


class _Comparison:
    """Of what commits hold with base and graded tree. Paths are written as the sandbox gives output back."""

    def __init__(self, base: Entries, tree: Entries) -> None:
        self._base = {_plain(path): oid for path, (_, oid) in base.items()}
        self._tree = {_plain(path): oid for path, (_, oid) in tree.items()}

    def other(self, changes: Changes) -> list[str]:
        """Paths that are neither as in the base nor as in the tree."""
        return [path for path, oid in changes.items() if oid not in (self._base.get(path), self._tree.get(path))]

    def lacking(self, changes: Changes) -> list[str]:
        """Paths with content that the tree does not have: it has the base's there, or nothing."""
        found = [path for path in self.other(changes) if changes[path] is not None]
        return [path for path in found if self._tree.get(path) in (None, self._base.get(path))]

    def deleted(self, paths: Iterator[str]) -> list[str]:
        """Paths of the base that the tree does not have."""
        return [path for path in paths if path in self._base and path not in self._tree]


def _plain(path: str) -> str:
    return path.encode(errors="surrogateescape").decode(errors="replace")


def _sections(output: str) -> Iterator[tuple[str, list[str]]]:
    title, content = "", list[str]()
    for word in output.split("\0"):
        if word.startswith("//"):
            yield title, content
            title, content = word[2:], []
        elif word:
            content.append(word)
    yield title, content


def _changes(words: Sequence[str]) -> Changes:
    """Of git's raw form: `:MODE MODE OLD NEW STATUS`, then a path."""
    found: dict[str, str | None] = {}
    for head, path in pairwise(words):
        parts = head.split(" ")
        if head.startswith(":") and len(parts) == 5 and parts[4] != "U":
            found[path] = None if parts[4] == "D" else parts[3]
    return found


def _on(ref: str) -> str:
    for prefix, where in (("refs/heads/", "committed on branch"), ("refs/tags/", "keeps work under tag")):
        if ref.startswith(prefix):
            return f"{where} {printable(ref.removeprefix(prefix), 80)}, {_NOT_GRADED}"
    return f"keeps work under {printable(ref, 80)}, {_NOT_GRADED}"


def _lacking(what: str, paths: Sequence[str]) -> str:
    return f"{what} {_named(paths)}, which its working tree does not have" if paths else ""


def _named(paths: Sequence[str]) -> str:
    first = sorted(paths)[0]
    return printable(first, 80) + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")
