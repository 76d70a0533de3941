"""The run directory: what one pytest session leaves on disk, written so that a crash loses nothing finished."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from pytest_collab.episode.appending import append_line
from pytest_collab.episode.planned import PlannedCount
from pytest_collab.episode.record import SCHEMA_VERSION, Episode, transcript_name
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import RunError

DEFAULT_BASE: Final = Path(".collab/runs")
EPISODES: Final = "episodes.jsonl"
SUPERSEDED: Final = "superseded.jsonl"
"""Plays that are paid and do not count: what a resumed run plays anew, what was broken off when a session ended."""

FLAT: Final = 10_000
"""Up to so many episodes transcripts lie in `transcripts/` itself; those of a larger run in 256 folders there."""


_SPOILT: Final = ". Move it away to read the episodes without it; what was planned is then not known."


class TaskInfo(BaseModel):
    """A task as run.json keeps it.

    Attributes:
        hash: content hash: runs are comparable only where it is equal.
        version: the family's; part of the hash. None in runs of before it was kept.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    family: str
    hash: str
    version: int | None = None
    params: dict[str, Any] = {}
    file: str = ""


class RunInfo(BaseModel):
    """run.json: what was asked for, with what, when.

    Attributes:
        planned: what there was to play; empty in runs of before it was kept.
        missing_shards: of a merged run, those that were not there.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = SCHEMA_VERSION
    versions: dict[str, str] = {}
    options: dict[str, Any] = {}
    agents: list[dict[str, Any]] = []
    tasks: list[TaskInfo] = []
    planned: list[PlannedCount] = []
    missing_shards: list[str] = []
    git_commit: str | None = None
    started: str = ""
    finished: str | None = None
    exit_status: int | None = None
    sandbox: str | None = None
    notes: list[str] = []


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line of episodes.jsonl that is no episode (torn by a crash, or foreign)."""

    number: int
    why: str


@dataclass(frozen=True, slots=True)
class Record:
    """What episodes.jsonl holds: plays in file order, and the lines that had to be skipped."""

    plays: tuple[Episode, ...]
    bad: tuple[BadLine, ...]

    def episodes(self) -> list[Episode]:
        """One play per episode: the first that is evidence about the agents, else the last there is.

        A re-run after a failure does not replace it (it would launder the failure); a re-run after an
        infrastructure error does.
        """
        chosen: dict[Any, Episode] = {}
        for play in self.plays:
            known = chosen.get(play.key)
            if known is None or known.outcome == "infrastructure_error":
                chosen[play.key] = play
        return list(chosen.values())


