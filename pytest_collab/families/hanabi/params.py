"""Params of a game of Hanabi: what a task says about it."""

from __future__ import annotations

from typing import Any, ClassVar, Final, Literal

from pydantic import Field, field_validator, model_validator

from pytest_collab.core.games.hanabi import Rules
from pytest_collab.episode.family import Params
from pytest_collab.families.hanabi import rules

SMALL: Final = {"colours": 2, "ranks": 5, "hand": 2, "hints": 3, "lives": 1}
"""The learning environment's Hanabi-Small."""


class Hanabi(Params):
    """Params of Hanabi. What is not given is as in the box, or as in the small game with `small`."""

    family: ClassVar[str] = "hanabi"

    players: int = Field(2, ge=2, le=5, description="how many play")
    small: bool = Field(False, description="the small game: 2 colours, hands of 2, 3 hint tokens, 1 life")
    colours: int | None = Field(None, ge=1, le=5, description="colours there are: 5 unless given")
    ranks: int | None = Field(None, ge=2, le=5, description="ranks there are: 5 unless given")
    hand: int | None = Field(
        None, ge=1, le=5, description="cards in a hand: 5, or 4 with four players or five, unless given"
    )
    hints: int | None = Field(None, ge=0, le=20, description="hint tokens: 8 unless given; 0: no hints at all")
    lives: int | None = Field(None, ge=1, le=10, description="cards that may be misplayed, the last one ends it: 3")
    deck: tuple[str, ...] | None = Field(
        None,
        description="all cards in the order in which they are dealt, as in `R1 B5 ...`; a shuffle by seed if none",
    )
    scaffold: Literal["details", "deductions", "memory"] = Field(
        "details",
        description="what is shown of hints: what they said of each card; what each can still be besides; or what "
        "they said of one's own cards, and one's own notes from the turn before",
    )
    talk: int = Field(0, ge=0, le=3, description="free lines that go to everyone with each action")
    strikeout: Literal["zero", "keep"] = Field(
        "zero", description="what a game is worth that ends with the last life: nothing, or the points so far"
    )
    target: float = Field(0.6, gt=0, le=1, description="share of all points from which an episode is a success")

    @field_validator("deck", mode="before")
    @classmethod
    def _signs(cls, value: Any) -> Any:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _can_be_dealt(self) -> Hanabi:
        size = self.rules
        cards = len(list(size.cards()))
        if size.players * size.hand > cards:
            raise ValueError(
                f"{size.players} hands of {size.hand} are more than the {cards} cards there are; take more colours "
                "or smaller hands"
            )
        if self.deck is not None:
            rules.read_deck(self.deck, size)
        return self

    @property
    def rules(self) -> Rules:
        """The size of the game."""
        box = SMALL if self.small else {"hand": 5 if self.players < 4 else 4}
        given = {name: getattr(self, name) for name in SMALL}
        return Rules(self.players, **(box | {name: value for name, value in given.items() if value is not None}))

    def dealt(self, seed: int) -> tuple[int, ...]:
        """The deck of a seed."""
        return rules.shuffled(self.rules, seed) if self.deck is None else rules.read_deck(self.deck, self.rules)
