"""Params of a dinner: what a task says about it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from pytest_collab.episode.family import Params
from pytest_collab.families.philosophers import rules
from pytest_collab.families.philosophers.reward import Reward, audit, complaint


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
