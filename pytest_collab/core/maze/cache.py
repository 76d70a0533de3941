"""Mazes from disk, and the making of those that are missing. Imports no JAX.

The mazes of a session are made in one batch by a short-lived process of their own
(`pytest_collab.core.maze.generate`), so that no process that plays an episode compiles anything. Who finds
mazes missing takes a file lock, looks again, and makes them; all others wait at the lock and then read.

A file per `MazeSpec`, `mazes/<content key>.jsonl`, holds a header and one maze a line, each line under
its checksum. Files are replaced whole, so that a reader sees the old state or the new one and needs no
lock. The cache is a convenience: where it cannot be read or written, mazes are made again and kept in memory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import warnings
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from filelock import FileLock

from pytest_collab.core.cache import CacheWarning, cache_directory
from pytest_collab.core.maze.spec import ALGORITHM_VERSION, MAX_ATTEMPTS, MazeRecord, MazeSpec, check_seeds
from pytest_collab.errors import SetupError, TaskError

__all__ = ["CacheWarning", "MazeRecord", "MazeSpec", "cache_directory", "mazes", "prepare"]

_STDERR_TAIL_LINES = 20

_unsaved: dict[str, dict[int, MazeRecord]] = {}
"""Mazes that this process had made and could not write to the cache, by content key."""


def mazes(
    spec: MazeSpec, seeds: Iterable[int], cache_dir: Path | None = None, *, max_attempts: int = MAX_ATTEMPTS
) -> dict[int, MazeRecord]:
    """The maze of each seed, read from the cache or made now.

    Raises:
        TaskError: a seed is out of range, or no maze of a seed was found within `max_attempts`.
        SetupError: the process that makes mazes failed.
    """
    return prepare([(spec, seeds)], cache_dir, max_attempts=max_attempts)[0]


def prepare(
    requests: Iterable[tuple[MazeSpec, Iterable[int]]],
    cache_dir: Path | None = None,
    *,
    max_attempts: int = MAX_ATTEMPTS,
) -> list[dict[int, MazeRecord]]:
    """The mazes of several specs; all that are missing are made by a single process.

    Args:
        requests: specs, each with the seeds wanted.
        cache_dir: where the cache is, `cache_directory()` unless given.
        max_attempts: attempts per seed before it is given up.

    Returns:
        Per request, its mazes by seed.

    Raises:
        TaskError: a seed is out of range, or no maze of a seed was found within `max_attempts`.
        SetupError: the process that makes mazes failed.
    """
    directory = cache_dir if cache_dir is not None else cache_directory()
    wanted = [(spec, list(seeds)) for spec, seeds in requests]
    for _, seeds in wanted:
        check_seeds(seeds)
    found, missing = _look_up(wanted, directory)
    if missing:
        with _lock(directory):
            found, missing = _look_up(wanted, directory)  # another process may have made them meanwhile
            made = _make(missing, directory, max_attempts) if missing else {}
            for spec, records in made.items():
                if not _store(spec, records, directory):
                    _unsaved.setdefault(spec.content_key(), {}).update(records)
        for (spec, seeds), at_hand in zip(wanted, found, strict=True):
            at_hand.update({seed: made[spec][seed] for seed in seeds if seed not in at_hand})
    return found


def _look_up(
    wanted: Sequence[tuple[MazeSpec, Sequence[int]]], directory: Path
) -> tuple[list[dict[int, MazeRecord]], dict[MazeSpec, list[int]]]:
    """The mazes at hand per request, and the seeds that are missing per spec, each once, in order."""
    found: list[dict[int, MazeRecord]] = []
    missing: dict[MazeSpec, dict[int, None]] = {}
    for spec, seeds in wanted:
        unsaved = _unsaved.get(spec.content_key(), {})
        known: Mapping[int, MazeRecord] = unsaved
        if any(seed not in unsaved for seed in seeds):
            known = {**_read(_file_of(spec, directory)), **unsaved} if unsaved else _read(_file_of(spec, directory))
        found.append({seed: known[seed] for seed in seeds if seed in known})
        lacking = dict.fromkeys(seed for seed in seeds if seed not in known)
        if lacking:
            missing.setdefault(spec, {}).update(lacking)
    return found, {spec: list(seeds) for spec, seeds in missing.items()}


@contextmanager
def _lock(directory: Path) -> Iterator[None]:
    """Hold the cache's lock; where no lock can be had, go on without: work is repeated, nothing is wrong."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = FileLock(directory / "generate.lock")
        lock.acquire()
    except (OSError, NotImplementedError) as error:
        warnings.warn(
            f"the maze cache {directory} cannot be locked ({error}); mazes are made by every process anew. "
            "Set PYTEST_COLLAB_CACHE to a directory that can be written",
            CacheWarning,
            stacklevel=4,
        )
        yield
        return
    try:
        yield
    finally:
        lock.release()


# ---- files ----


def _file_of(spec: MazeSpec, directory: Path) -> Path:
    return directory / "mazes" / f"{spec.content_key()}.jsonl"


def _header(key: str) -> str:
    return json.dumps({"mazes": key, "algorithm": ALGORITHM_VERSION})


def _sealed(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x} {text}\n"


