"""The compiled programs of alem: deal a world, step it, score it. Kept on disk, so that a process compiles nothing.

Tracing and compiling the package's 5,000 lines takes most of a minute. Compiled programs are therefore kept in the
user's cache folder, each under a key of everything that it depends on: versions, device, rules that shape it. A
process that finds none takes a file lock, looks again, compiles and stores; others wait at the lock and then read.
With JAX's own compilation cache every process would still trace and lower, seconds each.

Programs take and return the state as a flat tuple of arrays, so that they can be loaded without the code that made
them; `Programs.state` puts it together again.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import platform
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, lru_cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from filelock import FileLock

from pytest_collab.core import alem_package
from pytest_collab.core.alem_rules import TUNED, Kind, WorldRules, harness_settings
from pytest_collab.core.cache import CacheWarning, cache_directory

__all__ = ["Programs", "env_params", "functions", "programs", "tuning"]

FORMAT: Final = 1
"""To be raised whenever the functions below change."""

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
            made = _load_or_compile(kind, ("reset", "step"), directory)
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
                    self._score = _load_or_compile(self.kind, ("score",), self._directory)["score"]
        function, names = self._score
        return dict(zip(names, function(tuple(leaves)), strict=True))


@cache
def _programs(kind: Kind, directory: Path) -> Programs:
    return Programs(kind, directory)


def programs(rules: WorldRules, directory: Path | None = None) -> Programs:
    """The programs for these rules: those of this process, else from the cache, else compiled now.

    Args:
        directory: of the cache; `cache_directory()/alem` unless given.

    Raises:
        UsageError: alem-env is not installed.
    """
    alem_package.load()
    with _lock:
        return _programs(Kind.of(rules), directory or cache_directory() / "alem")


def tuning(rules: WorldRules) -> dict[str, Any]:
    """The rules that programs take as numbers, as scalar arrays."""
    import numpy as np

    params = env_params(rules)
    kinds = {int: np.int32, float: np.float32, bool: np.bool_}
    return {name: kinds[type_](getattr(params, name)) for name, type_ in TUNED}


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
    numbers = {int: np.int32, float: np.float32, bool: np.bool_}
    tuned = {name: jax.ShapeDtypeStruct((), numbers[type_]) for name, type_ in TUNED}

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


def _load_or_compile(kind: Kind, names: Sequence[str], directory: Path) -> dict[str, tuple[Any, Any]]:
    """Per name the program and its template; compiled by one process at a time, and read by all others."""
    key = _key(kind)
    found = {name: _load(directory / f"{key}.{name}") for name in names}
    if all(found.values()):
        return {name: made for name, made in found.items() if made}
    with _locked(directory, key):
        found = {name: _load(directory / f"{key}.{name}") for name in names}
        missing = [name for name, made in found.items() if made is None]
        if missing:
            lowered = _lower(kind, missing)
            with ThreadPoolExecutor(len(missing)) as pool:
                compiled = dict(zip(missing, pool.map(lambda name: lowered[name][0].compile(), missing), strict=True))
            for name in missing:
                # Before its first run: once run, a program on the CPU holds what cannot be written down.
                _store(directory / f"{key}.{name}", compiled[name], lowered[name][1])
                found[name] = compiled[name], lowered[name][1]
    return {name: made for name, made in found.items() if made}


# ---- keeping ----


def _key(kind: Kind) -> str:
    """Everything that a compiled program depends on."""
    jax: Any = import_module("jax")
    jaxlib = version("jaxlib")
    device = jax.devices()[0]
    facts = [
        FORMAT, kind, sorted(alem_package.versions().items()), jaxlib, jax.config.jax_enable_x64,
        device.platform, device.device_kind, platform.machine(), _processor() if device.platform == "cpu" else "",
        os.environ.get("XLA_FLAGS", ""),
    ]  # fmt: skip
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:24]


@lru_cache(maxsize=1)
def _processor() -> str:
    """What instructions the processor has: a program compiled for one may not run on another."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return "".join(sorted({line for line in lines if line.startswith(("flags", "Features", "model name"))}))


def _load(file: Path) -> tuple[Any, Any] | None:
    """A program from the cache; None if there is none that can be used."""
    from jax.experimental.serialize_executable import deserialize_and_load

    try:
        payload, in_tree, out_tree, template = pickle.loads(file.read_bytes())
        return deserialize_and_load(payload, in_tree, out_tree), template
    except FileNotFoundError:
        return None
    except Exception as error:
        # Whatever is wrong with the file (cut off, of another build), compiling anew is right.
        warnings.warn(
            f"the compiled program {file} cannot be used ({error}) and is made anew", CacheWarning, stacklevel=3
        )
        return None


def _store(file: Path, compiled: Any, template: Any) -> None:
    """Write a program, whole or not at all; where that fails, it serves this process only."""
    from jax.experimental.serialize_executable import serialize

    draft = None
    try:
        content = pickle.dumps((*serialize(compiled), template))
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}-", delete=False) as out:
            draft = Path(out.name)
            out.write(content)
        draft.replace(file)
    except Exception as error:
        if draft is not None:
            draft.unlink(missing_ok=True)
        warnings.warn(
            f"the compiled program {file} cannot be kept ({error}); every process compiles it anew. "
            "Set PYTEST_COLLAB_CACHE to a directory that can be written",
            CacheWarning,
            stacklevel=4,
        )


@contextmanager
def _locked(directory: Path, key: str) -> Iterator[None]:
    """Hold the lock of one kind of program; where no lock can be had, go on without."""
    lock = FileLock(directory / f"{key}.lock")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except (OSError, NotImplementedError):
        yield
        return
    try:
        yield
    finally:
        lock.release()
