"""An agent that makes given tool calls, and keeps what it was told."""

from __future__ import annotations

from typing import Any

from pytest_collab.episode.agent import Agent, Reply, Request, ToolCall, Usage


class Caller(Agent):
    """Makes these calls, one an answer.

    Attributes:
        heard: the results of its calls.
        offered: the tools of its newest request.
        told: instructions and messages.
    """

    name = model = "scripted"

    def __init__(self, *calls: tuple[str, dict[str, Any]]) -> None:
        self.calls = list(calls)
        self.heard: list[str] = []
        self.offered: set[str] = set()
        self.told = ""

    async def reply(self, request: Request) -> Reply:
        self.offered = {tool.name for tool in request.tools}
        self.told += f"{request.system}\n{request.conversation[-1].text}\n"
        self.heard += [result.text for result in request.conversation[-1].tool_results]
        if not self.calls:
            return Reply("nothing more", (), "end", Usage())
        name, arguments = self.calls.pop(0)
        return Reply("", (ToolCall(f"c{len(self.calls)}", name, arguments),), "tool", Usage())
