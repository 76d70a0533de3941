"""Public goods, played at once or in sequence; with MAC-SPGG's redesigned payoff (arXiv 2508.02076)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from pytest_collab.agents.builtin import CAST
from pytest_collab.episode.agent import Seat
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Params, Picture
from pytest_collab.episode.outcome import Verdict
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.public_goods import rules
from pytest_collab.families.public_goods.cast import PLAYERS
from pytest_collab.families.public_goods.seats import PublicGoodsGame
from pytest_collab.families.public_goods.verdict import assess
from pytest_collab.families.rounds import Player, RoundFamily, RoundGame, seat_names

__all__ = ["PublicGoods", "PublicGoodsFamily"]


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
    payoff: Literal["linear", "redesigned"] = Field(
        "linear", description="the plain payoff, or MAC-SPGG's, under which effort is the equilibrium"
    )
    bonus: float = Field(
        2.0, ge=0, le=100, description="redesigned: cooperation bonus per unit after full contributors"
    )
    penalty: float = Field(20.0, ge=0, le=10_000, description="redesigned: what everyone pays below the threshold")
    threshold: float = Field(
        1.0, ge=0, le=1, description="redesigned: share of all endowments that must come together"
    )
    equilibrium: Literal["effort", "free_riding"] | None = Field(
        None, description="what the task claims to be the only equilibrium; refused unless a solver agrees"
    )
    talk: int = Field(1, ge=0, le=5, description="rounds of talk before each round")
    target: float = Field(0.8, gt=0, le=1, description="share of all endowments that makes a success")

    @model_validator(mode="after")
    def _keeps_what_it_claims(self) -> PublicGoods:
        if self.multiplier <= 1:
            raise ValueError(f"with a multiplier of {self.multiplier:g} contributing helps nobody; raise multiplier")
        if self.payoff == "redesigned" and self.protocol != "sequential":
            raise ValueError("the redesigned payoff rewards following others; use protocol: sequential")
        claim = self.equilibrium or ("effort" if self.payoff == "redesigned" else None)
        if claim is None:
            return self
        found = rules.equilibria(self.good)
        most = self.seats * self.endowment
        if found != frozenset({most if claim == "effort" else 0}):
            told = ", ".join(map(str, sorted(found)[:5])) + (", ..." if len(found) > 5 else "")
            remedy = "raise bonus, penalty or threshold" if self.payoff == "redesigned" else "change equilibrium"
            raise ValueError(
                f"{claim.replace('_', ' ')} is not the only equilibrium of this good: in equilibrium {told} of "
                f"{most} units are contributed; {remedy}"
            )
        return self

    @property
    def good(self) -> rules.Good:
        """The constants of the rules."""
        sequential = self.protocol == "sequential"
        if self.payoff == "linear":
            return rules.Good(self.seats, self.endowment, self.multiplier, sequential=sequential)
        least = ceil(self.threshold * self.seats * self.endowment)
        return rules.Good(self.seats, self.endowment, self.multiplier, self.bonus, self.penalty, least, True)


class PublicGoodsFamily(RoundFamily[PublicGoods]):
    """The public good."""

    name = "public_goods"
    summary = "what everyone gives is multiplied and shared, whoever gave it"
    params_type = PublicGoods
    players: ClassVar[Mapping[str, Callable[[Seat], Player]]] = PLAYERS
    cast: ClassVar[Mapping[str, str]] = {name: CAST[name] for name in PLAYERS}
    codes: ClassVar[frozenset[str] | None] = RoundFamily.shared_codes | {"disagreement", "false_claim", "free_riding"}

    def seats(self, params: PublicGoods) -> tuple[str, ...]:
        return seat_names(params.seats)

    def table(self, params: PublicGoods, seed: int, condition: Condition) -> RoundGame:
        return PublicGoodsGame(params)

    def assess(self, params: PublicGoods, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        return assess(params, self.replayed(params, seed, condition), transcript)

    def draw(
        self, params: PublicGoods, seed: int, condition: Condition, transcript: Transcript, upto: int | None = None
    ) -> Picture | None:
        from pytest_collab.families.public_goods.draw import picture

        events = transcript if upto is None else Transcript(transcript[: upto + 1])
        return picture(params, self.seats(params), events)
