"""The transcript: an episode's events, in order, one clock. The single source of every figure."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic_core import from_json

from pytest_collab.errors import RunError

KINDS: Final = {
    "start": "the episode begins: family, task, params, condition, team, seed, seats",
    "frozen": "the first turns are those of another episode, which is named; nobody was asked for them",
    "seated": "an agent takes a seat (again at a relay's take-over)",
    "brief": "the standing instructions of a seat",
    "prompt": "what a seat was asked; `inbox` names the message events delivered with it",
    "reply": "what the agent answered, word for word (bounded)",
    "failed_call": "an answer that never came; `usage` is what it consumed all the same",
    "message": "text sent to other seats; `delivered` and `dropped` say where it went",
    "malformed": "a reply that the rules cannot read, with the reason",
    "action": "what the rules understood the seat to do",
    "tool_call": "a tool was called",
    "tool_result": "what the tool gave back",
    "activity": "what an agent does of its own accord: a tool call, a plan, a permission it asked for",
    "trim": "old conversation was left out to fit the agent's context",
    "memory": "an entry of the memory that seats share was written or erased; or somebody acts on a false one",
    "state": "the game moved on",
    "belief": "what a seat, asked apart when it had ended, says was agreed on, with its usage",
    "grader_reply": "what the agent that reads the finished episode answered, with its usage",
    "grade": "an outside reading or test of the work",
    "limit": "a declared limit was reached",
    "error": "the infrastructure failed",
    "end": "the episode is over",
}
"""Kinds of events the engine writes; families may add their own."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        seq: position in the transcript, from 0; failures refer to it.
        t: seconds since the episode began.
        seat: whose doing it was; None for the game itself.
        kind: see `KINDS`.
        data: JSON-ready details.
    """

    seq: int
    t: float
    seat: str | None
    kind: str
    data: dict[str, Any] = field(default_factory=dict)

    def json_line(self) -> str:
        return json.dumps(
            {"seq": self.seq, "t": round(self.t, 6), "seat": self.seat, "kind": self.kind, "data": self.data},
            separators=(",", ":"),
            ensure_ascii=True,
            default=str,
        )


class Transcript(Sequence[Event]):
    """An append-only list of events. Only the engine adds to it.

    Attributes:
        watch: told of every event that is added.
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._events = list(events)
        self._began = time.monotonic()
        self.watch: Callable[[Event], None] | None = None

    def add(self, kind: str, seat: str | None = None, /, **data: Any) -> Event:
        """Append an event stamped with the episode's clock."""
        event = Event(len(self._events), time.monotonic() - self._began, seat, kind, data)
        self._events.append(event)
        if self.watch is not None:
            self.watch(event)
        return event

    def __len__(self) -> int:
        return len(self._events)

    def __getitem__(self, index: Any) -> Any:
        return self._events[index]

    def __iter__(self) -> Iterator[Event]:
        return iter(self._events)

    def of(self, *kinds: str, seat: str | None = None) -> list[Event]:
        """Events of the given kinds, of one seat or of all."""
        return [e for e in self._events if e.kind in kinds and (seat is None or e.seat == seat)]

    def last(self, kind: str) -> Event | None:
        """The last event of a kind."""
        return next((e for e in reversed(self._events) if e.kind == kind), None)

    @property
    def start(self) -> dict[str, Any]:
        """The data of the `start` event.

        Raises:
            RunError: there is none.
        """
        event = self._events[0] if self._events else None
        if event is None or event.kind != "start":
            raise RunError("the transcript does not begin with a start event")
        return event.data

    def write(self, path: Path) -> None:
        """Write one event a line, whole or not at all; on the disk when this returns.

        Raises:
            RunError: the file cannot be written.
        """
        partial = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.partial")
        try:
            with partial.open("w", encoding="ascii") as out:
                out.writelines(f"{event.json_line()}\n" for event in self._events)
                out.flush()
                # Else a machine that goes down could keep the line that refers to it, and leave an empty transcript.
                os.fsync(out.fileno())
            partial.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise RunError(f"transcript {path} cannot be written: {error.strerror or error}") from error

    @classmethod
    def read(cls, path: Path) -> Transcript:
        """Read what `write` wrote.

        Raises:
            RunError: the file is missing or empty, or a line is not the next event (the line is named).
        """
        try:
            with path.open(encoding="utf-8") as lines:
                found = cls.parse(lines, name=str(path))
        except OSError as error:
            raise RunError(f"transcript {path} cannot be read: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise RunError(f"transcript {path} cannot be read: byte {error.start} is no UTF-8") from error
        if not found:
            raise RunError(f"transcript {path} is empty")
        return found

    @classmethod
    def parse(cls, lines: Iterable[str], name: str = "transcript") -> Transcript:
        """Read events, one a line.

        Raises:
            RunError: a line is not an event; says which.
        """
        events: list[Event] = []
        for number, line in enumerate(lines, 1):
            try:
                raw = _parsed(line)
                event = Event(raw["seq"], raw["t"], raw["seat"], raw["kind"], raw["data"])
            except (ValueError, KeyError, TypeError) as error:
                raise RunError(f"{name}:{number}: not a transcript event ({error})") from error
            if event.seq != len(events):
                raise RunError(f"{name}:{number}: event {event.seq} stands where event {len(events)} should")
            events.append(event)
        return cls(events)


def _parsed(line: str) -> Any:
    """One line of JSON, by the faster parser where it can: halves of surrogate pairs are known to `json` alone."""
    try:
        return from_json(line)
    except ValueError:
        return json.loads(line)
