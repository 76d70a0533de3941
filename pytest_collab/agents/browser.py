"""People at browsers: a seat that is asked waits for what a page sends."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from pytest_collab.episode.agent import Agent, Reply, Request, Seat, Usage
from pytest_collab.errors import AgentFault

NAME = "human"


@dataclass
class Chair:
    """One seat as its page shows it; pages and the engine are in different threads.

    Attributes:
        log: what the person was told and said in the present episode, as (`told`, `said` or `over`, text).
        asked: what the person is to answer; None while it is somebody else's turn.
        version: counts up with every change, so that a page knows when to draw itself anew.
    """

    seat: str
    log: list[tuple[str, str]] = field(default_factory=list)
    asked: Future[str] | None = None
    version: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sit(self, told: str) -> None:
        """A new episode begins; what the last one came to stays in sight."""
        with self._lock:
            self.log = [*[line for line in self.log if line[0] == "over"][-1:], ("told", told)]
            self._changed()

    def ask(self, text: str) -> Future[str]:
        """The person's turn."""
        with self._lock:
            self.log.append(("told", text))
            self.asked = Future()
            self._changed()
            return self.asked

    def answer(self, text: str, version: int) -> bool:
        """What the person wrote; False where nothing is asked, or what is asked is not what the page showed."""
        with self._lock:
            asked = self.asked
            if asked is None or version != self.version:
                return False
            self.asked = None
            self.log.append(("said", text))
            self._changed()
        asked.set_result(text)
        return True

    def stop(self) -> None:
        """Nobody waits for the answer any more."""
        with self._lock:
            asked, self.asked = self.asked, None
            self._changed()
        if asked is not None:
            asked.cancel()

    def tell(self, text: str) -> None:
        """What the episode came to."""
        with self._lock:
            self.log.append(("over", text))
            self._changed()

    def shown(self) -> dict[str, Any]:
        """All that a page needs."""
        with self._lock:
            log = [{"kind": kind, "text": text} for kind, text in self.log]
            return {"seat": self.seat, "log": log, "asked": self.asked is not None, "version": self.version}

    def _changed(self) -> None:
        self.version += 1


class BrowserAgent(Agent):
    """People at browsers, one a seat. They are told, word for word, what a model would be told.

    Args:
        chairs: by seat.
    """

    def __init__(self, chairs: dict[str, Chair]) -> None:
        self.name = self.model = NAME
        self.chairs = chairs

    def seated(self, seat: Seat) -> Agent:
        return _Visitor(self.chairs[seat.name])

    async def reply(self, request: Request) -> Reply:
        raise AgentFault("the person was asked before being seated")

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, "model": self.model, "provider": "human"}


class _Visitor(Agent):
    def __init__(self, chair: Chair) -> None:
        self.name = self.model = NAME
        self._chair = chair
        self._greeted = False

    async def reply(self, request: Request) -> Reply:
        if not self._greeted:
            self._greeted = True
            self._chair.sit(request.system)
        try:
            text = await asyncio.wrap_future(self._chair.ask(request.text))
        except asyncio.CancelledError:
            self._chair.stop()
            raise
        return Reply(text=text, model=NAME, usage=Usage())
