"""Rewards a task may define, and the audit that refuses those which pay best for doing nothing."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from pytest_collab.families.philosophers import rules
from pytest_collab.families.rounds.equality import fairness

RANDOM_EPISODES: Final = 8


class Reward(BaseModel):
    """Weights of the terms of a reward. Every term lies in 0..1; the reward is their weighted mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    throughput: float = Field(0.0, ge=0, allow_inf_nan=False, description="meals as a share of the capacity")
    fairness: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="DPBench's fairness; 1 when nobody ate at all"
    )
    no_starvation: float = Field(0.0, ge=0, allow_inf_nan=False, description="share of the seats that ate at all")
    no_deadlock: float = Field(0.0, ge=0, allow_inf_nan=False, description="1 unless the table deadlocked")
    economy: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="share of the grabs that got a fork; 1 without any"
    )
    readable: float = Field(0.0, ge=0, allow_inf_nan=False, description="share of the replies that held one action")

    def of(self, played: Played) -> float:
        """The reward of an episode, 0..1; 0 when every weight is 0."""
        terms, weights = played.terms(), self.model_dump()
        total = sum(weights.values())
        return sum(weights[name] * terms[name] for name in weights) / total if total > 0 else 0.0


STUDY: Final = Reward(fairness=1, no_deadlock=1, economy=1, readable=1)
"""A four-term reward of the kind that arXiv 2606.07845 reports: full marks at zero actions and zero meals.

The abstract tells that its four terms have their maximum there; neither it nor any open code defines them, so these
four, which share the property, stand in for them.
"""


@dataclass(frozen=True, slots=True)
class Played:
    """What a reward is computed from.

    Attributes:
        capacity: see `rules.capacity`.
        grabs, got: grabs tried and grabs that got a fork.
        replies, readable: replies, and those that held one action.
    """

    meals: tuple[int, ...]
    capacity: int
    deadlocked: bool
    grabs: int
    got: int
    replies: int
    readable: int

    def terms(self) -> dict[str, float]:
        """Each term's value, 0..1."""
        return {
            "throughput": min(1.0, sum(self.meals) / self.capacity) if self.capacity else 0.0,
            "fairness": fairness(self.meals),
            "no_starvation": sum(m > 0 for m in self.meals) / len(self.meals),
            "no_deadlock": float(not self.deadlocked),
            "economy": self.got / self.grabs if self.grabs else 1.0,
            "readable": self.readable / self.replies if self.replies else 1.0,
        }


Policy = Callable[[rules.State, int, int, random.Random], str]
"""(state, philosopher, moment, chance) -> action."""

POLICIES: Final[Mapping[str, Policy]] = {
    "nothing": lambda state, i, moment, chance: "wait",
    "release for ever": lambda state, i, moment, chance: "release",
    "grab left for ever": lambda state, i, moment, chance: "grab_left",
    "grab right for ever": lambda state, i, moment, chance: "grab_right",
    "random": lambda state, i, moment, chance: chance.choice(rules.ACTIONS),
    "left, then right": lambda state, i, moment, chance: "grab_right" if state.left[i] else "grab_left",
    "odd seats right first": lambda state, i, moment, chance: (
        ("grab_right" if state.left[i] else "grab_left")
        if i % 2
        else ("grab_left" if state.right[i] else "grab_right")
    ),
    "taking turns": lambda state, i, moment, chance: rules.mannered(state, i, moment),
}
IDLE: Final = ("nothing", "release for ever")


def rollout(policy: Policy, seats: int, timesteps: int, protocol: str, terminal: bool, seed: int = 0) -> Played:
    """One episode in which every seat follows the same policy."""
    chance = random.Random(seed)
    state = rules.initial(seats)
    grabs = got = replies = 0
    deadlocked = False
    while state.timestep < timesteps and not (deadlocked and terminal):
        moment = state.timestep if protocol == "simultaneous" else state.timestep // seats
        if protocol == "simultaneous":
            actions = [policy(state, i, moment, chance) for i in range(seats)]
            after = rules.simultaneous(state, actions)
            tried = sum(action.startswith("grab") for action in actions)
            gained = sum(took(state, after, i, action) for i, action in enumerate(actions))
            state = after
        else:
            tried = gained = 0
            for i in range(seats):
                action = policy(state, i, moment, chance)
                after = rules.alone(state, i, action)
                tried += action.startswith("grab")
                gained += took(state, after, i, action)
                state = after
        grabs, got, replies = grabs + tried, got + gained, replies + seats
        if rules.is_deadlock(state):
            deadlocked = True
            state = state if terminal else rules.resolved(state)
    capacity = rules.capacity(seats, timesteps, protocol)
    return Played(state.meals, capacity, deadlocked, grabs, got, replies, replies)


def took(before: rules.State, after: rules.State, i: int, action: str) -> bool:
    """Did this grab get a fork?"""
    if action == "grab_left":
        return after.left[i] and not before.left[i]
    return action == "grab_right" and after.right[i] and not before.right[i]


def audit(reward: Reward, seats: int, timesteps: int, protocol: str, terminal: bool) -> dict[str, float]:
    """What each simple policy earns; `random` is a mean over a few episodes."""
    table = {}
    for name, policy in POLICIES.items():
        seeds = range(RANDOM_EPISODES) if name == "random" else range(1)
        earned = [reward.of(rollout(policy, seats, timesteps, protocol, terminal, seed)) for seed in seeds]
        table[name] = sum(earned) / len(earned)
    return table


def complaint(table: Mapping[str, float]) -> str | None:
    """Why a reward must be refused, or None: doing nothing earns at least as much as everything else tried."""
    idle = max(table[name] for name in IDLE)
    best, most = max(((name, paid) for name, paid in table.items() if name not in IDLE), key=lambda item: item[1])
    if idle < most:
        return None
    return (
        f"doing nothing earns {idle:.2f} and no policy that acts earns more (the best, {best!r}, earns {most:.2f}); "
        "give weight to throughput or no_starvation"
    )
