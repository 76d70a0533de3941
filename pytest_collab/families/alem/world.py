"""The world of `alem-env`, driven: one episode, stepped once for all seats, observed in its own words.

Everything about the game is the package's: world generation, dynamics, action masks, text observations, system
prompts and scores (Alem, arXiv 2606.08340). This module makes it quick to start and plain to read; nothing of it is
imported before a `World` is made. Seats are numbered from 0, as in the package's texts ("Agent 0").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Difficulty = Literal["none", "easy", "medium", "hard"]
PromptMode = Literal["general", "specific", "specific_collaborative"]


@dataclass(frozen=True, slots=True)
class WorldRules:
    """What makes one world differ from another. The defaults are those of the published evaluation.

    Attributes:
        difficulty: `none` (no coordination objects), `easy`, `medium`, `hard`, or alpha itself, a number in 0 .. 1:
            the share of coordination objects that need all agents. easy is 0.3, medium 0.6, hard 0.9.
        agents: how many seats.
        max_steps: the world ends after so many steps at the latest.
        soft_specialisation: everybody may try every craft, at `non_specialist_efficiency`; else only its specialist.
        non_specialist_efficiency: chance of success of those who are not specialists, 0 .. 1. The package derives
            1 - alpha from the difficulty, its published runs of models override that by 0.2.
        shared_reward: every seat receives the sum of all rewards.
        prompt_mode: what system prompt and observations tell: `general` (no rules), `specific` (rules, nothing on
            coordination), `specific_collaborative` (both).
        progressive_disclosure: the system prompt tells of deeper levels once they are reached.
        exact_coordinates: observations give map coordinates as well.
        precise_location: "2 steps north and 3 steps east" instead of "5 steps north-east".
        show_affordances: observations end with the list of legal actions.
        ascii_map: the view as a grid of letters instead of a list.
    """

    difficulty: Difficulty | float = "easy"
    agents: int = 3
    max_steps: int = 10_000
    soft_specialisation: bool = True
    non_specialist_efficiency: float = 0.2
    shared_reward: bool = False
    prompt_mode: PromptMode = "specific_collaborative"
    progressive_disclosure: bool = True
    exact_coordinates: bool = True
    precise_location: bool = True
    show_affordances: bool = True
    ascii_map: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of the world brought.

    Attributes:
        rewards: one per seat.
        done: the world has ended (everybody dead, boss beaten, or out of steps).
        effective: per seat, whether its action was legal, so that it could have an effect.
        facts: what happened, plain JSON data; see `World.step`.
    """

    rewards: tuple[float, ...]
    done: bool
    effective: tuple[bool, ...]
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Share:
    """A share of the maximum, 0 .. 1: of the base game, of coordination, and of both."""

    base: float
    coordination: float
    total: float


@dataclass(frozen=True, slots=True)
class Score:
    """The package's `compute_score` of a state taken as final, for the team (an achievement of one is all's).

    Attributes:
        reward_pct_of_max: weighted by tier; what the site and the published tables show.
        achievement_pct: plain counts; what its EVALUATION.md names.
        seats: `reward_pct_of_max` of each seat on its own.
        all: every metric that `compute_score` returns, by its own name.
    """

    reward_pct_of_max: Share
    achievement_pct: Share
    seats: tuple[Share, ...]
    all: dict[str, float]


