"""`command/NAME`: a program as an agent.

Turn by turn it speaks JSON lines: one object a line on its stdin, one a line back on its stdout. For work at one's
own pace (coding) it is started once, in its working tree, with the task on stdin and in a file, and the
telephone's programs on its PATH.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from pytest_collab.agents.phone import Phone
from pytest_collab.agents.secrets import environment, redact
from pytest_collab.agents.settings import AgentSettings
from pytest_collab.episode.agent import Agent, Desk, Reply, Request, Seat, ToolCall, Usage
from pytest_collab.episode.text import REPLY_LIMIT, bounded
from pytest_collab.errors import AgentFault, ProviderError, UsageError

LINE_LIMIT: Final = 4 * 1024 * 1024
TOLD_ABOUT_ERRORS: Final = 400
GRACE_S: Final = 2.0


class CommandAgent(Agent):
    """A program. What it answers that is not one JSON object a line, or its end, is its own failure.

    Raises:
        UsageError: on construction, when there is no such program.
    """

    def __init__(self, name: str, settings: AgentSettings) -> None:
        self.name = name
        self.model = f"command/{Path(settings.command[0]).name}"
        self.settings = settings
        self.autonomous = settings.mode == "work"
        self.context_tokens = settings.context_tokens
        environment()  # what the program may print of its environment is masked
        if shutil.which(settings.command[0]) is None:
            raise UsageError(
                f"agent {name!r}: there is no program {settings.command[0]!r} on the PATH. "
                "Install it, or correct `command` in the agents file."
            )

    def seated(self, seat: Seat) -> Agent:
        return _Seated(self, seat)

    async def reply(self, request: Request) -> Reply:
        raise UsageError(f"agent {self.name!r} was asked before it was seated")

    def describe(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "model": self.model,
            "provider": "command",
            "command": [redact(part) for part in self.settings.command],
            "mode": self.settings.mode,
        }


class _Seated(Agent):
    """The program of one seat in one episode."""

    def __init__(self, agent: CommandAgent, seat: Seat) -> None:
        self.name = agent.name
        self.model = agent.model
        self.autonomous = agent.autonomous
        self.context_tokens = agent.context_tokens
        self._settings = agent.settings
        self._seat = seat
        self._process: asyncio.subprocess.Process | None = None
        self._errors: Any = None
        self._asked = 0

    async def reply(self, request: Request) -> Reply:
        process = self._process or await self._start()
        self._asked += 1
        question = {
            "type": "ask",
            "id": self._asked,
            "turn": request.turn,
            "phase": request.phase,
            "system": request.system,
            "text": request.text,
            "inbox": [{"from": message.sender, "text": message.text} for message in request.inbox],
            "view": dict(request.view),
            "tools": [
                {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
                for tool in request.tools
            ],
            "tool_results": [
                {"id": result.id, "text": result.text, "is_error": result.is_error}
                for result in (request.conversation[-1].tool_results if request.conversation else ())
            ],
        }
        self._tell(process, question)
        assert process.stdout is not None
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:
                raise AgentFault(f"{self.name} wrote a line of more than {LINE_LIMIT} bytes") from None
            if not line:
                code = await process.wait()
                raise AgentFault(f"{self.name} ended with status {code}{self._last_words()}")
            answer = _object(line)
            if answer is None:
                shown = redact(line.decode("utf-8", "replace").strip())[:TOLD_ABOUT_ERRORS]
                raise AgentFault(f"{self.name} wrote a line that is no JSON object: {shown!r}")
            if answer.get("id", self._asked) == self._asked:  # an answer to a question given up is left out
                return _reply(answer, self.model)

    async def _start(self) -> asyncio.subprocess.Process:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `leave`
        self._process = await _spawn(
            self._settings.command,
            env={**os.environ, **self._settings.env},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._errors,
            name=self.name,
        )
        seat = self._seat
        self._tell(
            self._process,
            {
                "type": "start",
                "seat": seat.name,
                "seats": list(seat.seats),
                "family": seat.family.name,
                "condition": str(seat.condition),
                "params": seat.params.model_dump(mode="json"),
            },
        )
        return self._process

    def _tell(self, process: asyncio.subprocess.Process, message: Mapping[str, Any]) -> None:
        assert process.stdin is not None
        if not process.stdin.is_closing():
            process.stdin.write(json.dumps(message, default=str).encode("ascii") + b"\n")

    def _last_words(self) -> str:
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(size - TOLD_ABOUT_ERRORS, 0))
        said = redact(self._errors.read().decode("utf-8", "replace").strip())
        return f"; its last words on stderr: {said}" if said else ""

    async def work(self, desk: Desk) -> Reply:
        with tempfile.TemporaryDirectory(prefix="collab-desk-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            prompt = folder / "prompt.md"
            prompt.write_text(desk.prompt, encoding="utf-8")
            output = folder / "output.txt"
            usage = folder / "usage.json"
            async with Phone(desk, folder) as phone:
                env = {**os.environ, **desk.env, **self._settings.env, **phone.env}
                env |= {"COLLAB_PROMPT_FILE": str(prompt), "COLLAB_USAGE_FILE": str(usage)}
                command = [
                    part.replace("{prompt_file}", str(prompt)).replace("{prompt}", desk.prompt)
                    for part in self._settings.command
                ]
                with prompt.open("rb") as stdin, output.open("wb") as out:
                    process = await _spawn(
                        command, env=env, cwd=desk.folder, stdin=stdin, stdout=out, stderr=out, name=self.name
                    )
                    try:
                        code = await process.wait()
                    finally:
                        await _end(process)
            said = redact(output.read_text(encoding="utf-8", errors="replace"))
            text = bounded(said, REPLY_LIMIT - 100) + (f"\n[ended with status {code}]" if code else "")
            return Reply(text=text, usage=_usage_file(usage), model=self.model)

    async def leave(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            self._tell(process, {"type": "end"})
            if process.stdin is not None:
                process.stdin.close()
            await _end(process, GRACE_S)
        if self._errors is not None:
            self._errors.close()


async def _spawn(command: Any, *, name: str, **rest: Any) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(*command, start_new_session=True, limit=LINE_LIMIT, **rest)
    except OSError as error:
        why = error.strerror or error
        raise ProviderError(f"agent {name!r}: {command[0]!r} could not be started: {why}") from None


async def _end(process: asyncio.subprocess.Process, grace_s: float = 0.0) -> None:
    """See the program out, and everything it started."""
    if grace_s and process.returncode is None:
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), grace_s)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _reply(answer: Mapping[str, Any], model: str) -> Reply:
    text = answer.get("text", "")
    calls = answer.get("tool_calls", [])
    if not isinstance(text, str):
        raise AgentFault(f"`text` of the answer is {type(text).__name__}, not text")
    try:
        tool_calls = tuple(
            ToolCall(str(call.get("id", f"call_{number}")), str(call["name"]), dict(call.get("arguments", {})))
            for number, call in enumerate(calls)
        )
    except (TypeError, ValueError, KeyError, AttributeError):
        raise AgentFault("`tool_calls` of the answer is not a list of {name, arguments}") from None
    usage = answer.get("usage")
    return Reply(
        text=redact(text),
        tool_calls=tool_calls,
        stop="tool" if tool_calls else "end",
        usage=_usage(usage) if isinstance(usage, dict) else Usage(),
        model=model,
    )


def _usage(raw: Mapping[str, Any]) -> Usage:
    """What a program says it consumed; a cost that it leaves out beside tokens is not known."""

    def number(key: str) -> int:
        value = raw.get(key, 0)
        return int(value) if isinstance(value, (int, float)) and value >= 0 else 0

    cost = raw.get("cost_usd")
    known = isinstance(cost, (int, float)) and 0 <= cost < float("inf")
    return Usage(
        calls=max(number("calls"), 1),
        input_tokens=number("input_tokens"),
        output_tokens=number("output_tokens"),
        cached_tokens=number("cached_tokens"),
        cost_usd=float(cost) if known and cost is not None else None,
    )


def _usage_file(path: Path) -> Usage:
    """A coding agent calls models that we do not see: what it does not tell is not known."""
    raw = _object(path.read_bytes()) if path.is_file() else None
    return _usage(raw) if raw is not None else Usage(cost_usd=None)
