"""Params of an expert team: what a task says about it."""

from __future__ import annotations

import random
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from pytest_collab.episode.family import Params
from pytest_collab.families.experts import rules


class Experts(Params):
    """Params of a team with an expert. The defaults are the study's: four seats, four rounds of discussion."""

    family: ClassVar[str] = "experts"

    kind: Literal["ranking", "hidden_profile"] = Field("ranking", description="rank items, or choose an option")
    scenario: Literal["any", "hut", "delta", "archive"] = Field(
        "any", description="what is ranked; the seed decides if any"
    )
    options: int = Field(3, ge=2, le=4, description="how many options a hidden profile has")
    seats: int = Field(4, ge=2, le=8, description="how many discuss")
    expertise: Literal["single", "distributed"] = Field(
        "single", description="whether one seat knows everything, or each seat a part"
    )
    revealed: bool = Field(
        False, description="whether everyone is told who the expert is (who knows what, if spread)"
    )
    expert_error: int = Field(
        0,
        ge=0,
        le=36,
        description="L1 error of what the expert says, in rankings (even); nobody knows of it",
    )
    adversary: bool = Field(
        False, description="whether one seat, not the expert's, is told to work for the worst answer"
    )
    answers: Literal["public", "private"] = Field(
        "public", description="under `confederates`: whether everyone learns the last answer of the agent under test"
    )
    discussion: int = Field(4, ge=0, le=10, description="rounds of discussion")
    prompts: Literal["plain", "as_published"] = Field(
        "plain", description="whether seats are told how the team's answer is made of theirs, or just to agree on one"
    )
    target: float = Field(
        0.9, gt=0, le=1, description="score of the team's answer that makes a success, as a share of the expert's"
    )

    @model_validator(mode="after")
    def _can_be_dealt(self) -> Experts:
        if self.expert_error % 2:
            raise ValueError(f"expert_error: {self.expert_error} is no L1 error of a ranking, which is even")
        if self.expert_error and self.kind != "ranking":
            raise ValueError("expert_error is about rankings; leave it out of a hidden profile")
        if self.adversary and self.seats < 3:
            raise ValueError("an adversary needs two others; raise seats to 3")
        return self

    def deal(self, seed: int) -> rules.Deal:
        """The deal of a seed."""
        single = self.expertise == "single"
        if self.kind == "ranking":
            return rules.deal_ranking(self.seats, self.scenario, single, seed, self.expert_error)
        return rules.deal_profile(self.seats, self.options, single, seed)

    def misled(self, seed: int) -> int | None:
        """The seat that is told to work against the team; None where there is none."""
        if not self.adversary:
            return None
        others = [seat for seat in range(self.seats) if seat != self.deal(seed).expert]
        return random.Random(f"experts:adversary:{seed}").choice(others)
