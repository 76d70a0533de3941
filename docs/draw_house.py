"""The house as its imports draw it: rooms as boxes, imports as arrows, for docs/architecture.md.

    python docs/draw_house.py           # writes the picture anew
    python docs/draw_house.py circles   # prints circles of imports (none are allowed) and the longest modules

Every import counts, those for types only and those inside functions too. tests/test_rooms.py holds the picture to it.
"""

from __future__ import annotations

import ast
import sys
import textwrap
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "pytest_collab"
PAGE = ROOT / "docs" / "architecture.md"
PICTURE = ROOT / "docs" / "images" / "house.svg"

Graph = Mapping[str, frozenset[str]]
"""Names, each with those that it imports."""


@lru_cache
def modules() -> dict[str, Path]:
    """Every module of the package by dotted name; the shipped suite is data."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[1] != "suite" and "guard" not in parts:
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path) -> Iterator[tuple[str, int, bool]]:
    """What a module imports of this package: dotted name, line, and whether only types need it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.split(".")[0] == PACKAGE.name:
                yield name, node.lineno, id(node) in for_types


@lru_cache
def graph() -> Graph:
    """Modules, each with the modules that it imports."""
    known = modules()

    def home(name: str) -> str | None:
        """The module that a dotted name lives in."""
        while name not in known:
            name, dot, _ = name.rpartition(".")
            if not dot:
                return None
        return name

    edges = {}
    for module, path in known.items():
        named = {home(name) for name, _, _ in imports(path)}
        edges[module] = frozenset(other for other in named if other is not None and other != module)
    return edges


def circles(edges: Graph) -> list[list[str]]:
    """Groups of names that reach each other (strongly connected components of two and more)."""

    def reach(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            for following in edges.get(waiting.pop(), ()):
                if following not in seen:
                    seen.add(following)
                    waiting.append(following)
        return seen

    reached = {name: reach(name) for name in edges}
    groups = {
        frozenset(other for other in reached[name] if name in reached[other])
        for name in edges
        if name in reached[name]
    }
    return sorted(sorted(group) for group in groups if len(group) > 1)


def folders() -> list[str]:
    """Families, and other rooms, that have rooms inside."""
    return sorted({name.rpartition(".")[0] for name, path in modules().items() if path.name == "__init__.py"} - {""})


def rooms_of(folder: str) -> Graph:
    """The rooms inside a folder, each with the others of them that it imports from."""
    edges: dict[str, set[str]] = {}
    for module, others in graph().items():
        room = _room(module, folder)
        if room is not None:
            edges.setdefault(room, set()).update(
                other for one in others if (other := _room(one, folder)) is not None and other != room
            )
    return {room: frozenset(others) for room, others in edges.items()}


def _room(module: str, folder: str) -> str | None:
    if not module.startswith(folder + "."):
        return None
    return module[len(folder) + 1 :].split(".")[0]


def picture(edges: Graph) -> str:
    """The rooms as an SVG: who stands higher imports who stands lower; what a longer way says too is left out."""
    rooms: set[str] = set()
    arrows: set[tuple[str, str]] = set()
    for module, others in edges.items():
        room = _room(module, PACKAGE.name)
        if room is not None:
            rooms.add(room)
            arrows |= {(room, other) for one in others if (other := _room(one, PACKAGE.name)) and other != room}
    below = {room: {b for a, b in arrows if a == room} for room in rooms}
    arrows -= {(a, c) for a, b in arrows for c in _all(b, below)}

    def depth(room: str) -> int:
        return max((1 + depth(other) for other in below[room]), default=0)

    levels: dict[int, list[str]] = {}
    for room in sorted(rooms):
        levels.setdefault(depth(room), []).append(room)
    top = max(levels)
    width, height, gap = 250, 84, 46
    whole = max(map(len, levels.values())) * (width + gap) + gap
    at = {}
    for level, names in levels.items():
        left = (whole - len(names) * (width + gap) + gap) / 2
        for column, room in enumerate(names):
            at[room] = (left + column * (width + gap), gap / 2 + (top - level) * (height + gap))
    parts = [
        f'<line x1="{at[a][0] + width / 2:g}" y1="{at[a][1] + height:g}" x2="{at[b][0] + width / 2:g}" '
        f'y2="{at[b][1] - 7:g}" stroke="#555" stroke-width="1.5" marker-end="url(#tip)"/>'
        for a, b in sorted(arrows)
    ]
    for room, (x, y) in sorted(at.items()):
        inner = ", ".join(name for name in sorted(rooms_of(f"{PACKAGE.name}.{room}")) if _is_room(room, name))
        lines = textwrap.wrap(inner, 40)[:3]
        parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width}" height="{height}" rx="6" fill="#eef2f7" stroke="#3b4a5a"/>'
            f'<text x="{x + width / 2:g}" y="{y + 24:g}" font-weight="bold" font-size="16">{room}</text>'
        )
        parts += [
            f'<text x="{x + width / 2:g}" y="{y + 44 + 15 * number:g}" font-size="11.5">{line}</text>'
            for number, line in enumerate(lines)
        ]
    tall = (top + 1) * (height + gap)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {tall}" font-family="sans-serif" '
        'text-anchor="middle" role="img" aria-label="Rooms of the package, each above those that it imports">'
        f'<rect width="{whole}" height="{tall}" fill="#ffffff"/>'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="4" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0 8 4 0 8z" fill="#555"/></marker></defs>'
    )
    return "\n".join([head, *parts, "</svg>", ""])


def _is_room(room: str, name: str) -> bool:
    return (PACKAGE / room / name / "__init__.py").is_file()


def _all(start: str, reach: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for following in reach[waiting.pop()] - seen:
            seen.add(following)
            waiting.append(following)
    return seen


def main() -> None:
    if sys.argv[1:] == ["circles"]:
        found = [*circles(graph()), *(circle for folder in folders() for circle in circles(rooms_of(folder)))]
        print("\n".join(" <-> ".join(circle) for circle in found) or "no circles")
        sizes = sorted(((len(path.read_text().splitlines()), name) for name, path in modules().items()), reverse=True)
        print("\n".join(f"{lines:5} {name}" for lines, name in sizes[:12]))
        return
    PICTURE.write_text(picture(graph()), encoding="utf-8")


if __name__ == "__main__":
    main()
