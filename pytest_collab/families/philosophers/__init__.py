"""Dining philosophers: shared forks, local views, and the question whether neighbours can take turns.

The game is DPBench's (arXiv 2602.13255; the GRPO study arXiv 2606.07845 plays it too), step for step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from pytest_collab.agents.builtin import CAST
from pytest_collab.episode.agent import Seat
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Params, Picture
from pytest_collab.episode.game import replay
from pytest_collab.episode.outcome import Verdict
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.philosophers import rules
from pytest_collab.families.philosophers.cast import PLAYERS
from pytest_collab.families.philosophers.reward import STUDY, Reward, audit, complaint
from pytest_collab.families.philosophers.seats import PhilosophersGame
from pytest_collab.families.philosophers.verdict import assess
from pytest_collab.families.rounds import Player, RoundFamily, RoundGame, seat_names

__all__ = ["STUDY", "Philosophers", "PhilosophersFamily", "Reward"]


class Philosophers(Params):
    """Params of a dinner. The defaults are the study's simultaneous table of five, with talk."""

    family: ClassVar[str] = "philosophers"

    seats: int = Field(5, ge=3, le=15, description="how many philosophers sit at the table")
    protocol: Literal["simultaneous", "sequential"] = Field(
        "simultaneous", description="all act at once, or one after the other (each single action is then a step)"
    )
    timesteps: int = Field(30, ge=6, le=1000, description="steps of the dinner")
    talk: int = Field(
        1, ge=0, le=5, description="0: no messages; 1: with each action; k: k - 1 rounds of talk before it"
    )
    deadlock: Literal["terminal", "resolving"] = Field(
        "terminal", description="whether a deadlock ends the dinner, or all forks are taken away and it goes on"
    )
    memory: int = Field(0, ge=0, le=50, description="how many past steps of the whole table every prompt shows")
    meals_each: int | None = Field(
        None,
        ge=1,
        description="how often everyone must have eaten for a success; half of what taking turns gives if none",
    )
    message_characters: int = Field(200, ge=20, le=2000, description="where messages are cut off")
    reward: Reward | None = Field(None, description="weights of reward terms that make the score")

    @model_validator(mode="after")
    def _can_be_played(self) -> Philosophers:
        if self.protocol == "sequential" and self.talk > 1:
            raise ValueError("rounds of talk need the simultaneous protocol; use talk: 1")
        fed = min(rules.taking_turns(self.seats, self.timesteps, self.protocol).meals)
        if fed < self.enough:
            raise ValueError(
                f"in {self.timesteps} {self.protocol} steps even {self.seats} philosophers who take turns eat only "
                f"{fed} times each, a success takes {self.enough}; raise timesteps"
            )
        if self.reward is not None:
            terminal = self.deadlock == "terminal"
            refused = complaint(audit(self.reward, self.seats, self.timesteps, self.protocol, terminal))
            if refused:
                raise ValueError(f"this reward is best served by inaction: {refused}")
        return self

    @property
    def enough(self) -> int:
        """How often everyone must have eaten for a success."""
        fed = min(rules.taking_turns(self.seats, self.timesteps, self.protocol).meals)
        return self.meals_each or max(1, -(-fed // 2))


class PhilosophersFamily(RoundFamily[Philosophers]):
    """Dining philosophers."""

    name = "philosophers"
    summary = "neighbours share forks: eat, and let the others eat, without deadlock"
    params_type = Philosophers
    players: ClassVar[Mapping[str, Callable[[Seat], Player]]] = PLAYERS
    cast: ClassVar[Mapping[str, str]] = {name: CAST[name] for name in PLAYERS}
    codes: ClassVar[frozenset[str] | None] = RoundFamily.shared_codes | {"deadlock", "false_claim", "starvation"}

    def seats(self, params: Philosophers) -> tuple[str, ...]:
        return seat_names(params.seats)

    def table(self, params: Philosophers, seed: int, condition: Condition) -> RoundGame:
        return PhilosophersGame(params, shared=condition.shared)

    def assess(self, params: Philosophers, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        return assess(params, self.replayed(params, seed, condition), transcript)

    def draw(
        self, params: Philosophers, seed: int, condition: Condition, transcript: Transcript, upto: int | None = None
    ) -> Picture | None:
        from pytest_collab.families.philosophers.draw import picture

        game = self.replayed(params, seed, condition)
        replay(game, transcript if upto is None else Transcript(transcript[: upto + 1]))
        return picture(game.state.table, self.seats(params), deadlocked=game.state.deadlocked)
