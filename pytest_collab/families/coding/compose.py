"""The tree that is graded: the team's code, the pool's tests.

Whatever decides how tests are found and run is the pool's: test files (the base's and the hidden ones; the team's own
are left out), the runner's configuration, files that the test command names. Everything else is the team's.
"""

from __future__ import annotations

import json
import posixpath
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from pytest_collab.families.coding.git import Entries, Store
from pytest_collab.families.coding.pool import Feature, Language, Pool

_TEST_FILES: Final[Mapping[Language, re.Pattern[str]]] = {
    "python": re.compile(r"(^|/)(test_[^/]*|[^/]*_test)\.py$"),
    "typescript": re.compile(r"\.(test|spec)\.[cm]?[jt]sx?$|(^|/)(__tests__|test|tests)/.*\.[cm]?[jt]sx?$"),
    "javascript": re.compile(r"\.(test|spec)\.[cm]?[jt]sx?$|(^|/)(__tests__|test|tests)/.*\.[cm]?[jt]sx?$"),
    "go": re.compile(r"_test\.go$"),
    "rust": re.compile(r"(^|/)tests/[^/]+\.rs$"),
}
_TEST_FOLDERS: Final = re.compile(r"(^|/)([Tt]ests?|__tests__|testdata|__snapshots__)(/|$)")
_RUNNER_FILES: Final[Mapping[Language, re.Pattern[str]]] = {
    "python": re.compile(
        r"(^|/)(conftest\.pyc?|\.?pytest\.(ini|toml)|tox\.ini|setup\.cfg|pyproject\.toml|\.coveragerc|noxfile\.py"
        r"|(site|user)customize(\.py[cd]?|\.so|/.*)?|[^/]+\.pth|_?pytest(\.py|/.*)|pluggy(\.py|/.*)|pyvenv\.cfg)$"
    ),
    "typescript": re.compile(
        r"(^|/)((vitest|vite|jest|babel|ava|playwright)\.(config|workspace|setup)\.[^/]+|\.mocharc[^/]*|\.babelrc[^/]*"
        r"|\.npmrc|\.swcrc|\.env[^/]*|node_modules(/.*)?|__mocks__/.*)$"
    ),
    "go": re.compile(r"(^|/)(go\.work(\.sum)?|vendor/.*)$"),
    "rust": re.compile(r"(^|/)(\.cargo(/.*)?|rust-toolchain(\.toml)?|\.config/nextest\.toml)$"),
}
_RUNNER_KEYS: Final = ("jest", "vitest", "scripts", "mocha", "ava", "babel", "imports")


def is_test(path: str, language: Language) -> bool:
    """Whether a file is one that the language's runner takes tests from."""
    return _TEST_FILES[language].search(path) is not None


def is_protected(path: str, pool: Pool, feature: Feature | None = None) -> bool:
    """Whether a path is taken from the pool when work is graded."""
    language: Language = "typescript" if pool.language == "javascript" else pool.language
    if is_test(path, language) or _TEST_FOLDERS.search(posixpath.dirname(path)):
        return True
    if _TEST_FOLDERS.fullmatch(path) or _RUNNER_FILES[language].search(path):
        return True
    command = (feature.test if feature and feature.test else None) or pool.test
    if path in {posixpath.normpath(word.strip("'\"")) for word in re.split(r"[\s=:]", command) if word}:
        return True
    return any(fnmatchcase(path, pattern) for pattern in pool.protected)


