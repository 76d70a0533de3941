"""The folder that all processes of a session share while it lasts: money, rate limits, what is in play, refusals."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pytest_collab.episode.preparing import Going

REFUSAL: Final = "gates-refused.txt"
"""Where workers leave word of gates that nothing can answer."""


def tell_in_play(shared: Path, worker: str, count: int) -> None:
    """Let the controller know how many episodes this process has in play."""
    (shared / f"playing.{worker}").write_text(str(count))


def in_play(shared: Path) -> int:
    """Episodes in play in all processes of the session."""
    total = 0
    for path in shared.glob("playing.*"):
        text = path.read_text()
        total += int(text) if text.isdecimal() else 0
    return total


def tell_preparing(shared: Path, worker: str, going: Sequence[Going]) -> None:
    """Let the controller know what this process prepares."""
    new = shared / f"new-preparing.{worker}"
    new.write_text(json.dumps(going))
    new.replace(shared / f"preparing.{worker}")


def in_preparation(shared: Path) -> list[Going]:
    """What the processes of the session prepare, what has begun first first."""
    found: list[Going] = []
    for path in shared.glob("preparing.*"):
        found += [(str(what), float(since)) for what, since in json.loads(path.read_text())]
    return sorted(found, key=lambda one: one[1])


def tell_planned(shared: Path, worker: str, count: int) -> None:
    """Let the controller know how many episodes there are to play; under xdist each worker collects all of them."""
    (shared / f"planned.{worker}").write_text(str(count))


def planned(shared: Path) -> int:
    """Episodes to play in the session; 0 before that is known."""
    return max((int(text) for path in shared.glob("planned.*") if (text := path.read_text()).isdecimal()), default=0)