def _read(file: Path) -> Mapping[int, MazeRecord]:
    """The mazes in a cache file; empty if there is none."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return {}
    except OSError as error:
        _warn_unreadable(file, error)
        return {}
    return _read_version(file, status.st_ino, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=64)
def _read_version(file: Path, inode: int, modified: int, length: int) -> Mapping[int, MazeRecord]:
    """Read a file once per version of it. Lines that are damaged are named in a warning and left out."""
    try:
        lines = file.read_bytes().decode(errors="replace").splitlines()
    except OSError as error:
        _warn_unreadable(file, error)
        return {}
    records: dict[int, MazeRecord] = {}
    damaged = []
    for number, line in enumerate(lines, start=1):
        checksum, _, text = line.partition(" ")
        if _sealed(text) != f"{checksum} {text}\n":
            damaged.append(number)
        elif number == 1:
            if text != _header(file.stem):
                damaged = list(range(1, len(lines) + 1))
                break
        else:
            record = record_from_json(json.loads(text))
            records[record.seed] = record
    if damaged:
        where = ", ".join(map(str, damaged[:5])) + (", ..." if len(damaged) > 5 else "")
        warnings.warn(
            f"damaged line(s) {where} of {len(lines)} in the maze cache {file}: those mazes are made again",
            CacheWarning,
            stacklevel=5,
        )
    return records


def _warn_unreadable(file: Path, error: OSError) -> None:
    warnings.warn(
        f"the maze cache {file} cannot be read ({error}); its mazes are made again",
        CacheWarning,
        stacklevel=5,
    )


def _store(spec: MazeSpec, records: Mapping[int, MazeRecord], directory: Path) -> bool:
    """Add mazes to the file of a spec; on failure warn, leave the file as it was, and return False.

    Call under the lock.
    """
    file = _file_of(spec, directory)
    merged = {**_read(file), **records}
    lines = [_header(file.stem), *(json.dumps(asdict(merged[seed])) for seed in sorted(merged))]
    draft = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=f".{file.stem}-", delete=False) as out:
            draft = Path(out.name)
            out.writelines(map(_sealed, lines))
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
        return True
    except OSError as error:
        if draft is not None:
            draft.unlink(missing_ok=True)
        warnings.warn(
            f"the maze cache {file} cannot be written ({error}); mazes are kept in memory only. "
            "Set PYTEST_COLLAB_CACHE to a directory that can be written",
            CacheWarning,
            stacklevel=4,
        )
        return False


def record_from_json(content: Mapping[str, Any]) -> MazeRecord:
    """The inverse of `json.dumps(asdict(record))`, which turns tuples into lists."""

    def frozen(value: Any) -> Any:
        return tuple(map(frozen, value)) if isinstance(value, list) else value

    return MazeRecord(**{name: frozen(value) for name, value in content.items()})


# ---- the process that makes mazes ----


def _make(
    missing: Mapping[MazeSpec, Sequence[int]], directory: Path, max_attempts: int
) -> dict[MazeSpec, dict[int, MazeRecord]]:
    """Make mazes in a process of their own; `pytest_collab.core.maze.generate` says what it reads and writes."""
    order = {
        "compiled": str(directory / "xla"),
        "max_attempts": max_attempts,
        "requests": [{"spec": asdict(spec), "seeds": list(seeds)} for spec, seeds in missing.items()],
    }
    package_root = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")]))
    # -P: a file named like a module in the user's working directory must not be imported instead of it.
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pytest_collab.core.maze.generate"],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )
    try:
        if done.returncode:
            raise ValueError(f"exit status {done.returncode}")
        replies = json.loads(done.stdout)["replies"]
    except (ValueError, KeyError) as error:
        tail = "\n    ".join(done.stderr.splitlines()[-_STDERR_TAIL_LINES:])
        check = f"{sys.executable} -m pytest_collab.core.maze.generate --check"
        raise SetupError(
            f"the process that makes mazes failed ({error}); run `{check}` to see whether JAX works here. "
            f"The end of what it wrote:\n    {tail}"
        ) from None
    made = {}
    for (spec, seeds), reply in zip(missing.items(), replies, strict=True):
        records = {entry["seed"]: record_from_json(entry) for entry in reply["mazes"]}
        lacking = [seed for seed in seeds if seed not in records]
        if lacking:
            raise _not_found(spec, lacking, reply)
        made[spec] = records
    return made


def _not_found(spec: MazeSpec, seeds: Sequence[int], reply: Mapping[str, Any]) -> TaskError:
    others = f" and {len(seeds) - 1} other(s)" if len(seeds) > 1 else ""
    asked = [f"path of {spec.path[0]} to {spec.path[1]} moves"]
    for name in ("dead_ends", "shortest_paths"):
        if window := getattr(spec, name):
            asked.append(f"{name} of {window[0]} to {window[1]}")
    remedy = f"widen the window, or change size or walls; {reply['seen']}"
    return TaskError(
        f"no maze of size {spec.size}, walls={spec.walls:g} with a {', '.join(asked)} among the first "
        f"{reply['attempts']:,} attempts of seed {seeds[0]}{others}",
        remedy=remedy,
        key="path",
    )
