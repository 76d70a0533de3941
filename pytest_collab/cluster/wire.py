"""Two processes that ask each other things over a pair of pipes: one JSON object a line."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from pytest_collab import errors
from pytest_collab.cluster.spec import Unlike
from pytest_collab.errors import CollabError, UsageError

LONGEST_LINE: Final = 1 << 30
"""Bytes. A transcript is one line here."""

Handler = Callable[[str, list[Any]], Awaitable[Any]]
"""Answers a question: its name, its arguments, all JSON-ready."""


class Gone(ConnectionError):
    """The other process has ended, or closed its pipe."""


class Failed(CollabError):
    """The other process could not answer: an exception of its own that says nothing to the user but its text."""


_KINDS: Final[Mapping[str, type[Exception]]] = {
    kind.__name__: kind for kind in (Unlike, UsageError, errors.TaskError, errors.SetupError, errors.SandboxError)
}


class Wire:
    """One end of the line.

    Args:
        handler: answers what the other end asks; each question in a task of its own.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler) -> None:
        self._reader = reader
        self._writer = writer
        self._handler = handler
        self._numbers = itertools.count()
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self.gone = False

    async def serve(self) -> None:
        """Read until the other end is gone; then everything that was asked of it raises `Gone`."""
        try:
            while line := await self._reader.readline():
                if not line.endswith(b"\n"):
                    break  # torn: the other end died while it wrote
                self._take(json.loads(line))
        except (ConnectionError, ValueError):
            pass
        finally:
            self.gone = True
            for asked in self._asked.values():
                if not asked.done():
                    asked.set_exception(Gone("the other process has ended"))

    async def ask(self, name: str, *arguments: Any) -> Any:
        """Ask the other end.

        Raises:
            Gone: it ended before it answered.
            CollabError: what it raised.
        """
        if self.gone:
            raise Gone("the other process has ended")
        number = next(self._numbers)
        asked = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            self._send({"ask": name, "with": arguments, "number": number})
            return await asked
        finally:
            del self._asked[number]

    def tell(self, name: str, *arguments: Any) -> None:
        """Tell the other end something that needs no answer; it hears in order what it is told and answered."""
        self._send({"ask": name, "with": arguments})

    def _send(self, message: dict[str, Any]) -> None:
        if not self.gone and not self._writer.is_closing():
            self._writer.write(json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n")

    def _take(self, message: dict[str, Any]) -> None:
        if "ask" in message:
            task = asyncio.ensure_future(self._answer(message))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
            return
        asked = self._asked.get(message["number"])
        if asked is None or asked.done():
            return
        try:
            asked.set_result(unpacked(message))
        except Exception as error:
            asked.set_exception(error)

    async def _answer(self, message: dict[str, Any]) -> None:
        answer = await packed(self._handler(message["ask"], message["with"]))
        if "number" in message:
            self._send({"number": message["number"], **answer})


async def packed(doing: Awaitable[Any]) -> dict[str, Any]:
    """What came of something, or the exception that it raised, as plain data."""
    try:
        return {"value": await doing}
    except Exception as error:
        told = str(error) if isinstance(error, CollabError) else f"{type(error).__name__}: {error}"
        return {"error": (type(error).__name__, told)}


def unpacked(answer: Mapping[str, Any]) -> Any:
    """The value of what was packed; raises what was raised, as `Failed` where it says nothing to the user."""
    if "error" in answer:
        kind, text = answer["error"]
        raise _KINDS.get(kind, Failed)(text)
    return answer["value"]
