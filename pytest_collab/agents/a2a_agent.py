"""`a2a/URL`: a remote agent that speaks the Agent2Agent protocol, found by its card. https://a2a-protocol.org"""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

import anyio

from pytest_collab.agents import printed
from pytest_collab.agents.retry import pause
from pytest_collab.agents.secrets import redact
from pytest_collab.agents.settings import AgentSettings
from pytest_collab.episode.agent import Agent, Casting, Reply, Request, Seat, Usage
from pytest_collab.episode.limits import excused, give_back
from pytest_collab.episode.text import counted, one_line
from pytest_collab.errors import AgentFault, ProviderError, UsageError

_SHOWN: Final = 400


class A2AAgent(Agent):
    """A remote agent; one context of its protocol a seat and episode. It plays games of text.

    Raises:
        UsageError: on construction, when the extra `a2a` is not installed, or a header's variable is not set.
    """

    def __init__(self, name: str, settings: AgentSettings) -> None:
        self.name = name
        self.settings = settings
        self.model = settings.model or f"a2a/{settings.base_url}"
        self.context_tokens = settings.context_tokens
        try:
            import a2a.client  # noqa: F401
        except ImportError:
            raise UsageError(
                f"agent {name!r} speaks the Agent2Agent protocol, which needs the extra `a2a`: "
                "pip install 'pytest-collab[a2a]'"
            ) from None
        self._headers, missing = settings.expanded_headers()
        if missing:
            raise UsageError(
                f"agent {name!r}: a header needs {missing[0]}, which is not set. export {missing[0]}=..."
            )
        self._client: Any = None
        self._http: Any = None
        self._opening = anyio.Lock()

    def refuses(self, family: Casting) -> str | None:
        if not family.desks:
            return None
        return (
            f"agent {self.name!r} is asked by messages and has no tools of ours, which family {family.name!r} is "
            "played with. Seat it in games of text."
        )

    def seated(self, seat: Seat) -> Agent:
        return _Seated(self)

    async def reply(self, request: Request) -> Reply:
        """One turn outside any episode, for a trial."""
        return await _Seated(self).reply(request)

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()
            await self._http.aclose()

    def describe(self) -> dict[str, Any]:
        address = redact(str(self.settings.base_url))
        return {"name": self.name, "model": self.model, "provider": "a2a", "address": address}

    async def client(self) -> Any:
        """The client that the agent's card describes, made once.

        Raises:
            ProviderError: there is no card at the address, or none that can be read.
        """
        import httpx
        from a2a.client import A2AClientError, ClientConfig, create_client

        async with self._opening:
            if self._client is None:
                http = httpx.AsyncClient(timeout=self.settings.timeout_s, headers=self._headers)
                config = ClientConfig(streaming=False, httpx_client=http)
                try:
                    self._client = await create_client(str(self.settings.base_url), config)
                except (A2AClientError, httpx.HTTPError, ValueError) as error:
                    await http.aclose()
                    raise ProviderError(
                        f"agent {self.name!r}: no agent card was found at {self.settings.base_url}: {_said(error)}"
                    ) from None
                self._http = http
            return self._client


class _Seated(Agent):
    """The agent's context of one seat in one episode."""

    def __init__(self, agent: A2AAgent) -> None:
        self.name = agent.name
        self.model = agent.model
        self.context_tokens = agent.context_tokens
        self._agent = agent
        self._context = str(uuid4())
        self._task: str | None = None
        self._heard = 0

    async def reply(self, request: Request) -> Reply:
        if request.tools:
            raise UsageError(
                f"agent {self.name!r} is asked by messages and has no tools of ours: it plays games of text only"
            )
        turns = len(request.conversation)
        fresh = self._heard == 0 or turns != self._heard + 2
        if fresh:
            self._context, self._task = str(uuid4()), None
        text = request.opening() if fresh else request.text
        reply = await self._ask(text)
        self._heard = turns
        return reply

    async def _ask(self, text: str) -> Reply:
        import httpx
        from a2a.client import A2AClientError
        from a2a.helpers import new_text_message
        from a2a.types import Role, SendMessageRequest
        from a2a.utils.errors import A2AError

        client = await self._agent.client()
        attempt = 0
        while True:
            message = new_text_message(text, context_id=self._context, task_id=self._task, role=Role.ROLE_USER)
            began = anyio.current_time()
            try:
                answers = [answer async for answer in client.send_message(SendMessageRequest(message=message))]
                return self._read(answers[-1] if answers else None, attempt)
            except (A2AClientError, A2AError, httpx.HTTPError) as error:
                give_back(began, anyio.current_time())
                passes = isinstance(error, httpx.TransportError) or printed.passing(str(error))
                if passes and attempt < self._agent.settings.max_retries:
                    attempt += 1
                    with excused():
                        await anyio.sleep(pause(attempt))
                    continue
                failed = ProviderError(f"agent {self.name!r}: {_said(error)} (asked {counted(attempt + 1, 'time')})")
                failed.usage = Usage(cost_usd=None, retries=attempt)  # type: ignore[attr-defined]
                raise failed from None

    def _read(self, answer: Any, retries: int) -> Reply:
        """The text of a message, or of what a task came to."""
        from a2a.helpers import get_artifact_text, get_message_text
        from a2a.types import TaskState

        usage = Usage(cost_usd=None, retries=retries)
        if answer is None:
            raise AgentFault(f"{self.name} answered with nothing at all")
        if answer.HasField("message"):
            self._context = answer.message.context_id or self._context
            return Reply(redact(get_message_text(answer.message)), usage=usage, model=self.model)
        task = answer.task
        self._context = task.context_id or self._context
        said = get_message_text(task.status.message) if task.status.HasField("message") else ""
        text = "\n".join(part for part in map(get_artifact_text, task.artifacts) if part) or said
        state = TaskState.Name(task.status.state).removeprefix("TASK_STATE_").lower().replace("_", " ")
        if state == "auth required":
            raise ProviderError(f"agent {self.name!r} wants a login: {one_line(redact(said), _SHOWN)}")
        if state in ("failed", "canceled"):
            raise AgentFault(f"the task of {self.name} is {state}: {one_line(redact(said or text), _SHOWN)}")
        self._task = task.id if state == "input required" else None
        stop = "refusal" if state == "rejected" else "end"
        return Reply(redact(text), stop=stop, usage=usage, model=self.model)  # type: ignore[arg-type]


def _said(error: Exception) -> str:
    return one_line(redact(str(error) or type(error).__name__), _SHOWN)
