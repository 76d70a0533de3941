"""`command/NAME`: a program as an agent.

Turn by turn it speaks JSON lines: one object a line on its stdin, one a line back on its stdout. For work at one's
own pace (coding) it is started once, in its working tree (`agents/job.py`).
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import anyio

from pytest_collab.agents import job, printed, program
from pytest_collab.agents.program import LINE_LIMIT, TEMPFAIL
from pytest_collab.agents.retry import pause
from pytest_collab.agents.secrets import environment, redact
from pytest_collab.agents.settings import AgentSettings
from pytest_collab.episode.agent import Agent, Casting, Desk, Reply, Request, Seat, ToolCall, Usage
from pytest_collab.episode.limits import excused, give_back
from pytest_collab.episode.text import counted
from pytest_collab.errors import AgentFault, ProviderError, UsageError

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
        self.settings = settings.model_copy(update={"command": program.located(settings.command)})
        self.autonomous = settings.mode == "work"
        self.context_tokens = settings.context_tokens
        environment()  # what the program may print of its environment is masked
        if shutil.which(settings.command[0]) is None:
            raise UsageError(
                f"agent {name!r}: there is no program {settings.command[0]!r} on the PATH. "
                "Install it, or correct `command` in the agents file."
            )

    def refuses(self, family: Casting) -> str | None:
        if not self.autonomous or family.desks:
            return None
        return (
            f"agent {self.name!r} works at its own pace (mode: work), and family {family.name!r} asks its seats turn "
            "by turn. Seat it in coding tasks, or give it a program with mode: turns."
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


class _NotMe(Exception):
    """The program says that something outside it failed, and that another try may do.

    Attributes:
        gone: it ended, and what it knew is gone with it.
    """

    def __init__(self, told: str, *, gone: bool) -> None:
        super().__init__(told)
        self.gone = gone


class _Seated(Agent):
    """The program of one seat in one episode."""

    def __init__(self, agent: CommandAgent, seat: Seat) -> None:
        self.name = agent.name
        self.model = agent.model
        self.autonomous = agent.autonomous
        self.context_tokens = agent.context_tokens
        self._settings = agent.settings
        self._seat = seat
        self._misplaced = agent.refuses(seat.family)
        self._process: asyncio.subprocess.Process | None = None
        self._errors: Any = None
        self._asked = 0
        self._answered = 0

    def instructions(self, desk: Desk) -> str:
        return job.told(desk, self._settings)

    async def work(self, desk: Desk) -> Reply:
        return await job.work(self.name, self.model, self._settings, desk)

    async def reply(self, request: Request) -> Reply:
        if self._misplaced is not None:
            raise UsageError(self._misplaced)
        attempt = 0
        while True:
            began = anyio.current_time()
            try:
                reply = await self._ask(request)
            except _NotMe as trouble:
                give_back(began, anyio.current_time())
                if trouble.gone and self._answered:
                    why = f"{trouble}, and what it knew of the episode is gone with it"
                elif attempt >= self._settings.max_retries:
                    why = f"{trouble} (asked {counted(attempt + 1, 'time')})"
                else:
                    attempt += 1
                    with excused():
                        await anyio.sleep(pause(attempt))
                    continue
                failed = ProviderError(f"agent {self.name!r}: {why}")
                failed.usage = Usage(calls=0, cost_usd=None, retries=attempt)  # type: ignore[attr-defined]
                raise failed from None
            self._answered += 1
            return replace(reply, usage=replace(reply.usage, retries=reply.usage.retries + attempt))

    async def _ask(self, request: Request) -> Reply:
        process = self._process or await self._start()
        self._asked += 1
        self._tell(process, _question(request, self._asked))
        assert process.stdout is not None
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:
                raise AgentFault(f"{self.name} wrote a line of more than {LINE_LIMIT} bytes") from None
            if not line:
                code = await process.wait()
                told = f"{self.name} ended with status {code}{self._last_words()}"
                if code == TEMPFAIL:
                    await self._clear()
                    raise _NotMe(told, gone=True)
                raise AgentFault(told)
            answer = _object(line)
            if answer is None:
                shown = redact(line.decode("utf-8", "replace").strip())[:TOLD_ABOUT_ERRORS]
                raise AgentFault(f"{self.name} wrote a line that is no JSON object: {shown!r}")
            if answer.get("id", self._asked) != self._asked:
                continue  # an answer to a question given up is left out
            refused = printed.refusal(answer)
            if refused is None:
                return _reply(answer, self.model)
            told = f"{self.name} says: {redact(refused.error)[:TOLD_ABOUT_ERRORS]}"
            raise _NotMe(told, gone=False) if refused.again else AgentFault(told)

    async def _start(self) -> asyncio.subprocess.Process:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `_clear`
        self._process = await program.spawn(
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

    async def leave(self) -> None:
        await self._clear(GRACE_S)

    async def _clear(self, grace_s: float = 0.0) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            self._tell(process, {"type": "end"})
            if process.stdin is not None:
                process.stdin.close()
            await program.end(process, grace_s)
        if self._errors is not None:
            self._errors.close()
            self._errors = None


def _question(request: Request, number: int) -> dict[str, Any]:
    return {
        "type": "ask",
        "id": number,
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
        usage=printed.usage(usage) if isinstance(usage, dict) else Usage(cost_usd=None),
        model=model,
    )
