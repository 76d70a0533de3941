"""The telephone of a program that works at its own pace.

Its programs are `collab-send`, `collab-recv`, `collab-agents`, `collab-run`, and one for each further thing that the
seat can do at its desk (`collab-integrate`, `collab-finish`, ...); `collab-mcp` is the same as an MCP server. Each
carries the way to its own desk, so that it works with whatever environment it is started.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Final, Self

from pytest_collab.episode.agent import Desk, Tool, ToolCall
from pytest_collab.episode.text import bounded, printable

LONGEST_WAIT_S: Final = 600.0
LONGEST_RUN_S: Final = 1800.0
POLL_S: Final = 0.1
OUTPUT_LIMIT: Final = 32 * 1024
"""Characters of one answer of `collab-run`; the middle of a longer one is left out."""

_CLIENT: Final = Path(__file__).with_name("phone_client.py")
_PACKAGE_ROOT: Final = Path(__file__).parents[2]
_BUILT_IN: Final = ("send", "recv", "agents", "run")


class Phone:
    """A unix socket that belongs to one desk, and the programs that speak to it.

    Attributes:
        env: what a program needs to find them (PATH included).
        used: whether a message was sent, or one was taken, or something else was done that others can see.
    """

    def __init__(self, desk: Desk, folder: Path) -> None:
        self._desk = desk
        self._folder = folder
        self._socket = folder / "phone.sock"
        self._calls: set[asyncio.Task[Any]] = set()
        self.used = False
        seat = desk.seat
        path = desk.env.get("PATH", os.environ.get("PATH", os.defpath))
        self.env = {
            "PATH": f"{folder / 'bin'}{os.pathsep}{path}",
            "COLLAB_SOCKET": str(self._socket),
            "COLLAB_SEAT": seat.name,
            "COLLAB_SEATS": " ".join(seat.seats),
        }

    @staticmethod
    def explain(desk: Desk, *, mcp: bool = False) -> str:
        """What to tell the one at the desk of these programs.

        Args:
            mcp: it has the MCP server, too.
        """
        lines = ["On your PATH there are programs for what your own tools cannot do:"]
        lines.append(
            "- `collab-run [--timeout SECONDS] 'COMMAND LINE'` runs a command in the sandbox of this task, at the "
            "root of your tree: there the project's own tools are installed, and there is no network. Tests are "
            "judged in there, so run them there. Example: collab-run 'git status --short'"
        )
        if _talks(desk):
            other = next(name for name in desk.seat.seats if name != desk.seat.name)
            lines += [
                "- `collab-send [--to SEAT] TEXT` sends a message and prints what became of it. "
                f"Example: collab-send --to {other} 'I change only the first function of the module'",
                "- `collab-recv [--wait SECONDS]` prints what has come in. Nothing else shows you messages: look "
                "before you begin, from time to time, and before you end. Example: collab-recv --wait 30",
                "- `collab-agents` prints who you are and who your teammates are.",
            ]
        lines += [f"- `{_usage(tool)}`: {tool.description}" for tool in desk.tools]
        if mcp and find_spec("mcp") is not None:
            lines.append(
                "The same is offered by the MCP server `collab`: "
                + ", ".join(f"`{name}`" for name in (*_mcp_names(desk), *(tool.name for tool in desk.tools)))
                + "."
            )
        lines.append(
            "Nobody answers questions on the terminal. Your job is over, and your work is taken, when you end."
        )
        return "\n".join(lines)

    @staticmethod
    def mcp_config(folder: Path) -> dict[str, Any]:
        """The MCP server, as Claude Code's `--mcp-config` and most other clients write it down."""
        return {"mcpServers": {"collab": {"command": str(folder / "bin" / "collab-mcp"), "args": []}}}

    @property
    def mcp_command(self) -> str | None:
        """The program that is the MCP server; None where the extra `mcp` is not installed."""
        return str(self._folder / "bin" / "collab-mcp") if find_spec("mcp") is not None else None

    async def __aenter__(self) -> Self:
        programs = self._folder / "bin"
        programs.mkdir()
        python = shlex.quote(sys.executable)
        where = f"COLLAB_SOCKET={shlex.quote(str(self._socket))}"
        for name in (*_BUILT_IN, *(_program_name(tool) for tool in self._desk.tools)):
            # -I -S: nothing but the standard library, so that a call takes milliseconds and sees no project's modules
            client = f"{where} exec {python} -I -S {shlex.quote(str(_CLIENT))} {name}"
            _program(programs / f"collab-{name}", f'{client} "$@"')
        root = shlex.quote(str(_PACKAGE_ROOT))
        mcp = f"{where} PYTHONPATH={root} exec {python} -m pytest_collab.agents.phone_mcp"
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
                self.used = True
                return {"text": await self._desk.send(to, str(request.get("text", "")))}
            case "recv":
                messages = await self._receive(min(float(request.get("wait") or 0), LONGEST_WAIT_S))
                self.used = self.used or bool(messages)
                return {"messages": messages}
            case "agents":
                return {"seat": seat.name, "teammates": [name for name in seat.seats if name != seat.name]}
            case "run":
                return await self._run(str(request.get("line", "")), float(request.get("timeout") or 300))
            case "tools":
                tools = [{"name": t.name, "description": t.description, **t.parameters} for t in self._desk.tools]
                return {"tools": tools, "talks": _talks(self._desk)}
            case unknown:
                return await self._use(str(unknown), request)

    async def _run(self, line: str, timeout: float) -> dict[str, Any]:
        if not line.strip():
            return {"error": "there is no command line to run"}
        seconds = min(max(timeout, 1.0), LONGEST_RUN_S)
        code, output = await self._desk.run(line, timeout=seconds)
        ended = (
            "" if code == 0 else f"\n[exit status {code}]" if code is not None else f"\n[killed after {seconds:g} s]"
        )
        return {"text": bounded(printable(str(output)), OUTPUT_LIMIT).rstrip("\n") + ended, "status": code}

    async def _use(self, name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        tool = next((tool for tool in self._desk.tools if name in (tool.name, _program_name(tool))), None)
        if tool is None or self._desk.call is None:
            return {"error": f"the telephone cannot {name!r}"}
        words = request.get("words")
        try:
            arguments = dict(request.get("arguments") or {}) if words is None else _arguments(tool, words)
        except ValueError as error:
            return {"error": f"{error}; write: {_usage(tool)}"}
        self.used = True
        result = await self._desk.call(ToolCall("phone", tool.name, arguments))
        return {"error" if result.is_error else "text": result.text}

    async def _receive(self, wait_s: float) -> list[dict[str, str]]:
        until = monotonic() + wait_s
        while True:
            messages = await self._desk.receive()
            if messages or monotonic() >= until:
                return [{"from": message.sender, "text": message.text} for message in messages]
            await asyncio.sleep(POLL_S)


def _talks(desk: Desk) -> bool:
    return len(desk.seat.seats) > 1 and not desk.seat.condition.muted


def _mcp_names(desk: Desk) -> tuple[str, ...]:
    talking = ("send_message", "receive_messages", "list_agents") if _talks(desk) else ()
    return (*talking, "run_command")


def _program_name(tool: Tool) -> str:
    return tool.name.replace("_", "-")


def _usage(tool: Tool) -> str:
    required = tool.parameters.get("required", ())
    words = [f"collab-{_program_name(tool)}"]
    for name in tool.parameters.get("properties", {}):
        words.append(name.upper() if name in required else f"[--{name} {name.upper()}]")
    return " ".join(words)


def _arguments(tool: Tool, words: Sequence[str]) -> dict[str, Any]:
    """`--name VALUE`, and what stands alone, in the order of the tool's arguments.

    Raises:
        ValueError: there is no such argument, or a value is missing or no number.
    """
    properties: Mapping[str, Any] = tool.parameters.get("properties", {})
    found: dict[str, Any] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, given, value = word.removeprefix("--").partition("=")
        if word.startswith("--") and name in properties:
            if not given and not rest:
                raise ValueError(f"--{name} needs a value")
            found[name] = value if given else rest.pop(0)
            continue
        free = [name for name in properties if name not in found]
        if not free:
            raise ValueError(f"{word!r} is one word too many")
        found[free[0]] = word
    for name, value in found.items():
        if properties[name].get("type") == "integer":
            try:
                found[name] = int(value)
            except ValueError:
                raise ValueError(f"{name} {value!r} is no whole number") from None
    return found


def _program(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    path.chmod(0o755)
