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

    seats: int = Field(5, ge=3, le=20, description="how many philosophers sit at the table")
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
    backoff_after: int = Field(
        0, ge=0, le=50, description="steps with one fork after which it may fall from the hand; 0 for never"
    )
    backoff_chance: float = Field(0.5, gt=0, le=1, description="how likely it falls in each step from then on")
    prompts: Literal["plain", "as_published"] = Field(
        "plain",
        description="whether seats are told things in our words, or what the study tells and nothing more, each call "
        "without memory of the others",
    )
    reward: Reward | None = Field(None, description="weights of reward terms that make the score")

    @model_validator(mode="after")
    def _can_be_played(self) -> Philosophers:
        if self.protocol == "sequential" and self.talk > 1:
            raise ValueError("rounds of talk need the simultaneous protocol; use talk: 1")
        meals = rules.taking_turns(self.seats, self.timesteps, self.protocol).meals
        if min(meals) < self.enough:
            raise ValueError(
                f"in {self.timesteps} {self.protocol} steps even {self.seats} philosophers who take turns eat only "
                f"{min(meals)} times each, a success takes {self.enough}; raise timesteps or lower meals_each"
            )
        if not sum(meals):
            raise ValueError(
                f"in {self.timesteps} {self.protocol} steps {self.seats} philosophers who take turns eat nothing; "
                "raise timesteps"
            )
        if self.reward is not None:
            terminal = self.deadlock == "terminal"
            refused = complaint(audit(self.reward, self.seats, self.timesteps, self.protocol, terminal))
            if refused:
                raise ValueError(f"this reward is best served by inaction: {refused}")
        return self

    @property
    def enough(self) -> int:
        """How often everyone must have eaten for a success.

        None at all where the dinner is too short for everyone to eat (the study's sequential tables of ten and
        fifteen): what counts there is `enough_in_all`.
        """
        fed = min(rules.taking_turns(self.seats, self.timesteps, self.protocol).meals)
        return self.meals_each or -(-fed // 2)

    @property
    def enough_in_all(self) -> int:
        """Meals that a success takes together where not everyone can eat: half of what taking turns gives."""
        meals = rules.taking_turns(self.seats, self.timesteps, self.protocol).meals
        return 0 if self.enough else -(-sum(meals) // 2)

    @property
    def rounds(self) -> int:
        """How often each philosopher acts."""
        return -(-self.timesteps // self.seats) if self.protocol == "sequential" else self.timesteps
