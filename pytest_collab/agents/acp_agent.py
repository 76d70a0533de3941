"""`acp/NAME`: any agent that speaks the Agent Client Protocol takes a seat.

One process and one session a seat and episode. In games of text each ask is a prompt turn of the session; in coding
the whole job is one, in the seat's working tree, with the telephone as programs and as an MCP server.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, Final

import anyio
import anyio.to_thread

from pytest_collab.agents import job, printed, program
from pytest_collab.agents.phone import Phone
from pytest_collab.agents.retry import pause
from pytest_collab.agents.secrets import environment, redact
from pytest_collab.agents.settings import AgentSettings
from pytest_collab.episode.agent import Agent, Desk, Reply, Request, Seat, Usage
from pytest_collab.episode.limits import excused, give_back
from pytest_collab.episode.text import REPLY_LIMIT, bounded, counted, one_line
from pytest_collab.errors import AgentFault, ProviderError, UsageError

START_SECONDS: Final = 180.0
"""How long an agent may take to start and to open a session."""

CANCEL_SECONDS: Final = 2.0
GRACE_S: Final = 2.0
_STOPS: Final = {"max_tokens": "length", "max_turn_requests": "length", "refusal": "refusal"}
_SHOWN: Final = 400


class AcpAgent(Agent):
    """An agent behind the Agent Client Protocol.

    Raises:
        UsageError: on construction, when there is no such program, or the extra `acp` is not installed.
    """

    autonomous = True

    def __init__(self, name: str, settings: AgentSettings) -> None:
        self.name = name
        self.model = settings.model or f"acp/{Path(settings.command[0]).name}"
        self.settings = settings.model_copy(update={"command": program.located(settings.command)})
        self.context_tokens = settings.context_tokens
        environment()  # what the program may print of its environment is masked
        try:
            import acp  # noqa: F401
        except ImportError:
            raise UsageError(
                f"agent {name!r} speaks the Agent Client Protocol, which needs the extra `acp`: "
                "pip install 'pytest-collab[acp]'"
            ) from None
        if shutil.which(settings.command[0]) is None:
            raise UsageError(
                f"agent {name!r}: there is no program {settings.command[0]!r} on the PATH. "
                "Install it, or correct `command` in the agents file."
            )

    def seated(self, seat: Seat) -> Agent:
        return _Seated(self, seat)

    async def reply(self, request: Request) -> Reply:
        """One turn outside any episode, for a trial."""
        scratch = _Seated(self, None)
        try:
            return await scratch.reply(request)
        finally:
            await scratch.leave()

    def describe(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "model": self.model,
            "provider": "acp",
            "command": [redact(part) for part in self.settings.command],
            "permissions": self.settings.permissions or "by family",
        }


class _Seated(Agent):
    """The agent's process of one seat in one episode."""

    autonomous = True

    def __init__(self, agent: AcpAgent, seat: Seat | None) -> None:
        self.name = agent.name
        self.model = agent.model
        self.context_tokens = agent.context_tokens
        self._settings = agent.settings
        self._note = seat.note if seat is not None else lambda what, **data: None
        self._stack = AsyncExitStack()
        self._session: _Session | None = None
        self._heard = 0

    def instructions(self, desk: Desk) -> str:
        return f"{desk.prompt}\n\n{Phone.explain(desk, mcp=True)}"

    async def reply(self, request: Request) -> Reply:
        # The session holds what was said before. Where the game has another past in mind (it fixes what a seat
        # remembers, or old turns were left out), a new session is told that past.
        turns = len(request.conversation)
        fresh = self._session is None or turns != self._heard + 2
        if fresh:
            await self._stack.aclose()
            folder = self._stack.enter_context(
                tempfile.TemporaryDirectory(prefix="collab-acp-", ignore_cleanup_errors=True)
            )
            self._session = await self._open(Path(folder), None, None)
        assert self._session is not None
        reply = await self._session.prompt(request.opening() if fresh else request.text)
        self._heard = turns
        return reply

    async def work(self, desk: Desk) -> Reply:
        with tempfile.TemporaryDirectory(prefix="collab-desk-", ignore_cleanup_errors=True) as name:
            before = await anyio.to_thread.run_sync(job.state_of, desk.folder)
            async with Phone(desk, Path(name)) as phone:
                self._session = await self._open(desk.folder, desk, phone)
                try:
                    with anyio.move_on_after(self._settings.job_seconds) as scope:
                        return await self._session.prompt(self.instructions(desk))
                except (ProviderError, AgentFault) as error:
                    after = await anyio.to_thread.run_sync(job.state_of, desk.folder)
                    if isinstance(error, AgentFault) and after == before:
                        raise ProviderError(f"{error}; its tree is as it was") from None
                    raise
                finally:
                    with anyio.CancelScope(shield=True):
                        await self._stack.aclose()
                assert scope.cancelled_caught
                return self._session.cut(f"[ended after {self._settings.job_seconds:g} s, its time]")

    async def _open(self, folder: Path, desk: Desk | None, phone: Phone | None) -> _Session:
        session = _Session(self.name, self.model, self._settings, self._note, desk)
        self._stack.push_async_callback(session.close)
        with excused():
            await session.open(folder, phone)
        return session

    async def leave(self) -> None:
        await self._stack.aclose()


