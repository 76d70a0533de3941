"""Canaries: tests that must fail, planted in a graded tree as proof that the runner ran and reported honestly.

Code under test shares a process with its tests. Where nothing can be loaded before it (Node's test processes, Go,
Rust), it can leave early with exit code 0, after printing what a runner prints when all is well. A canary's name is
drawn anew for every run, and it fails: a report in which it does not fail was not made by running the tests.
"""

from __future__ import annotations

import os
import posixpath
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_collab.errors import SandboxError
from pytest_collab.families.coding.testrun.parsers import Results
from pytest_collab.sandbox import read_inside

_LIMIT: Final = 2 * 1024 * 1024
_STOPS_EARLY: Final = re.compile(r"--bail|--fail-?fast|--exitfirst|(?<!\w)-x\b")
_FAILING: Final[Mapping[str, int]] = {"go": 1, "rust": 101, "typescript": 1, "javascript": 1}
_MODULE: Final = re.compile(r"""\bfrom\s*["'](node:test|vitest|@jest/globals|bun:test)["']""")
_REQUIRED: Final = re.compile(r"""\brequire\(\s*["'](node:test|vitest|@jest/globals)["']\s*\)""")
_GLOBAL: Final = re.compile(r"^\s*(test|it)(?:\.\w+)?\(", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Canary:
    """One canary: the file (for Go, the package's folder) that it was planted in, and its name."""

    place: str
    name: str


def draw() -> str:
    """A name that no code can know beforehand, and that every language takes for a function's."""
    return "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(16))


def plant(tree: Path, language: str, command: str, tests: Iterable[str]) -> tuple[Canary, ...]:
    """Add a canary to every one of these test files of a graded tree on the disk.

    Args:
        tree: nobody else's; `tests` are regular files in it, in folders that are no links.
        language: Python has a guard instead, and gets none.
        command: one that stops at the first failure gets none either.
    """
    if language not in _FAILING or _STOPS_EARLY.search(command.replace("--no-fail-fast", "")):
        return ()
    if language == "go":
        return _in_packages(tree, tests)
    found = []
    for path in tests:
        name = draw()
        text = _read(tree, path)
        addition = _rust(name) if language == "rust" else _script(name, text)
        if addition:
            with open(tree / path, "a", encoding="utf-8") as file:
                file.write(addition)
            found.append(Canary(path, name))
    return tuple(found)


def _in_packages(tree: Path, tests: Iterable[str]) -> tuple[Canary, ...]:
    packages: dict[str, str] = {}
    for path in tests:
        clause = re.search(r"^package\s+(\w+)", _read(tree, path), re.MULTILINE)
        if clause:
            packages.setdefault(posixpath.dirname(path), clause[1])
    found = []
    for folder, package in packages.items():
        name = draw()
        test = name.capitalize()
        # Go runs tests in the order of file names.
        code = f'package {package}\n\nimport "testing"\n\nfunc Test{test}(t *testing.T) {{ t.Fatal() }}\n'
        (tree / folder / f"zz_{name}_test.go").write_text(code)
        found.append(Canary(folder or ".", test))
    return tuple(found)


def _rust(name: str) -> str:
    # Where an assertion does not panic (a macro of the code under test that took its name), it returns, and passes.
    return f"""
#[test]
fn {name}() {{
    let checks: [fn(); 3] = [|| assert!(1 == 2), || assert_eq!(1, 2), || assert_ne!(1, 1)];
    for check in checks {{
        if std::panic::catch_unwind(check).is_ok() {{
            return;
        }}
    }}
    panic!();
}}
"""


def _script(name: str, text: str) -> str:
    if match := _MODULE.search(text):
        module = match[1]
        if module == "node:test":
            head = f'import {{ test as {name} }} from "{module}";\nimport {name}_ from "node:assert";\n'
        else:
            head = f'import {{ test as {name}, expect as {name}_ }} from "{module}";\n'
        return f"\n{head}{name}{_must_throw(name, module, f'{name}_')}"
    if match := _REQUIRED.search(text):
        module = match[1]
        asserts = 'require("node:assert")' if module == "node:test" else f'require("{module}").expect'
        return f'\nrequire("{module}").test{_must_throw(name, module, asserts)}'
    match = _GLOBAL.search(text)
    return f"\n{match[1]}{_must_throw(name, '', 'globalThis.expect')}" if match else ""


def _must_throw(name: str, module: str, asserts: str) -> str:
    """The call that makes it a test: it throws, unless an assertion that must throw does not."""
    if module == "node:test":
        checks = (
            "[a, a.strict].flatMap((a) => [() => a.ok(false), () => a.equal(1, 2), () => a.strictEqual(1, 2), "
            "() => a.deepEqual([1], [2]), () => a.deepStrictEqual([1], [2]), () => a.throws(() => {})])"
        )
    else:
        checks = "!a ? [] : [() => a(1).toBe(2), () => a([1]).toEqual([2]), () => a(() => {}).toThrow()]"
    body = f"for (const check of {checks}) {{ try {{ check(); }} catch {{ continue; }} return; }} throw new Error();"
    return f'("{name}", () => {{ const a = {asserts}; {body} }});\n'


def _read(tree: Path, path: str) -> str:
    try:
        return read_inside(tree, path, limit=_LIMIT).decode(errors="replace")
    except SandboxError:
        return ""


def take_out(
    results: Results, exit_code: int | None, canaries: Iterable[Canary], language: str
) -> tuple[Results, int | None, tuple[str, ...]]:
    """A report without its canaries.

    Returns:
        The other results; the exit code, which is 0 where the canaries alone explain the runner's own; the places
        whose canary failed, as it must.
    """
    failed: list[str] = []
    rest = dict(results)
    explained: set[str] = set()
    for canary in canaries:
        for test in [test for test in rest if re.search(rf"(?:^|[^a-z])(?:Test)?{canary.name}$", test)]:
            if rest.pop(test) == "failed":
                failed.append(canary.place)
                explained |= _groups(test)
    for group in explained & rest.keys():
        if rest[group] in ("failed", "error"):
            del rest[group]
    alone = bool(failed) and not any(status in ("failed", "error") for status in rest.values())
    code = 0 if alone and exit_code == _FAILING.get(language) else exit_code
    return rest, code, tuple(dict.fromkeys(failed))


def _groups(test: str) -> set[str]:
    """What fails with a test: the groups and the package that hold it."""
    words = test.split("::")
    groups = {"::".join(words[:depth]) for depth in range(1, len(words))}
    return groups | {os.path.splitext(test)[0]} if "::" not in test else groups
