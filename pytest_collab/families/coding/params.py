"""Params of a coding task: what a task says about its pool and its teams."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from pytest_collab.episode.condition import Condition
from pytest_collab.families.coding import casting, rules
from pytest_collab.families.coding.pool.pool import Pool


class Coding(Pool):
    """Params of a coding task: a pool of features on one base, and which groups of them are episodes.

    Seed 0 is the first group, seed 1 the second, and so on; `seeds: all` plays every one. With `roles`, a group is
    what one seat builds, and of one feature unless `size` says otherwise.
    """

    family: ClassVar[str] = "coding"

    pairs: Literal["all"] | tuple[tuple[str, ...], ...] = Field(
        "all", description="`all` groups of `size` features, or exactly these lists of feature ids"
    )
    size: int = Field(
        2,
        ge=1,
        le=len(rules.SEATS),
        description="features in a group, and so seats in a team; with `roles` 1 by default",
    )
    roles: Literal["teambench", "self_collaboration", "agyn"] | tuple[str, ...] | None = Field(
        None,
        description="seats with different rights: teambench, self_collaboration, agyn, or a list such as "
        "[planner, executor, verifier]",
    )
    returns: int | None = Field(
        None,
        ge=0,
        le=20,
        description="with `roles`: how often the verifier may send work back (3; self_collaboration 4)",
    )
    prompts: Literal["plain", "as_published", "as_in_caid"] = Field(
        "plain",
        description="whether seats are told things in our words, what CooperBench tells (a lead: CAID), or that, and "
        "one alone what CAID tells",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_feature_for_roles(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("roles") is not None and "size" not in data:
            pairs = data.get("pairs")
            first = pairs[0] if isinstance(pairs, (list, tuple)) and pairs else ()
            return {**data, "size": len(first) if isinstance(first, (list, tuple)) and first else 1}
        return data

    @model_validator(mode="after")
    def _roles_can_be_cast(self) -> Coding:
        if self.roles is None:
            if self.size < 2:
                raise ValueError("a team of 1 needs no merge; write 2 or more features in a group, or give `roles`")
            if self.returns is not None:
                raise ValueError("`returns` is how often a verifier sends work back, and no `roles` are given")
        elif self.prompts != "plain":
            raise ValueError(f"`prompts: {self.prompts}` are those of seats without roles; leave it out, or `roles`")
        elif wrong := casting.mistake(self.seats):
            raise ValueError(wrong)
        return self

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
        return rules.deal(self.deals[seed % len(self.deals)], condition, self.casting(condition))

    @property
    def seats(self) -> tuple[str, ...]:
        """The seats of the team: `a`, `b`, ..., or the roles."""
        if self.roles is None:
            return rules.seat_names(self.size)
        return casting.PRESETS[self.roles] if isinstance(self.roles, str) else self.roles

    def casting(self, condition: Condition) -> casting.Casting | None:
        """Who plays which role under a condition; None without roles."""
        if self.roles is None:
            return None
        known = casting.PRESET_RETURNS.get(self.roles if isinstance(self.roles, str) else "", casting.RETURNS)
        return casting.cast(self.seats, known if self.returns is None else self.returns, condition)

    def check(self) -> None:
        """As a pool does; with roles, every feature must have a brief, too."""
        super().check()
        if self.roles is not None:
            for feature in self.features:
                self.brief(feature)

    def content(self) -> str:
        """As a pool's; with roles, briefs belong to it."""
        found = super().content()
        if self.roles is None:
            return found
        briefs = "\0".join(self.brief(feature) for feature in self.features)
        return sha256(f"{found}\0{briefs}".encode()).hexdigest()[:16]

    def __eq__(self, other: object) -> bool:
        """Where a task lies on the disk is no part of what it says."""
        return isinstance(other, Coding) and self.model_dump() == other.model_dump()

    def __hash__(self) -> int:
        return hash(self.model_dump_json())
