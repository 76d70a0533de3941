"""How a repository's tests are run: guessed from its files, or as the user says."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import tomllib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pytest_collab.errors import UsageError
from pytest_collab.families.coding.pool.pool import Language

Read = Callable[[str], str | None]
"""The text of a file of the base; None where there is none."""

_EXTRAS: Final = ("test", "tests", "testing", "dev")
_LISTS: Final = ("requirements-test.txt", "test-requirements.txt", "requirements/tests.txt", "requirements-dev.txt")
_NODE: Final[Mapping[str, tuple[str, str]]] = {
    "vitest": ("npx vitest run --reporter=json --outputFile={report} {tests}", "jest"),
    "jest": ("npx jest --json --outputFile={report} {tests}", "jest"),
    "ava": ("npx ava --tap {tests}", "tap"),
    # mocha's exit status is how many tests failed.
    "mocha": ("npx mocha --reporter=tap {tests} || exit 1", "tap"),
    "node": (
        "node --test --test-reporter=junit --test-reporter-destination={report} {tests}",
        "junit",
    ),
}
_LOADED: Final = re.compile(r"(?:--require|-r|--import|--loader)[= ]\S+")
_PARSERS: Final = (
    (r"\bpytest\b.*\{report\}", "junit"),
    (r"\bpytest\b", "pytest"),
    (r"\b(jest|vitest)\b", "jest"),
    (r"\bgo test\b", "go"),
    (r"\bcargo test\b", "cargo"),
    (r"junit.*\{report\}", "junit"),
    (r"\btap\b", "tap"),
    (r"reporter[= ]spec\b", "spec"),
)


def how(
    language: Language, read: Read, command: str | None, parser: str | None, setup: Sequence[str] | None
) -> dict[str, Any]:
    """Set-up, test command, parser and time limit, as params of a coding task.

    Args:
        command, parser, setup: what the user said; None for a guess.

    Raises:
        UsageError: nothing can be guessed; names what to say.
    """
    guess = _GUESSES[language](read)
    if setup is not None:
        guess["setup"] = [one for one in setup if one]
    if command is not None:
        guess |= {"test": command, "parser": parser or _parser(command)}
    elif "test" not in guess:
        raise UsageError(
            f"how the tests of this {language} repository are run is not known here ({guess.pop('why')}); say it: "
            "--test-command 'COMMAND {tests}' (with --parser, where a report is to be read)"
        )
    elif parser is not None:
        guess["parser"] = parser
    guess.pop("why", None)
    return guess


def _parser(command: str) -> str:
    for pattern, name in _PARSERS:
        if re.search(pattern, command):
            return name
    raise UsageError(
        f"which form the results of --test-command={command!r} have cannot be guessed; say it with --parser: junit, "
        "pytest, tap, spec, jest, go or cargo (docs: coding, merging and grading)"
    )


def _python(read: Read) -> dict[str, Any]:
    found: dict[str, Any] = {
        "setup": [],
        "test": "python -m pytest -q -p no:cacheprovider {tests} --junitxml={report}",
        "parser": "junit",
        "timeout_s": 300.0,
    }
    text = read("pyproject.toml") or ""
    try:
        project = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        project = {}
    if not (read("setup.py") or read("setup.cfg") or {"project", "build-system"} & project.keys()):
        return found  # nothing to install: pytest itself comes with the environment
    words = ["-e", "."]
    extras = project.get("project", {}).get("optional-dependencies") or _extras_of(read("setup.cfg") or "")
    groups = project.get("dependency-groups", {})
    if extra := next((name for name in _EXTRAS if name in extras), None):
        words = ["-e", f".[{extra}]"]
    elif group := next((name for name in _EXTRAS if name in groups), None):
        words += list(dict.fromkeys(_listed(groups, group)))
    elif listed := next((name for name in _LISTS if read(name)), None):
        words += ["-r", listed]
    # The base is one commit without tags: what asks git for a version finds none.
    pretend = "SETUPTOOLS_SCM_PRETEND_VERSION=0.0.1 " if re.search(r"scm|vcs|versioning", text) else ""
    found["setup"] = [f"{pretend}python -m pip install -q pytest {shlex.join(words)}"]
    return found


def _extras_of(text: str) -> set[str]:
    """Names of extras in a setup.cfg."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return set()
    return set(parser["options.extras_require"]) if "options.extras_require" in parser else set()


def _listed(groups: Mapping[str, Any], name: str, depth: int = 0) -> list[str]:
    found: list[str] = []
    for one in groups.get(name, ()):
        if isinstance(one, str):
            found.append(one)
        elif isinstance(one, dict) and depth < 8:
            found += _listed(groups, str(one.get("include-group")), depth + 1)
    return found


def _node(read: Read) -> dict[str, Any]:
    try:
        package = json.loads(read("package.json") or "{}")
    except ValueError:
        package = {}
    script = str(package.get("scripts", {}).get("test", ""))
    needs = {**package.get("dependencies", {}), **package.get("devDependencies", {})}
    setup: list[str] = []
    if needs:
        if read("pnpm-lock.yaml") is not None:
            command = "npx --yes pnpm@9 install --frozen-lockfile --ignore-scripts"
        elif read("yarn.lock") is not None:
            command = "npx --yes yarn@1 install --frozen-lockfile --ignore-scripts"
        else:
            # Nobody knows any more what was installed at the time where no lock file says so.
            locked = read("package-lock.json") is not None
            command = f"npm {'ci' if locked else 'install --legacy-peer-deps'} --ignore-scripts --no-audit --no-fund"
        # Packages are mounted read-only, and what some keep among them while tests run is not worth keeping.
        setup = [command, "rm -rf node_modules/.cache && ln -s /tmp node_modules/.cache"]
    found: dict[str, Any] = {"setup": setup, "timeout_s": 300.0}
    said = [name for name in _NODE if re.search(rf"\b{name}\b" if name != "node" else r"\bnode\b.* --test", script)]
    for name in said or [name for name in _NODE if name in needs]:
        command, parser = _NODE[name]
        if name == "mocha":  # what has to be loaded is told nowhere else
            command = command.replace("mocha", " ".join(["mocha", *_LOADED.findall(script)]), 1)
        return found | {"test": command, "parser": parser}
    return found | {"why": f"its package.json says `{script}`; known are {', '.join(_NODE)}"}


def _go(read: Read) -> dict[str, Any]:
    needs = re.search(r"^require\b", read("go.mod") or "", re.MULTILINE)
    return {
        "setup": ["go mod download"] if needs else [],
        "test": "go test -json {tests}",
        "parser": "go",
        "timeout_s": 600.0,
    }


def _rust(read: Read) -> dict[str, Any]:
    needs = re.search(r"^\[.*dependencies", read("Cargo.toml") or "", re.MULTILINE)
    return {
        "setup": ["mkdir -p .cargo && cargo vendor > .cargo/config.toml"] if needs else [],
        "test": "cargo test {tests} 2>&1",
        "parser": "cargo",
        "timeout_s": 600.0,
    }


_GUESSES: Final[Mapping[Language, Callable[[Read], dict[str, Any]]]] = {
    "python": _python,
    "javascript": _node,
    "typescript": _node,
    "go": _go,
    "rust": _rust,
}
