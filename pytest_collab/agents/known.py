"""Coding CLIs that are known by name: how to call them over ACP and for one turn, and how to install them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Cli:
    """One CLI.

    Attributes:
        program: what is looked for on the PATH.
        acp: program and arguments that speak the Agent Client Protocol on standard input and output; empty if none.
        once: program and arguments for one turn, with the prompt in place of `{prompt}`; empty where `acp` does.
        install: the command that installs it.
    """

    program: str
    install: str
    acp: tuple[str, ...] = ()
    once: tuple[str, ...] = ()


CLIS: Final[Mapping[str, Cli]] = {
    "opencode": Cli("opencode", "npm install -g opencode-ai", ("opencode", "acp")),
    "gemini": Cli("gemini", "npm install -g @google/gemini-cli", ("gemini", "--acp")),
    "claude": Cli("claude-agent-acp", "npm install -g @agentclientprotocol/claude-agent-acp", ("claude-agent-acp",)),
    "codex": Cli("codex-acp", "npm install -g @zed-industries/codex-acp", ("codex-acp",)),
    "qwen": Cli("qwen", "npm install -g @qwen-code/qwen-code", ("qwen", "--acp")),
    "goose": Cli("goose", "see https://block.github.io/goose", ("goose", "acp")),
    "copilot": Cli("copilot", "npm install -g @github/copilot", ("copilot", "--acp", "--stdio")),
    "cursor": Cli("cursor-agent", "see https://cursor.com/cli", ("cursor-agent", "acp")),
    "kimi": Cli("kimi", "pip install kimi-cli", ("kimi", "acp")),
    "kiro": Cli("kiro-cli", "see https://kiro.dev/docs/cli", ("kiro-cli", "acp")),
    "claude-code": Cli(
        "claude",
        "npm install -g @anthropic-ai/claude-code",
        once=("claude", "-p", "--output-format", "json", "{prompt}"),
    ),
    "codex-cli": Cli(
        "codex", "npm install -g @openai/codex", once=("codex", "exec", "--json", "--skip-git-repo-check", "{prompt}")
    ),
    "mini": Cli(
        "mini",
        "pip install mini-swe-agent",
        once=("mini", "--task", "{prompt}", "--yolo", "--exit-immediately", "--output", "{usage_file}"),
    ),
    "aider": Cli(
        "aider", "pip install aider-chat", once=("aider", "--message", "{prompt}", "--yes-always", "--no-git")
    ),
}
"""By the name that `acp/NAME` and `collab doctor agents` use."""
