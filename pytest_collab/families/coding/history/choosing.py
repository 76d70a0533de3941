"""What of a history is tried: a base on which many changes apply, and both patches of each of them."""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from pytest_collab.episode.text import counted
from pytest_collab.errors import TaskError, UsageError
from pytest_collab.families.coding.history import runner
from pytest_collab.families.coding.history.describe import feature_text
from pytest_collab.families.coding.history.paths import holds_tests, language_of
from pytest_collab.families.coding.history.rebase import Cut, Rebaser
from pytest_collab.families.coding.history.report import History
from pytest_collab.families.coding.history.walk import PREFIX, Change, LeftOut, walk
from pytest_collab.families.coding.pool.manifest import MANIFESTS
from pytest_collab.families.coding.pool.pool import Language
from pytest_collab.families.coding.repository.clone import opened
from pytest_collab.families.coding.repository.git import Store

if TYPE_CHECKING:
    from git import Repo

_LOOKED_AT: Final = 2000
_CANDIDATES: Final = 6  # times the features that are wanted
_APPLIED: Final = 2  # times the features that are wanted
_FAR: Final = 6  # changes further back than another base: worth it for one more that applies
_SHARE: Final = 0.3
"""Of the time, for looking."""

PROBE: Final = "base-runs"
"""How ids of what is no feature begin: blank lines in test files of the base's own, so that these are run alone."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asked for.

    Attributes:
        since: as git understands it; paths: what counts, empty for all.
        test, parser, setup, language: None to guess.
        features: at most so many.
        minutes: of the clock, for everything.
    """

    repository: Path
    out: Path
    ref: str = "HEAD"
    since: str | None = None
    paths: tuple[str, ...] = ()
    test: str | None = None
    parser: str | None = None
    setup: tuple[str, ...] | None = None
    language: Language | None = None
    features: int = 6
    minutes: float = 10.0
    jobs: int = 2
    sandbox: str = "auto"
    started: float = field(default_factory=time.monotonic)

    def left(self, share: float = 1.0) -> float:
        """Seconds that are left of a share of the time."""
        return self.started + 60 * self.minutes * share - time.monotonic()


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to be tried; its files are in `features` of the scratch folder.

    Attributes:
        cuts: by the name of the feature, in the order in which they are tried.
        oldest_first: their changes, in the order of history.
        params: set-up, test command, parser and time limit.
        probes: by the name of a feature, the id of what runs the base's own tests in the files that it changes; by ""
            that of the file which most change. Files that only features have are in none.
    """

    cuts: dict[str, Cut]
    oldest_first: tuple[Change, ...]
    params: dict[str, Any]
    probes: dict[str, str]


@contextmanager
def sight(wanted: Wanted, scratch: Path) -> Iterator[tuple[Repo, Store]]:
    """The repository, and a store that sees its objects and keeps out of it what is made.

    Raises:
        UsageError: there is no repository, or no such commit.
    """
    from git.exc import BadName, BadObject

    try:
        with opened(wanted.repository) as repository:
            try:
                head = repository.commit(wanted.ref).hexsha
            except (BadName, BadObject, ValueError, IndexError) as error:
                raise UsageError(
                    f"{wanted.repository} has no commit {wanted.ref!r} ({error}); name a branch, a tag or an id with "
                    "--ref"
                ) from None
            path = scratch / "store.git"
            git_dir = Path(repository.common_dir).resolve()
            yield repository, Store(path, head) if path.is_dir() else Store.create(path, git_dir, head)
    except TaskError:
        raise UsageError(
            f"{str(wanted.repository)!r} is no git repository; give the top folder of a clone, or a bare mirror"
        ) from None


def choose(wanted: Wanted, scratch: Path, history: History, tell: Callable[[str], None]) -> Chosen:
    """Look through the history, choose a base, and cut what applies there.

    Args:
        history: is told what was left out, and the base.

    Raises:
        UsageError: there is nothing to try, or no known way to try it.
    """
    with sight(wanted, scratch) as (repository, store):
        history.repository = wanted.repository.resolve()
        history.language = _language(wanted, store)
        changes = _candidates(wanted, repository, store, history)
        tell(
            f"{len(changes)} of {counted(history.looked_at, 'commit')} change {history.language} source "
            f"and add to tests"
        )
        rebaser = Rebaser(store, history.language)
        history.base, applied = _base(wanted, rebaser, store, changes)
        tell(f"{len(applied)} of them apply to {history.base[:9]}")
        at_base = store.entries(history.base)

        def read(path: str) -> str | None:
            return store.blob(at_base[path][1]).decode(errors="replace") if path in at_base else None

        params = runner.how(history.language, read, wanted.test, wanted.parser, wanted.setup)
        tree, newer = store.tree(history.base), True
        for change in changes:
            if change not in applied:
                why = rebaser.conflicts(tree, change) if newer else "it is older than the base"
                history.left_out.append(LeftOut(change.of, why, "" if newer else "older than the base"))
            newer = newer and change.of.parent != history.base
        cuts: dict[str, Cut] = {}
        for change in _in_order(applied):
            cut = rebaser.cut(tree, change)
            if isinstance(cut, str):
                history.left_out.append(LeftOut(change.of, cut))
                continue
            name = _name(change.of.title, cuts)
            cuts[name] = cut
            _lay(scratch, name, feature_text(store, change, history.language), cut.tests, cut.feature)
        return Chosen(cuts, tuple(reversed(applied)), params, _probes(store, tree, scratch, cuts, history.language))


def _language(wanted: Wanted, store: Store) -> Language:
    head = store.entries(store.base)
    for path in wanted.paths:
        if not any(f"{name}/".startswith(f"{path.rstrip('/')}/") for name in head):
            raise UsageError(f"--paths: there is no {path!r} at {wanted.ref}; give files or folders of it")
    found = wanted.language or language_of(head)
    if found is None:
        raise UsageError(
            f"{wanted.repository} has at {wanted.ref} no source in a language that is known here "
            f"({', '.join(get_args(Language))}); look elsewhere with --ref"
        )
    return found


def _candidates(wanted: Wanted, repository: Repo, store: Store, history: History) -> list[Change]:
    changes: list[Change] = []
    for one in walk(repository, store, wanted.ref, wanted.since, wanted.paths, history.language, _LOOKED_AT):
        history.looked_at += 1
        if isinstance(one, LeftOut):
            history.left_out.append(one)
        else:
            changes.append(one)
        if len(changes) >= _CANDIDATES * wanted.features or wanted.left(_SHARE) < 0:
            break
    if changes:
        return changes
    since = f" since {wanted.since!r}" if wanted.since else ""
    if not history.looked_at:
        raise UsageError(f"{wanted.repository} has no commit{since} on {wanted.ref}; give an earlier --since")
    raise UsageError(
        f"no tests found: of {counted(history.looked_at, 'commit')}{since} on {wanted.ref} none changes "
        f"{history.language} "
        f"source and adds to tests ({history.groups()}); look further back (--since), elsewhere (--ref, --paths), or "
        "say the --language"
    )


def _base(wanted: Wanted, rebaser: Rebaser, store: Store, changes: Sequence[Change]) -> tuple[str, list[Change]]:
    """The newest base on which enough changes apply, or most for its age: the parent of one of them.

    It has the manifests (go.mod, package.json) that the project has now, or tests would be run in another way.
    """
    needed = sorted(MANIFESTS.keys() & store.entries(store.base).keys())
    changes = list(takewhile(lambda change: all(_has(store, change.of.parent, path) for path in needed), changes))
    if not changes:
        raise UsageError(
            f"no base: {' and '.join(needed)} is younger than all commits that may be features; look elsewhere "
            "(--ref)"
        )
    enough = _APPLIED * wanted.features
    best: tuple[str, list[Change]] = ("", [])
    step = max(1, wanted.features // 2)
    near = range(2, min(wanted.features, len(changes)))  # where one file is all, few changes go together
    worth = -math.inf
    for size in dict.fromkeys([*near, *range(wanted.features, len(changes), step), len(changes)]):
        base = changes[size - 1].of.parent
        tree = store.tree(base)
        applied = [change for change in changes[:size] if rebaser.onto(tree, change)]
        if len(applied) - size / _FAR > worth:
            best, worth = (base, applied), len(applied) - size / _FAR
        if len(best[1]) >= enough or wanted.left(_SHARE) < 0:
            break
    return best


def _has(store: Store, commit: str, path: str) -> bool:
    return store.git("cat-file", "-e", f"{commit}:{path}", accept=(0, 128)).returncode == 0


def _in_order(applied: Sequence[Change]) -> list[Change]:
    """Those first that meet others in a file, as people have to; mended faults last; nearest to the base first."""
    touched = Counter(path for change in applied for path in change.source)

    def rank(change: Change) -> tuple[bool, bool]:
        alone = all(touched[path] == 1 for path in change.source)
        return alone, re.match(r"(bug ?)?fix", change.of.title, re.IGNORECASE) is not None

    found = list(reversed(applied))
    found.sort(key=rank)
    return found


def _probes(store: Store, tree: str, scratch: Path, cuts: Mapping[str, Cut], language: Language) -> dict[str, str]:
    entries = store.entries(tree)
    files = {
        name: [path for path in cut.change.tests if path in entries and holds_tests(path, language)]
        for name, cut in cuts.items()
    }
    touched = Counter(path for paths in files.values() for path in paths)
    if not touched:
        return {}
    found: dict[str, str] = {}
    ids: dict[tuple[str, ...], str] = {}
    for name, paths in {"": [touched.most_common(1)[0][0]], **files}.items():
        if not paths:
            found[name] = found[""]
            continue
        if tuple(paths) not in ids:
            ids[tuple(paths)] = f"{PROBE}-{len(ids)}"
            after = dict(entries)
            for path in paths:
                text = store.blob(entries[path][1]) + b"\n"
                oid = store.git("hash-object", "-w", "--stdin", stdin=text).stdout.decode().strip()
                after[path] = (entries[path][0], oid)
            patch = store.patch(store.write(after), tree).encode(errors="replace")
            _lay(scratch, ids[tuple(paths)], "Nothing.\n", patch)
        found[name] = ids[tuple(paths)]
    return found


def _lay(scratch: Path, name: str, text: str, tests: bytes, feature: bytes | None = None) -> None:
    folder = scratch / "features" / name
    folder.mkdir(parents=True)
    (folder / "feature.md").write_text(text, encoding="utf-8", errors="replace")
    (folder / "tests.patch").write_bytes(tests)
    if feature is not None:
        (folder / "feature.patch").write_bytes(feature)


def _name(title: str, taken: Collection[str]) -> str:
    title = PREFIX.sub("", title)
    name = ""
    for word in re.findall(r"[a-z0-9]+", title.lower()):
        if name and len(name) + len(word) > 32:
            break
        name = f"{name}-{word[:32]}" if name else word[:32]
    name = unique = name or "feature"
    number = 2
    while unique in taken or unique.startswith(PROBE):
        unique, number = f"{name}-{number}", number + 1
    return unique
