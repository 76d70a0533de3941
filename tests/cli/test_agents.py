"""`collab agents` and `collab play`, run as a person would."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_collab.cli import agents, play
from tests.support.model_server import ModelServer, Say

ROOT = Path(__file__).parents[2]
KEY = "sk-cli-0123456789"


def collab(command: Any, *arguments: str) -> int:
    parser = argparse.ArgumentParser(prog=f"collab {command.NAME}")
    command.configure(parser)
    result: int = command.run(parser.parse_args(arguments))
    return result


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MY_KEY", KEY)
    return tmp_path


def write_file(server: ModelServer) -> None:
    agent = {"provider": "openai-chat", "model": "m", "base_url": f"{server.url}/v1", "api_key_env": "MY_KEY"}
    Path("collab-agents.yaml").write_text(json.dumps({"agents": {"ada": {**agent, "max_retries": 0}}}))


def test_the_list_shows_agents_their_source_and_their_key(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with ModelServer() as server:
        write_file(server)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    assert collab(agents) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.split()}
    assert "MY_KEY is set" in lines["ada"]
    assert "collab-agents.yaml: openai-chat/m" in lines["ada"]
    assert "ANTHROPIC_API_KEY is NOT set" in lines["claude"]
    assert "needs no key" in lines["partner"]


PROJECT = {
    "pytest.ini": "[pytest]\ncollab_agents = mine/agents.yaml\nagents = parrot,partner\n",
    "mine/agents.yaml": "agents: {carla: {provider: command, command: [cat]}}\n",
    "conftest.py": """
from pytest_collab import Agent, Reply

class Parrot(Agent):
    model = "parrot-1"
    async def reply(self, request):
        return Reply("squawk")

def pytest_collab_make_agent(name):
    return Parrot() if name == "parrot" else None

def pytest_collab_families():
    from tests.support.handshake import HandshakeFamily
    return [HandshakeFamily()]
""",
}


@pytest.fixture
def a_project(elsewhere: Path) -> Path:
    """A folder with agents of its own: in a file that the ini names, and in a hook; and with a family."""
    for name, text in PROJECT.items():
        path = elsewhere / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return elsewhere


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest_collab.cli", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_agents_of_the_ini_file_and_of_conftest_are_known(a_project: Path) -> None:
    listed = command(a_project, "agents")
    assert listed.returncode == 0, listed.stderr
    lines = {line.split()[0]: line for line in listed.stdout.splitlines() if line.split()}
    assert "hook in conftest.py" in lines["parrot"]
    assert f"{Path('mine') / 'agents.yaml'}: command cat" in lines["carla"]
    assert "built-in cast" in lines["provider_down"]  # a player of the project's own family
    checked = command(a_project, "agents", "--check", "parrot")
    assert "answered 'squawk' as parrot-1" in checked.stdout, checked.stderr
    played = command(a_project, "play", "handshake", "--as=partner", "--with=parrot")
    assert "coordination failure" in played.stdout.replace("_", " "), played.stderr


def test_a_project_that_cannot_be_set_up_is_told(a_project: Path) -> None:
    (a_project / "conftest.py").write_text("import nowhere_to_be_found\n")
    listed = command(a_project, "agents")
    assert listed.returncode == 1
    assert "nowhere_to_be_found" in listed.stderr
    assert "correct its ini or conftest.py" in listed.stderr


def test_a_check_makes_one_call_and_reports_model_latency_and_tokens(capsys: pytest.CaptureFixture[str]) -> None:
    with ModelServer(answer=lambda call: Say("ready")) as server:
        write_file(server)
        assert collab(agents, "--check", "ada") == 0
    (line,) = server.log
    out = capsys.readouterr().out
    assert f"openai-chat/m at {server.url}/v1" in out
    assert "answered 'ready' as m after" in out
    assert f"{line.input_tokens} tokens in, {line.output_tokens} out, 0 retries, cost not known" in out


def test_a_failed_check_says_why_and_shows_no_key(capsys: pytest.CaptureFixture[str]) -> None:
    with ModelServer(fault=lambda call: "401") as server:
        write_file(server)
        assert collab(agents, "--check", "ada") == 1
    err = capsys.readouterr().err
    assert "HTTP 401" in err
    assert "Check the key in MY_KEY" in err
    assert KEY not in err


def test_checks_refuse_what_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert collab(agents, "--check", "adaa") == 1
    assert "unknown agent 'adaa'" in capsys.readouterr().err
    assert collab(agents, "--file", "nowhere.yaml") == 1
    assert "nowhere.yaml: the agents file cannot be read" in capsys.readouterr().err


def test_a_game_is_played_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert collab(play, "maze", "--as=partner", "--with=partner", "--param=size=4", "--param=path=[3, 6]") == 0
    assert "success: score 1.00" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("mazes",), "unknown family 'mazes'"),
        (("maze", "--param=sizes=4"), "Did you mean 'size'"),
        (("maze", "--param=size"), "write KEY=VALUE"),
        (("maze",), "captures standard input"),
    ],
)
def test_what_cannot_be_played_is_said(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    assert collab(play, *arguments) == 2
    assert told in capsys.readouterr().err
