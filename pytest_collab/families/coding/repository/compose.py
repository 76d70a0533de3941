"""The tree that is graded: the team's code, the pool's tests.

Whatever decides how tests are found and run is the pool's: test files (the base's and the hidden ones; the team's own
are left out), the runner's configuration, files that the test command names. Everything else is the team's.
"""

from __future__ import annotations

import posixpath
import re
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from pytest_collab.families.coding.pool.manifest import MANIFESTS, joined
from pytest_collab.families.coding.pool.pool import Feature, Language, Pool
from pytest_collab.families.coding.repository.git import Entries, Store

_TEST_FILES: Final[Mapping[Language, re.Pattern[str]]] = {
    "python": re.compile(r"(^|/)(test_[^/]*|[^/]*_test)\.py$"),
    "typescript": re.compile(r"\.(test|spec)\.[cm]?[jt]sx?$|(^|/)(__tests__|test|tests)/.*\.[cm]?[jt]sx?$"),
    "javascript": re.compile(r"\.(test|spec)\.[cm]?[jt]sx?$|(^|/)(__tests__|test|tests)/.*\.[cm]?[jt]sx?$"),
    "go": re.compile(r"_test\.go$"),
    "rust": re.compile(r"(^|/)tests/[^/]+\.rs$"),
}
_TESTS_INSIDE: Final[Mapping[Language, re.Pattern[bytes]]] = {
    "python": re.compile(rb"^\s*(async )?def test|^import unittest|^\s*import pytest|^from pytest", re.MULTILINE),
    "typescript": re.compile(rb"^\s*(test|it|describe)(\.\w+)*\(|[\"'](node:test|vitest|ava)[\"']", re.MULTILINE),
    "go": re.compile(rb"^func Test", re.MULTILINE),
}
_CODE: Final[Mapping[Language, re.Pattern[str]]] = {
    "python": re.compile(r"\.py$"),
    "typescript": re.compile(r"\.[cm]?[jt]sx?$"),
    "go": re.compile(r"\.go$"),
}
_TEST_FOLDERS: Final = re.compile(r"(^|/)([Tt]ests?|__tests__|testdata|__snapshots__)(/|$)")
_RUNNER_FILES: Final[Mapping[Language, re.Pattern[str]]] = {
    "python": re.compile(
        r"(^|/)(conftest\.pyc?|\.?pytest\.(ini|toml)|tox\.ini|setup\.cfg|pyproject\.toml|\.coveragerc|noxfile\.py"
        r"|(site|user)customize(\.py|/.*)?|[^/]+\.pth|_?pytest(\.py|/.*)|pluggy(\.py|/.*)|pyvenv\.cfg"
        # What installers and compilers leave: plugins by entry point, code that has no source.
        r"|[^/]+\.(egg|dist)-info(/.*)?|[^/]+\.egg(-link|/.*)?|__pycache__/.*|[^/]+\.(py[cod]|so|pyd|dylib))$"
    ),
    "typescript": re.compile(
        r"(^|/)((vitest|vite|jest|babel|ava|playwright)\.(config|workspace|setup)\.[^/]+|\.mocharc[^/]*|\.babelrc[^/]*"
        r"|\.npmrc|\.swcrc|\.env[^/]*|\.nycrc[^/]*|\.c8rc[^/]*|bunfig\.toml|deno\.jsonc?|node_modules(/.*)?|__mocks__/.*"
        r"|\.taprc|jasmine\.[^/]+|karma\.conf\.[^/]+|\.yarnrc(\.yml)?|\.yarn/.*|\.pnp\.[^/]+|\.pnpmfile\.c?js"
        r"|pnpm-workspace\.yaml)$"
    ),
    "go": re.compile(r"(^|/)(go\.work(\.sum)?|vendor/.*)$"),
    "rust": re.compile(r"(^|/)(\.cargo(/.*)?|rust-toolchain(\.toml)?|\.config/nextest\.toml)$"),
}
_TASK_FILES: Final = re.compile(r"(^|/)(GNUmakefile|[Mm]akefile|\.?[Jj]ustfile|[Tt]askfile\.ya?ml|\.envrc)$")
"""What `make`, `just` and the like are told to do, the test command among it."""

_IMPORTED: Final = re.compile(r"""["'](\./[\w./-]+)["']""")


def is_test(path: str, language: Language) -> bool:
    """Whether a file is one that the language's runner takes tests from."""
    return _TEST_FILES[language].search(path) is not None


