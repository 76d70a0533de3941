"""Cells and paths in words."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_collab.families.maze.rules import Cell


def named(cell: Cell) -> str:
    """A cell in words."""
    return f"({cell[0]}, {cell[1]})"


def listed(cells: Sequence[Cell]) -> str:
    """Cells in words, in order."""
    return ", ".join(named(cell) for cell in cells)


def route(path: Sequence[Cell]) -> str:
    """A path in words."""
    return " -> ".join(named(cell) for cell in path)
