"""What is kept of an episode while it is in play, so that it is not lost with the process that plays it.

Every process keeps a file for each episode that it has in play, `.playing/<worker>.<id>.jsonl` in the run directory,
to which events are added as they happen. The file is gone when the episode has been kept. The process holds a lock on
it, which ends with the process, however that ends: a file that nobody holds is of an episode that was lost.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from pytest_collab.episode.agent import Usage
from pytest_collab.episode.judge import record, voided
from pytest_collab.episode.record import Episode, episode_id
from pytest_collab.episode.run import RunDirectory
from pytest_collab.episode.transcript import Event, Transcript
from pytest_collab.errors import RunError

PLAYING: Final = ".playing"
_ANSWERS: Final = ("prompt", "reply", "failed_call")


@dataclass(slots=True)
class Journals:
    """The journals of one process.

    Args:
        worker: the name of the process.
    """

    run: Path
    worker: str
    _open: dict[str, int] = field(default_factory=dict)

    def begin(self, name: str, transcript: Transcript) -> None:
        """Keep what happens in the episode of that id from now on. Where that cannot be written, go on without."""
        path = self._path(name)
        with contextlib.suppress(OSError):
            path.parent.mkdir(exist_ok=True)
            descriptor = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_APPEND, 0o644)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._open[name] = descriptor
            transcript.watch = lambda event: self._write(name, event)

    def end(self, name: str) -> None:
        """The episode has been kept, or given up: its journal is not needed any more."""
        descriptor = self._open.pop(name, None)
        if descriptor is not None:
            with contextlib.suppress(OSError):
                self._path(name).unlink(missing_ok=True)
            os.close(descriptor)

    def broken_off(self, name: str) -> None:
        """The episode is given up, since the session ends: what it has cost is kept among plays that do not count."""
        if name in self._open:
            with contextlib.suppress(RunError, OSError):
                transcript = _read(self._path(name))
                if transcript:
                    keep_beside(RunDirectory(self.run), transcript, self.worker)
        self.end(name)

    def close(self) -> None:
        """End all of them."""
        for name in [*self._open]:
            self.broken_off(name)
        _tidy(self.run)

    def _write(self, name: str, event: Event) -> None:
        descriptor = self._open.get(name)
        if descriptor is not None:
            with contextlib.suppress(OSError):
                os.write(descriptor, f"{event.json_line()}\n".encode("ascii"))

    def _path(self, name: str) -> Path:
        return self.run / PLAYING / f"{self.worker}.{name}.jsonl"


def keep_beside(run: RunDirectory, transcript: Transcript, worker: str) -> None:
    """Keep what there is of an episode that the end of the session broke off, where it has cost anything.

    Raises:
        RunError: it cannot be written.
    """
    play, whole = _told(transcript, worker, "the session ended before the episode did")
    if play.cost_usd != 0.0:
        run.put_beside(play, whole)


def keep_lost(run: RunDirectory) -> list[Episode]:
    """Make plays of the episodes that were lost with their process: infrastructure errors, code `worker_lost`.

    Returns:
        The plays, with the transcript of what had happened by then. What they had not been charged for is unknown.

    Raises:
        RunError: they cannot be written.
    """
    kept = []
    for path in _abandoned(run.path / PLAYING):
        worker = path.name.split(".", 1)[0]
        transcript = _read(path)
        if transcript:
            kept.append(run.add(*_told(transcript, worker)))
        path.unlink(missing_ok=True)
    _tidy(run.path)
    return kept


def _tidy(run: Path) -> None:
    """Remove the folder when nothing is in play any more."""
    with contextlib.suppress(OSError):
        (run / PLAYING).rmdir()


def _abandoned(folder: Path) -> Iterator[Path]:
    """Journals that no process holds."""
    for path in sorted(folder.glob("*.jsonl")):
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except OSError:
            continue  # its episode has been kept meanwhile
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        finally:
            os.close(descriptor)
        yield path


def _read(path: Path) -> Transcript:
    """The events up to where a line is torn; none of an episode of which nothing had happened."""
    events: list[Event] = []
    for line in path.read_text(encoding="ascii", errors="replace").splitlines():
        try:
            raw = json.loads(line)
            events.append(Event(raw["seq"], raw["t"], raw["seat"], raw["kind"], raw["data"]))
        except (ValueError, KeyError, TypeError):
            break
    return Transcript(events)


def _told(transcript: Transcript, worker: str, why: str | None = None) -> tuple[Episode, Transcript]:
    """The play, with what ended it, and answers that were under way, of which nobody knows what they cost."""
    start = transcript.start
    events = [*transcript]
    seated = {event.seat: event.data for event in transcript.of("seated")}
    open_seats = []
    for seat, about in seated.items():
        newest = next((e for e in reversed(events) if e.seat == seat and e.kind in _ANSWERS), None)
        if newest is not None and newest.kind == "prompt" and not str(about["model"]).startswith("builtin/"):
            open_seats.append((seat, about["model"], newest.data.get("turn", 0)))

    def add(kind: str, seat: str | None, **data: object) -> None:
        events.append(Event(len(events), events[-1].t, seat, kind, data))

    for seat, model, turn in open_seats:
        add("failed_call", seat, turn=turn, model=model, usage=asdict(Usage(cost_usd=None)))
    who = "the process that played it" if worker == "main" else f"worker {worker}, which played it,"
    why = why or f"{who} ended before the episode did (killed, or out of memory)"
    add("error", None, code="worker_lost", text=why)
    add("end", None, turns=len({event.data["turn"] for event in transcript.of("reply")}))
    whole = Transcript(events)
    name = episode_id(
        start["family"],
        start["task"],
        start["task_hash"],
        start["condition"],
        tuple(start["team"]),
        start["seed"],
        start["epoch"],
    )
    broken = whole.last("error")
    assert broken is not None
    return record(whole, voided(broken), episode_id=name, worker=worker), whole
