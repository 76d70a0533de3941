"""Who builds what: seeds name groups of features, seats get one each, and trees are joined as the condition says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Literal

from pytest_collab.episode.condition import Condition
from pytest_collab.families.coding.casting import Casting

SEATS: Final = "abcdefgh"
"""Names of seats; a team has at most so many members."""

IDLE_ANSWERS: Final = 3
"""So many answers in a row without a tool call, and a seat is taken to have finished."""

RETURNS: Final = 3
"""How often a member's work is handed back to it for its conflicts before the lead goes on without."""

Joining = Literal["merge", "last", "lead"]
"""How seats' trees become one: by merging them all, by taking the last seat's, or by taking the lead's."""


@dataclass(frozen=True, slots=True)
class Deal:
    """One episode's division of labour.

    Attributes:
        features: what each seat builds, in seat order.
        joining: see `Joining`.
        remote: seats share a remote repository `origin`.
        watched: seats see each other's features and live diffs.
        casting: where seats have roles, who may what; one of them builds all features, and its tree counts.
        teams: where several teams build the same, the deal of each; `features` holds all their seats.
        apart: these teams are not shown what the others propose.
    """

    features: Mapping[str, tuple[str, ...]]
    joining: Joining
    remote: bool = False
    watched: bool = False
    casting: Casting | None = None
    teams: tuple[Deal, ...] = ()
    apart: bool = False

    @property
    def seats(self) -> tuple[str, ...]:
        return tuple(self.features)

    @property
    def result(self) -> Deal:
        """The deal as grading sees it: with roles, the seat that builds, alone."""
        if self.casting is None:
            return self
        return Deal({self.casting.builder: self.all_features}, "last")

    def of(self, seat: str) -> Deal:
        """The deal of the seat's own team."""
        return next((team for team in self.teams if seat in team.features), self)

    def number_of(self, seat: str) -> int:
        """The number of the seat's team among several, from 1."""
        return 1 + next(i for i, team in enumerate(self.teams) if seat in team.features)

    @property
    def all_features(self) -> tuple[str, ...]:
        if self.teams:
            return self.teams[0].all_features
        return tuple(feature for owned in self.features.values() for feature in owned)

    def owner(self, feature: str) -> str:
        """The seat that builds a feature."""
        return next(seat for seat, owned in self.features.items() if feature in owned)


def seat_names(size: int) -> tuple[str, ...]:
    """`a`, `b`, ... for a team of `size`."""
    return tuple(SEATS[:size])


def groups(features: Sequence[str], pairs: str | Sequence[Sequence[str]], size: int) -> tuple[tuple[str, ...], ...]:
    """The groups of features of a pool, in the fixed order in which seeds count them.

    Args:
        features: ids, as the pool lists them.
        pairs: `all` for every combination (lexicographic in the pool's order), or exactly these.
    """
    if not isinstance(pairs, str):
        return tuple(tuple(group) for group in pairs)
    return tuple(combinations(features, size))


def deal(group: Sequence[str], condition: Condition, casting: Casting | None = None) -> Deal:
    """Give the features of a group to seats: one each, or all to the role that builds."""
    if condition.solo:
        return Deal({"a": tuple(group)}, "last")
    if casting is not None:
        parts = {seat: tuple(group) if seat == casting.builder else () for seat in casting.seats}
        return Deal(parts, "last", casting=casting)
    if condition.teams is not None:
        teams = tuple(
            Deal({seat: (feature,) for seat, feature in zip(seats, group, strict=True)}, "merge")
            for seats in condition.by_team(seat_names(len(group)))
        )
        everybody = {seat: owned for team in teams for seat, owned in team.features.items()}
        return Deal(everybody, "merge", teams=teams, apart=condition.apart)
    owned = {seat: (feature,) for seat, feature in zip(seat_names(len(group)), group, strict=True)}
    joining: Joining = {"sequential": "last", "lead": "lead"}.get(condition.kind, "merge")  # type: ignore[assignment]
    return Deal(
        owned,
        joining,
        remote=condition.kind in ("git", "lead"),
        watched=condition.shared,
    )
