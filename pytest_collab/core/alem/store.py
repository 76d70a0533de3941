"""Compiled programs on disk, so that a process compiles nothing that another has compiled.

Tracing and compiling the package's 5,000 lines takes most of a minute. Compiled programs are therefore kept in the
user's cache folder, each under a key of everything that it depends on: versions, device, rules that shape it. A
process that finds none takes a file lock, looks again, compiles and stores; others wait at the lock and then read.
With JAX's own compilation cache every process would still trace and lower, seconds each.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import platform
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from inspect import signature
from pathlib import Path
from typing import Any, Final

from filelock import FileLock

from pytest_collab.core.alem import package as alem_package
from pytest_collab.core.cache import CacheWarning, cache_directory

__all__ = ["host", "kept", "store_directory"]

FORMAT: Final = 1
"""To be raised whenever the functions that are compiled change."""

Lower = Callable[[Sequence[str]], Mapping[str, tuple[Any, Any]]]


def store_directory() -> Path:
    """Where programs are kept: `alem` in the cache of pytest-collab."""
    return cache_directory() / "alem"


def host() -> Any:
    """The processor as a JAX device: one world at a time is a thousand small operations, which a GPU only slows."""
    jax: Any = import_module("jax")
    try:
        return jax.devices("cpu")[0]
    except RuntimeError:  # JAX was told not to use it
        return jax.devices()[0]


def kept(
    what: object, names: Sequence[str], lower: Lower, directory: Path, device: Any = None
) -> dict[str, tuple[Any, Any]]:
    """Programs by name, from the disk or compiled now; compiled by one process at a time, and read by all others.

    Args:
        what: what shapes the programs; its repr is part of their key.
        lower: given the names that are missing, the lowered program of each and anything that goes with it.
            Arguments and results must be made of tuples, dicts and arrays.
        device: what the programs run on; JAX's first device unless given.

    Returns:
        per name the compiled program, and what goes with it.
    """
    jax: Any = import_module("jax")
    device = device or jax.devices()[0]
    key = _key(what, device)
    found = {name: _load(directory / f"{key}.{name}", device) for name in names}
    if not all(found.values()):
        with _locked(directory, key):
            found = {name: _load(directory / f"{key}.{name}", device) for name in names}
            missing = [name for name, made in found.items() if made is None]
            if missing:
                with jax.default_device(device):
                    lowered = lower(missing)
                found |= _compile(lowered, key, directory)
    return {name: made for name, made in found.items() if made}


def _compile(lowered: Mapping[str, tuple[Any, Any]], key: str, directory: Path) -> dict[str, tuple[Any, Any]]:
    """Compile side by side, and store."""
    with ThreadPoolExecutor(len(lowered)) as pool:
        programs = list(pool.map(lambda one: one[0].compile(), lowered.values()))
    compiled = {name: (program, lowered[name][1]) for name, program in zip(lowered, programs, strict=True)}
    for name, (program, companion) in compiled.items():
        # Before its first run: once run, a program on the CPU holds what cannot be written down.
        _store(directory / f"{key}.{name}", program, companion)
    return compiled


def _key(what: object, device: Any) -> str:
    """Everything that a compiled program depends on."""
    jax: Any = import_module("jax")
    jaxlib = version("jaxlib")
    facts = [
        FORMAT, what, sorted(alem_package.versions().items()), jaxlib, jax.config.jax_enable_x64,
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


def _load(file: Path, device: Any) -> tuple[Any, Any] | None:
    """A program from the cache; None if there is none that can be used."""
    from jax.experimental.serialize_executable import deserialize_and_load

    where: dict[str, Any] = {"backend": device.client}
    if "execution_devices" in signature(deserialize_and_load).parameters:  # jax >= 0.6
        where["execution_devices"] = [device]
    try:
        payload, in_tree, out_tree, companion = pickle.loads(file.read_bytes())
        return deserialize_and_load(payload, in_tree, out_tree, **where), companion
    except (FileNotFoundError, NotADirectoryError):
        return None
    except Exception as error:
        # Whatever is wrong with the file (cut off, of another build), compiling anew is right.
        warnings.warn(
            f"the compiled program {file} cannot be used ({error}) and is made anew", CacheWarning, stacklevel=3
        )
        return None


def _store(file: Path, compiled: Any, companion: Any) -> None:
    """Write a program, whole or not at all; where that fails, it serves this process only."""
    from jax.experimental.serialize_executable import serialize

    draft = None
    try:
        content = pickle.dumps((*serialize(compiled), companion))
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
