"""Many episodes of alem at once, played by policies that need no text: what chance and doing nothing come to.

Worlds are dealt in a batch, then all take a step together, and go on until the last has ended. An episode that has
ended is masked: its lane still runs, but what counts in it stays as it was. (Starting a new episode in the lane, as
training code does, generates a whole world in every step of every lane, and is what makes such loops slow.)

Seeds are those of text worlds: episode `i` of a batch is the world that `families.alem.world.World` deals for its seed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal

from pytest_collab.core import alem_package
from pytest_collab.core.alem_programs import functions, tuning
from pytest_collab.core.alem_rules import Kind, WorldRules

if TYPE_CHECKING:
    import numpy as np

Policy = Literal["random", "nop"]

METRICS: Final = {
    "reward_base": "Team/normal_reward_pct_of_max",
    "reward_coordination": "Team/coord_reward_pct_of_max",
    "reward_total": "Team/reward_pct_of_max",
    "achievement_base": "Team/normal_achievement_pct",
    "achievement_coordination": "Team/coordination_achievement_pct",
    "achievement_total": "Team/achievement_pct",
}
"""The figures of a score, and what the package's compute_score calls them."""

CHUNK: Final = 32
"""Steps between two looks at whether all episodes have ended."""


@dataclass(frozen=True, slots=True)
class Rollouts:
    """What a batch of episodes came to.

    Attributes:
        scores: per figure of METRICS an array with one value per episode, 0 .. 1.
        steps: steps of each episode, int[episodes].
        alive: seats alive at its end, int[episodes].
        seconds: wall time of stepping, without dealing worlds and compiling.
        made: steps that were computed in all lanes, masked ones included.
        device: what they were computed on.
    """

    scores: Mapping[str, np.ndarray[Any, Any]]
    steps: np.ndarray[Any, Any]
    alive: np.ndarray[Any, Any]
    seconds: float
    made: int
    device: str

    @property
    def steps_per_second(self) -> float:
        """Steps of episodes that were still going, per second."""
        return float(self.steps.sum()) / self.seconds if self.seconds else 0.0


def rollouts(rules: WorldRules, policy: Policy, seeds: Sequence[int], *, batch: int = 64) -> Rollouts:
    """Play one episode per seed, `batch` of them at once, each to its end or `rules.max_steps`.

    Args:
        policy: `random` takes any legal action with equal chance, `nop` none.
        batch: lanes; the last batch is filled up with repeated seeds, which are dropped.

    Raises:
        UsageError: alem-env is not installed.
    """
    import numpy as np

    alem_package.load()
    jax: Any = import_module("jax")
    with alem_package.old_splits():
        programs = _programs(Kind.of(rules), policy)
        tuned = tuning(rules)
        parts: list[dict[str, Any]] = []
        seconds, made = 0.0, 0
        for first in range(0, len(seeds), batch):
            chosen = list(seeds[first : first + batch])
            lanes = np.asarray((chosen * batch)[:batch] if len(seeds) > batch else chosen, np.int32)
            carry = programs["reset"](lanes, tuned)
            for warm_up in (True, False):
                if warm_up and first:
                    continue  # compiled already
                begun = time.perf_counter()
                end, computed = _play(programs["chunk"], carry, tuned, 1 if warm_up else rules.max_steps)
                if not warm_up:
                    seconds += time.perf_counter() - begun
                    made += computed * len(lanes)
            found = jax.device_get(programs["score"](end[0]))
            parts.append({name: values[: len(chosen)] for name, values in found.items()})
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    device = jax.devices()[0]
    return Rollouts(
        scores={name: joined[name].astype(float) for name in METRICS},
        steps=joined["steps"],
        alive=joined["alive"],
        seconds=seconds,
        made=made,
        device=f"{device.platform} {device.device_kind}",
    )


def _play(chunk: Callable[..., Any], carry: Any, tuned: Any, most: int) -> tuple[Any, int]:
    """Step until every episode has ended, a chunk at a time; the world itself ends at its own last step."""
    made = 0
    while made < most:
        carry = chunk(carry, tuned)
        made += CHUNK
        if bool(carry[3].all()):
            break
    return carry, made


@cache
def _programs(kind: Kind, policy: Policy) -> dict[str, Callable[..., Any]]:
    """reset (seeds -> carry), chunk (carry -> carry) and score (states -> figures), over a batch, compiled when run.

    A carry is (states, keys of the worlds, keys of the policy, ended, legal actions), all with a leading batch axis.
    """
    jax: Any = import_module("jax")
    jnp = jax.numpy
    plain = functions(kind)

    def deal(seed: Any, tuned: Any) -> Any:
        state, key, mask, _ = plain["reset"](seed, tuned)
        return state, key, jax.random.fold_in(jax.random.PRNGKey(seed), 1), jnp.array(False), mask

    def choose(key: Any, mask: Any) -> Any:
        if policy == "nop":
            return jnp.zeros(kind.agents, jnp.int32)
        return jnp.argmax(jnp.where(mask, jax.random.uniform(key, mask.shape), -1.0), axis=-1).astype(jnp.int32)

    def advance(carry: Any, tuned: Any) -> Any:
        state, key, policy_key, ended, mask = carry
        policy_key, use = jax.random.split(policy_key)
        after, key, _, done, mask, _ = plain["step"](state, choose(use, mask), key, tuned)

        def keep(old: Any, new: Any) -> Any:
            # The maps of an ended world may run on: no figure is read off them, and they are nearly all of a state.
            return new if new.ndim >= 3 else jnp.where(ended, old, new)

        return jax.tree_util.tree_map(keep, state, after), key, policy_key, ended | done, mask

    def chunk(carry: Any, tuned: Any) -> Any:
        step = jax.vmap(advance, in_axes=(0, None))
        return jax.lax.scan(lambda one, _: (step(one, tuned), None), carry, None, length=CHUNK)[0]

    def score(state: Any) -> dict[str, Any]:
        found = plain["score"](state)
        figures = {name: jnp.mean(found[theirs]) if theirs in found else 0.0 for name, theirs in METRICS.items()}
        return {**figures, "steps": state.timestep, "alive": state.player_alive.sum()}

    return {
        "reset": jax.jit(jax.vmap(deal, in_axes=(0, None))),
        "chunk": jax.jit(chunk),
        "score": jax.jit(jax.vmap(score)),
    }
