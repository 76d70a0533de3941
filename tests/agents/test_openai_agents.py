"""The docs' agent of OpenAI's Agents SDK takes a seat, against a model server on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.console import blocks
from tests.support.model_server import ModelServer, Say

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "seat-a-framework.md"
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
    (player,) = [block for block in blocks(PAGE) if block.title == "with_openai_agents.py"]
    (tmp_path / player.title).write_text(player.text)
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