class RunDirectory:
    """One run on disk. Any process may append; each line is written whole.

    Attributes:
        spread: put transcripts into folders. Readers go by what each record says: a run may have both.

    Raises:
        RunError: from every method, when the directory cannot be written or read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.spread = False

    @classmethod
    def create(cls, path: Path | None = None, *, base: Path = DEFAULT_BASE) -> RunDirectory:
        """Make a new run directory; two sessions never get the same one.

        Args:
            path: exactly here; must be new or empty. None makes `base/<time>`.

        Raises:
            RunError: `path` holds a run already, or nothing can be written there.
        """
        try:
            if path is not None:
                path.mkdir(parents=True, exist_ok=True)
                if any(path.iterdir()):
                    raise RunError(
                        f"run directory {path} is not empty. "
                        "Pass --collab-resume to finish the run in it, or name another directory."
                    )
                made = path
            else:
                made = cls._fresh(base)
                ignore_in_git(base)
            (made / "transcripts").mkdir(exist_ok=True)
            os.close(os.open(made / EPISODES, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644))
        except OSError as error:
            where = path or base
            raise RunError(f"run directory {where} cannot be written: {error.strerror or error}") from error
        return cls(made)

    @staticmethod
    def _fresh(base: Path) -> Path:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        for number in range(1, 1000):
            path = base / (stamp if number == 1 else f"{stamp}-{number}")
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                path.mkdir()
            except FileExistsError:
                continue
            return path
        raise RunError(f"run directory {base} has a thousand runs of this second; pass --collab-run-dir=DIR")

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """Open an existing run for reading or resuming.

        Raises:
            RunError: it is no run directory, or of a newer schema.
        """
        run = cls(path)
        if not (path / EPISODES).is_file():
            raise RunError(f"{path} is no run directory (it has no episodes.jsonl)")
        run.info()
        return run

    # Writing.

    def add(self, episode: Episode, transcript: Transcript) -> Episode:
        """Keep a finished episode: its transcript, then its line. Durable when this returns.

        Returns:
            The episode as it was kept: whichever process played it, and however often it was played, no two plays
            of a run have one id or write one transcript.
        """
        return self._put(episode, transcript, EPISODES)

    def put_beside(self, episode: Episode, transcript: Transcript) -> None:
        """Keep a play that is paid and no part of the run's figures, with its transcript."""
        self._put(episode, transcript, SUPERSEDED)

    def _put(self, episode: Episode, transcript: Transcript, name: str) -> Episode:
        while (place := self._reserved(episode.transcript)) is None:
            episode = episode.as_attempt(episode.attempt + 1)
        if place != episode.transcript:
            episode = episode.model_copy(update={"transcript": place})
        transcript.write(self.path / episode.transcript)
        append_line(self.path / name, episode.json_line())
        return episode

    def place(self, transcript: str) -> str:
        """Where a transcript of that name belongs in this run."""
        return transcript_name(Path(transcript).stem, spread=self.spread)

    def _reserved(self, name: str) -> str | None:
        """Take a transcript's name for this play, and say where it lies; None when another play has it."""
        place = self.place(name)
        path = self.path / place
        try:
            if (self.path / transcript_name(path.stem, spread=not self.spread)).exists():
                return None
            path.parent.mkdir(exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        except FileExistsError:
            return None
        except OSError as error:
            raise RunError(f"transcript {path} cannot be written: {error.strerror or error}") from error
        return place

    def set_aside(self, apart: Callable[[Episode], bool]) -> int:
        """Move plays out of the record, into superseded.jsonl; their transcripts stay. Lines that are none stay too.

        Only for a process that has the run for itself, before anybody plays.

        Returns:
            How many plays were moved.
        """
        kept: list[str] = []
        moved = 0
        for _, line in self._lines():
            text = line.decode("utf-8", "surrogateescape").rstrip("\n")
            try:
                old = Episode.model_validate_json(line)
            except ValueError:
                kept.append(text)
                continue
            if apart(old):
                append_line(self.path / SUPERSEDED, old.json_line())
                moved += 1
            else:
                kept.append(text)
        if moved:
            self.write(EPISODES, "".join(f"{line}\n" for line in kept))
        return moved

    def superseded(self) -> tuple[Episode, ...]:
        """Plays that were set aside: paid, and no part of the run's figures."""
        return self._read(SUPERSEDED).plays if (self.path / SUPERSEDED).exists() else ()

    def write(self, name: str, content: BaseModel | dict[str, Any] | str) -> Path:
        """Write a file of the run whole or not at all."""
        if isinstance(content, BaseModel):
            text = content.model_dump_json(indent=2) + "\n"
        elif isinstance(content, str):
            text = content
        else:
            text = json.dumps(content, indent=2, ensure_ascii=True) + "\n"
        path = self.path / name
        partial = path.with_name(f".{name}.{os.getpid()}.partial")
        try:
            with partial.open("w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(text)
                file.flush()
                # Else a machine that goes down leaves an empty file in the place of a whole one.
                os.fsync(file.fileno())
            partial.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise RunError(f"{path} cannot be written: {error.strerror or error}") from error
        return path

    # Reading.

    def info(self) -> RunInfo:
        """run.json; empty defaults when the run died before it was written."""
        path = self.path / "run.json"
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return RunInfo()
        except (OSError, ValueError) as error:
            raise RunError(f"{path} cannot be read: {error}{_SPOILT}") from error
        try:
            _refuse_newer(raw, str(path))
            return RunInfo.model_validate(raw)
        except ValidationError as error:
            raise RunError(f"{path} is not a run.json: {error.errors()[0]['msg']}{_SPOILT}") from error
        except ValueError as error:
            raise RunError(f"{path} is not a run.json: {error}{_SPOILT}") from error

    def record(self) -> Record:
        """All plays, skipping and naming lines that are no episode."""
        return self._read(EPISODES)

    def mentioning(self, *texts: str) -> Iterator[Episode]:
        """Plays whose line has one of the texts in it (an empty one: all), one by one, never all in memory."""
        for line in self._with(texts):
            with contextlib.suppress(ValueError):
                yield Episode.model_validate_json(line)

    def raw(self, *texts: str) -> Iterator[dict[str, Any]]:
        """The same lines as the JSON that they are, no models: where one field of many is wanted."""
        for line in self._with(texts):
            with contextlib.suppress(ValueError):
                raw = from_json(line)
                if isinstance(raw, dict):
                    yield raw

    def _with(self, texts: Iterable[str]) -> Iterator[bytes]:
        wanted = [json.dumps(text)[1:-1].encode("ascii") for text in texts]
        return (line for _, line in self._lines() if any(text in line for text in wanted))

    def _read(self, name: str) -> Record:
        found = [*self.plays(name)]
        return Record(
            tuple(one for one in found if isinstance(one, Episode)),
            tuple(one for one in found if isinstance(one, BadLine)),
        )

    def size(self) -> int:
        """How many lines there are: as many as plays, or few more."""
        return sum(1 for _ in self._lines())

    def plays(self, name: str = EPISODES) -> Iterator[Episode | BadLine]:
        """All plays, one by one, and the lines that are none."""
        for number, line in self._lines(name):
            try:
                raw = json.loads(line)
                _refuse_newer(raw, f"{self.path / name}:{number}")
                yield Episode.model_validate(raw)
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                yield BadLine(number, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
            except ValueError as error:
                yield BadLine(number, str(error))

    def _lines(self, name: str = EPISODES) -> Iterator[tuple[int, bytes]]:
        path = self.path / name
        try:
            with path.open("rb") as lines:
                for number, line in enumerate(lines, 1):
                    if line.strip():
                        yield number, line
        except OSError as error:
            raise RunError(f"{path} cannot be read: {error.strerror or error}") from error

    def transcript(self, episode: Episode) -> Transcript:
        """The transcript of an episode of this run."""
        path = (self.path / episode.transcript).resolve()
        if not path.is_relative_to(self.path.resolve()):
            raise RunError(f"episode {episode.id} points outside its run: {episode.transcript!r}")
        return Transcript.read(path)


def ignore_in_git(inside: Path) -> None:
    """Let the `.collab` that a folder is in ignore itself, as other tools do; one of somebody else is left alone."""
    folder = inside.parent
    if folder.name == DEFAULT_BASE.parent.name and not (folder / ".gitignore").exists():
        (folder / ".gitignore").write_text("# Made by pytest-collab.\n*\n", encoding="ascii")


def _refuse_newer(raw: Any, where: str) -> None:
    version = raw.get("schema_version", 1) if isinstance(raw, dict) else None
    if not isinstance(version, int):
        raise ValueError("not an object with a schema_version")
    if version > SCHEMA_VERSION:
        raise RunError(
            f"{where} has schema_version {version}; this version of pytest-collab reads up to {SCHEMA_VERSION}. "
            "Upgrade pytest-collab to read this run."
        )
