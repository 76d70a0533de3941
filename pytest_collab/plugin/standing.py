"""How a run stands while it is played: the episode that is longest in play, and the gates so far."""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_collab.episode.journal import PLAYING
from pytest_collab.errors import CollabError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_collab.measure.frame import Frame
    from pytest_collab.measure.gate import GateFile

LONG_S: Final = 10.0
"""An episode that is so long in play is named."""

LOOK_S: Final = 1.0
"""What is in play is looked at so seldom, and when each episode began is read once: there may be hundreds."""

EVERY_S: Final = 5.0
SHARE: Final = 0.02
"""Gates are judged anew after so many seconds at the earliest, and so seldom that it takes this share at most."""

TAIL: Final = 65_536


class Standing:
    """Looks at a run directory that is being written to.

    Args:
        file, baselines: the gates of the session and what they compare with; None without gates.
    """

    def __init__(self, run: Path, file: GateFile | None = None, baselines: Mapping[str, Frame] | None = None) -> None:
        self._run = run
        self._file = file
        self._baselines = baselines or {}
        self._told = ""
        self._next = 0.0
        self._began: dict[Path, float] = {}
        self._longest = ""
        self._look = 0.0

    def longest(self) -> str:
        """The episode that is longest in play, with its turn, once it takes long; empty else."""
        if time.monotonic() >= self._look:
            self._look = time.monotonic() + LOOK_S
            self._longest = self._now_longest()
        return self._longest

    def _now_longest(self) -> str:
        began: dict[Path, float] = {}
        with contextlib.suppress(OSError):  # nothing is in play
            for path in (self._run / PLAYING).iterdir():
                with contextlib.suppress(OSError):  # it has ended meanwhile
                    began[path] = self._began.get(path) or _began(path)
        self._began = began
        if not began:
            return ""
        path, since = min(began.items(), key=lambda one: one[1])
        seconds = time.time() - since
        if seconds < LONG_S:
            return ""
        turn = _turn(path)
        name = path.name.split(".", 1)[1].removesuffix(".jsonl").rsplit("-", 1)[0]
        return f"longest {name}{f' turn {turn}' if turn else ''}, {seconds:.0f} s"

    def gates(self) -> str:
        """How many gates pass, fail, and are undecided by what has been played so far; empty without gates."""
        if self._file is None or time.monotonic() < self._next:
            return self._told
        began = time.monotonic()
        from pytest_collab.measure.judging import judge_directory

        try:
            report = judge_directory(self._file, self._run, self._baselines)
        except CollabError:  # nothing is there yet
            report = None
        if report is not None:
            counts = Counter("void" if gate.void else str(gate.verdict) for gate in report.gates)
            told = ", ".join(
                f"{counts[word]} {word}" for word in ("pass", "fail", "undecided", "void") if counts[word]
            )
            self._told = f"gates so far: {told}" if told else ""
        now = time.monotonic()
        self._next = now + max(EVERY_S, (now - began) / SHARE)
        return self._told


def _began(path: Path) -> float:
    """When an episode began, as a Unix time: its journal was last written so many seconds into it."""
    written = path.stat().st_mtime
    try:
        return written - float(_events(path)[-1]["t"])
    except (ValueError, KeyError, IndexError):  # nothing is in it yet
        return written


def _turn(path: Path) -> int:
    """The last turn in which somebody was asked or answered; 0 when that is not known."""
    try:
        turns = [event["data"]["turn"] for event in _events(path) if "turn" in event["data"]]
    except (OSError, ValueError, KeyError):
        return 0
    return int(turns[-1]) + 1 if turns else 0


def _events(path: Path) -> list[dict[str, Any]]:
    """The last whole events of a journal."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - TAIL))
        lines = file.read().split(b"\n")[1 if size > TAIL else 0 : -1]
    return [json.loads(line) for line in lines if line]
