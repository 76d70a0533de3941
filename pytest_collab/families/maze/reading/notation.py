"""A cleaned message as atoms and plain words: the order in which coordinates, moves and arrows are taken out."""

from __future__ import annotations

import re

from pytest_collab.families.maze.reading.atoms import CELL, Atomiser, Atoms
from pytest_collab.families.maze.reading.coordinates import take_coordinates, take_landmarks
from pytest_collab.families.maze.reading.directions import take_arrows, take_moves

_CELL_IS = rf"({CELL}[)\]]?[ ]?(?:(?:is|are|=|:|shows|as|contains|has|marked|-|–|→)[ ]?){{1,3}}(?:an? )?)"
_DOT_CELL = re.compile(_CELL_IS + r"\.(?=[\s,;)]|$)", re.I)
_HIDDEN_CELL = re.compile(_CELL_IS + r"\?(?=[\s,;)]|$)", re.I)


def atomise(text: str, size: int, *, chess: bool = False) -> Atoms:
    """The coordinates and moves of a cleaned message, and the words around them.

    Args:
        text: as `plaintext.clean` gives it.
        size: rows (and columns) of the maze.
        chess: others write cells as letter and number.
    """
    atoms = Atomiser(size)
    text = take_moves(take_coordinates(text, atoms, chess=chess), atoms)
    text = take_arrows(take_landmarks(text, atoms), atoms)
    text = _DOT_CELL.sub(r"\1free", text)
    text = _HIDDEN_CELL.sub(r"\1hidden", text)
    return Atoms(text, tuple(atoms.mentions), tuple(atoms.steps))
