"""Params of a coding task: what a task says about its pool and its teams."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from pytest_collab.episode.condition import Condition
from pytest_collab.families.coding import rules
from pytest_collab.families.coding.pool.pool import Pool


class Coding(Pool):
    """Params of a coding task: a pool of features on one base, and which groups of them are episodes.

    Seed 0 is the first group, seed 1 the second, and so on; `seeds: all` plays every one.
    """

    family: ClassVar[str] = "coding"

    pairs: Literal["all"] | tuple[tuple[str, ...], ...] = Field(
        "all", description="`all` groups of `size` features, or exactly these lists of feature ids"
    )
    size: int = Field(2, ge=2, le=len(rules.SEATS), description="features in a group, and so seats in a team")
    prompts: Literal["plain", "as_published"] = Field(
        "plain", description="whether seats are told things in our words, or what CooperBench tells (a lead: CAID)"
    )

    @model_validator(mode="after")
    def _groups_can_be_dealt(self) -> Coding:
        known = [feature.id for feature in self.features]
        if isinstance(self.pairs, str):
            if len(known) < self.size:
                raise ValueError(f"a team of {self.size} needs as many features; the pool has {len(known)}")
            return self
        if not self.pairs:
            raise ValueError("no group of features is listed")
        for group in self.pairs:
            if len(group) != self.size or len(set(group)) != len(group):
                raise ValueError(f"group {list(group)} must name {self.size} different features")
            missing = [feature for feature in group if feature not in known]
            if missing:
                raise ValueError(f"there is no feature {missing[0]!r}; features are {', '.join(known)}")
        if len({frozenset(group) for group in self.pairs}) != len(self.pairs):
            raise ValueError("a group of features is listed twice")
        return self

    @property
    def deals(self) -> tuple[tuple[str, ...], ...]:
        """The groups of features, in the order in which seeds count them."""
        return rules.groups([feature.id for feature in self.features], self.pairs, self.size)

    def deal_of(self, seed: int, condition: Condition) -> rules.Deal:
        """Who builds what under a seed."""
        return rules.deal(self.deals[seed % len(self.deals)], condition)

    def __eq__(self, other: object) -> bool:
        """Where a task lies on the disk is no part of what it says."""
        return isinstance(other, Coding) and self.model_dump() == other.model_dump()

    def __hash__(self) -> int:
        return hash(self.model_dump_json())
