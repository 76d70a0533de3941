"""A pytest plugin with the agents that fixtures/recordings/maze was made with: built-in players behind other names.

Record again, after the maze's prompts have changed, with

    rm -r fixtures/recordings/maze
    python -m pytest -p tests.support.scripted fixtures/recordings/small_maze.collab.yaml \
        --collab-teams=ada+bob,ada+mum --collab-grader=rules --collab-record=fixtures/recordings/maze
"""

from __future__ import annotations

from typing import Any

from pytest_collab.episode.agent import Agent, Reply, Request, Seat

PLAYERS = {"ada": "partner", "bob": "partner", "mum": "silent"}


class Scripted(Agent):
    """Plays as a member of the family's cast does, but is no built-in agent: it is recorded."""

    def __init__(self, character: str) -> None:
        self.character = character
        self.model = f"scripted-{character}"

    def seated(self, seat: Seat) -> Agent:
        player = seat.family.player(self.character, seat)
        player.name, player.model = self.name, self.model
        return player

    async def reply(self, request: Request) -> Reply:
        raise AssertionError("asked before being seated")


def pytest_collab_make_agent(config: Any, name: str) -> Agent | None:
    return Scripted(PLAYERS[name]) if name in PLAYERS else None