class Composer:
    """Makes graded trees of one pool, in a store of its own: hidden tests are written nowhere else.

    Args:
        store: the grader's; what seats left is read from their episodes' stores.
    """

    def __init__(self, store: Store, pool: Pool) -> None:
        self.pool = pool
        self.base = store.entries(store.tree(store.base))
        self._store = store
        self._hidden: dict[str, tuple[Entries, frozenset[str]]] = {}

    def hidden(self, feature: Feature) -> tuple[Entries, frozenset[str]]:
        """What a feature's hidden-test patch makes of the base: (added and changed, deleted)."""
        if feature.id not in self._hidden:
            after = self._store.entries(
                self._store.apply(self._store.tree(self._store.base), self.pool.hidden(feature))
            )
            changed = {path: entry for path, entry in after.items() if self.base.get(path) != entry}
            self._hidden[feature.id] = changed, frozenset(self.base.keys() - after.keys())
        return self._hidden[feature.id]

    def compose(self, work: Store, tree: str, feature: Feature) -> Entries:
        """The graded tree of a team's `tree`, which is in the store `work`, and a feature's hidden tests.

        A file of code that the hidden patch changes as well (tests in the source, as in Rust) is merged three
        ways; where that conflicts, the hidden patch has it.
        """
        store, base = self._store.seeing(work), self.base
        team = store.entries(tree)
        changed, deleted = self.hidden(feature)
        guard: Callable[[str], bool] = lambda path: is_protected(path, self.pool, feature)  # noqa: E731
        result = {path: entry for path, entry in team.items() if not guard(path)}
        result = _place(result, {path: entry for path, entry in base.items() if guard(path)})
        if "package.json" in base and result.get("package.json") != base["package.json"]:
            manifest = _manifest(store, base["package.json"], result.get("package.json"))
            result = _place(result, {"package.json": manifest})
        for path in deleted:
            result.pop(path, None)
        laid = {
            path: entry if guard(path) else _merged(store, base.get(path), result.get(path), entry)
            for path, entry in changed.items()
        }
        return _place(result, laid)

    def checkout(self, work: Store, entries: Entries, folder: Path) -> None:
        """Write a graded tree into `folder`."""
        self._store.seeing(work).checkout(entries, folder)

    def pinned(self, entries: Entries, feature: Feature) -> list[str]:
        """Files of a graded tree that must be the same after the run: what the runner takes tests and
        configuration from. (Folders of tests also hold what tests rightly write to.)"""
        language: Language = "typescript" if self.pool.language == "javascript" else self.pool.language
        hidden, command = self.hidden(feature)[0], feature.test or self.pool.test

        def decides(path: str) -> bool:
            if is_test(path, language):
                return path in hidden or self.pool.regression == "visible" or path in command
            return _RUNNER_FILES[language].search(path) is not None

        return [path for path, (mode, _) in entries.items() if mode.startswith("100") and decides(path)]

    def words(self, entries: Entries, feature: Feature) -> list[str]:
        """What `{tests}` stands for in a graded tree."""
        language: Language = "typescript" if self.pool.language == "javascript" else self.pool.language
        visible = [path for path in self.base if is_test(path, language) and path in entries]
        return expand(
            self.pool, feature, self.hidden(feature)[0], visible if self.pool.regression == "visible" else ()
        )


def expand(pool: Pool, feature: Feature, hidden: Iterable[str], visible: Iterable[str]) -> list[str]:
    """What `{tests}` stands for: files for most runners, packages for Go, test targets for Cargo."""
    language: Language = "typescript" if pool.language == "javascript" else pool.language
    files = dict.fromkeys(path for path in (*hidden, *visible) if is_test(path, language))
    if language == "go":
        return list(dict.fromkeys(f"./{posixpath.dirname(path)}".rstrip("/") or "." for path in files))
    if language != "rust":
        return list(files)
    words: list[str] = []
    for path in files:
        stem = posixpath.basename(path).removesuffix(".rs")
        words += ["--test", posixpath.basename(posixpath.dirname(path)) if stem == "main" else stem]
    if any(path.startswith("src/") for path in (*hidden, *visible)) or not words:
        words.insert(0, "--lib")
    return words


def _place(under: Entries, over: Entries) -> Entries:
    """`over` on top of `under`: a file in the place of a folder, or the other way round, gives way."""
    folders = {"/".join(path.split("/")[:depth]) for path in over for depth in range(1, path.count("/") + 1)}
    kept = {
        path: entry
        for path, entry in under.items()
        if path not in folders
        and not any("/".join(path.split("/")[:depth]) in over for depth in range(1, path.count("/") + 1))
    }
    return {**kept, **over}


def _merged(
    store: Store, base: tuple[str, str] | None, team: tuple[str, str] | None, hidden: tuple[str, str]
) -> tuple[str, str]:
    if base is None or team is None or team == base or team[0] == "120000" or hidden[0] == "120000":
        return hidden
    with tempfile.TemporaryDirectory(prefix="collab-merge-") as folder:
        names = []
        for name, (_, oid) in (("team", team), ("base", base), ("hidden", hidden)):
            Path(folder, name).write_bytes(store.blob(oid))
            names.append(str(Path(folder, name)))
        done = store.git("merge-file", "-p", *names, accept=tuple(range(256)))
    if done.returncode:
        return hidden
    oid = store.git("hash-object", "-w", "--stdin", stdin=done.stdout).stdout.decode().strip()
    return team[0], oid


def _manifest(store: Store, base: tuple[str, str], team: tuple[str, str] | None) -> tuple[str, str]:
    """The team's package.json, with what steers test runners as in the base."""
    try:
        if team is None or team[0] == "120000":
            return base
        ours, theirs = json.loads(store.blob(base[1])), json.loads(store.blob(team[1]))
        merged = {key: value for key, value in theirs.items() if key not in _RUNNER_KEYS}
        merged |= {key: ours[key] for key in _RUNNER_KEYS if key in ours}
    except (ValueError, AttributeError, RecursionError):
        return base
    data = json.dumps(merged, indent=2).encode() + b"\n"
    return base[0], store.git("hash-object", "-w", "--stdin", stdin=data).stdout.decode().strip()
