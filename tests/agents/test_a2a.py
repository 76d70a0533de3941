"""Remote agents by their cards: the SDK's own server on loopback."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("a2a", reason="pip install 'pytest-collab[a2a]' 'a2a-sdk[http-server]'")
pytest.importorskip("uvicorn", reason="pip install uvicorn")

import uvicorn
from a2a.helpers import new_text_artifact_update_event, new_text_message, new_text_status_update_event
from a2a.server.agent_execution import AgentExecutor
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
from a2a.server.tasks import InMemoryTaskStore
from a2a.types import AgentCapabilities, AgentCard, AgentInterface, Task, TaskState, TaskStatus
from starlette.applications import Starlette

from pytest_collab.agents.registry import Registry
from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import UsageError
from pytest_collab.testing import Played, play_episode
from tests.coding import small
from tests.support.handshake import Handshake, HandshakeFamily


class Executor(AgentExecutor):
    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.way = "message"

    async def execute(self, context: Any, event_queue: Any) -> None:
        text = context.get_user_input()
        self.heard.append((context.context_id, text))
        numbers = [word for word in text.replace(".", " ").split() if word.isdecimal()]
        said = f"I say {numbers[-1]}." if numbers else "What is it?"
        if self.way == "message":
            await event_queue.enqueue_event(new_text_message(said, context_id=context.context_id))
            return
        key = {"task_id": context.task_id, "context_id": context.context_id}
        state = TaskState.Value(f"TASK_STATE_{self.way.upper()}")
        submitted = TaskStatus(state=TaskState.TASK_STATE_SUBMITTED)
        await event_queue.enqueue_event(Task(id=context.task_id, context_id=context.context_id, status=submitted))
        if self.way == "completed":
            await event_queue.enqueue_event(new_text_artifact_update_event(**key, name="answer", text=said))
        await event_queue.enqueue_event(new_text_status_update_event(**key, state=state, text="the reason why"))

    async def cancel(self, context: Any, event_queue: Any) -> None:
        raise NotImplementedError


@pytest.fixture
def remote() -> Iterator[tuple[str, Executor]]:
    executor = Executor()
    ready = threading.Event()
    address: list[str] = []
    stop: list[Any] = []

    def serve() -> None:
        async def main() -> None:
            listener = uvicorn.Config("x", host="127.0.0.1", port=0).bind_socket()
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            card = AgentCard(
                name="scripted",
                description="says numbers",
                version="1",
                capabilities=AgentCapabilities(streaming=False),
                default_input_modes=["text/plain"],
                default_output_modes=["text/plain"],
                supported_interfaces=[AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="1.0")],
            )
            handler = DefaultRequestHandler(executor, InMemoryTaskStore(), card)
            app = Starlette(routes=[*create_agent_card_routes(card), *create_jsonrpc_routes(handler, "/")])
            server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
            stop.append(server)
            address.append(url)
            ready.set()
            await server.serve(sockets=[listener])

        asyncio.run(main())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    ready.wait()
    yield address[0], executor
    stop[0].should_exit = True
    thread.join()


def shake(*team: str) -> Played:
    registry = Registry(cast=HandshakeFamily.cast)
    return play_episode(Handshake(), team, seed=3, family=HandshakeFamily(), registry=registry)


@pytest.mark.parametrize("way", ["message", "completed"])
def test_a_remote_agent_is_found_by_its_card_and_keeps_one_context_a_seat(
    remote: tuple[str, Executor], way: str
) -> None:
    url, executor = remote
    executor.way = way
    played = shake(f"a2a/{url}", "stubborn")
    assert [event.data["text"] for event in played.transcript.of("reply", seat="a")] == ["I say 1.", "I say 999."]
    contexts = {context for context, _ in executor.heard}
    assert len(contexts) == 1
    assert executor.heard[0][1].startswith("Both of you must say the same number")
    assert "Both of you" not in executor.heard[1][1]
    assert played.episode.usage["a"].cost_usd is None


def test_two_seats_are_two_contexts(remote: tuple[str, Executor]) -> None:
    url, executor = remote
    assert shake(f"a2a/{url}", f"a2a/{url}").episode.outcome is Outcome.SUCCESS
    assert len({context for context, _ in executor.heard}) == 2


def test_a_task_that_fails_is_the_agents_own_and_a_login_is_not(remote: tuple[str, Executor]) -> None:
    url, executor = remote
    executor.way = "failed"
    played = shake(f"a2a/{url}", "partner")
    assert "is failed: the reason why" in played.transcript.of("malformed")[0].data["why"]
    executor.way = "rejected"
    assert shake(f"a2a/{url}", "partner").transcript.of("reply", seat="a")[0].data["stop"] == "refusal"
    executor.way = "auth_required"
    wanted = shake(f"a2a/{url}", "partner")
    assert wanted.episode.outcome is Outcome.INFRASTRUCTURE
    assert "wants a login: the reason why" in str(wanted.episode.error)


def test_an_address_without_an_agent_is_no_evidence() -> None:
    played = shake("a2a/http://127.0.0.1:9", "partner")
    assert played.episode.outcome is Outcome.INFRASTRUCTURE
    assert "no agent card was found at http://127.0.0.1:9" in str(played.episode.error)


def test_coding_is_refused_in_one_line(remote: tuple[str, Executor], tmp_path: Any) -> None:
    params = small.params(small.lay_out(tmp_path))
    with pytest.raises(UsageError, match="plays games of text only"):
        play_episode(params, [f"a2a/{remote[0]}", "partner"], "team", small.CLEAN)
