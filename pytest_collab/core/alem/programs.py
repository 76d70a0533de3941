"""The programs of alem: deal a world, step it, score it. Compiled once per machine, see `store`.

Programs take and return the state as a flat tuple of arrays, so that they can be loaded without the code that made
them; `Programs.state` puts it together again. What the rules say as numbers are arguments, so that easy, medium, hard
and every length of episode share one compilation.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

from pytest_collab.core.alem import package as alem_package
from pytest_collab.core.alem.rules import TUNED, Kind, WorldRules, harness_settings
from pytest_collab.core.alem.store import host, kept, store_directory

__all__ = ["Programs", "env_params", "functions", "programs", "tuning", "tuning_shapes"]

_lock = threading.RLock()
Flat = tuple[Any, ...]


class Programs:
    """What a world of one kind is played with.

    Attributes:
        reset: (seed, tuning) -> (state, key, mask, vulnerable); state flat, mask bool[agents, actions].
        step: (state, actions, key, tuning) -> (state, key, rewards, done, mask, vulnerable).
        score: (state) -> metrics, a dict of arrays; made when first asked for.
    """

    def __init__(self, kind: Kind, directory: Path) -> None:
        self.kind = kind
        self._directory = directory
        with alem_package.old_splits():
            made = kept(kind, ("reset", "step"), partial(_lower, kind), directory, host())
        self.reset: Callable[..., Flat] = made["reset"][0]
        self.step: Callable[..., Flat] = made["step"][0]
        self._template = made["reset"][1]
        self._score: tuple[Callable[..., Any], Any] | None = None

    def state(self, leaves: Sequence[Any]) -> Any:
        """The package's EnvState, made of what `reset` and `step` return first."""
        import jax

        return jax.tree_util.tree_unflatten(jax.tree_util.tree_structure(self._template), leaves)

    def score(self, leaves: Sequence[Any]) -> dict[str, Any]:
        """The package's compute_score of a state, taken as final."""
        with _lock:
            if self._score is None:
                with alem_package.old_splits():
                    lower = partial(_lower, self.kind)
                    self._score = kept(self.kind, ("score",), lower, self._directory, host())["score"]
        function, names = self._score
        return dict(zip(names, function(tuple(leaves)), strict=True))


@cache
def _programs(kind: Kind, directory: Path) -> Programs:
    return Programs(kind, directory)


def programs(rules: WorldRules, directory: Path | None = None) -> Programs:
    """The programs for these rules: those of this process, else from the cache, else compiled now.

    Args:
        directory: of the cache; `store_directory()` unless given.

    Raises:
        UsageError: alem-env is not installed.
    """
    alem_package.load()
    with _lock:
        return _programs(Kind.of(rules), directory or store_directory())


def tuning(rules: WorldRules) -> dict[str, Any]:
    """The rules that programs take as numbers, as scalar arrays."""
    params = env_params(rules)
    return {name: dtype(getattr(params, name)) for name, dtype in _tuned_types().items()}


def tuning_shapes() -> dict[str, Any]:
    """The shapes and types of `tuning`, to trace with."""
    jax: Any = import_module("jax")
    return {name: jax.ShapeDtypeStruct((), dtype) for name, dtype in _tuned_types().items()}


def _tuned_types() -> dict[str, Any]:
    import numpy as np

    types = {int: np.int32, float: np.float32, bool: np.bool_}
    return {name: types[type_] for name, type_ in TUNED}


def env_params(rules: WorldRules) -> Any:
    """The package's EnvParams for these rules, made as its harness makes them."""
    from alem.alem_coop.alem_state import EnvParams, get_coordination_params

    settings = harness_settings(rules)
    difficulty = settings.pop("coordination_difficulty")
    settings.pop("num_agents")
    coordination = get_coordination_params(difficulty) if difficulty != "none" else {}
    return EnvParams(**{**coordination, **settings})


def functions(kind: Kind) -> dict[str, Callable[..., Any]]:
    """What is compiled: pure JAX functions around the package's own, on its EnvState. Trace inside `old_splits()`."""
    import jax
    from alem.alem_coop.action_masking import compute_action_mask
    from alem.alem_coop.alem_state import StaticEnvParams
    from alem.alem_coop.envs.common import compute_score
    from alem.alem_coop.game_logic import alem_step
    from alem.alem_coop.util.game_logic_utils import has_beaten_boss, is_boss_vulnerable
    from alem.alem_coop.world_gen.world_gen import generate_world

    static = StaticEnvParams(player_count=kind.agents)
    difficulty: Any = "easy" if kind.coordination else "none"
    shape = env_params(WorldRules(difficulty, kind.agents, soft_specialisation=kind.soft_specialisation))

    def reset(seed: Any, tuned: Mapping[str, Any]) -> Flat:
        params = shape.replace(**tuned)
        key, use = jax.random.split(jax.random.PRNGKey(seed))
        state = generate_world(use, params, static)
        return state, key, compute_action_mask(state, params, static), is_boss_vulnerable(state)

    def step(state: Any, actions: Any, key: Any, tuned: Mapping[str, Any]) -> Flat:
        params = shape.replace(**tuned)
        key, use = jax.random.split(key)
        state, rewards = alem_step(use, state, actions, params, static)
        done = (state.timestep >= params.max_timesteps) | ~state.player_alive.any() | has_beaten_boss(state, static)
        return state, key, rewards, done, compute_action_mask(state, params, static), is_boss_vulnerable(state)

    def score(state: Any) -> dict[str, Any]:
        metrics: dict[str, Any] = compute_score(state, jax.numpy.array(True), static)
        return metrics

    return {"reset": reset, "step": step, "score": score}


# ---- compiling ----


def _lower(kind: Kind, names: Sequence[str]) -> dict[str, tuple[Any, Any]]:
    """Per name the lowered program on flat arguments, and what is needed to put its result together."""
    import numpy as np

    jax: Any = import_module("jax")
    flatten, structure = jax.tree_util.tree_flatten, jax.tree_util.tree_structure
    plain = functions(kind)
    seed = jax.ShapeDtypeStruct((), np.int32)
    tuned = tuning_shapes()

    shapes = jax.eval_shape(plain["reset"], seed, tuned)
    leaves, tree = flatten(shapes[0])
    template = jax.tree_util.tree_unflatten(tree, [0] * len(leaves))

    def reset(seed: Any, tuned: Any) -> Flat:
        state, *rest = plain["reset"](seed, tuned)
        return (tuple(flatten(state)[0]), *rest)

    def step(state: Flat, actions: Any, key: Any, tuned: Any) -> Flat:
        after, *rest = plain["step"](jax.tree_util.tree_unflatten(tree, state), actions, key, tuned)
        if structure(after) != tree:
            raise AssertionError("a step changes the structure of the state")
        return (tuple(flatten(after)[0]), *rest)

    metrics: list[str] = []

    def score(state: Flat) -> Flat:
        found = plain["score"](jax.tree_util.tree_unflatten(tree, state))
        metrics[:] = sorted(found)
        return tuple(found[name] for name in metrics)

    lowered = {}
    for name in names:
        if name == "reset":
            lowered[name] = jax.jit(reset).lower(seed, tuned), template
        elif name == "step":
            actions = jax.ShapeDtypeStruct((kind.agents,), np.int32)
            lowered[name] = jax.jit(step).lower(tuple(leaves), actions, shapes[1], tuned), template
        else:
            lowered[name] = jax.jit(score).lower(tuple(leaves)), metrics
    return lowered
