"""What a file of a repository is, by its name: a test, source, documentation, or what a project is set up with."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from pytest_collab.families.coding.pool.manifest import MANIFESTS
from pytest_collab.families.coding.pool.pool import Language
from pytest_collab.families.coding.repository.compose import is_test, of_tests, steers

Kind = Literal["test", "source", "docs", "setup", "other"]

_SOURCE: Final[Mapping[Language, re.Pattern[str]]] = {
    "python": re.compile(r"\.pyi?$"),
    "javascript": re.compile(r"\.[cm]?[jt]sx?$"),
    "typescript": re.compile(r"\.[cm]?[jt]sx?$"),
    "go": re.compile(r"\.go$"),
    "rust": re.compile(r"\.rs$"),
}
_WRITTEN_IN: Final[Mapping[Language, re.Pattern[str]]] = {
    **_SOURCE,
    "javascript": re.compile(r"\.[cm]?jsx?$"),
    "typescript": re.compile(r"(?<!\.d)\.[cm]?tsx?$"),
}
_TESTS: Final = re.compile(r"(^|/)tests?\.(py|[cm]?[jt]sx?)$")
_OF_TYPES: Final = re.compile(r"\.test-d\.ts$")
_DOCS: Final = re.compile(
    r"\.(md|rst|txt|adoc)$|(^|/)(docs?|changelog(\.d|s)?|changes|news|newsfragments|man)/"
    r"|^(AUTHORS|CHANGE\w*|COPYING|HISTORY|LICEN[CS]E|NEWS|README)$",
    re.IGNORECASE,
)
_SETUP: Final = re.compile(
    r"(^|/)(setup\.py|go\.sum|requirements[^/]*|Makefile|Dockerfile|[^/]*\.lock|[^/]*-lock\.(json|yaml)|\.[^/]+)(/|$)"
    r"|\.(ya?ml|toml|ini|cfg)$"
)
_ELSEWHERE: Final = re.compile(
    r"(^|/)(examples?|bench(marks?)?|scripts?|tools|vendor|third_party|dist|node_modules)/"
)


def kind_of(path: str, language: Language) -> Kind:
    """What a file is to a project in this language."""
    if _ELSEWHERE.search(path):
        return "other"
    if of_tests(path, language) or _TESTS.search(path) or _OF_TYPES.search(path):
        return "test"
    if posixpath.basename(path) in MANIFESTS or _SETUP.search(path) or steers(path, language):
        return "setup"
    if _DOCS.search(path):
        return "docs"
    return "source" if _SOURCE[language].search(path) else "other"


def holds_tests(path: str, language: Language) -> bool:
    """Whether a runner takes tests from a file: fixtures and the like, which lie beside them, hold none."""
    return is_test(path, language) or _TESTS.search(path) is not None


def language_of(paths: Iterable[str]) -> Language | None:
    """The language that most source files are written in; None where there are none of a known one."""
    found: Counter[Language] = Counter()
    for path in paths:
        for language, pattern in _WRITTEN_IN.items():
            if pattern.search(path) and kind_of(path, language) == "source":
                found[language] += 1
    return found.most_common(1)[0][0] if found else None
