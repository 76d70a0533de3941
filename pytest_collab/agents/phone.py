"""The telephone of a program that works at its own pace.

Its programs are `collab-send`, `collab-recv` and `collab-agents`; `collab-mcp` is the same as an MCP server.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Final, Self

from pytest_collab.episode.agent import Desk

LONGEST_WAIT_S: Final = 600.0
POLL_S: Final = 0.1

_CLIENT: Final = Path(__file__).with_name("phone_client.py")
_PACKAGE_ROOT: Final = Path(__file__).parents[2]


class Phone:
    """A unix socket that belongs to one desk, and the programs that speak to it.

    Attributes:
        env: what a program needs to find them (PATH included).
    """

    def __init__(self, desk: Desk, folder: Path) -> None:
        self._desk = desk
        self._folder = folder
        self._socket = folder / "phone.sock"
        self._calls: set[asyncio.Task[Any]] = set()
        seat = desk.seat
        path = desk.env.get("PATH", os.environ.get("PATH", os.defpath))
        self.env = {
            "PATH": f"{folder / 'bin'}{os.pathsep}{path}",
            "COLLAB_SOCKET": str(self._socket),
            "COLLAB_SEAT": seat.name,
            "COLLAB_SEATS": " ".join(seat.seats),
        }

    async def __aenter__(self) -> Self:
        programs = self._folder / "bin"
        programs.mkdir()
        python = shlex.quote(sys.executable)
        for name in ("send", "recv", "agents"):
            # -I -S: nothing but the standard library, so that a call takes milliseconds and sees no project's modules
            _program(programs / f"collab-{name}", f'exec {python} -I -S {shlex.quote(str(_CLIENT))} {name} "$@"')
        root = shlex.quote(str(_PACKAGE_ROOT))
        mcp = f"PYTHONPATH={root} exec {python} -m pytest_collab.agents.phone_mcp"
        _program(programs / "collab-mcp", mcp)
        self._server = await asyncio.start_unix_server(self._answer, self._socket)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for call in list(self._calls):
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._calls.add(task)
        try:
            with suppress(ConnectionError, ValueError):
                request = json.loads(await reader.readline())
                writer.write(json.dumps(await self._serve(request)).encode("ascii") + b"\n")
                await writer.drain()
        finally:
            self._calls.discard(task)
            writer.close()

    async def _serve(self, request: dict[str, Any]) -> dict[str, Any]:
        seat = self._desk.seat
        match request.get("op"):
            case "send":
                to = request.get("to") or None
                others = [name for name in seat.seats if name != seat.name]
                if to is not None and to not in others:
                    return {"error": f"there is no teammate {to!r}; teammates are {', '.join(others) or 'nobody'}"}
                return {"text": await self._desk.send(to, str(request.get("text", "")))}
            case "recv":
                messages = await self._receive(min(float(request.get("wait") or 0), LONGEST_WAIT_S))
                return {"messages": messages}
            case "agents":
                return {"seat": seat.name, "teammates": [name for name in seat.seats if name != seat.name]}
            case unknown:
                return {"error": f"the telephone cannot {unknown!r}"}

    async def _receive(self, wait_s: float) -> list[dict[str, str]]:
        until = monotonic() + wait_s
        while True:
            messages = await self._desk.receive()
            if messages or monotonic() >= until:
                return [{"from": message.sender, "text": message.text} for message in messages]
            await asyncio.sleep(POLL_S)


def _program(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    path.chmod(0o755)
