"""The house rules that can be checked: what a room may import, and what may be imported at all."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "pytest_collab"
ROOMS = (
    "plugin",
    "testing",
    "cli",
    "report",
    "measure",
    "families",
    "agents",
    "episode",
    "sandbox",
    "core",
    "errors",
)
"""From the roof down: a room imports only from rooms below it."""


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Rooms that a module imports from at run time, with the line."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "pytest_collab" and len(parts) > 1 and parts[1] in ROOMS:
                yield parts[1], node.lineno


def modules() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path.relative_to(PACKAGE).parts[0] != "suite"]


def room_of(path: Path) -> str | None:
    name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return name if name in ROOMS else None


def test_no_room_imports_one_above_it() -> None:
    wrong = []
    for path in modules():
        room = room_of(path)
        if room is None:
            continue
        for other, line in imports(path):
            if ROOMS.index(other) < ROOMS.index(room):
                wrong.append(f"{path.relative_to(PACKAGE)}:{line} imports {other}")
    assert not wrong, "\n".join(wrong)


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(PACKAGE))
        for path in modules()
        if path.stat().st_size and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not silent


@pytest.mark.parametrize(
    "name", ["pytest_collab", "pytest_collab.families", "pytest_collab.core", "pytest_collab.cli"]
)
def test_nothing_heavy_is_imported_before_it_is_needed(name: str) -> None:
    heavy = ["jax", "scipy", "openai", "anthropic", "docker", "git"]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, {name}; print([n for n in {heavy} if n in sys.modules])"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
