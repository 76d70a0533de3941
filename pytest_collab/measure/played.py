"""What a run has played, found by episode: all that a resumed run needs to know, in a few bytes an episode.

A session makes the table once and leaves it in its shared folder, where all its processes map the same pages. Records
stay in the run directory, and are read one by one when their items are reported.
"""

from __future__ import annotations

import json
import os
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import EPISODES, RunDirectory
from pytest_collab.errors import RunError

Key = tuple[str, str, str, tuple[str, ...], int, int]
"""As `Episode.key`."""

NOWHERE = -1


class Played:
    """The plays of a run.

    Which play of an episode stands is decided as in `Record.episodes`: the first that is evidence about the agents.

    Attributes:
        hashes: by (family, task), the contents that its episodes were played with.
    """

    def __init__(self, run: RunDirectory) -> None:
        self._path = run.path / EPISODES
        self.hashes: dict[tuple[str, str], set[str]] = {}
        # Rows: digests of keys, ascending; how many plays; where the line begins of the play that stands.
        self._table: NDArray[np.int64] = np.zeros((3, 0), dtype=np.int64)
        self._newer: dict[int, tuple[int, int]] = {}
        self._read = 0
        self._file = 0

    @classmethod
    def of(cls, run: RunDirectory, shared: Path) -> Played:
        """What `run` has played, from the table in the folder `shared`; where there is none yet, it is made there.

        Raises:
            RunError: the run cannot be read, or the table not written.
        """
        found = cls(run)
        table, about = shared / "played.npy", shared / "played.json"
        try:
            if about.exists():
                raw = json.loads(about.read_text(encoding="utf-8"))
                if raw["episodes"]:  # an empty file cannot be mapped
                    found._table = np.load(table, mmap_mode="r")
                found._read, found._file = raw["read"], raw["file"]
                found.hashes = {(family, task): set(known) for family, task, known in raw["hashes"]}
            else:
                found.update()
                found._pack()
                hashes = [[*task, sorted(known)] for task, known in found.hashes.items()]
                np.save(table, found._table)
                about.write_text(
                    json.dumps(
                        {
                            "episodes": found._table.shape[1],
                            "read": found._read,
                            "file": found._file,
                            "hashes": hashes,
                        }
                    )
                )
        except OSError as error:
            raise RunError(f"{table} cannot be written: {error.strerror or error}") from error
        return found

    def update(self) -> None:
        """Take in what was written since; everything, where the file is another one. Raises RunError."""
        try:
            with self._path.open("rb") as lines:
                self._see(os.fstat(lines.fileno()).st_ino)
                lines.seek(self._read)
                for line in lines:
                    if not line.endswith(b"\n"):
                        break
                    at, self._read = self._read, self._read + len(line)
                    try:
                        self._take(from_json(line), at)
                    except (ValueError, KeyError, TypeError, AttributeError):
                        continue  # no episode: told of by who reads the run for its figures
        except OSError as error:
            raise RunError(f"{self._path} cannot be read: {error.strerror or error}") from error

    def plays(self, key: Key) -> int:
        """How often an episode has been played."""
        return self._found(key)[0]

    def standing(self, key: Key) -> Episode | None:
        """The play of an episode that is evidence about the agents; None where there is none. Raises RunError."""
        at = self._found(key)[1]
        if at == NOWHERE:
            return None
        try:
            with self._path.open("rb") as lines:
                if os.fstat(lines.fileno()).st_ino != self._file:  # plays have been set aside since
                    self.update()
                    return self.standing(key)
                lines.seek(at)
                episode = Episode.model_validate_json(lines.readline())
        except OSError as error:
            raise RunError(f"{self._path} cannot be read: {error.strerror or error}") from error
        except ValueError as error:
            raise RunError(f"{self._path}: the line at byte {at} was an episode, and is none any more") from error
        return episode if episode.key == key else None

    def __contains__(self, key: object) -> bool:
        return isinstance(key, tuple) and self._found(key)[1] != NOWHERE

    def _found(self, key: Any) -> tuple[int, int]:
        """How many plays, and where the one that stands begins."""
        return self._of(_digest(key))

    def _of(self, digest: int) -> tuple[int, int]:
        newer = self._newer.get(digest)
        if newer is not None:
            return newer
        digests, plays, places = self._table
        row = int(np.searchsorted(digests, digest))
        if row < len(digests) and digests[row] == digest:
            return int(plays[row]), int(places[row])
        return 0, NOWHERE

    def _see(self, file: int) -> None:
        """Forget all that was read of another file of that name."""
        if file != self._file:
            self._file, self._read = file, 0
            self._table, self._newer, self.hashes = np.zeros((3, 0), dtype=np.int64), {}, {}

    def _take(self, raw: Any, at: int) -> None:
        team = tuple(raw["team"])
        key = (raw["family"], raw["task"], raw["condition"], team, raw["seed"], raw.get("epoch", 0))
        evidence = Outcome(raw["outcome"]) is not Outcome.INFRASTRUCTURE
        digest = _digest(key)
        plays, standing = self._of(digest)
        self._newer[digest] = (plays + 1, at if standing == NOWHERE and evidence else standing)
        if content := raw.get("task_hash"):
            self.hashes.setdefault(key[:2], set()).add(content)

    def _pack(self) -> None:
        """Put what was read into the table."""
        newer = np.array([(digest, *found) for digest, found in self._newer.items()], dtype=np.int64).reshape(-1, 3).T
        old = self._table[:, ~np.isin(self._table[0], newer[0])]
        table = np.concatenate([old, newer], axis=1)
        self._table = np.ascontiguousarray(table[:, np.argsort(table[0])])
        self._newer = {}


def _digest(key: Key) -> int:
    family, task, condition, team, seed, epoch = key
    text = "\x1f".join([family, task, condition, *team, str(seed), str(epoch)])
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)
