"""Params of an expert team: what a task says about it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

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
    seats: int = Field(4, ge=2, le=6, description="how many discuss")
    expertise: Literal["single", "distributed"] = Field(
        "single", description="whether one seat knows everything, or each seat a part"
    )
    revealed: bool = Field(
        False, description="whether everyone is told who the expert is (who knows what, if spread)"
    )
    discussion: int = Field(4, ge=0, le=10, description="rounds of discussion")
    target: float = Field(0.9, gt=0, le=1, description="score of the team's answer that makes a success")

    def deal(self, seed: int) -> rules.Deal:
        """The deal of a seed."""
        single = self.expertise == "single"
        if self.kind == "ranking":
            return rules.deal_ranking(self.seats, self.scenario, single, seed)
        return rules.deal_profile(self.seats, self.options, single, seed)
