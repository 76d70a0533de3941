"""What is to be played: one episode's task, condition, team, seed and epoch, with the agents made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_collab.episode.agent import Agent
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Family
from pytest_collab.episode.limits import Limits
from pytest_collab.episode.record import episode_id
from pytest_collab.episode.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Prefix:
    """The first turns of another episode, word for word.

    Attributes:
        episode: whose they are.
        turns: how many.
        replies: text and why it ended, by turn and seat.
    """

    episode: str
    turns: int
    replies: Mapping[tuple[int, str], tuple[str, str]]

    @classmethod
    def of(cls, episode: str, transcript: Transcript, turns: int) -> Prefix:
        """The first `turns` turns of a transcript, or as many as there are."""
        found = {
            (event.data["turn"], str(event.seat)): (event.data["text"], event.data["stop"])
            for event in transcript.of("reply")
            if event.data["turn"] < turns
        }
        return cls(episode, min(turns, len({turn for turn, _ in found})), found)


@dataclass(frozen=True, slots=True)
class Plan:
    """One episode to play.

    Attributes:
        team: names as the item shows them (one for `solo` and `with:AGENT`).
        agents: the team's agents, in seat order; a shorter team's last agent takes all remaining seats.
        others: the agent that takes all seats but the first under `with:AGENT`.
        grader: reads the finished dialogue in families that let it; None leaves that to the family's own rules.
        prefix: answers to begin with, which nobody is asked for; None to ask for all.
        gradings: how often the grader reads, each time afresh.
        asks_seats: when it has ended, every seat is asked apart what it believes was agreed on.
        attempt: 1 for the first play of this episode in the run.
    """

    family: Family[Any]
    params: Any
    task: str
    task_hash: str
    condition: Condition
    team: tuple[str, ...]
    agents: tuple[Agent, ...]
    seed: int
    others: Agent | None = None
    epoch: int = 0
    attempt: int = 1
    grader: Agent | None = None
    gradings: int = 1
    asks_seats: bool = False
    limits: Limits = field(default_factory=Limits)
    prefix: Prefix | None = None

    @property
    def id(self) -> str:
        return episode_id(
            self.family.name,
            self.task,
            self.task_hash,
            str(self.condition),
            self.team,
            self.seed,
            self.epoch,
            self.attempt,
        )

    @property
    def key(self) -> tuple[str, str, str, tuple[str, ...], int, int]:
        return (self.family.name, self.task, str(self.condition), self.team, self.seed, self.epoch)

    def seating(self, seats: tuple[str, ...]) -> dict[str, Agent]:
        """Who sits where at the start."""
        if self.condition.recovers:
            return dict.fromkeys(seats, self.agents[1])
        if self.others is not None:
            return {seat: self.agents[0] if seat == seats[0] else self.others for seat in seats}
        places = len(seats) // (self.condition.teams or 1)
        if len(self.agents) <= places:  # every team has the same agents, where there are several
            return {seat: self.agents[min(i % places, len(self.agents) - 1)] for i, seat in enumerate(seats)}
        return {seat: self.agents[min(i, len(self.agents) - 1)] for i, seat in enumerate(seats)}
