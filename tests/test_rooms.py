"""The house rules that can be checked: what a room may import, and what may be imported at all."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "pytest_collab"
spec = importlib.util.spec_from_file_location("draw_house", PACKAGE.parent / "docs" / "draw_house.py")
assert spec is not None
assert spec.loader is not None
house = importlib.util.module_from_spec(spec)
spec.loader.exec_module(house)
ROOMS = (
    "plugin",
    "testing",
    "cli",
    "replications",
    "report",
    "measure",
    "strategies",
    "cluster",
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
    for module, line, typing_only in house.imports(path):
        parts = module.split(".")
        if not typing_only and len(parts) > 1 and parts[1] in ROOMS:
            yield parts[1], line


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


def test_no_module_imports_one_that_imports_it() -> None:
    """Imports of types only and imports inside functions count: who needs both belongs above both."""
    assert not house.circles(house.graph())


def test_no_two_rooms_of_a_family_import_each_other() -> None:
    wrong = [circle for folder in house.folders() for circle in house.circles(house.rooms_of(folder))]
    assert not wrong


def test_a_module_holds_one_noun() -> None:
    long = [
        f"{path.relative_to(PACKAGE)} has {lines} lines: which two nouns live there? Give each a module"
        for path in modules()
        if (lines := len(path.read_text().splitlines())) > 400
    ]
    assert not long, "\n".join(long)


def test_the_picture_of_the_house_is_the_one_of_these_imports() -> None:
    drawn = house.picture(house.graph())
    assert drawn == house.PICTURE.read_text(), (
        "run `python docs/draw_house.py`: the imports between rooms have changed"
    )


def test_the_files_that_errands_name_are_there() -> None:
    text = house.PAGE.read_text()
    errands = text[text.index("## Errands") :]
    named = set(re.findall(r"`((?:pytest_collab|tests|docs|tasks)/[\w./]+)`", errands))
    assert named
    assert not [name for name in sorted(named) if not (PACKAGE.parent / name).exists()]


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
