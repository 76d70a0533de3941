"""How a copy of the maze is written down: as a drawing, as JSON, or as a list of cells."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final, Literal

View = Literal["ascii", "json", "list"]

NAMES: Final[Mapping[str, str]] = {"@": "start", "*": "goal", ".": "open", "#": "wall", "?": "hidden"}
"""What a symbol is called where it is not drawn."""


def drawn(rows: Sequence[str], view: str) -> str:
    """A copy as text.

    Args:
        rows: its rows of symbols, top first.
        view: `ascii` draws them; `json` is a list of rows, each a list of names; `list` is a line for every cell, by
            row and column, both counted from 0 at the top left.
    """
    if view == "json":
        lines = ",\n".join(f"  {json.dumps([NAMES[symbol] for symbol in row])}" for row in rows)
        return f"[\n{lines}\n]"
    if view == "list":
        return "\n".join(
            f"row {number}, column {column}: {NAMES[symbol]}"
            for number, row in enumerate(rows)
            for column, symbol in enumerate(row)
        )
    return "\n".join(rows)
