"""Params of a dilemma: what a task says about it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from pytest_collab.episode.family import Params
from pytest_collab.families.dilemma.games import GAMES, Payoffs
from pytest_collab.families.dilemma.pairing import GAMES as CHOOSABLE


class Dilemma(Params):
    """Params of a dilemma. The defaults are CoopEval's: its payoffs, its mechanisms, no talk."""

    family: ClassVar[str] = "dilemma"

    game: Literal["prisoners", "stag_hunt", "trust", "public_goods", "travellers", "bertrand"] = Field(
        "prisoners", description="which game is played"
    )
    mechanism: Literal["none", "repetition", "reputation", "choice", "mediation", "contract"] = Field(
        "none", description="what helps cooperation"
    )
    groups: int | None = Field(
        None, ge=1, le=6, description="groups that play side by side: 1, with reputation and choice 2 unless given"
    )
    rounds: int = Field(15, ge=2, le=100, description="most rounds of a repeated game")
    continuation: float = Field(
        0.8, gt=0, lt=1, description="how likely another round is after each; nobody is told when it ends"
    )
    memory: int = Field(3, ge=1, le=20, description="past rounds that are shown")
    depth: int = Field(3, ge=1, le=5, description="reputation: how far the partners of partners are told of")
    punishment: float = Field(
        0, ge=0, le=10, description="points that a punisher can take from another for 1 of its own; 0: none"
    )
    prompts: Literal["plain", "as_published"] = Field(
        "plain",
        description="whether players are told things in our words, with actions that say what they are, or what "
        "CoopEval tells and nothing more, each call by itself",
    )
    talk: bool = Field(False, description="whether all may write to each other before they choose")
    target: float = Field(0.8, gt=0, le=1, description="score from which an episode is a success")

    @model_validator(mode="after")
    def _can_be_played(self) -> Dilemma:
        if self.mechanism in ("reputation", "choice") and self.groups == 1:
            raise ValueError(f"{self.mechanism} needs others to meet; take groups: 2 or more")
        if self.mechanism == "choice" and self.game not in CHOOSABLE:
            known = ", ".join(CHOOSABLE)
            raise ValueError(f"partners are chosen in games of two with like places ({known}), not in {self.game}")
        if self.mechanism == "choice" and self.prompts == "as_published":
            raise ValueError("in the study nobody chooses a partner; use prompts: plain")
        if self.punishment and not self.repeated:
            raise ValueError(f"punishment needs rounds to come; mechanism {self.mechanism!r} plays one")
        if self.prompts == "as_published" and (self.talk or self.punishment):
            raise ValueError("in the study nobody talks or punishes; leave both out, or use prompts: plain")
        if self.game == "bertrand" and self.prompts == "as_published":
            raise ValueError("the study sets no prices; use prompts: plain")
        if self.game == "bertrand" and (self.mechanism not in ("none", "repetition") or self.punishment):
            what = "punishment" if self.punishment else f"mechanism {self.mechanism!r}"
            raise ValueError(f"{what} is about actions that have names, and prices have none; take it out")
        return self

    @property
    def payoffs(self) -> Payoffs:
        """The game."""
        return GAMES[self.game]

    @property
    def repeated(self) -> bool:
        """Whether it is played more than once."""
        return self.mechanism in ("repetition", "reputation", "choice")

    @property
    def seats(self) -> int:
        """How many play in all."""
        return self.payoffs.places * (self.groups or (2 if self.mechanism in ("reputation", "choice") else 1))
