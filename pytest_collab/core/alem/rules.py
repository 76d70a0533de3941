"""What makes one world of alem differ from another, and which of it is compiled in. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from pytest_collab.errors import TaskError

Difficulty = Literal["none", "easy", "medium", "hard"]
PromptMode = Literal["general", "specific", "specific_collaborative"]

DIFFICULTIES: Final = ("none", "easy", "medium", "hard")


@dataclass(frozen=True, slots=True)
class WorldRules:
    """What makes one world differ from another. The defaults are those of the published evaluation of models.

    Attributes:
        difficulty: `none` (no coordination objects), `easy`, `medium`, `hard`, or alpha itself, a number in 0 .. 1:
            the share of coordination objects that need all agents. easy is 0.3, medium 0.6, hard 0.9.
        agents: how many seats.
        max_steps: the world ends after so many steps at the latest.
        soft_specialisation: everybody may try every craft, at `non_specialist_efficiency`; else only its specialist.
        non_specialist_efficiency: chance of success of those who are not specialists, 0 .. 1. The package derives
            1 - alpha from the difficulty; its published runs of models override that by 0.2.
        shared_reward: every seat receives the sum of all rewards.
        prompt_mode: what system prompt and observations tell: `general` (no rules), `specific` (rules, nothing on
            coordination), `specific_collaborative` (both).
        progressive_disclosure: the system prompt tells of deeper levels once they are reached.
        exact_coordinates: observations give map coordinates as well.
        precise_location: "2 steps north and 3 steps east" instead of "5 steps north-east".
        show_affordances: observations end with the list of legal actions, and the system prompt lists none.
        ascii_map: the view as a grid of letters instead of a list.

    Raises:
        TaskError: a value is out of range.
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

    def __post_init__(self) -> None:
        if isinstance(self.difficulty, str):
            if self.difficulty not in DIFFICULTIES:
                raise TaskError(
                    f"unknown difficulty {self.difficulty!r}",
                    remedy=f"Choose {', '.join(DIFFICULTIES)}, or give alpha, a number from 0 to 1.",
                    key="difficulty",
                )
        elif not 0.0 <= self.difficulty <= 1.0:
            raise TaskError(f"alpha {self.difficulty} is not in 0 .. 1", key="difficulty")
        if self.agents < 1:
            raise TaskError(f"a world needs an agent, not {self.agents}", key="agents")
        if self.max_steps < 1:
            raise TaskError(f"a world needs a step, not {self.max_steps}", key="max_steps")
        if not 0.0 <= self.non_specialist_efficiency <= 1.0:
            raise TaskError(
                f"the chance {self.non_specialist_efficiency} is not in 0 .. 1", key="non_specialist_efficiency"
            )


class Kind(NamedTuple):
    """The part of the rules on which the compiled programs depend; all else is handed to them as numbers."""

    agents: int
    coordination: bool
    soft_specialisation: bool

    @classmethod
    def of(cls, rules: WorldRules) -> Kind:
        """Easy, medium, hard and every alpha are one kind: one compilation serves them all."""
        return cls(rules.agents, rules.difficulty != "none", rules.soft_specialisation)


TUNED: Final[tuple[tuple[str, type], ...]] = (
    ("max_timesteps", int),
    ("p_max_agents", float),
    ("handover_window_min", int),
    ("handover_window_max", int),
    ("soft_solo_fail_prob", float),
    ("non_specialist_efficiency", float),
    ("shared_reward", bool),
)
"""Fields of the package's EnvParams that are arguments of the programs, with their types. None of them shapes the
program; the package itself traces most of them when it draws the difficulty at random."""


def harness_settings(rules: WorldRules) -> dict[str, Any]:
    """The rules under the names of the package's own evaluation harness (section `alem` of its configuration)."""
    return {
        "max_timesteps": rules.max_steps,
        "god_mode": False,
        "coordination_difficulty": rules.difficulty if isinstance(rules.difficulty, str) else str(rules.difficulty),
        "soft_specialization": rules.soft_specialisation,
        "shared_reward": rules.shared_reward,
        "specialist_efficiency": 1.0,
        "non_specialist_efficiency": rules.non_specialist_efficiency,
        "randomize_alpha": False,
        "num_agents": rules.agents,
    }


def description_settings(rules: WorldRules) -> dict[str, Any]:
    """What the package's text wrapper is told about how to describe a world."""
    return {
        "unique_items": True,
        "precise_location": rules.precise_location,
        "exact_coordinates": rules.exact_coordinates,
        "egocentric": False,
        "skip_items": ["grass", "sand", "path"],
        "edge_only_items": ["water"],
        "prompt_mode": rules.prompt_mode,
        "show_affordances": rules.show_affordances,
        "use_ascii": rules.ascii_map,
    }
