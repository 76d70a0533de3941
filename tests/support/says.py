"""An agent that says the same in every turn, for tests of how replies are read."""

from __future__ import annotations

from pytest_collab.episode.agent import Agent, Reply, Request


class Says(Agent):
    """Says the same in every turn."""

    name = "says"

    def __init__(self, text: str) -> None:
        self.text = text

    async def reply(self, request: Request) -> Reply:
        return Reply(self.text)
