"""Our side of the Agent Client Protocol: what an agent may ask of the one who seated it.

Permissions are answered by policy, files and terminals are the seat's own, and what the agent tells of its work goes
into the transcript. https://agentclientprotocol.com
"""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import acp
from acp import schema

from pytest_collab.agents.secrets import redact
from pytest_collab.episode.agent import Desk
from pytest_collab.episode.text import bounded
from pytest_collab.errors import CollabError
from pytest_collab.sandbox import read_inside

Policy = Literal["allow", "read", "reject"]

FILE_LIMIT: Final = 2 * 1024 * 1024
TERMINAL_SECONDS: Final = 1800.0
OUTPUT_LIMIT: Final = 64 * 1024
_LOOKING: Final = frozenset({"read", "search", "think"})
_WRITE: Final = 'case "$1" in */*) mkdir -p -- "${1%/*}";; esac && cat > "$1"'
_ENDED: Final = ("completed", "failed")


@dataclass(slots=True)
class Heard:
    """What an agent said in one prompt turn.

    Attributes:
        text: since its last tool call, which is its answer.
        before: what it said before that.
        acted: it began a tool call, so that the same prompt cannot be put to it again.
    """

    text: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    acted: bool = False

    @property
    def answer(self) -> str:
        """Its answer; where it said nothing after its last tool call, all that it said."""
        return "".join(self.text).strip() or "".join(self.before).strip()


@dataclass(slots=True)
class _Terminal:
    """A command in the seat's sandbox. What it prints is known when it has ended."""

    task: asyncio.Task[tuple[int | None, str]]
    limit: int
    killed: bool = False

    def output(self) -> tuple[str, bool]:
        done = self.task.done() and not self.task.cancelled() and self.task.exception() is None
        text = self.task.result()[1] if done else ""
        cut = len(text.encode()) > self.limit
        return (text.encode()[-self.limit :].decode(errors="ignore") if cut else text), cut

    def status(self) -> schema.TerminalExitStatus | None:
        if not self.task.done():
            return None
        if self.killed or self.task.cancelled():
            return schema.TerminalExitStatus(signal="SIGKILL")
        if self.task.exception() is not None:
            return schema.TerminalExitStatus(exit_code=126)
        code = self.task.result()[0]
        if code is None:
            return schema.TerminalExitStatus(signal="SIGKILL")
        return schema.TerminalExitStatus(exit_code=code)