def of_tests(path: str, language: Language) -> bool:
    """Whether a file is a test file, or lies in a folder of tests."""
    return is_test(path, language) or _TEST_FOLDERS.search(posixpath.dirname(path)) is not None


def steers(path: str, language: Language) -> bool:
    """Whether a file, by its name, decides how tests of the language are found and run."""
    steering = _RUNNER_FILES["typescript" if language == "javascript" else language].search(path)
    return (steering or _TASK_FILES.search(path)) is not None


def is_protected(path: str, pool: Pool, feature: Feature | None = None) -> bool:
    """Whether a path is taken from the pool when work is graded."""
    language: Language = "typescript" if pool.language == "javascript" else pool.language
    if of_tests(path, language):
        return True
    if _TEST_FOLDERS.fullmatch(path) or steers(path, language):
        return True
    return path in _named(pool, feature) or any(fnmatchcase(path, pattern) for pattern in pool.protected)


def _named(pool: Pool, feature: Feature | None) -> set[str]:
    """Files that the test command names, and whatever else stands in it."""
    command = (feature.test if feature and feature.test else None) or pool.test
    return {posixpath.normpath(word.strip("'\"")) for word in re.split(r"[\s=:]", command) if word}


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
        self._written: dict[str, str] = {}
        self._steering: dict[str, frozenset[str]] = {}
        self._unnamed: dict[str, frozenset[str]] = {}

    def steering(self, feature: Feature) -> frozenset[str]:
        """Files that decide how tests run without being recognisable by their names.

        A build script beside a Cargo.toml; and what a file that the test command names imports from its own folder
        (a loader's hooks), if that is not the root, and so on from there.
        """
        if feature.id not in self._steering:
            folders = [posixpath.dirname(path) for path in self.base if posixpath.basename(path) == "Cargo.toml"]
            found = {posixpath.join(folder, "build.rs") for folder in folders}
            waiting = [path for path in _named(self.pool, feature) if path in self.base and "/" in path]
            while waiting:
                path = waiting.pop()
                mode, oid = self.base[path]
                if path in found or mode == "120000" or is_test(path, self.pool.language):
                    continue
                found.add(path)
                for match in _IMPORTED.finditer(self._store.blob(oid).decode(errors="replace")):
                    other = posixpath.normpath(posixpath.join(posixpath.dirname(path), match[1]))
                    waiting += [name for name in self.base if name == other or name.startswith(f"{other}.")]
            self._steering[feature.id] = frozenset(found)
        return self._steering[feature.id]

    def hidden(self, feature: Feature) -> tuple[Entries, frozenset[str]]:
        """What a feature's hidden-test patch makes of the base: (added and changed, deleted)."""
        if feature.id not in self._hidden:
            after = self._store.entries(
                self._store.apply(self._store.tree(self._store.base), self.pool.hidden(feature))
            )
            changed = {path: entry for path, entry in after.items() if self.base.get(path) != entry}
            self._hidden[feature.id] = changed, frozenset(self.base.keys() - after.keys())
        return self._hidden[feature.id]

    def sources(self, feature: Feature) -> dict[str, bytes]:
        """Content of the files that a feature's hidden-test patch adds or changes; links and the like left out."""
        found = {path: oid for path, (mode, oid) in self.hidden(feature)[0].items() if mode.startswith("100")}
        return {path: self._store.blob(oid) for path, oid in found.items()}

    def seen(self, feature: Feature) -> dict[str, bytes]:
        """What the base has of the files that a feature's hidden-test patch changes: seats have seen that."""
        found = [path for path in self.hidden(feature)[0] if path in self.base and self.base[path][0][:3] == "100"]
        return {path: self._store.blob(self.base[path][1]) for path in found}

    def compose(self, work: Store, tree: str, feature: Feature, counter: Mapping[str, str] | None = None) -> Entries:
        """The graded tree of a team's `tree`, which is in the store `work`, and a feature's hidden tests.

        A file of code that the hidden patch changes as well (tests in the source, as in Rust) is merged three
        ways; where that conflicts, the hidden patch has it.

        Args:
            counter: content of hidden files that stands in the place of their own.
        """
        store, base = self._store.seeing(work), self.base
        team = store.entries(tree)
        changed, deleted = self.hidden(feature)
        changed = changed | {path: (changed[path][0], self._write(text)) for path, text in (counter or {}).items()}
        steering = self.steering(feature) | self.unnamed(feature)
        guard: Callable[[str], bool] = lambda path: path in steering or is_protected(path, self.pool, feature)  # noqa: E731
        result = {path: entry for path, entry in team.items() if not guard(path)}
        result = _place(result, {path: entry for path, entry in base.items() if guard(path)})
        for path in [path for path in result if path not in base and self._rules_tests(path, feature)]:
            del result[path]
        manifests = {path: entry for path, entry in base.items() if posixpath.basename(path) in MANIFESTS}
        steered = {
            path: _manifest(store, posixpath.basename(path), entry, result.get(path))
            for path, entry in manifests.items()
            if result.get(path) != entry
        }
        result = _place(result, steered)
        for path in deleted:
            result.pop(path, None)
        laid = {
            path: entry if guard(path) else _merged(store, base.get(path), result.get(path), entry)
            for path, entry in changed.items()
        }
        return _place(result, laid)

    def unnamed(self, feature: Feature) -> frozenset[str]:
        """Hidden files that hold tests, and that the language's runner would not find by their names.

        (In Rust tests may be in any source, which is then the team's as well.)
        """
        if feature.id not in self._unnamed:
            language: Language = "typescript" if self.pool.language == "javascript" else self.pool.language
            found = []
            for path, (mode, oid) in self.hidden(feature)[0].items() if language in _CODE else ():
                code = mode.startswith("100") and _CODE[language].search(path) and not is_test(path, language)
                if code and _TESTS_INSIDE[language].search(self._store.blob(oid)):
                    found.append(path)
            self._unnamed[feature.id] = frozenset(found)
        return self._unnamed[feature.id]

    def _write(self, text: str) -> str:
        if text not in self._written:
            done = self._store.git("hash-object", "-w", "--stdin", stdin=text.encode())
            self._written[text] = done.stdout.decode().strip()
        return self._written[text]

    def _rules_tests(self, path: str, feature: Feature) -> bool:
        """Whether a manifest would put tests under its own rule: it lies above one."""
        if posixpath.basename(path) not in MANIFESTS:
            return False
        above = posixpath.dirname(path) and posixpath.dirname(path) + "/"
        language: Language = "typescript" if self.pool.language == "javascript" else self.pool.language
        return any(
            test.startswith(above) for test in (*self.base, *self.hidden(feature)[0]) if is_test(test, language)
        )

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
            return steers(path, language)

        return [path for path, (mode, _) in entries.items() if mode.startswith("100") and decides(path)]

    def tests(self, entries: Entries, feature: Feature) -> list[str]:
        """Files of a graded tree that its tests are in: the hidden ones, and what must keep passing."""
        language: Language = "typescript" if self.pool.language == "javascript" else self.pool.language
        visible = self.base if self.pool.regression == "visible" else ()
        unnamed = self.unnamed(feature)
        paths = dict.fromkeys(
            path for path in (*self.hidden(feature)[0], *visible) if path in unnamed or is_test(path, language)
        )
        return [path for path in paths if path in entries and entries[path][0].startswith("100")]

    def words(self, entries: Entries, feature: Feature) -> list[str]:
        """What `{tests}` stands for in a graded tree."""
        hidden = self.hidden(feature)[0]
        visible = [path for path in self.tests(entries, feature) if path not in hidden]
        named = any(is_test(path, self.pool.language) for path in hidden)
        return expand(self.pool, feature, hidden, visible, () if named else self.unnamed(feature))


def expand(
    pool: Pool, feature: Feature, hidden: Iterable[str], visible: Iterable[str], unnamed: Collection[str] = ()
) -> list[str]:
    """What `{tests}` stands for: files for most runners, packages for Go, test targets for Cargo.

    Args:
        unnamed: hidden files to be run though their names are no tests'.
    """
    language: Language = "typescript" if pool.language == "javascript" else pool.language
    files = dict.fromkeys(path for path in (*hidden, *visible) if path in unnamed or is_test(path, language))
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


def _manifest(store: Store, name: str, base: tuple[str, str], team: tuple[str, str] | None) -> tuple[str, str]:
    if team is None or team == base or team[0] == "120000":
        return base
    data = joined(name, store.blob(base[1]), store.blob(team[1]))
    return base[0], store.git("hash-object", "-w", "--stdin", stdin=data).stdout.decode().strip()
