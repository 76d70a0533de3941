"""Params of a public-goods game: what a task says about it."""

from __future__ import annotations

from math import ceil
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from pytest_collab.episode.family import Params
from pytest_collab.families.public_goods import rules


class PublicGoods(Params):
    """Params of a public good. The defaults are the laboratory's: four seats, 20 units, a multiplier of 1.6."""

    family: ClassVar[str] = "public_goods"

    seats: int = Field(4, ge=2, le=12, description="how many contribute")
    rounds: int = Field(10, ge=1, le=100, description="how often")
    endowment: int = Field(20, ge=1, le=100, description="units that each has in each round")
    multiplier: float = Field(
        1.6, gt=0, le=100, allow_inf_nan=False, description="what contributions are multiplied by"
    )
    protocol: Literal["simultaneous", "sequential"] = Field(
        "simultaneous", description="all at once, or one after the other seeing what was contributed before"
    )
    observation: Literal["full", "partial"] = Field(
        "full",
        description="sequential: each sees what all before it have contributed, or only the one just before it",
    )
    payoff: Literal["linear", "redesigned"] = Field(
        "linear", description="the plain payoff, or MAC-SPGG's, under which effort is the equilibrium"
    )
    least: int = Field(1, ge=0, description="redesigned: units that each contributes at least")
    convexity: float = Field(
        0.1,
        ge=0,
        le=100,
        allow_inf_nan=False,
        description="redesigned: c of n units cost c + convexity c c / n: each costs more than the one before",
    )
    bonus: float = Field(
        2.0, ge=0, le=100, description="redesigned: cooperation bonus per unit after full contributors"
    )
    penalty: float = Field(4.0, ge=0, le=10_000, description="redesigned: what everyone pays below the threshold")
    threshold: float = Field(
        0.8, ge=0, le=1, description="redesigned: share of all endowments that must come together"
    )
    equilibrium: Literal["effort", "free_riding"] | None = Field(
        None,
        description="what the task claims to be the only equilibrium (effort: all, or the redesigned payoff's "
        "threshold); refused unless a solver agrees, which sees games of full observation",
    )
    aim: Literal["own", "group"] = Field(
        "own", description="what seats are told to want: the greatest payoff of their own, or much given in all"
    )
    prompts: Literal["plain", "as_published"] = Field(
        "plain", description="how seats are told: in plain words, or each round by itself, as MAC-SPGG's tasks are"
    )
    talk: int = Field(1, ge=0, le=5, description="rounds of talk before each round")
    target: float = Field(0.8, gt=0, le=1, description="share of all endowments that makes a success")

    @model_validator(mode="after")
    def _keeps_what_it_claims(self) -> PublicGoods:
        if self.multiplier <= 1:
            raise ValueError(f"with a multiplier of {self.multiplier:g} contributing helps nobody; raise multiplier")
        if self.payoff == "redesigned" and self.protocol != "sequential":
            raise ValueError("the redesigned payoff rewards following others; use protocol: sequential")
        if self.observation == "partial" and self.protocol != "sequential":
            raise ValueError("where all contribute at once nobody comes before another; use protocol: sequential")
        if self.lowest >= self.endowment:
            raise ValueError(
                f"who has {self.endowment} units cannot be left to choose from {self.lowest}; lower least"
            )
        if self.prompts == "as_published" and self.aim == "group":
            raise ValueError("in the study each wants its own payoff; leave aim out, or use prompts: plain")
        claim = self.equilibrium or ("effort" if self.payoff == "redesigned" else None)
        if claim is None:
            return self
        found, most = rules.equilibria(self.good), self.seats * self.endowment
        enough = self.good.threshold if self.payoff == "redesigned" else most
        kept = min(found) >= enough if claim == "effort" else max(found) <= self.seats * self.lowest
        if len(found) > 1 or not kept:
            told = ", ".join(map(str, sorted(found)[:5])) + (", ..." if len(found) > 5 else "")
            remedy = "raise bonus, penalty or threshold" if self.payoff == "redesigned" else "change equilibrium"
            raise ValueError(
                f"{claim.replace('_', ' ')} is not the only equilibrium of this good: in equilibrium {told} of "
                f"{most} units are contributed; {remedy}"
            )
        return self

    @property
    def lowest(self) -> int:
        """Units that each contributes at least."""
        return self.least if self.payoff == "redesigned" else 0

    @property
    def good(self) -> rules.Good:
        """The constants of the rules."""
        sequential = self.protocol == "sequential"
        if self.payoff == "linear":
            return rules.Good(self.seats, self.endowment, self.multiplier, sequential=sequential)
        enough = ceil(self.threshold * self.seats * self.endowment - 1e-9)
        return rules.Good(
            self.seats,
            self.endowment,
            self.multiplier,
            self.bonus,
            self.penalty,
            enough,
            True,
            self.least,
            self.convexity,
        )