class Client:
    """The client of one session.

    Args:
        note: writes into the transcript what the agent does.
        policy: what it may do without asking anybody: everything, look, or nothing.
        desk: where it works; None in games of text, where it has no files and no terminals of the seat's.
    """

    def __init__(self, note: Callable[..., None], policy: Policy, desk: Desk | None) -> None:
        self._note = note
        self._policy = policy
        self._desk = desk
        self._terminals: dict[str, _Terminal] = {}
        self._calls: dict[str, dict[str, Any]] = {}
        self.heard = Heard()
        self.cost_usd: float | None = None

    @property
    def capabilities(self) -> schema.ClientCapabilities:
        """What the agent is told that it may ask for."""
        at_desk = self._desk is not None
        files = schema.FileSystemCapabilities(read_text_file=at_desk, write_text_file=at_desk)
        return schema.ClientCapabilities(fs=files, terminal=at_desk)

    def on_connect(self, conn: Any) -> None:
        """Nothing to do: the connection is ours to begin with."""

    async def close(self) -> None:
        """End the commands that are still under way."""
        for terminal in self._terminals.values():
            terminal.task.cancel()
        await asyncio.gather(*(terminal.task for terminal in self._terminals.values()), return_exceptions=True)
        self._terminals.clear()

    # What the agent tells.

    async def session_update(self, session_id: str, update: Any, **kwargs: Any) -> None:
        """Take what the agent says, and write down what it does."""
        match update:
            case schema.AgentMessageChunk():
                self.heard.text.append(_text(update.content))
            case schema.AgentThoughtChunk():
                self.heard.thoughts.append(_text(update.content))
            case schema.ToolCallStart() | schema.ToolCallProgress():
                self._tool_call(update)
            case schema.AgentPlanUpdate():
                entries = [{"what": entry.content, "status": entry.status} for entry in update.entries]
                self._note("plan", entries=entries)
            case schema.UsageUpdate():
                if update.cost is not None and update.cost.currency.upper() == "USD":
                    self.cost_usd = update.cost.amount

    def _tool_call(self, update: schema.ToolCallStart | schema.ToolCallProgress) -> None:
        """A tool call is written down when it begins, with what is known, and again when it has ended."""
        known = self._calls.setdefault(update.tool_call_id, {"status": None})
        before = known["status"]
        for key in ("title", "kind", "status", "raw_input"):
            value = getattr(update, key, None)
            if value not in (None, {}, ""):
                known[key] = value
        self.heard.acted = True
        if isinstance(update, schema.ToolCallStart) or (known["status"] in _ENDED and before not in _ENDED):
            self.heard.before += self.heard.text
            self.heard.text = []
        if before in _ENDED or known.get("noted") == known["status"]:
            return
        if known["status"] in (None, "pending") and not isinstance(update, schema.ToolCallStart):
            return
        known["noted"] = known["status"]
        result = _contents(update) if known["status"] in _ENDED else ""
        self._note(
            "tool_call",
            id=update.tool_call_id,
            title=redact(str(known.get("title", ""))),
            tool=str(known.get("kind") or "other"),
            status=known["status"] or "pending",
            **({"input": _data(known["raw_input"])} if "raw_input" in known else {}),
            **({"result": redact(bounded(result, OUTPUT_LIMIT))} if result else {}),
        )

    # What the agent asks for.

    async def request_permission(
        self, session_id: str, tool_call: Any, options: Sequence[Any], **kwargs: Any
    ) -> schema.RequestPermissionResponse:
        """Answer by policy, with the option that is narrowest: once rather than always."""
        known = self._calls.get(tool_call.tool_call_id, {})
        kind = tool_call.kind or known.get("kind") or "other"
        allowed = self._policy == "allow" or (self._policy == "read" and kind in _LOOKING)
        wanted = ("allow_once", "allow_always") if allowed else ("reject_once", "reject_always")
        chosen = next((option for want in wanted for option in options if option.kind == want), None)
        title = tool_call.title or known.get("title") or ""
        self._note("permission", title=redact(str(title)), tool=kind, granted=allowed and chosen is not None)
        if chosen is None:
            return schema.RequestPermissionResponse(outcome=schema.DeniedOutcome(outcome="cancelled"))
        outcome = schema.AllowedOutcome(outcome="selected", option_id=chosen.option_id)
        return schema.RequestPermissionResponse(outcome=outcome)

    async def read_text_file(
        self, session_id: str, path: str, line: int | None = None, limit: int | None = None, **kwargs: Any
    ) -> schema.ReadTextFileResponse:
        """A file of the seat's tree; links out of it are not followed."""
        desk, relative = self._place(path)
        try:
            content = read_inside(desk.folder, relative, limit=FILE_LIMIT).decode(errors="replace")
        except CollabError as error:
            raise acp.RequestError(-32002, str(error)) from None
        if line is not None or limit is not None:
            first = max((line or 1) - 1, 0)
            last = None if limit is None else first + limit
            content = "".join(content.splitlines(keepends=True)[first:last])
        return schema.ReadTextFileResponse(content=content)

    async def write_text_file(
        self, session_id: str, path: str, content: str, **kwargs: Any
    ) -> schema.WriteTextFileResponse:
        """Write a file of the seat's tree, from inside its sandbox."""
        desk, relative = self._place(path)
        if self._policy != "allow":
            raise acp.RequestError(-32000, "writing files is not permitted here")
        argv = ["/bin/sh", "-c", _WRITE, "sh", relative]
        code, said = await desk.run(argv, timeout=60, stdin=content.encode(errors="replace"))
        if code != 0:
            raise acp.RequestError(-32603, f"{relative} was not written: {said.strip()[:300]}")
        return schema.WriteTextFileResponse()

    async def create_terminal(
        self,
        session_id: str,
        command: str,
        args: Sequence[str] | None = None,
        env: Sequence[Any] | None = None,
        cwd: str | None = None,
        output_byte_limit: int | None = None,
        **kwargs: Any,
    ) -> schema.CreateTerminalResponse:
        """Start a command in the seat's sandbox; paths of the tree are turned into those of the sandbox."""
        desk = self._at_desk()
        if self._policy != "allow":
            raise acp.RequestError(-32000, "running commands is not permitted here")
        line = " ".join([command, *(shlex.quote(arg) for arg in args or ())])
        inside = {item.name: self._inside(item.value) for item in env or ()}
        place = self._inside(cwd) if cwd else None
        run = desk.run(self._inside(line), timeout=TERMINAL_SECONDS, cwd=place, env=inside)
        name = f"terminal-{len(self._terminals) + 1}"
        task: asyncio.Task[tuple[int | None, str]] = asyncio.ensure_future(run)
        self._terminals[name] = _Terminal(task, min(output_byte_limit or OUTPUT_LIMIT, OUTPUT_LIMIT))
        return schema.CreateTerminalResponse(terminal_id=name)

    async def terminal_output(
        self, session_id: str, terminal_id: str, **kwargs: Any
    ) -> schema.TerminalOutputResponse:
        """What the command has printed, once it has ended."""
        terminal = self._terminal(terminal_id)
        text, cut = terminal.output()
        shown = text.replace(desk.inside, str(desk.folder)) if (desk := self._at_desk()).inside else text
        return schema.TerminalOutputResponse(output=shown, truncated=cut, exit_status=terminal.status())

    async def wait_for_terminal_exit(
        self, session_id: str, terminal_id: str, **kwargs: Any
    ) -> schema.WaitForTerminalExitResponse:
        """Return when the command has ended."""
        terminal = self._terminal(terminal_id)
        with suppress(asyncio.CancelledError, CollabError):
            await asyncio.wait([terminal.task])
        status = terminal.status() or schema.TerminalExitStatus()
        return schema.WaitForTerminalExitResponse(exit_code=status.exit_code, signal=status.signal)

    async def kill_terminal(self, session_id: str, terminal_id: str, **kwargs: Any) -> schema.KillTerminalResponse:
        """End the command with everything that it started."""
        terminal = self._terminal(terminal_id)
        if not terminal.task.done():
            terminal.killed = True
            terminal.task.cancel()
        return schema.KillTerminalResponse()

    async def release_terminal(
        self, session_id: str, terminal_id: str, **kwargs: Any
    ) -> schema.ReleaseTerminalResponse:
        """Forget the command."""
        terminal = self._terminals.pop(terminal_id, None)
        if terminal is not None:
            terminal.task.cancel()
        return schema.ReleaseTerminalResponse()

    async def create_elicitation(self, message: str, mode: Any, **kwargs: Any) -> schema.DeclineElicitationResponse:
        """There is nobody to fill a form in."""
        return schema.DeclineElicitationResponse(action="decline")

    async def complete_elicitation(self, elicitation_id: str, **kwargs: Any) -> None:
        """Nothing was asked of anybody."""

    async def ext_method(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Extensions of single agents are not known here."""
        raise acp.RequestError.method_not_found(method)

    async def ext_notification(self, method: str, params: Mapping[str, Any]) -> None:
        """Extensions of single agents are not known here."""

    def _at_desk(self) -> Desk:
        if self._desk is None:
            raise acp.RequestError(-32000, "there are no files and no terminals in this game")
        return self._desk

    def _place(self, path: str) -> tuple[Desk, str]:
        """The desk, and the path relative to its tree."""
        desk = self._at_desk()
        relative = os.path.relpath(path, desk.folder) if os.path.isabs(path) else os.path.normpath(path)
        if relative.split(os.sep)[0] == ".." or relative == ".":
            raise acp.RequestError(-32602, f"{path} is not a file inside {desk.folder}")
        return desk, Path(relative).as_posix()

    def _terminal(self, terminal_id: str) -> _Terminal:
        if terminal_id not in self._terminals:
            raise acp.RequestError(-32602, f"there is no terminal {terminal_id!r}")
        return self._terminals[terminal_id]

    def _inside(self, text: str) -> str:
        desk = self._at_desk()
        return text.replace(str(desk.folder), desk.inside) if desk.inside else text


def _text(content: Any) -> str:
    return str(content.text) if isinstance(content, schema.TextContentBlock) else ""


def _contents(update: Any) -> str:
    """The text of what a tool call gave back."""
    parts = []
    for part in update.content or ():
        if isinstance(part, schema.ContentToolCallContent):
            parts.append(_text(part.content))
        elif isinstance(part, schema.FileEditToolCallContent):
            parts.append(f"changed {part.path}")
    return "\n".join(part for part in parts if part)


def _data(value: Any) -> Any:
    """JSON-ready and bounded, for the transcript."""
    if isinstance(value, Mapping):
        return {str(key): _data(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_data(inner) for inner in value]
    return redact(bounded(value, 4096)) if isinstance(value, str) else value
