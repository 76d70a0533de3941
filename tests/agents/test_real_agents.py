"""Real coding agents, end to end: a scripted model, a real tree, and no network but loopback."""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("acp", reason="pip install 'pytest-collab[acp]'")

from tests.support import alone
from tests.support.real_agents import INSTALL, PROGRAMS, SPEAKS_ACP

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(alone.why_not() is not None, reason=str(alone.why_not()))]


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What came of the agent's episodes; each agent plays once."""

    @cache
    def play(which: str) -> dict[str, Any]:
        if not PROGRAMS[which].exists():
            pytest.skip(f"{which} is not installed: {INSTALL[which]}")
        folder = tmp_path_factory.mktemp(which)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            alone.command("tests.support.real_agents", which, str(folder)),
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=environment,
            timeout=900,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        made: dict[str, Any] = json.loads(done.stdout)
        return made

    return play


@pytest.mark.parametrize("which", ["opencode", "claude", "gemini", "opencode-run", "mini"])
def test_it_builds_its_feature_beside_a_teammate_and_talks(played: Any, which: str) -> None:
    built = played(which)["build"]
    assert built["outcome"] == "success", (built["error"], built["failures"], built["replies"])
    assert ["a", "I change calc.py only"] in built["messages"]
    results = "\n".join(built["results"])
    assert "delivered to b" in results
    assert "ok 1 - tests/test_base.py" in results  # run in the sandbox of the task
    assert built["usage"]["input_tokens"] > 0


@pytest.mark.parametrize("which", SPEAKS_ACP)
def test_its_tool_calls_are_in_the_transcript_and_the_telephone_is_among_its_tools(played: Any, which: str) -> None:
    built = played(which)["build"]
    calls = [call for call in built["activity"] if call["what"] == "tool_call" and call["status"] == "completed"]
    assert len(calls) == 3
    assert "collab-send" in json.dumps(calls[0])
    if which != "gemini":  # it tells that a call has ended, and not what came of it
        assert "delivered to b" in calls[0]["result"]
    offered = " ".join(built["offered"])
    if which == "claude":
        return  # it looks for the tools of MCP servers when it wants one
    for name in ("send_message", "receive_messages", "run_command"):
        assert f"collab_{name}" in offered
    assert built["replies"][0]["text"] == "All done."


@pytest.mark.parametrize("which", SPEAKS_ACP)
def test_in_a_game_of_text_each_ask_is_a_turn_of_one_session(played: Any, which: str) -> None:
    talked = played(which)["talk"]
    assert [reply["text"] for reply in talked["replies"]] == ["I say 1."] * len(talked["replies"])
    assert len(talked["replies"]) == 2
    first, second = talked["asked"][:2]
    assert "Both of you must say the same number" in first["all"]  # Claude Code puts a reminder of its own behind it
    assert "It is 999." in second["newest"]
    assert "Both of you must say the same number" not in second["newest"]


@pytest.mark.parametrize("which", ["mini", "opencode-run", "gemini"])
def test_its_tokens_are_read_from_what_it_writes(played: Any, which: str) -> None:
    built = played(which)["build"]
    assert built["usage"]["input_tokens"] == built["input_tokens"]
