"""The game that the engine drives: seats work at their own pace, by tools, each in its own tree."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio

from pytest_collab.episode import text as texts
from pytest_collab.episode.agent import Desk, Reply, Seat, Tool, ToolCall, ToolResult
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.game import Ask, Game, Move, Note, Prompt
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import SandboxError, UsageError
from pytest_collab.families.coding import tools
from pytest_collab.families.coding.pool import brief, caid, published
from pytest_collab.families.coding.rules import IDLE_ANSWERS, Deal
from pytest_collab.sandbox import read_inside

if TYPE_CHECKING:
    from pytest_collab.episode.channel import Channel, Message
    from pytest_collab.families.coding.pool.brief import Means
    from pytest_collab.families.coding.workspace.bench import Bench
    from pytest_collab.families.coding.workspace.lead import Integration
    from pytest_collab.families.coding.workspace.workspace import Workspace

_WRITE: Final = 'case "$1" in */*) mkdir -p -- "${1%/*}";; esac && cat > "$1"'
_REPROACH: Final = "You called no tool. Work with the tools, and call `finish` when your work is complete."
_SECONDS_TO_WRITE: Final = 30.0

_AT_A_DESK: Final = (
    tools.PARTNER_DIFF,
    tools.INTEGRATE,
    tools.SUBMIT,
    tools.PROPOSE,
    tools.PROPOSAL,
    tools.TAKE_OVER,
)
"""What a program at its desk cannot do by itself, beside talking; its end is its `finish`."""

Handler = Callable[[str, Mapping[str, Any]], Awaitable[tuple[str, bool]]]


class CodingGame(Game):
    """One episode.

    Args:
        bench: makes the workspace, and grades what is left in it.
        prompts: as params have it: whose words seats are told.
    """

    pace = "own"

    def __init__(self, bench: Bench, deal: Deal, condition: Condition, *, prompts: str = "plain") -> None:
        self.bench = bench
        self._as_published = prompts != "plain"
        self._words: Any = published if self._as_published else brief
        if self._as_published and (deal.joining == "lead" or (prompts == "as_in_caid" and len(deal.seats) == 1)):
            self._words = caid
        self.plan = deal
        self.seats = deal.seats
        self._condition = condition
        self._channel: Channel
        self._workspace: Workspace
        self._transcript: Transcript
        self._integration: Integration | None = None
        self._answers = dict.fromkeys(self.seats, 0)
        self._idle = dict.fromkeys(self.seats, 0)
        self._done: set[str] = set()
        self._left: dict[str, anyio.Event] = {}
        self._news_of_leaving: dict[str, list[str]] = {seat: [] for seat in self.seats}
        self._handlers: dict[str, Handler] = {
            "run": self._run,
            "read_file": self._read_file,
            "write_file": self._write_file,
            "edit_file": self._edit_file,
            "apply_patch": self._apply_patch,
            "send_message": self._send,
            "receive_messages": self._receive,
            "partner_diff": self._partner_diff,
            "integrate": self._integrate,
            "finish": self._finish,
        }

    # What seats are told.

    def brief(self, seat: str) -> str:
        return self._standing(seat, brief.TOOLS)

    def brief_at_desk(self, seat: str) -> str:
        return self._standing(seat, brief.DESK)

    def _standing(self, seat: str, means: Means) -> str:
        bench, condition = self.bench, self._condition
        told: str = self._words.standing(seat, self.plan, condition, bench.pool.language, bench.how_to_test, means)
        return told

    def _assignment(self, seat: str) -> str:
        told: str = self._words.assignment(seat, self.plan, self.bench.descriptions, self._condition)
        return told

    def mates(self, seat: str) -> tuple[str, ...]:
        """Who is in the seat's team beside it."""
        return tuple(other for other in self.seats if other != seat)

    @property
    def others_work(self) -> bool:
        """Whether others may be at work while a seat waits for messages."""
        return self._condition.kind != "sequential"

    def ask(self) -> Ask | None:
        waiting = tuple(seat for seat in self.seats if seat not in self._done)
        return Ask(waiting, "work") if waiting else None

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        parts = []
        if self._answers[seat] == 0:
            parts.append(self._assignment(seat))
        elif self._idle[seat]:
            parts.append(_REPROACH)
        heard = [(message.sender, message.text) for message in inbox]
        untold = self._as_published and self.plan.joining == "merge"  # who has finished
        parts.append(brief.news(heard, () if untold else self._news_of_leaving[seat]))
        return Prompt(
            "\n\n".join(part for part in parts if part),
            view={
                "features": list(self.plan.features[seat]),
                "seats": list(self.seats),
                "answers": self._answers[seat],
                "finished": [other for other in self.seats if other in self._done],
            },
            tools=self.tools(seat),
        )

    def tools(self, seat: str) -> tuple[Tool, ...]:
        """The tools that the seat has."""
        offered = [tools.RUN, tools.READ_FILE, tools.WRITE_FILE, tools.EDIT_FILE, tools.APPLY_PATCH]
        if len(self.seats) > 1 and not (self._as_published and self._condition.muted):
            offered += [tools.SEND, tools.RECEIVE]
        if self.plan.watched and len(self.seats) > 1:
            offered.append(tools.PARTNER_DIFF)
        led = self.plan.joining == "lead"
        if led and seat == self.seats[0]:
            offered.append(tools.INTEGRATE)
        return (*offered, tools.SUBMIT if led and seat != self.seats[0] else tools.FINISH)

    def parse(self, seat: str, reply: Reply) -> Move:
        names = [call.name for call in reply.tool_calls]
        cut = "the answer was cut off at its length limit" if reply.stop == "length" else None
        return Move(action={"tools": names} if names else None, malformed=cut)

    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        notes = []
        for seat, move in moves.items():
            self._answers[seat] += 1
            self._news_of_leaving[seat].clear()
            self._idle[seat] = 0 if move.action is not None else self._idle[seat] + 1
            if self._idle[seat] >= IDLE_ANSWERS:
                self._done.add(seat)
                notes.append(Note("state", {"finished": "idle"}, seat))
        return notes

    def finished(self, seat: str) -> bool:
        return seat in self._done

    def solution(self) -> Any:
        return self.bench.solution(self.plan)

    # The world outside.

    def connect(self, channel: Channel) -> None:
        self._channel = channel

    async def open(self, transcript: Transcript) -> None:
        from pytest_collab.families.coding.workspace.lead import Integration

        self._transcript = transcript
        self._left = {seat: anyio.Event() for seat in self.seats}
        self._workspace = await self.bench.open(self.plan, transcript)
        if self.plan.joining == "lead":
            self._integration = Integration(self._workspace, self.seats)

    async def begin(self, seat: str) -> None:
        if self._condition.kind != "sequential" or seat == self.seats[0]:
            return
        before = self.seats[self.seats.index(seat) - 1]
        await self._left[before].wait()
        work = await self._workspace.collect(before)
        await self._workspace.start_from(seat, work.commit)

    async def leave(self, seat: str) -> None:
        self._done.add(seat)
        for other in self.mates(seat):
            self._news_of_leaving[other].append(seat)
        self._left[seat].set()
        if self._integration is not None:
            await self._integration.leave(seat)

    async def call(self, seat: str, call: ToolCall) -> ToolResult:
        tool = next((tool for tool in self.tools(seat) if tool.name == call.name), None)
        if tool is None:
            names = ", ".join(tool.name for tool in self.tools(seat))
            return ToolResult(call.id, f"there is no tool {call.name!r}; tools are {names}", is_error=True)
        why = tools.complaint(tool, call)
        if why:
            return ToolResult(call.id, why, is_error=True)
        arguments = tools.arguments(tool, call)
        said, failed = await self._handlers[call.name](seat, arguments)
        return ToolResult(call.id, texts.bounded(texts.valid(said), tools.RESULT_LIMIT), is_error=failed)

    async def desk(self, seat: Seat) -> Desk:
        name = seat.name

        async def run(
            argv: Sequence[str] | str,
            timeout: float = tools.COMMAND_SECONDS,
            *,
            stdin: bytes = b"",
            cwd: str | None = None,
            env: Mapping[str, str] | None = None,
        ) -> tuple[int | None, str]:
            done = await self._workspace.run(name, argv, timeout=timeout, stdin=stdin, cwd=cwd, env=env)
            return done.exit_code, done.stdout + done.stderr

        async def send(to: str | None, text: str) -> str:
            return self._deliver(name, to, text)

        async def receive() -> tuple[Message, ...]:
            return self._channel.collect(name)

        return Desk(
            seat,
            f"{self.brief_at_desk(name)}\n\n{self._assignment(name)}",
            self._workspace.tree(name),
            run,
            send,
            receive,
            {**self.bench.host_environment(), **self._workspace.git_on_the_host(name)},
            tuple(tool for tool in self.tools(name) if tool in _AT_A_DESK),
            partial(self.call, name),
            self._workspace.inside(name),
        )

    async def close(self, transcript: Transcript) -> None:
        workspace: Workspace | None = getattr(self, "_workspace", None)
        if workspace is None:
            return
        try:
            if transcript.last("error") is None:
                integrated = None if self._integration is None else self._integration.integrated
                await self.bench.grade(workspace, self.plan, integrated, transcript)
        finally:
            await workspace.close()

    # Tools.

    async def _run(self, seat: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        seconds = float(arguments.get("timeout", tools.COMMAND_SECONDS))
        try:
            done = await self._workspace.run(seat, arguments["command"], timeout=seconds)
        except UsageError as error:
            return str(error), True
        parts = [texts.printable(part).rstrip("\n") for part in (done.stdout, done.stderr) if part.strip()]
        said = texts.bounded("\n".join(parts), tools.RESULT_LIMIT - 200)
        if done.timed_out:
            ending = f"[killed after {seconds:g} s]"
        elif done.killed_by:
            ending = f"[killed: over its limit of {done.killed_by}]"
        else:
            ending = f"[exit status {done.exit_code}]"
        return f"{said}\n{ending}".lstrip("\n"), False

    async def _read_file(self, seat: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        content, failed = self._content(seat, arguments["path"])
        if failed:
            return content, True
        lines = content.splitlines(keepends=True)
        first, last = int(arguments.get("first", 1)), int(arguments.get("last", len(lines)))
        if lines and first > len(lines):
            return f"{arguments['path']} has {len(lines)} lines", True
        return "".join(lines[first - 1 : last]) or "(empty)", False

    async def _write_file(self, seat: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        return await self._write(seat, arguments["path"], arguments["content"])

    async def _edit_file(self, seat: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        content, failed = self._content(seat, arguments["path"])
        if failed:
            return content, True
        count = content.count(arguments["old"]) if arguments["old"] else 0
        if count != 1:
            found = "does not occur" if not count else f"occurs {count} times"
            return f"nothing was changed: the old text {found} in {arguments['path']}; it must occur once", True
        return await self._write(seat, arguments["path"], content.replace(arguments["old"], arguments["new"]))

    async def _apply_patch(self, seat: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        patch = arguments["patch"] if arguments["patch"].endswith("\n") else arguments["patch"] + "\n"
        data = patch.encode(errors="surrogateescape")
        done = await self._workspace.git(seat, "apply", "--whitespace=nowarn", "--recount", "-", stdin=data)
        if done.ok:
            return "applied", False
        return f"nothing was changed: {texts.printable(done.stderr, 2000).strip()}", True

    def _content(self, seat: str, path: str) -> tuple[str, bool]:
        try:
            raw = read_inside(self._workspace.tree(seat), path.removeprefix("./"), limit=tools.FILE_LIMIT)
            return raw.decode(), False
        except SandboxError as error:
            return str(error).replace(f" in {self._workspace.tree(seat)}", ""), True
        except UnicodeDecodeError:
            return f"{path} is not UTF-8 text", True

    async def _write(self, seat: str, path: str, content: str) -> tuple[str, bool]:
        path = path.removeprefix("./")
        if path.startswith("/") or ".." in path.split("/") or "\0" in path or not path.strip("/"):
            return f"{path!r} is no path inside the repository", True
        data = texts.valid(content).encode()
        done = await self._workspace.run(
            seat, ["/bin/sh", "-c", _WRITE, "sh", path], stdin=data, timeout=_SECONDS_TO_WRITE
        )
        if not done.ok:
            return f"{path} was not written: {texts.printable(done.stderr, 500).strip() or done.killed_by}", True
        return f"wrote {len(data)} bytes to {path}", False

    async def _send(self, seat: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        said = self._deliver(seat, arguments.get("to"), arguments["text"])
        return said, "not delivered" in said and "delivered to" not in said

    def _deliver(self, seat: str, to: str | None, text: str) -> str:
        to = to.strip().strip("'\"") if to else None
        mates = self.mates(seat)
        fate = self._channel.send(seat, text, mates if not to or to in ("all", "everybody") else (to,))
        reached = [name for name, what in fate.items() if what == "delivered"]
        parts = [f"delivered to {', '.join(reached)}"] if reached else []
        for name, what in fate.items():
            if what != "delivered":
                parts.append(f"not delivered to {name}: {_FATES.get(what, what)}")
        if "nobody" in fate.values():
            parts.append(f"teammates are {', '.join(mates)}")
        return "; ".join(parts) or "not delivered: you have no teammates"

    async def _receive(self, seat: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        if self.others_work:  # else there is nothing to wait for
            with anyio.move_on_after(float(arguments.get("wait", 0))):
                await self._news(seat)
        inbox = self._channel.collect(seat)
        if inbox:
            self._transcript.add("state", seat, received=[message.seq for message in inbox])
            return brief.news([(message.sender, message.text) for message in inbox], ()), False
        if all(self._channel.gone(other) for other in self.mates(seat)):
            return "(no messages, and nobody is left who could send one)", False
        return "(no messages)", False

    async def _news(self, seat: str) -> None:
        """Returns when a message waits for the seat, or when nobody is left to write one."""
        await self._channel.wait(seat)

    async def _partner_diff(self, seat: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        others = self.mates(seat)
        named = arguments.get("seat", others[0] if len(others) == 1 else "")
        if named not in others:
            return f"name one of your teammates: {', '.join(others)}", True
        return await self._workspace.diff(named, tools.RESULT_LIMIT - 200) or "(no changes yet)", False

    async def _integrate(self, seat: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        assert self._integration is not None
        return await self._integration.integrate(arguments["seat"], float(arguments.get("wait", 0)), self._transcript)

    async def _finish(self, seat: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        if self._integration is not None and seat != self.seats[0]:
            said, accepted = await self._integration.hand_in(seat)
            if not accepted:
                return said, True
        self._done.add(seat)
        self._transcript.add(
            "state", seat, finished="said so", summary=texts.bounded(arguments.get("summary", ""), 2000)
        )
        return "finished", False


_FATES: Final = {
    "left": "it has finished and reads nothing any more",
    "mute": "messages are not delivered in this episode",
    "nobody": "there is no such teammate",
    "self": "that is you",
    "flood": "too many messages in one turn",
    "empty": "there is no text",
}
