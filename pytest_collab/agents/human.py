"""`human`: a person takes a seat, in the terminal."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from pytest_collab.episode.agent import Agent, Reply, Request, Seat, Usage
from pytest_collab.episode.text import printable
from pytest_collab.errors import AgentFault, UsageError

_terminal = threading.Lock()
"""One terminal: with several seats or episodes, people are asked one after the other."""


class HumanAgent(Agent):
    """A person. Text ends with an empty line; `/quit` ends the person's part.

    Raises:
        UsageError: on construction, when nobody could answer: standard input is captured, closed, or a worker's.
    """

    def __init__(self) -> None:
        self.name = "human"
        self.model = "human"
        _require_terminal()

    def seated(self, seat: Seat) -> Agent:
        return _Person(seat)

    async def reply(self, request: Request) -> Reply:
        raise UsageError("the human was asked before being seated")

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, "model": self.model, "provider": "human"}


class _Person(Agent):
    def __init__(self, seat: Seat) -> None:
        self.name = self.model = "human"
        self._seat = seat
        self._greeted = False

    async def reply(self, request: Request) -> Reply:
        import anyio.to_thread

        text = await anyio.to_thread.run_sync(self._ask, request, abandon_on_cancel=True)
        return Reply(text=text, model="human", usage=Usage())

    def _ask(self, request: Request) -> str:
        with _terminal:
            if not self._greeted:
                self._greeted = True
                _show(f"--- You are seat {self._seat.name} of {', '.join(self._seat.seats)} ---\n{request.system}")
            _show(f"--- turn {request.turn + 1} ---\n{request.text}")
            _show("Your answer (an empty line sends it, /quit gives up):")
            lines: list[str] = []
            for line in iter(sys.stdin.readline, ""):
                if line.strip() == "/quit":
                    raise AgentFault("the human gave up")
                if not line.strip() and lines:
                    return "\n".join(lines)
                if line.strip():
                    lines.append(line.rstrip("\n"))
            if lines:
                return "\n".join(lines)
            raise AgentFault("the human's standard input is closed")


def _show(text: str) -> None:
    print(printable(text), flush=True)


def _require_terminal() -> None:
    remedy = "Play in the terminal with `collab play FAMILY --with=partner`, or run pytest with -s and without -n."
    if "PYTEST_XDIST_WORKER" in os.environ:
        raise UsageError(f"agent 'human' cannot play in an xdist worker, which has no terminal. {remedy}")
    try:
        readable = sys.stdin is not None and sys.stdin.fileno() >= 0
    except (OSError, ValueError, AttributeError):
        readable = False
    if not readable:
        raise UsageError(f"agent 'human' cannot read from the terminal: pytest captures standard input. {remedy}")
