"""Teams with an expert, after "Multi-Agent Teams Hold Experts Back" (arXiv 2602.01011)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Literal

from pydantic import Field

from pytest_collab.agents.builtin import CAST
from pytest_collab.episode.agent import Seat
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Params, Picture
from pytest_collab.episode.outcome import Verdict
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.experts import rules
from pytest_collab.families.experts.cast import PLAYERS
from pytest_collab.families.experts.seats import ExpertsGame
from pytest_collab.families.experts.verdict import assess
from pytest_collab.families.rounds import Player, RoundFamily, RoundGame, seat_names

__all__ = ["Experts", "ExpertsFamily"]


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


class ExpertsFamily(RoundFamily[Experts]):
    """The team with an expert."""

    name = "experts"
    summary = "somebody knows better: will the team find out, and use it?"
    params_type = Experts
    players: ClassVar[Mapping[str, Callable[[Seat], Player]]] = PLAYERS
    cast: ClassVar[Mapping[str, str]] = {name: CAST[name] for name in PLAYERS}
    codes: ClassVar[frozenset[str] | None] = RoundFamily.shared_codes | {
        "disagreement",
        "false_claim",
        "undelivered",
        "ungrounded",
        "vague",
        "withholding",
    }

    def seats(self, params: Experts) -> tuple[str, ...]:
        return seat_names(params.seats)

    def table(self, params: Experts, seed: int, condition: Condition) -> RoundGame:
        return ExpertsGame(params, seed, condition)

    def assess(self, params: Experts, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        return assess(params, seed, condition, self.replayed(params, seed, condition), transcript)

    def content(self, params: Experts) -> str:
        from pytest_collab.families.experts.scenarios import ADVANTAGES, DRAWBACKS, SCENARIOS

        return repr(SCENARIOS) if params.kind == "ranking" else repr((ADVANTAGES, DRAWBACKS))

    def draw(
        self, params: Experts, seed: int, condition: Condition, transcript: Transcript, upto: int | None = None
    ) -> Picture | None:
        from pytest_collab.episode.game import replay
        from pytest_collab.families.experts.draw import picture

        game = self.replayed(params, seed, condition)
        replay(game, transcript if upto is None else Transcript(transcript[: upto + 1]))
        return picture(params.deal(seed), self.seats(params), game.state)
