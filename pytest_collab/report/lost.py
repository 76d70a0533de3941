"""Why episodes were lost to the infrastructure: which agent, which fault, how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from pydantic_core import from_json

from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.text import counted, one_line
from pytest_collab.measure.frame import Frame

MOST: Final = 3

_MARK: Final = str(Outcome.INFRASTRUCTURE).encode()


@dataclass(frozen=True, slots=True)
class Loss:
    """One reason, in the words of the error.

    Attributes:
        episodes: how many were lost for it.
        example: the id of the first of them.
    """

    why: str
    episodes: int
    example: str


def losses(run: Path, frame: Frame) -> list[Loss]:
    """The reasons, most frequent first; of episodes that were played again with success nothing is said.

    Args:
        run: the run directory; only its lines of lost episodes are read.
        frame: the same run's episodes.
    """
    wanted = {frame.id[row] for row in np.flatnonzero(~frame.evidence).tolist()}
    if not wanted:
        return []
    found: dict[str, list[str]] = {}
    with (run / "episodes.jsonl").open("rb") as lines:
        for line in lines:
            if _MARK not in line:
                continue
            try:
                raw = from_json(line)
            except ValueError:
                continue
            if isinstance(raw, dict) and raw.get("id") in wanted:
                found.setdefault(one_line(str(raw.get("error") or "no reason was recorded"), 200), []).append(
                    raw["id"]
                )
    made = [Loss(why, len(ids), ids[0]) for why, ids in found.items()]
    return sorted(made, key=lambda loss: -loss.episodes)


def lost_lines(found: Sequence[Loss]) -> list[str]:
    """The same for the terminal: at most four lines."""
    if not found:
        return []
    total = sum(loss.episodes for loss in found)
    lines = [f"lost to infrastructure: {counted(total, 'episode')}, no evidence; --collab-resume plays again"]
    lines += [f"  {loss.episodes:>4}  {loss.why}" for loss in found[:MOST]]
    if len(found) > MOST:
        lines[-1] += f"; {sum(loss.episodes for loss in found[MOST:])} more for other reasons"
    return lines
