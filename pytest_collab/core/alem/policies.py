"""Many episodes of alem at once, played by policies that need no text: what chance and doing nothing come to.

Worlds are dealt in a batch, then all take a step together, and go on until the last has ended. An episode that has
ended is masked: its lane still runs, but what counts in it stays as it was. (Starting a new episode in the lane, as
training code does, generates a whole world in every step of every lane, and is what makes such loops slow.)

Seeds are those of text worlds: an episode is the world that `families.alem.world.World` deals for its seed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from pytest_collab.core.alem import package as alem_package
from pytest_collab.core.alem.programs import functions, tuning, tuning_shapes
from pytest_collab.core.alem.rules import Kind, WorldRules
from pytest_collab.core.alem.store import kept, store_directory

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


def rollouts(
    rules: WorldRules, policy: Policy, seeds: Sequence[int], *, lanes: int = 64, directory: Path | None = None
) -> Rollouts:
    """Play one episode per seed, `lanes` of them at once, each to its end or `rules.max_steps`.

    Args:
        policy: `random` takes any legal action with equal chance, `nop` none.
        lanes: of a batch; the last one is filled up with repeated seeds, whose episodes are dropped.
        directory: where compiled programs are kept; `store_directory()` unless given.

    Raises:
        UsageError: alem-env is not installed.
    """
    import numpy as np

    alem_package.load()
    jax: Any = import_module("jax")
    with alem_package.old_splits():
        programs = _programs(Kind.of(rules), lanes, directory or store_directory())
        tuned = tuning(rules) | {"random": np.bool_(policy == "random")}
        parts: list[dict[str, Any]] = []
        seconds, made = 0.0, 0
        for first in range(0, len(seeds), lanes):
            chosen = list(seeds[first : first + lanes])
            filled = np.asarray((chosen * lanes)[:lanes], np.int32)
            carry = jax.block_until_ready(programs.reset(filled, tuned))
            begun = time.perf_counter()
            carry, computed = _play(programs, carry, tuned)
            seconds += time.perf_counter() - begun
            made += computed * lanes
            found = dict(zip(programs.figures, jax.device_get(programs.score(carry)), strict=True))
            parts.append({name: values[: len(chosen)] for name, values in found.items()})
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    device = jax.devices()[0]
    return Rollouts(
        scores={name: joined[name].astype(float) for name in METRICS},
        steps=joined["steps"],
        alive=joined["alive"],
        seconds=seconds,
        made=made,
        device=device.device_kind if device.platform != "cpu" else "cpu",
    )


def _play(programs: _Programs, carry: Any, tuned: Any) -> tuple[Any, int]:
    """Step until every episode has ended, a chunk at a time; a world ends at its last step by itself."""
    made = 0
    while True:
        carry, all_ended = programs.chunk(carry, tuned)
        made += CHUNK
        if bool(all_ended):
            return carry, made


class _Programs(NamedTuple):
    """Programs over a batch, on a flat carry: states, keys of worlds, keys of the policy, ended, legal actions."""

    reset: Callable[..., Any]
    chunk: Callable[..., Any]
    score: Callable[..., Any]
    figures: tuple[str, ...]


@cache
def _programs(kind: Kind, lanes: int, directory: Path) -> _Programs:
    names = ("reset", "chunk", "score")
    made = kept(("batch", kind, lanes, CHUNK), names, lambda missing: _lower(kind, lanes, missing), directory)
    return _Programs(made["reset"][0], made["chunk"][0], made["score"][0], tuple(made["score"][1]))


def _lower(kind: Kind, lanes: int, names: Sequence[str]) -> dict[str, tuple[Any, Any]]:
    jax: Any = import_module("jax")
    jnp, tree = jax.numpy, jax.tree_util
    plain = functions(kind)

    def deal(seed: Any, tuned: Any) -> Any:
        state, key, mask, _ = plain["reset"](seed, _rules_of(tuned))
        return state, key, jax.random.fold_in(jax.random.PRNGKey(seed), 1), jnp.array(False), mask

    def advance(carry: Any, tuned: Any) -> Any:
        state, key, policy_key, ended, mask = carry
        policy_key, use = jax.random.split(policy_key)
        draw = jnp.argmax(jnp.where(mask, jax.random.uniform(use, mask.shape), -1.0), axis=-1)
        actions = jnp.where(tuned["random"], draw, 0).astype(jnp.int32)
        after, key, _, done, mask, _ = plain["step"](state, actions, key, _rules_of(tuned))

        def keep(old: Any, new: Any) -> Any:
            # The maps of an ended world may run on: no figure is read off them, and they are nearly all of a state.
            return new if new.ndim >= 3 else jnp.where(ended, old, new)

        return tree.tree_map(keep, state, after), key, policy_key, ended | done, mask

    def figures(state: Any) -> dict[str, Any]:
        found = plain["score"](state)
        shares = {name: jnp.mean(found[theirs]) if theirs in found else 0.0 for name, theirs in METRICS.items()}
        return {**shares, "steps": state.timestep, "alive": state.player_alive.sum()}

    seeds = jax.ShapeDtypeStruct((lanes,), jnp.int32)
    tuned = tuning_shapes() | {"random": jax.ShapeDtypeStruct((), jnp.bool_)}
    batched = jax.vmap(deal, in_axes=(0, None))
    leaves, structure = tree.tree_flatten(jax.eval_shape(batched, seeds, tuned))
    wanted = (*METRICS, "steps", "alive")

    def reset(seeds: Any, tuned: Any) -> Any:
        return tuple(tree.tree_leaves(batched(seeds, tuned)))

    def chunk(flat: Any, tuned: Any) -> Any:
        step = jax.vmap(advance, in_axes=(0, None))
        carry = tree.tree_unflatten(structure, flat)
        carry = jax.lax.scan(lambda one, _: (step(one, tuned), None), carry, None, length=CHUNK)[0]
        return tuple(tree.tree_leaves(carry)), carry[3].all()

    def score(flat: Any) -> Any:
        found = jax.vmap(figures)(tree.tree_unflatten(structure, flat)[0])
        return tuple(found[name] for name in wanted)

    arguments = {
        "reset": (reset, seeds, tuned),
        "chunk": (chunk, tuple(leaves), tuned),
        "score": (score, tuple(leaves)),
    }
    return {name: (jax.jit(arguments[name][0]).lower(*arguments[name][1:]), wanted) for name in names}


def _rules_of(tuned: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in tuned.items() if name != "random"}
