"""The donor game over generations, after "Cultural Evolution of Cooperation among LLM Agents" (arXiv 2412.10270)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from pydantic import Field, model_validator

from pytest_collab.agents.builtin import CAST
from pytest_collab.episode.agent import Seat
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Params, Picture
from pytest_collab.episode.outcome import Verdict
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.donor.cast import PLAYERS
from pytest_collab.families.donor.seats import DonorGame
from pytest_collab.families.donor.verdict import assess
from pytest_collab.families.rounds import Player, RoundFamily, RoundGame, seat_names

__all__ = ["Donor", "DonorFamily"]


class Donor(Params):
    """Params of a donor game. The defaults are the study's, but for fewer generations."""

    family: ClassVar[str] = "donor"

    seats: int = Field(12, ge=4, le=26, multiple_of=2, description="how many play; an even number")
    generations: int = Field(3, ge=1, le=50, description="how many generations")
    rounds: int | None = Field(
        None, ge=2, description="rounds per generation, at most one per seat; that many if none"
    )
    endowment: float = Field(10.0, gt=0, le=1e6, allow_inf_nan=False, description="units that everyone begins with")
    multiplier: float = Field(2.0, gt=1, le=10, allow_inf_nan=False, description="units received per unit given up")
    trace: int = Field(
        3, ge=0, le=10, description="how many deeds of the chain behind a recipient its donor is shown"
    )
    punishment: float = Field(
        0.0, ge=0, le=10, allow_inf_nan=False, description="units taken away per unit spent; 0 for no punishment"
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
        """Rounds per generation."""
        return self.rounds or self.seats


class DonorFamily(RoundFamily[Donor]):
    """The donor game."""

    name = "donor"
    summary = "giving helps the other more than it costs, and reputation goes round"
    params_type = Donor
    players: ClassVar[Mapping[str, Callable[[Seat], Player]]] = PLAYERS
    cast: ClassVar[Mapping[str, str]] = {name: CAST[name] for name in PLAYERS}
    codes: ClassVar[frozenset[str] | None] = RoundFamily.shared_codes | {"disagreement", "free_riding", "withholding"}

    def seats(self, params: Donor) -> tuple[str, ...]:
        return seat_names(params.seats)

    def refuses(self, condition: Condition, params: Donor) -> str | None:
        if condition.kind == "relay" and not params.talk:
            return "relay counts messages, and this task has none (strategies are no messages); set talk: true"
        return super().refuses(condition, params)

    def table(self, params: Donor, seed: int, condition: Condition) -> RoundGame:
        return DonorGame(params, seed, condition)

    def assess(self, params: Donor, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        return assess(params, self.replayed(params, seed, condition), transcript)

    def draw(
        self, params: Donor, seed: int, condition: Condition, transcript: Transcript, upto: int | None = None
    ) -> Picture | None:
        from pytest_collab.families.donor.draw import picture

        events = transcript if upto is None else Transcript(transcript[: upto + 1])
        return picture(params, self.seats(params), events)
