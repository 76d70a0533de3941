"""Params of a donor game: what a task says about it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from pytest_collab.episode.family import Params


class Donor(Params):
    """Params of a donor game. The defaults are the study's, but for fewer generations."""

    family: ClassVar[str] = "donor"

    seats: int = Field(12, ge=4, le=26, multiple_of=2, description="how many play; an even number")
    generations: int = Field(3, ge=1, le=50, description="how many generations")
    rounds: int | None = Field(None, ge=2, description="rounds per game, at most one per seat; that many if none")
    games: Literal[1, 2] = Field(
        2, description="games per generation; in the second everyone begins anew, with the roles exchanged"
    )
    endowment: float = Field(10.0, gt=0, le=1e6, allow_inf_nan=False, description="units that everyone begins with")
    multiplier: float = Field(2.0, gt=1, le=10, allow_inf_nan=False, description="units received per unit given up")
    trace: int = Field(
        3, ge=0, le=10, description="how many deeds of the chain behind a recipient its donor is shown"
    )
    punishment: float = Field(
        0.0, ge=0, le=10, allow_inf_nan=False, description="units taken away per unit spent; 0 for no punishment"
    )
    means_shown: bool = Field(True, description="whether a donor is told what its recipient has")
    horizon_told: bool = Field(False, description="whether seats are told how many rounds a game has")
    prompts: Literal["plain", "as_published"] = Field(
        "plain", description="how seats are told: in plain words, or what the study tells, each call by itself"
    )
    talk: bool = Field(False, description="whether everyone may send messages at the beginning of a generation")
    target: float = Field(0.8, gt=0, le=1, description="score from which an episode is a success")

    @model_validator(mode="after")
    def _can_be_paired(self) -> Donor:
        if self.rounds is not None and self.rounds > self.seats:
            raise ValueError(f"{self.seats} seats meet in at most {self.seats} rounds; lower rounds or raise seats")
        return self

    @property
    def length(self) -> int:
        """Rounds per game."""
        return self.rounds or self.seats
