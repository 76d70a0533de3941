"""Reading a run directory's episodes into columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pytest_collab.episode.record import SCHEMA_VERSION, Episode
from pytest_collab.episode.run import BadLine, RunDirectory
from pytest_collab.errors import RunError
from pytest_collab.measure.frame import Frame, Plan
from pytest_collab.measure.rows import Rows

PLAN_JSON: Final = "plan.json"
"""What there was to play, in order: without it nobody could judge a stopped run again as it was judged."""


class FrameReader:
    """Reads a run that may still be growing: every `update` takes in the lines written since.

    Args:
        path: the run directory.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path / "episodes.jsonl"
        self._rows = Rows()
        self._bad: list[BadLine] = []
        self._offset = 0
        self._line = 0

    def update(self, *, last: bool = False) -> int:
        """Take in what was written since the last time.

        Args:
            last: also a last line without an end, which nobody will finish any more.

        Returns:
            How many lines have been read so far.

        Raises:
            RunError: it is no run directory, cannot be read, or was written by a newer version.
        """
        try:
            with self._file.open("rb") as lines:
                lines.seek(self._offset)
                for line in lines:
                    if not (last or line.endswith(b"\n")):
                        break
                    begins, self._offset = self._offset, self._offset + len(line)
                    self._line += 1
                    if line.strip():
                        self._take(line, begins)
        except FileNotFoundError:
            raise RunError(f"{self._path} is no run directory (it has no episodes.jsonl)") from None
        except OSError as error:
            raise RunError(f"{self._file} cannot be read: {error.strerror or error}") from error
        return self._line

    def _take(self, line: bytes, at: int) -> None:
        from pydantic_core import from_json

        try:
            raw = from_json(line)
            version = raw.get("schema_version", 1) if isinstance(raw, dict) else None
            if not isinstance(version, int):
                raise ValueError("not an object with a schema_version")
            if version > SCHEMA_VERSION:
                raise RunError(
                    f"{self._file}:{self._line} has schema_version {version}; this version of pytest-collab reads up "
                    f"to {SCHEMA_VERSION}. Upgrade pytest-collab to read this run."
                )
            self._rows.add(raw, at)
        except KeyError as error:
            self._bad.append(BadLine(self._line, f"there is no {error}"))
        except (ValueError, TypeError, AttributeError) as error:
            self._bad.append(BadLine(self._line, str(error)))

    def add_superseded(self) -> None:
        """Take in what plays that were set aside have cost. Raises RunError when they cannot be read."""
        for play in RunDirectory(self._path).superseded():
            known = sum(seat.cost_usd or 0.0 for seat in play.usage.values())
            self._rows.spare = self._rows.spare.and_one(known, play.cost_usd is None)

    def frame(self) -> Frame:
        """All that was read so far, and what the run records of its circumstances."""
        return replace(self._rows.frame(self._bad), info=RunDirectory(self._path).info())


def read_frame(path: Path) -> Frame:
    """Read a run directory's episodes into columns, without building a model of each.

    Lines that are no episode (torn by a crash) are counted and left out, as `RunDirectory.record` does.

    Args:
        path: the run directory.

    Raises:
        RunError: it is no run directory, cannot be read, or was written by a newer version.
    """
    reader = FrameReader(path)
    reader.update(last=True)
    reader.add_superseded()
    return replace(reader.frame(), plan=plan_of(path))


def plan_of(path: Path) -> Plan | None:
    """What there was to play in a run directory; None where it is not one that is stopped when decided.

    Raises:
        RunError: it cannot be read.
    """
    import json

    file = path / PLAN_JSON
    try:
        raw: Any = json.loads(file.read_text(encoding="utf-8"))
        episodes = tuple(
            (family, task, condition, tuple(team), seed, epoch)
            for family, task, condition, team, seed, epoch in raw["episodes"]
        )
        gates = raw.get("gates")
        return Plan(episodes, gates if isinstance(gates, dict) else None)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{file} cannot be read: {error}") from error


def frame_of(episodes: Iterable[Episode]) -> Frame:
    """Episodes in memory, as columns."""
    rows = Rows()
    for episode in episodes:
        rows.add(episode.model_dump(mode="json"))
    return rows.frame(())


def frame_of_rows(raws: Iterable[Mapping[str, Any]]) -> Frame:
    """Episodes given as the mappings that their JSON lines are, as columns."""
    rows = Rows()
    for raw in raws:
        rows.add(raw)
    return rows.frame(())
