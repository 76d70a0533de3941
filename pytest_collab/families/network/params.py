"""Params of a network: what a task says about it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from pytest_collab.episode.family import Params
from pytest_collab.families.network import audit, graphs, published, rules


class Network(Params):
    """Params of a network. `rounds` are AgentsNet's unless given."""

    family: ClassVar[str] = "network"

    kind: Literal[
        "leader", "consensus", "colouring", "matching", "cover", "maximum", "sum", "rank", "median", "tracer"
    ] = Field("maximum", description="the problem that the seats solve together")
    seats: int = Field(8, ge=3, le=100, description="how many agents the network joins")
    graph: Literal["path", "ring", "star", "small_world", "scale_free", "delaunay", "complete"] = Field(
        "small_world", description="how they are joined"
    )
    rounds: int | None = Field(
        None,
        ge=1,
        le=250,
        description="rounds of messages before the answer; the study's for the kind, the size and the graph if none",
    )
    medium: Literal["neighbours", "broadcast", "board"] = Field(
        "neighbours",
        description="messages go to single neighbours, to all neighbours alike, or onto a board that everyone reads",
    )
    ending: Literal["together", "own"] = Field(
        "together", description="everyone answers after the last round, or each when it thinks that it knows"
    )
    message_characters: int | None = Field(
        None,
        ge=20,
        le=8000,
        description="where messages are cut off; 300, or 20 for each seat if more, if none (8000 as published)",
    )
    prompts: Literal["plain", "as_published"] = Field(
        "plain", description="whether agents are told things in our words, or what AgentsNet tells and nothing more"
    )

    @model_validator(mode="after")
    def _measures_something(self) -> Network:
        refused = audit.complaint(self.kind, self.graph, self.seats)
        if refused:
            raise ValueError(refused)
        if self.prompts == "as_published":
            if self.kind not in published.GOALS:
                kinds = ", ".join(published.GOALS)
                raise ValueError(f"AgentsNet's prompts are those of {kinds}, not of {self.kind}; use prompts: plain")
            if (self.medium, self.ending) != ("neighbours", "together"):
                raise ValueError("AgentsNet has no such medium or ending; leave them out, or use prompts: plain")
        return self

    @property
    def characters(self) -> int:
        """Where messages are cut off."""
        most = 8000 if self.prompts == "as_published" else max(300, 20 * self.seats)
        return self.message_characters or most

    def rounds_of(self, dealt: rules.Deal) -> int:
        """Rounds of messages in a deal.

        The study plays 4, 5 and 6 rounds with 4, 8 and 16 seats for `colouring`, `matching` and `cover`, and
        2 x diameter + 1 for the rest and with more seats; here it is never less than the diameter.
        """
        if self.rounds is not None:
            return self.rounds
        across = 1 if self.medium == "board" else graphs.diameter(dealt.near)
        if self.kind in ("colouring", "matching", "cover") and self.seats <= 16:
            return max(across, 4 if self.seats <= 4 else 5 if self.seats <= 8 else 6)
        return 2 * across + 1

    def deal(self, seed: int) -> rules.Deal:
        """The deal of a seed."""
        return rules.deal(self.kind, self.graph, self.seats, seed)
