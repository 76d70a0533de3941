"""The world of `alem-env`, driven: one episode, stepped once for all seats, observed in its own words.

Everything about the game is the package's: world generation, dynamics, action masks, text observations, system
prompts and scores (Alem, arXiv 2606.08340). This module makes it quick to start and plain to read; nothing of it is
imported before a `World` is made. Seats are numbered from 0, as in the package's texts ("Agent 0").
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_collab.core.alem import programs as alem_programs
from pytest_collab.core.alem.rules import Difficulty, PromptMode, WorldRules
from pytest_collab.families.alem.world import pictures, wording
from pytest_collab.families.alem.world.events import GIVE, step_facts
from pytest_collab.families.alem.world.facts import facts_of, in_bounds, lexicon, view_of

__all__ = ["Difficulty", "PromptMode", "Score", "Share", "Step", "World", "WorldRules"]


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

    Attributes:
        actions: all actions by name: the package's 55, with `Give` replaced by one `Give to Agent N` per seat.

    Raises:
        UsageError: `alem-env` is not installed, or does not run on this Python; the message says what to do.
    """

    def __init__(self, rules: WorldRules, seed: int, *, remember: int = 0) -> None:
        """The world that the package's text harness deals for this seed: reset with split(PRNGKey(seed))[1].

        Args:
            remember: so many states before the present one are kept for `film` (half a megabyte each).
        """
        import numpy as np

        self.rules = rules
        self.seed = seed
        self._programs = alem_programs.programs(rules)
        self._tuning = alem_programs.tuning(rules)
        self._text = wording.text_world(rules)
        names = self._text.wrapper.language_action_space
        gifts = (f"{GIVE}{seat}" for seat in range(rules.agents)) if rules.agents > 1 else ()
        self.actions: tuple[str, ...] = (*(name for name in names if name != "Give"), *gifts)
        self._past: deque[Any] = deque(maxlen=remember)
        self._done = False
        self._deepest = 0
        self._feedback: list[dict[str, Any]] = [{} for _ in range(rules.agents)]
        leaves, self._key, mask, vulnerable = self._programs.reset(np.int32(seed), self._tuning)
        self._take(leaves, mask, vulnerable)
        self._first_map = self._state.map

    def _take(self, leaves: Any, mask: Any, vulnerable: Any) -> None:
        """Make a state the present one; all of it comes from the device in one go."""
        import jax

        self._leaves = leaves
        values, mask, vulnerable = jax.device_get((leaves, mask, vulnerable))
        self._state = wording.with_answers(self._programs.state(values), mask, vulnerable)
        self._mask = mask
        self._deepest = max(self._deepest, int(self._state.player_level))
        self._text.state = self._state

    @property
    def step_number(self) -> int:
        """How many steps have been made."""
        return int(self._state.timestep)

    @property
    def done(self) -> bool:
        """Whether the world has ended."""
        return self._done

    @property
    def state(self) -> Any:
        """The package's EnvState, with NumPy arrays: for code that knows it. Not to be changed."""
        return self._state

    # ---- what a seat is told ----

    def system_prompt(self, seat: int) -> str:
        """The official instructions for a seat; with progressive disclosure they grow with the deepest level."""
        prompt: str = self._text.get_instruction_prompt(seat, current_level=self._deepest)
        return prompt

    def contexts(self, seat: int) -> tuple[str, str]:
        """What a seat sees now in the package's two parts: surroundings and feedback; own condition and actions.

        Its harness shows both of the present observation, and of past ones the first alone.
        """
        told = self._text.wrapper.process_obs(None, self._state, seat, **self._feedback[seat])["text"]
        return told["long_term_context"], told["short_term_context"]

    def observe(self, seat: int) -> str:
        """The official text of what a seat sees now, the feedback on its last action first.

        Messages are no part of it: the package leaves them to whoever drives it.
        """
        return "\n".join(self.contexts(seat))

    @staticmethod
    def announced(facts: Mapping[str, Any], seat: int) -> list[str]:
        """What a step unlocked for a seat, under the names that the package's observations have for it."""
        return [lexicon().announced[name] for name in facts.get("unlocked", {}).get(str(seat), ())]

    def where(self, seat: int) -> tuple[int, int]:
        """[row, column] of a seat."""
        row, column = self._state.player_position[seat]
        return int(row), int(column)

    def stood(self, at: tuple[int, int], blocks: Sequence[str]) -> bool:
        """Whether one of some blocks stands on a cell of the present level, or stood there when the world began."""
        if not in_bounds(self._state, at):
            return False
        level, names = int(self._state.player_level), lexicon().blocks
        return any(
            names[int(level_map[level, at[0], at[1]])] in blocks for level_map in (self._state.map, self._first_map)
        )

    def inactive(self, seat: int) -> bool:
        """Dead, asleep or resting: whatever the seat chooses becomes Noop."""
        state = self._state
        return bool(state.player_health[seat] <= 0 or state.is_sleeping[seat] or state.is_resting[seat])

    def legal(self, seat: int) -> tuple[str, ...]:
        """The actions that can have an effect now, in the order of `actions`."""
        numbers = ((name, self._index(name, seat)) for name in self.actions)
        return tuple(name for name, number in numbers if number is not None and self._mask[seat][number])

    def canonical(self, text: str, seat: int) -> str:
        """The action that the package's parser reads out of a text; "Noop" where it finds none."""
        action: str = self._text.check_action_validity(text, seat)
        return action

    def _index(self, name: str, seat: int) -> int | None:
        """The package's number of an action of a seat; None for a gift to oneself."""
        if not name.startswith(GIVE):
            return wording.number_of(name)
        to = int(name.removeprefix(GIVE))
        return None if to == seat else wording.number_of("Give") + (to if to < seat else to - 1)

    # ---- what happens ----

    def step(self, actions: Sequence[str]) -> Step:
        """All seats act at once.

        Args:
            actions: one name out of `actions` per seat. An action that is not legal has no effect.

        Returns:
            rewards and the end, and `facts`, in which beside `t` (steps made before this one), `actions`, `at` (per
            seat, where it acted) and `health` (per seat, after) only what happened is present:
                `sync`: [{"kind": "sync"/"elite"/"large"/"construction"/"craft", "block": block or creature, "at":
                    [row, column], "needs": seats, "soft": bool, "acted": seats that did, "near": seats beside it,
                    "success": enough acted, "done": mined, killed or built}]; construction also "building", "paid"
                `handover`: [{"event": "set_up", "kind", "at", "by": seat, "window": steps} or {"event": "completed"/
                    "expired", "kind", "at", "begun_by", "by", "left"}]
                `requests`: [{"event": "asked"/"answered"/"expired", "seat", "item", "holders": seats that have some,
                    "by": giving seat}]
                `trades`: [{"from", "to", "item", "count"}]
                `deaths`: [{"seat", "cause", "at", "near": [[seat in sight, steps away]]}]
                `revived`: [{"seat", "by": seats}]
                `friendly_fire`: [{"seat", "damage"}]
                `unlocked`: {seat as text: [achievement names, as COLLECT_WOOD]}
                `level`: the level entered, if it changed
                `counters`: {name: increase} of those counters of the state that grew.

        Raises:
            ValueError: a name that is not in `actions`, not one per seat, or the world has ended.
        """
        import jax
        import numpy as np

        self._check(actions)
        numbers = [self._index(action, seat) or 0 for seat, action in enumerate(actions)]
        effective = tuple(bool(self._mask[seat][number]) for seat, number in enumerate(numbers))
        before = self._state
        self._past.append(before)
        leaves, self._key, rewards, done, mask, vulnerable = self._programs.step(
            self._leaves, np.asarray(numbers, np.int32), self._key, self._tuning
        )
        self._take(leaves, mask, vulnerable)
        earned, ended = jax.device_get((rewards, done))
        self._done = bool(ended)
        facts = step_facts(before, self._state, actions)
        self._feedback = [
            {
                "reward": float(earned[seat]),
                "new_achievements": self.announced(facts, seat),
                "last_action": action,
                "action_failed": not effective[seat],
            }
            for seat, action in enumerate(actions)
        ]
        return Step(tuple(float(one) for one in earned), self._done, effective, facts)

    def _check(self, actions: Sequence[str]) -> None:
        if self._done:
            raise ValueError(f"the world has ended after {self.step_number} steps")
        if len(actions) != self.rules.agents:
            raise ValueError(f"{len(actions)} action(s) for {self.rules.agents} seat(s)")
        for seat, action in enumerate(actions):
            if action not in self.actions or self._index(action, seat) is None:
                raise ValueError(f"seat {seat} cannot do {action!r}; see World.actions")

    def facts(self, *, most_objects: int = 12) -> dict[str, Any]:
        """The state as plain JSON data, small: what a verdict or a scripted player may need.

        Returns:
            `t`, `level`, `cleared` (the ladder down is open), `light`, `done`;
            `seats`: per seat {"at": [row, column], "direction", "facing": [row, column], "faces": block, "faces_mob",
                "faces_seat", "faces_object", "alive", "asleep", "resting", "health", "food", "drink", "energy",
                "mana", "xp", "specialisation", "death_cause", "inventory": {item: count, no zeros}, "request": item
                or None, "request_steps_left", "achievements": how many};
            `objects`: coordination objects in the view of a living seat, nearest first, `most_objects` of them:
                {"kind": "sync"/"handover"/"construction"/"elite"/"large", "at", "block": block or creature, "needs":
                seats, "soft": bool, "window": steps (handovers), "building": bool (handovers), "left" and "by" of a
                handover under way, "near": seats beside it, "facing": those of them that face it};
            `handovers`: all under way [{"at", "left", "by", "building"}];
            `requests`: open ones [{"seat", "item", "left"}];
            `counters`: {name: value, or a list with one per seat}.
        """
        return facts_of(self._state, self._done, most_objects)

    def view(self, seat: int) -> dict[str, Any]:
        """What the seat itself sees, as data: what its observation tells with `exact_coordinates`, and no more.

        One exception: of a dead teammate the observation tells only that it is dead, here stands where it lies.

        Returns:
            the seat's own entry of `facts()["seats"]` as `me`, `t`, `level`, `cleared`, `mates` (place, condition,
            request), `origin` ([row, column] of the upper left corner of what follows), `blocks` (rows of block
            names, None where dark), `items` ([name, at]), `mobs` ([name, kind, at, seats needed or 0]), and all
            `objects` in view, as in `facts()`, without "near" and "facing". Positions are absolute.
        """
        return view_of(self._state, seat)

    def score(self) -> Score:
        """`compute_score(state, True, ...)` of the state as it is now."""
        import jax

        found = jax.device_get(self._programs.score(self._leaves))
        return _score({name: float(value.mean()) for name, value in found.items()}, self.rules.agents)

    # ---- pictures ----

    def text_map(self, seat: int) -> str:
        """The package's letter grid of a seat's view, with its legend."""
        drawn: str = self._text.wrapper.render_ascii_map(self._state, seat)
        return drawn

    def frame(self, seat: int | None = None, *, block_pixels: int = 16) -> bytes:
        """A PNG of what a seat sees; without a seat, of all that any seat sees and what lies between.

        Objects that take several seats are framed, with their number: red must, blue may, orange one after the other.
        """
        return pictures.png(self._state, seat, block_pixels)

    def film(self, seat: int | None = None, *, block_pixels: int = 16) -> bytes:
        """A GIF of the last states that were remembered (see `remember`), on the present level."""
        return pictures.gif([*self._past, self._state], seat, block_pixels)


def _score(metrics: Mapping[str, float], agents: int) -> Score:
    def shares(who: str, base: str, coordination: str, total: str) -> Share:
        return Share(
            metrics.get(f"{who}/{base}", 0.0), metrics.get(f"{who}/{coordination}", 0.0), metrics[f"{who}/{total}"]
        )

    reward = ("normal_reward_pct_of_max", "coord_reward_pct_of_max", "reward_pct_of_max")
    plain = ("normal_achievement_pct", "coordination_achievement_pct", "achievement_pct")
    return Score(
        reward_pct_of_max=shares("Team", *reward),
        achievement_pct=shares("Team", *plain),
        seats=tuple(shares(f"Agent{seat}", *reward) for seat in range(agents)),
        all=dict(metrics),
    )
