"""Params of a market: what a task says about it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Params
from pytest_collab.families.market import rules
from pytest_collab.families.rounds import seat_names


class Market(Params):
    """Params of a market. The defaults are the study's: 10 agents, 20 rounds, 100 pieces, two tasks at a time."""

    family: ClassVar[str] = "market"

    agents: int = Field(10, ge=2, le=26, description="how many agents take part")
    rounds: int = Field(20, ge=3, le=200, description="how many rounds are played")
    pieces: int = Field(100, ge=2, le=2000, description="how many unique pieces there are, dealt evenly")
    tasks: int = Field(2, ge=1, le=5, description="tasks that each agent has open at once")
    needs: int = Field(4, ge=1, le=20, description="pieces that a task needs, all of them dealt to others")
    revenue: float = Field(10_000.0, gt=0, allow_inf_nan=False, description="dollars per task submitted")
    deadline: int | None = Field(None, ge=2, description="rounds a task stays open; none for no end")
    order: Literal["random", "in_turn", "at_once"] = Field(
        "in_turn",
        description="how agents act within a round: one by one, a to z or in an order drawn anew, or at once",
    )
    directory: bool = Field(True, description="whether everyone knows who was dealt which pieces")
    scoreboard: bool = Field(
        True,
        description="whether everyone sees what each has done; as published, false is the study's limited visibility",
    )
    values: bool = Field(
        False, description="whether pieces have values that a sender can alter, for half the pay of the task"
    )
    prompts: Literal["plain", "as_published"] = Field(
        "plain",
        description="whether agents are told things in our words, or what the study tells and nothing more, each "
        "call without memory but for the study's windows",
    )
    target: float = Field(0.8, gt=0, le=1, description="share of the optimum from which an episode is a success")

    @model_validator(mode="after")
    def _can_be_dealt(self) -> Market:
        most = -(-self.pieces // self.agents)
        if self.pieces < self.agents:
            raise ValueError(f"{self.pieces} pieces cannot be dealt to {self.agents} agents; raise pieces")
        if self.needs > self.pieces - most:
            raise ValueError(f"a task cannot need {self.needs} pieces of others; lower needs or raise pieces")
        return self

    def deal(self, seed: int) -> rules.Deal:
        """The deal of a seed."""
        seats = seat_names(self.agents)
        return rules.deal(seats, self.pieces, self.rounds, self.tasks, self.needs, self.deadline, seed)

    def ceiling(self, seed: int) -> int:
        """Tasks that flawless play on request does: what every condition is measured against.

        For turns in a random order, too, this is play in a fixed order. At the study's size it makes 201 tasks,
        and 313 in 30 rounds, where the study prints 204.0 and 314.0; in a random order it would be 182 and 290.
        """
        return rules.optimum(self.deal(seed), "at_once" if self.order == "at_once" else "in_turn")

    def how(self, condition: Condition) -> tuple[rules.Order, rules.Known]:
        """The order of acting, and how needs become known, under a condition.

        What is earned is measured against `ceiling`, whatever the condition.

        One agent on all seats knows all needs, and commands all seats at once. With requests automated the study's
        system sends them at the end of each round, in the askers' names; otherwise all needs are announced.
        """
        if condition.solo:
            return "at_once", "announced"
        if condition.kind == "auto":
            sent: rules.Known = "sent" if self.prompts == "as_published" else "announced"
            return self.order, "answered" if condition.argument == "answers" else sent
        return self.order, "announced" if condition.shared else "asked"
