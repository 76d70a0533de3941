"""Params of a world of alem: what a task says about it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from pytest_collab.episode.family import Params
from pytest_collab.families.alem.world.world import WorldRules
from pytest_collab.families.rounds import Lessons


class Alem(Params):
    """Params of a world. The defaults are the published protocol at easy: three agents, 10,000 steps."""

    family: ClassVar[str] = "alem"
    as_published: ClassVar[str] = "Seats are always told what alem-env's own harness tells; leave it out."

    difficulty: Literal["none", "easy", "medium", "hard"] | float = Field(
        "easy",
        description="none (no coordination objects), easy, medium, hard, or alpha itself: the share of coordination "
        "objects that need all agents, 0 to 1",
    )
    agents: int = Field(3, ge=1, le=8, description="how many agents: warrior, forager, miner, and so on in turn")
    max_steps: int = Field(10_000, ge=1, le=10_000, description="steps after which the world ends at the latest")
    soft_specialisation: bool = Field(
        True, description="whether everybody may try every craft, with less success, or only its specialist"
    )
    non_specialist_efficiency: float = Field(
        0.2, ge=0, le=1, description="chance of success of who is no specialist (0.2 in the published runs)"
    )
    shared_reward: bool = Field(False, description="whether every agent receives the sum of all rewards")
    communication: bool = Field(True, description="whether messages are part of the protocol at all")
    memory: bool = Field(True, description="whether agents have a scratchpad, shown to them again at every step")
    reasoning: bool = Field(True, description="whether agents are asked to think in the open before they act")
    prompt_mode: Literal["general", "specific", "specific_collaborative"] = Field(
        "specific_collaborative",
        description="what agents are told: general (no rules), specific (rules, nothing on coordination), "
        "specific_collaborative (both)",
    )
    progressive_disclosure: bool = Field(
        True, description="whether instructions tell of deeper levels only once they are reached"
    )
    history: int = Field(
        8,
        ge=1,
        le=100,
        description="observations in a prompt, the newest included; they grow to nearly twice as many, then are cut",
    )
    message_rounds: int = Field(
        4, ge=1, le=100, description="rounds of messages that such a cut leaves in a prompt, the newest included"
    )
    lessons: Lessons = Field(
        (), description="what memory:list tells every agent: a list of lessons, or a file with one a line"
    )
    target: float = Field(
        0.05, ge=0, le=1, description="share of the maximum reward that a success takes (Team/reward_pct_of_max)"
    )
    coordination_target: float = Field(
        0.05,
        ge=0,
        le=1,
        description="share of the maximum coordination reward that a success takes, where anything takes several",
    )
    frames: bool = Field(
        True, description="whether pictures of the level are kept (a few kB after each achievement, and at the end)"
    )

    @model_validator(mode="after")
    def _can_be_played(self) -> Alem:
        if isinstance(self.difficulty, float) and not 0 <= self.difficulty <= 1:
            raise ValueError(
                f"difficulty {self.difficulty:g}: alpha lies in 0..1 (easy is 0.3, medium 0.6, hard 0.9)"
            )
        if self.message_rounds > self.history:
            raise ValueError(
                f"{self.message_rounds} rounds of messages stand beside {self.history} observations; "
                "raise history or lower message_rounds"
            )
        return self

    @property
    def rules(self) -> WorldRules:
        """What the world is made with."""
        return WorldRules(
            difficulty=self.difficulty,
            agents=self.agents,
            max_steps=self.max_steps,
            soft_specialisation=self.soft_specialisation,
            non_specialist_efficiency=self.non_specialist_efficiency,
            shared_reward=self.shared_reward,
            prompt_mode=self.prompt_mode,
            progressive_disclosure=self.progressive_disclosure,
        )

    @property
    def coordinated(self) -> bool:
        """Whether there is anything that takes several agents."""
        return self.agents > 1 and self.difficulty != "none"
