"""How a pool is set up and how its tests are run, read from its own scripts.

CooperBench prepares a pool in its Dockerfile and again, before every test run, in `runner.sh`; what the latter
installs is what its tests see. Here it is installed once per pool.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pytest_collab.errors import TaskError
from pytest_collab.families.coding.cooperbench.dataset import CooperPool

_ASSIGNED = re.compile(r"^(?:export )?([A-Z][A-Z0-9_]*)=(\"[^\"]*\"|'[^']*'|[^\s\"']*)$")
_EXPORTED = re.compile(r"^export ([A-Z][A-Z0-9_]*)=([A-Za-z0-9_./-]+)$")
_PIP = re.compile(r"^(?:uv )?pip (?:install|uninstall) ")
_PYTEST = re.compile(r"^(?:timeout \S+ )?(?:\S*python3? -m )?(?:uv run )?pytest (.*)$")
_GO_TEST = re.compile(r"^(?:timeout \S+ )?go test\b")
_CARGO_TEST = re.compile(r"^(?:timeout \S+ )?(cargo test .*)$")
_NODE_TEST = re.compile(r"^(?:timeout \S+ )?(?:npx )?(?:p?npm|yarn)(?:@\S+)? (?:run )?test (.*)$")
_PNPM = re.compile(r"\bpnpm@(\d+)")
_LOOPED = re.compile(r"<<< *\"?\$\{?([A-Z][A-Z0-9_]*)\}?\"?")

_GO_CACHE: Final = ".gocache"  # go looks for no packages in folders that begin with a dot

# What some packages download beside themselves; unit tests start no browser.
_NO_BROWSERS: Final = "CYPRESS_INSTALL_BINARY=0 PUPPETEER_SKIP_DOWNLOAD=1 PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1"

SLOW_TEST_S: Final = 3600.0
"""For runners that compile before they test."""


def how(pool: CooperPool) -> dict[str, Any]:
    """Language, setup, test command, parser and time limit, as params of a coding task.

    Raises:
        TaskError: `runner.sh` runs its tests in no way that is known here.
    """
    lines = [line.strip() for line in pool.script("runner.sh").splitlines()]
    for read in (_python, _node, _rust, _go):
        found = read(pool, lines)
        if found is not None:
            return found
    raise TaskError(
        f"pool {pool.name} runs its tests in a way that is not known here (known: pytest, go test, cargo test, and "
        "npm or pnpm test)",
        remedy="Write a task file by hand: docs/families/coding-merge-and-grading.md shows the keys.",
        file=pool.folder / "runner.sh",
    )


def _python(pool: CooperPool, lines: Sequence[str]) -> dict[str, Any] | None:
    commands = [match[1] for line in lines if (match := _PYTEST.match(line))]
    if not commands:
        return None
    known = _variables(lines)
    files, optional, open_ended = dict[str, None](), dict[str, None](), False
    for command in commands:
        for word in _words(_filled(command, known)):
            if "$" in word:
                looped = [known[match[1]] for line in lines if (match := _LOOPED.search(line)) and match[1] in known]
                optional.update((one, None) for names in looped for one in names.split())
                open_ended = open_ended or not looped
            elif word.endswith(".py") or "/" in word:
                files[word] = None
    named = shlex.join(files) if files and not open_ended else "{tests}"
    if optional:  # run only where the tests bring them
        named += f" $(ls {shlex.join(optional)} 2>/dev/null)"
    variables = "".join(f"{match[1]}={match[2]} " for line in lines if (match := _EXPORTED.match(line)))
    return {
        "language": "python",
        "setup": _pip(lines) or _pip(_image_steps(pool)),
        "test": f"{variables}python -m pytest -q -p no:cacheprovider {named} --junitxml={{report}}",
        "parser": "junit",
        "timeout_s": 300.0,
    }


def _go(pool: CooperPool, lines: Sequence[str]) -> dict[str, Any] | None:
    """The packages with hidden tests, not the names that a patch mentions: a pattern that matches none would pass."""
    if not any(_GO_TEST.match(line) for line in lines):
        return None
    return {
        "language": "go",
        # The standard library is compiled once: the build cache lies in the tree, and every run copies it.
        "setup": ["go mod download", f"CGO_ENABLED=0 GOCACHE=\"$PWD/{_GO_CACHE}\" go test -run '^$' ./..."],
        "test": f'cp -r {_GO_CACHE} "$(go env GOCACHE)" && go test -json {{tests}}',
        "parser": "go",
        "timeout_s": 600.0,
    }


def _node(pool: CooperPool, lines: Sequence[str]) -> dict[str, Any] | None:
    commands = [match[1] for line in lines if (match := _NODE_TEST.match(line))]
    if not commands:
        return None
    files = shlex.join(word for word in _words(_filled(commands[-1], _variables(lines))) if "$" not in word)
    version = _PNPM.search(pool.script("Dockerfile"))
    which = f"@{version[1]}" if version else '@$(grep -q "lockfileVersion: \'9" pnpm-lock.yaml && echo 9 || echo 8)'
    return {
        "language": "typescript",
        "setup": [
            f"{_NO_BROWSERS} npx --yes pnpm{which} install --frozen-lockfile",
            # Packages are mounted read-only, and what some keep among them while tests run is not worth keeping.
            "rm -rf node_modules/.cache && ln -s /tmp node_modules/.cache",
        ],
        "test": f"npm test --silent -- {files or '{tests}'} --json --outputFile={{report}}",
        "parser": "jest",
        "timeout_s": 600.0,
    }


def _rust(pool: CooperPool, lines: Sequence[str]) -> dict[str, Any] | None:
    commands = [match[1] for line in lines if (match := _CARGO_TEST.match(line))]
    if not commands:
        return None
    own_runner = "typst-tests" in " ".join(commands)  # a program of typst's own, which names what passed if asked
    return {
        "language": "rust",
        "setup": ["mkdir -p .cargo && cargo vendor --locked > .cargo/config.toml"],
        "test": " && ".join(f"{command} --verbose 2>&1" if own_runner else command for command in commands),
        "parser": "typst" if own_runner else "cargo",
        "timeout_s": SLOW_TEST_S,
    }


def _variables(lines: Sequence[str]) -> dict[str, str]:
    """Variables that the script gives one literal value."""
    values: dict[str, set[str]] = {}
    for line in lines:
        if match := _ASSIGNED.match(line):
            values.setdefault(match[1], set()).add(match[2].strip("\"'"))
    return {name: min(found) for name, found in values.items() if len(found) == 1 and "$" not in min(found)}


def _filled(command: str, known: Mapping[str, str]) -> str:
    for name, value in known.items():
        command = re.sub(rf"\$\{{{name}\}}|\${name}\b", lambda _, value=value: value, command)  # type: ignore[misc]
    return command


def _words(command: str) -> list[str]:
    """The arguments of a command, without options, redirections and what is piped after it."""
    command = re.split(r"\s(?:\d?>&?\S*|\|\|?|;|&&)", f"{command} ")[0]
    try:
        words = shlex.split(command, comments=True)
    except ValueError:
        words = command.split()
    return [word for word in words if not word.startswith("-")]


def _pip(lines: Sequence[str]) -> list[str]:
    """The pip commands of a runner script, made to act on the environment's own interpreter.

    `if pip install A; then ... else pip install B; fi` becomes `pip install A || pip install B`.
    """
    found: list[str] = []
    condition, otherwise = "", False
    for line in lines:
        command = line.removeprefix("if ").partition(" 2>")[0].partition("; then")[0].partition(" #")[0].strip()
        if line.startswith("if ") and _PIP.match(command):
            condition, otherwise = command, False
            found.append(command)
        elif condition and line.startswith(("else", "fi")):
            otherwise = line.startswith("else")
            condition = condition if otherwise else ""
        elif _PIP.match(command) and "--upgrade pip" not in command:
            if otherwise:
                found[-1] += f" || {command}"
            else:
                found.append(command)
    commands = [_adapted(command) for command in dict.fromkeys(found)]
    if any(command.startswith("uv ") for command in commands):
        commands.insert(0, "python -m pip install -q uv")
    return commands


def _image_steps(pool: CooperPool) -> list[str]:
    """What the Dockerfile runs, one command a line."""
    runs = [line.strip() for line in pool.script("Dockerfile").splitlines() if line.startswith("RUN ")]
    steps = [step.strip() for line in runs for step in line.removeprefix("RUN ").split("&&")]
    return [step for step in steps if step != "pip install uv"]


def _adapted(command: str) -> str:
    command = command.replace(" --system", "")
    command = re.sub(r"(?<!uv )\bpip uninstall (?!-y)", "pip uninstall -y ", command)
    return re.sub(r"(?<!uv )\bpip (install|uninstall) ", r"python -m pip \1 -q ", command)
