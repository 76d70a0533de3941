"""Params of a commons: what a task says about it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from pytest_collab.episode.family import Params
from pytest_collab.families.commons import rules


class Commons(Params):
    """Params of a commons. The defaults are the study's: five seats, twelve rounds, a pool of 100 that doubles."""

    family: ClassVar[str] = "commons"

    telling: Literal["fishery", "pasture", "pollution"] = Field(
        "fishery", description="the words of the game (the additive harm has its own)"
    )
    seats: int = Field(5, ge=2, le=12, description="how many share the pool")
    rounds: int = Field(12, ge=2, le=100, description="months that a pool has to last; the seats are not told")
    capacity: int = Field(100, ge=10, le=1000, description="units that the pool can hold")
    start: int | None = Field(
        None, ge=1, description="units at the beginning; the capacity (a harm that doubles: half) if none"
    )
    growth: int = Field(2, ge=2, le=10, description="what is left is multiplied by it every month")
    threshold: int = Field(5, ge=1, description="a pool with less left than this has collapsed")
    harm: Literal["doubling", "additive"] | None = Field(
        None, description="the pool is a harm that has to be removed: it doubles, or half of the capacity is added"
    )
    talk: int = Field(1, ge=0, le=5, description="rounds of talk after every harvest, in which all speak at once")
    conversation: int = Field(
        0,
        ge=0,
        le=50,
        description="in their place: entries of one conversation, the report first, each speaker naming the next",
    )
    prompts: Literal["plain", "as_published"] = Field(
        "plain", description="how seats are told: in plain words, or what the study tells, each call by itself"
    )
    monitoring: bool = Field(True, description="whether everyone sees what each has taken")
    universalization: bool = Field(
        False, description="whether everyone is told what follows if everyone takes more than the sustainable share"
    )
    newcomer: int | None = Field(
        None, ge=2, description="the month in which the last seat joins, told to care for its own gain only"
    )
    norms: bool = Field(
        False, description="whether seats can propose a norm, whose median everyone is then reminded of"
    )
    punishment: int = Field(0, ge=0, description="units that being punished costs; 0 for no punishment")
    punishment_cost: int = Field(1, ge=0, description="units that punishing costs")
    rewards_told: bool = Field(True, description="whether seats are told that units taken are their gain")
    social_learning: bool = Field(
        False, description="whether everyone is shown who has gained most, and by taking what"
    )
    attitude: Literal["neutral", "altruistic", "selfish"] = Field(
        "neutral", description="what seats are told they want"
    )
    target: float = Field(0.5, gt=0, le=1, description="efficiency that a surviving group needs for a success")

    @model_validator(mode="after")
    def _can_be_sustained(self) -> Commons:
        if self.first > self.capacity:
            raise ValueError(f"the pool cannot start with {self.first} units, it holds {self.capacity}; lower start")
        if self.conversation and self.conversation < 1 + self.monitoring:
            raise ValueError("the report fills a conversation of one entry; raise conversation to 2 at least")
        if self.newcomer is not None and (self.newcomer > self.rounds or self.seats < 3):
            raise ValueError(f"a newcomer in month {self.newcomer} needs that many rounds and three seats")
        gain = rules.sustainable(self.first, self.seats, self.nature)
        left = self.first - self.seats * rules.share(self.first, self.seats, self.nature)
        if gain <= 0 or (self.harm is None and left < self.threshold):
            raise ValueError(
                f"{self.seats} seats cannot live on a pool of {self.first} units: the sustainable share of each is "
                f"{rules.share(self.first, self.seats, self.nature)}; raise start or capacity, or lower seats"
            )
        return self

    @property
    def first(self) -> int:
        """Units at the beginning."""
        if self.start is not None:
            return self.start
        return self.capacity // 2 if self.harm == "doubling" else self.capacity

    @property
    def nature(self) -> rules.Nature:
        """The constants of the rules."""
        if self.harm == "doubling":
            effort = max(1, self.capacity // (2 * self.seats))
            return rules.Nature(self.capacity, self.growth, self.threshold, effort, self.first)
        if self.harm == "additive":
            return rules.Nature(self.capacity, 1, self.threshold, self.capacity, increment=self.capacity // 2)
        return rules.Nature(self.capacity, self.growth, self.threshold)

    @property
    def talks(self) -> int:
        """How many times seats are asked to talk after a harvest, at most."""
        return self.conversation - self.monitoring if self.conversation else self.talk

    def seated(self, month: int) -> int:
        """How many seats take part in a month (from 0): the newcomer joins late."""
        return self.seats - (self.newcomer is not None and month + 1 < self.newcomer)