class _Session:
    """A process of the agent, and the session that it holds."""

    def __init__(self, name: str, model: str, settings: AgentSettings, note: Any, desk: Desk | None) -> None:
        from pytest_collab.agents.acp_client import Client

        self._name = name
        self._model = model
        self._settings = settings
        self._desk = desk
        policy = settings.permissions or ("reject" if desk is None else "allow")
        self._client = Client(note, policy, desk)
        self._process: asyncio.subprocess.Process | None = None
        self._connection: Any = None
        self._id = ""
        self._booked = 0.0

    async def open(self, folder: Path, phone: Phone | None) -> None:
        """Start the agent and open a session in `folder`.

        Raises:
            ProviderError: it does not start, does not speak the protocol, or wants a login.
        """
        import acp
        from acp import schema

        desk_env = {} if self._desk is None else self._desk.env
        env = {**os.environ, **desk_env, **self._settings.env, **({} if phone is None else phone.env)}
        env["PWD"] = str(folder)  # some programs believe it rather than the system
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._process = await program.spawn(
            self._settings.command,
            name=self._name,
            env=env,
            cwd=folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._errors,
        )
        client: Any = self._client
        self._connection = acp.connect_to_agent(client, self._process.stdin, self._process.stdout)
        servers = []
        if phone is not None and phone.mcp_command is not None:
            servers.append(schema.McpServerStdio(name="collab", command=phone.mcp_command, args=[], env=[]))
        try:
            with anyio.fail_after(START_SECONDS):
                await self._unless_it_ends(
                    self._connection.initialize(
                        protocol_version=acp.PROTOCOL_VERSION,
                        client_capabilities=self._client.capabilities,
                        client_info=schema.Implementation(name="pytest-collab", version="1"),
                    )
                )
                made = await self._unless_it_ends(self._connection.new_session(cwd=str(folder), mcp_servers=servers))
        except TimeoutError:
            raise ProviderError(f"{self._who} opened no session within {START_SECONDS:g} s{self._last()}") from None
        except (acp.RequestError, AgentFault, ConnectionError, ValueError) as error:
            last = "" if isinstance(error, AgentFault) else self._last()
            raise ProviderError(f"{self._who} opened no session: {_said(error)}{last}") from None
        self._id = made.session_id

    async def prompt(self, text: str) -> Reply:
        """One prompt turn.

        Raises:
            ProviderError: the agent answers with an error in place of a turn, after all retries.
            AgentFault: the agent ended in the middle of it.
        """
        import acp

        from pytest_collab.agents.acp_client import Heard

        attempt = 0
        while True:
            self._client.heard = Heard()
            began = anyio.current_time()
            try:
                ended = await self._unless_it_ends(
                    self._connection.prompt(session_id=self._id, prompt=[acp.text_block(text)])
                )
                return self._reply(ended, attempt)
            except acp.RequestError as error:
                give_back(began, anyio.current_time())
                said = _said(error)
                if attempt < self._settings.max_retries and printed.passing(said) and not self._client.heard.acted:
                    attempt += 1
                    with excused():
                        await anyio.sleep(pause(attempt))
                    continue
                times = f" (asked {counted(attempt + 1, 'time')})" if attempt else ""
                failed = ProviderError(f"{self._who} answered with an error: {said}{times}")
                failed.usage = Usage(cost_usd=None, retries=attempt)  # type: ignore[attr-defined]
                raise failed from None
            except anyio.get_cancelled_exc_class() as error:
                error.usage = Usage(cost_usd=None)  # type: ignore[attr-defined]
                error.said = redact(self._client.heard.answer)  # type: ignore[attr-defined]
                with anyio.CancelScope(shield=True), anyio.move_on_after(CANCEL_SECONDS), suppress(Exception):
                    await self._connection.cancel(session_id=self._id)
                raise

    def cut(self, why: str) -> Reply:
        """What came of a turn that was ended from outside."""
        text = redact(bounded(self._client.heard.answer, REPLY_LIMIT - 100))
        return Reply(f"{text}\n{why}".lstrip(), usage=Usage(cost_usd=None), model=self._model)

    def _reply(self, ended: Any, retries: int) -> Reply:
        heard = self._client.heard
        return Reply(
            text=redact(bounded(heard.answer, REPLY_LIMIT)),
            stop=_STOPS.get(ended.stop_reason, "end"),  # type: ignore[arg-type]
            usage=self._usage(ended.usage or _quota(ended.field_meta), retries),
            model=self._model,
            reasoning=redact("".join(heard.thoughts)),
        )

    def _usage(self, told: Any, retries: int) -> Usage:
        """What the turn consumed. Cost is told as the session's so far; what is not told is not known."""
        cost = self._client.cost_usd
        spent = None if cost is None else max(cost - self._booked, 0.0)
        self._booked = cost if cost is not None else self._booked
        price = self._settings.price
        if told is None:
            return Usage(cost_usd=spent, retries=retries)
        cached = told.cached_read_tokens or 0
        written = told.cached_write_tokens or 0
        fresh, output = told.input_tokens, told.output_tokens + (told.thought_tokens or 0)
        if not spent and price is not None and price.episode is None:
            rates = (price.input, price.cached_input or price.input, price.cache_write or price.input, price.output)
            spent = sum(n * rate for n, rate in zip((fresh, cached, written, output), rates, strict=True)) / 1e6
        elif not spent and output:
            spent = None  # agents report 0 for models whose price they do not know
        return Usage(1, fresh + cached + written, output, cached, spent, retries)

    async def _unless_it_ends(self, call: Any) -> Any:
        """What the call comes to; AgentFault when the agent's process ends before."""
        assert self._process is not None
        task = asyncio.ensure_future(call)
        end = asyncio.ensure_future(self._process.wait())
        try:
            await asyncio.wait([task, end], return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                await asyncio.wait([task], timeout=1.0)  # what it wrote before it ended is read first
            if task.done() and not isinstance(task.exception(), ConnectionError):
                return task.result()
            code = await self._process.wait()
            raise AgentFault(f"{self._name} ended with status {code}{self._last()}")
        finally:
            for one in (task, end):
                one.cancel()
            await asyncio.gather(task, end, return_exceptions=True)

    @property
    def _who(self) -> str:
        return f"agent {self._name!r} ({' '.join(self._settings.command)})"

    def _last(self) -> str:
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(size - _SHOWN, 0))
        said = one_line(redact(self._errors.read().decode("utf-8", "replace")), _SHOWN)
        return f"; its last words on stderr: {said}" if said else ""

    async def close(self) -> None:
        """End the session, its commands and its process."""
        with anyio.CancelScope(shield=True):
            await self._client.close()
            if self._connection is not None:
                with suppress(Exception):
                    await self._connection.close()
            if self._process is not None:
                if self._process.stdin is not None:
                    self._process.stdin.close()
                await program.end(self._process, GRACE_S)
                self._errors.close()


def _quota(meta: Mapping[str, Any] | None) -> Any:
    """The tokens of a turn as Gemini CLI tells them, beside the protocol; None where it does not."""
    from acp import schema

    quota = (meta or {}).get("quota")
    told = quota.get("token_count") if isinstance(quota, Mapping) else None
    if not isinstance(told, Mapping):
        return None
    sent, said = told.get("input_tokens"), told.get("output_tokens")
    if not isinstance(sent, int) or not isinstance(said, int) or min(sent, said) < 0 or not sent + said:
        return None
    return schema.Usage(input_tokens=sent, output_tokens=said, total_tokens=sent + said)


def _said(error: Exception) -> str:
    data = getattr(error, "data", None)
    more = "" if data in (None, {}) else f" ({data})"
    return one_line(redact(f"{error}{more}"), _SHOWN)