class World:
    """One episode of alem.

    Raises:
        UsageError: `alem-env` is not installed, or does not run on this Python; the message says what to do.
    """

    rules: WorldRules
    seed: int
    actions: tuple[str, ...]
    """All actions by name: the package's 55, with `Give` replaced by one `Give to Agent N` per seat."""

    def __init__(self, rules: WorldRules, seed: int) -> None:
        """The world that the package's text harness deals for this seed: reset with split(PRNGKey(seed))[1]."""
        raise NotImplementedError

    @property
    def step_number(self) -> int:
        """How many steps have been made."""
        raise NotImplementedError

    @property
    def done(self) -> bool:
        """Whether the world has ended."""
        raise NotImplementedError

    def system_prompt(self, seat: int) -> str:
        """The official instructions for a seat; with progressive disclosure they grow with the deepest level."""
        raise NotImplementedError

    def observe(self, seat: int) -> str:
        """The official text of what a seat sees now, the feedback on its last action first.

        Messages are no part of it: the package leaves them to whoever drives it.
        """
        raise NotImplementedError

    def inactive(self, seat: int) -> bool:
        """Dead, asleep or resting: whatever the seat chooses becomes Noop."""
        raise NotImplementedError

    def legal(self, seat: int) -> tuple[str, ...]:
        """The actions that can have an effect now, in the order of `actions`."""
        raise NotImplementedError

    def step(self, actions: Sequence[str]) -> Step:
        """All seats act at once.

        Args:
            actions: one name out of `actions` per seat. An action that is not legal has no effect.

        Returns:
            rewards and the end, and `facts`, in which only what happened is present:
                `t`: steps made before this one.
                `actions`: per seat.
                `sync`: [{"kind": block name or "elite"/"large"/"construction"/"craft", "at": [row, column],
                    "needs": seats, "soft": bool, "acted": seats that did, "success": bool}]
                `handover`: [{"at", "kind", "event": "set_up"/"completed"/"expired", "by": seat, "window": steps}]
                `requests`: [{"seat", "item", "event": "asked"/"answered"/"expired", "by": giving seat}]
                `trades`: [{"from", "to", "item", "count"}]
                `deaths`: [{"seat", "cause", "near": seats within reach of help}]
                `revived`: seats
                `friendly_fire`: [{"seat", "damage"}]
                `unlocked`: {seat: [achievement names, as COLLECT_WOOD]}
                `level`: the level entered, if it changed
                `counters`: {name: increase} of those counters of the state that changed.

        Raises:
            ValueError: a name that is not in `actions`, or not one per seat.
        """
        raise NotImplementedError

    def facts(self) -> dict[str, Any]:
        """The state as plain JSON data, small: what a verdict or a scripted player may need.

        Returns:
            `t`, `level`, `light`, `done`;
            `seats`: per seat {"at": [row, column], "facing": [row, column], "faces": block name, "faces_mob",
                "faces_seat", "direction", "alive", "asleep", "resting", "health", "food", "drink", "energy", "mana",
                "xp", "specialisation", "death_cause", "inventory": {item: count, no zeros}, "request": item or None,
                "request_steps_left"};
            `objects`: coordination objects of this level within the view of a living seat, nearest first:
                {"kind": "sync"/"handover"/"construction"/"elite"/"large", "at", "block": block or mob name,
                "needs": seats, "soft": bool, "window": steps (handovers), "left": steps left of a handover under way,
                "by": who began it, "near": seats adjacent, "facing": seats adjacent and facing it};
            `handovers`: all under way on this level; `requests`: all open ones [{"seat", "item", "left"}];
            `counters`: {name: value, or a list with one per seat}.
        """
        raise NotImplementedError

    def view(self, seat: int) -> dict[str, Any]:
        """What the seat itself sees, as data: nothing that its observation does not tell.

        Returns:
            the seat's own entry of `facts()["seats"]` as `me`, `t`, `level`, `mates` (position, health, request; as
            the observation gives them), `origin` ([row, column] of the view's upper left corner), `blocks` (rows of
            block names, None where dark), `items` ([name, at]), `mobs` ([name, kind, at, needs]), `objects` in view.
        """
        raise NotImplementedError

    def score(self) -> Score:
        """`compute_score(state, True, ...)` of the state as it is now."""
        raise NotImplementedError

    def text_map(self, seat: int) -> str:
        """The package's letter grid of a seat's view, with its legend."""
        raise NotImplementedError

    def frame(self, seat: int = 0, *, block_pixels: int = 16) -> bytes:
        """A PNG of what a seat sees. Loads the package's textures, once per process (seconds)."""
        raise NotImplementedError
