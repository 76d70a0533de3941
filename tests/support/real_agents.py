"""Real coding agents play against a scripted model server, in a network namespace that has loopback alone.

python -m tests.support.real_agents WHICH FOLDER       prints what came of it as JSON
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_collab.agents.acp_agent import AcpAgent
from pytest_collab.agents.command import CommandAgent
from pytest_collab.agents.settings import AgentSettings
from pytest_collab.episode.agent import Agent
from pytest_collab.testing import Played, play_episode
from tests.coding import small
from tests.support import alone
from tests.support.handshake import Handshake, HandshakeFamily
from tests.support.model_server import Call, ModelServer, Say

ROOT = Path(__file__).parents[2]
PROGRAMS = {
    "opencode": ROOT / ".ci" / "agents" / "node_modules" / ".bin" / "opencode",
    "opencode-run": ROOT / ".ci" / "agents" / "node_modules" / ".bin" / "opencode",
    "claude": ROOT / ".ci" / "agents" / "node_modules" / ".bin" / "claude-agent-acp",
    "gemini": ROOT / ".ci" / "agents" / "node_modules" / ".bin" / "gemini",
    "mini": ROOT / ".venv-mini" / "bin" / "mini",
}
INSTALL = {
    "opencode": "npm install --prefix .ci/agents opencode-ai",
    "opencode-run": "npm install --prefix .ci/agents opencode-ai",
    "claude": "npm install --prefix .ci/agents @agentclientprotocol/claude-agent-acp",
    "gemini": "npm install --prefix .ci/agents @google/gemini-cli",
    "mini": "python -m venv .venv-mini && .venv-mini/bin/pip install mini-swe-agent",
}
SHELL = {
    "opencode": "bash",
    "opencode-run": "bash",
    "claude": "Bash",
    "gemini": "run_shell_command",
    "mini": "bash",
}
SPEAKS_ACP = ("opencode", "claude", "gemini")


class Script:
    """What the model says: shell commands one after the other, then a last word.

    Whatever is asked without tools on offer (titles, summaries, trials) gets a word of its own.
    """

    def __init__(self, shell: str, commands: list[str], last: str = "All done.") -> None:
        self.shell = shell
        self.commands = commands
        self.last = last
        self.said = 0
        self.offered: list[str] = []
        self.results: list[str] = []
        self.systems: list[dict[str, str]] = []

    def __call__(self, call: Call) -> Say:
        names = [
            str(tool.get("name") or tool.get("function", {}).get("name")) for tool in call.body.get("tools") or ()
        ]
        if self.shell not in names:
            return Say("A title")
        self.offered = names
        self.results += call.results
        self.systems.append({"newest": call.text, "all": json.dumps(call.body.get("messages"))})
        if self.said >= len(self.commands):
            return Say(self.last)
        command = self.commands[self.said]
        self.said += 1
        return Say(tools=((self.shell, {"command": command, "description": "a step of the work"}),))


def opencode(which: str, home: Path, server: ModelServer) -> Agent:
    config = home / ".config" / "opencode"
    config.mkdir(parents=True)
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "options": {"baseURL": f"{server.url}/v1", "apiKey": "none"},
        "models": {"tested-model": {"limit": {"context": 100_000, "output": 8_000}}},
    }
    settings = {
        "provider": {"scripted": provider},
        "model": "scripted/tested-model",
        "autoupdate": False,
        "share": "disabled",
    }
    (config / "opencode.json").write_text(json.dumps(settings))
    env = {"HOME": str(home), "XDG_CONFIG_HOME": "", "XDG_DATA_HOME": "", "XDG_CACHE_HOME": "", "XDG_STATE_HOME": ""}
    env = {name: value or str(home / name.lower()) for name, value in env.items()}
    env["XDG_CONFIG_HOME"] = str(home / ".config")
    if which == "opencode":
        return AcpAgent(which, AgentSettings(provider="acp", command=(str(PROGRAMS[which]), "acp"), env=env))
    command = (str(PROGRAMS[which]), "run", "--format", "json", "{prompt}")
    return CommandAgent(which, AgentSettings(provider="command", mode="work", command=command, env=env))


def claude(which: str, home: Path, server: ModelServer) -> Agent:
    env = {
        "HOME": str(home),
        "ANTHROPIC_BASE_URL": server.url,
        "ANTHROPIC_API_KEY": "sk-none",
        "ANTHROPIC_MODEL": "tested-model",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "IS_SANDBOX": "1",
    }
    return AcpAgent(which, AgentSettings(provider="acp", command=(str(PROGRAMS[which]),), env=env))


def gemini(which: str, home: Path, server: ModelServer) -> Agent:
    config = home / ".gemini"
    config.mkdir(parents=True)
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": False}},
        "privacy": {"usageStatisticsEnabled": False},
        "general": {"enableAutoUpdate": False, "disableAutoUpdate": True},
    }
    (config / "settings.json").write_text(json.dumps(settings))
    env = {
        "HOME": str(home),
        "GEMINI_API_KEY": "none",
        "GEMINI_MODEL": "gemini-2.5-pro",
        "GOOGLE_GEMINI_BASE_URL": server.url,
    }
    return AcpAgent(which, AgentSettings(provider="acp", command=(str(PROGRAMS[which]), "--acp"), env=env))


def mini(which: str, home: Path, server: ModelServer) -> Agent:
    env = {
        "HOME": str(home),
        "MSWEA_GLOBAL_CONFIG_DIR": str(home),
        "MSWEA_CONFIGURED": "true",
        "MSWEA_COST_TRACKING": "ignore_errors",
        "OPENAI_API_KEY": "none",
        "OPENAI_API_BASE": f"{server.url}/v1",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    command = (
        *(str(PROGRAMS[which]), "--model", "openai/tested-model", "--task", "{prompt}", "--yolo"),
        *("--exit-immediately", "--output", "{usage_file}"),
    )
    return CommandAgent(which, AgentSettings(provider="command", mode="work", command=command, env=env))


MAKE: dict[str, Callable[[str, Path, ModelServer], Agent]] = {
    "opencode": opencode,
    "opencode-run": opencode,
    "claude": claude,
    "gemini": gemini,
    "mini": mini,
}


def build(which: str, folder: Path) -> dict[str, Any]:
    """A coding pair: the real agent tells what it does, builds its feature and hears from `partner`."""
    root = small.lay_out(folder / "pool")
    patch = folder / "double.patch"
    patch.write_text(small.patch({"calc.py": small.DOUBLE}))
    commands = [
        "collab-send --to b 'I change calc.py only'",
        f"git apply --whitespace=nowarn {patch} && collab-run sh check.sh tests/test_base.py",
        "collab-recv",
    ]
    if which == "mini":
        commands.append("echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT")
    script = Script(SHELL[which], commands)
    with ModelServer(answer=script) as server:
        agent = MAKE[which](which, folder / "home", server)
        played = play_episode(small.params(root), [agent, "partner"], "team", small.CLEAN)
        tokens = sum(line.input_tokens for line in server.log)
    return {**_told(played), "offered": script.offered, "results": script.results, "input_tokens": tokens}


def talk(which: str, folder: Path) -> dict[str, Any]:
    """A game of text beside one who never agrees: each ask is a prompt turn of one session."""
    script = Script(SHELL[which], [], last="I say 1.")
    with ModelServer(answer=script) as server:
        agent = MAKE[which](which, folder / "home-for-talk", server)
        played = play_episode(Handshake(), [agent, _Stubborn()], seed=3, family=HandshakeFamily())
        tokens = [line.input_tokens for line in server.log]
    return {**_told(played), "asked": script.systems, "input_tokens": tokens}


class _Stubborn(Agent):
    name = "stubborn"

    async def reply(self, request: Any) -> Any:
        from pytest_collab.episode.agent import Reply

        return Reply("It is 999.")


def _told(played: Played) -> dict[str, Any]:
    return {
        "outcome": played.episode.outcome.value,
        "error": played.episode.error,
        "failures": [f"{failure.code}: {failure.note}" for failure in played.episode.failures],
        "usage": played.episode.usage["a"].model_dump(),
        "replies": [event.data for event in played.transcript.of("reply", seat="a")],
        "messages": [[event.seat, event.data["text"]] for event in played.transcript.of("message")],
        "activity": [event.data for event in played.transcript.of("activity", seat="a")],
    }


def main(which: str, folder: Path) -> None:
    alone.enter()
    os.environ["COLLAB_CACHE"] = str(folder / "cache")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "NO_PROXY", "no_proxy"):
        os.environ.pop(name, None)
    made = {"build": build(which, folder)}
    if which in SPEAKS_ACP:
        made["talk"] = talk(which, folder)
    print(json.dumps(made))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
