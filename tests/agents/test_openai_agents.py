"""An agent of OpenAI's Agents SDK takes a seat, against a model server on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.model_server import ModelServer, Say

ROOT = Path(__file__).parents[2]
PLAYER = """
import os

from agents import Agent, ModelSettings, OpenAIChatCompletionsModel, RunConfig, Runner, set_tracing_disabled
from openai import AsyncOpenAI

from pytest_collab import Reply
from pytest_collab.episode.agent import Usage

set_tracing_disabled(True)


class Player:
    def __init__(self, seat):
        client = AsyncOpenAI(base_url=os.environ["MODEL_AT"], api_key="none")
        self.model = OpenAIChatCompletionsModel("tested-model", client)
        self.history = []

    async def __call__(self, request):
        agent = Agent(name="player", instructions=request.system, model=self.model)
        self.history.append({"role": "user", "content": request.text})
        result = await Runner.run(agent, self.history)
        self.history = result.to_input_list()
        used = result.context_wrapper.usage
        usage = Usage(input_tokens=used.input_tokens, output_tokens=used.output_tokens, cost_usd=None)
        return Reply(result.final_output, usage=usage)
"""
PLAY = """
import json
from pytest_collab.agents.registry import Registry
from pytest_collab.testing import play_episode
from tests.support.handshake import Handshake, HandshakeFamily

registry = Registry(cast=HandshakeFamily.cast)
team = ["python/with_openai_agents:Player", "stubborn"]
played = play_episode(Handshake(), team, seed=3, family=HandshakeFamily(), registry=registry)
print(json.dumps([[event.data["text"], event.data["usage"]] for event in played.transcript.of("reply", seat="a")]))
"""


def packages() -> Path | None:
    """Where the SDK is installed, in a virtual environment of its own: it needs other versions than the tests do."""
    return next((ROOT / ".venv-openai-agents").glob("lib/python3.*/site-packages/agents/.."), None)


@pytest.mark.slow
def test_an_agent_of_the_agents_sdk_plays_with_its_history_and_its_tokens(tmp_path: Path) -> None:
    place = packages()
    if place is None:
        install = "python -m venv .venv-openai-agents && .venv-openai-agents/bin/pip install openai-agents"
        pytest.skip(f"not installed: {install}")
    (tmp_path / "with_openai_agents.py").write_text(PLAYER)
    with ModelServer(answer=lambda call: Say(f"I say {len(call.body['messages'])}.")) as server:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(place.resolve())]),
            "MODEL_AT": f"{server.url}/v1",
        }
        done = subprocess.run(
            [sys.executable, "-c", PLAY], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr[-2000:]
        log = [line.input_tokens for line in server.log]
    replies = json.loads(done.stdout.splitlines()[-1])
    assert [text for text, _ in replies] == ["I say 2.", "I say 4."]  # instructions and all that was said before
    assert [usage["input_tokens"] for _, usage in replies] == log
