"""Environments: what a pool's setup commands make, once per content, shared read-only by seats and graders."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from pytest_collab.errors import SandboxError, SetupError
from pytest_collab.families.coding.environment.installation import STORES, WARM, install
from pytest_collab.families.coding.environment.toolchain import (
    Toolchain,
    image_env,
    missing_toolchain,
    of_system,
    toolchains,
)
from pytest_collab.families.coding.pool.pool import Pool
from pytest_collab.families.coding.repository.seed import cache_folder, seed_of
from pytest_collab.sandbox import Choice, choose
from pytest_collab.sandbox.base import SYSTEM_PATH, Mount, SandboxSpec

__all__ = ["Environment", "choose_sandbox", "missing_toolchain", "prepare_environment"]

_VERSION = 6


@dataclasses.dataclass(frozen=True, slots=True)
class Environment:
    """Where commands of a pool run.

    Attributes:
        key: what it was made from.
        tree: where a working tree is mounted. Editable installs point there, so it is the same for all.
        mounts: toolchains and packages, read-only.
        overlay: what setup added to the tree (`node_modules`, build metadata): path in the tree to its place.
        env: variables.
        warming: the beginning of a shell command that tests a tree: it brings what the base was compiled to.
        image, image_tar, dockerfile: docker only; one of them.
    """

    key: str
    tree: str
    mounts: tuple[Mount, ...] = ()
    overlay: tuple[tuple[str, Path], ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    warming: str = ""
    image: str | None = None
    image_tar: Path | None = None
    dockerfile: Path | None = None
    memory_mb: int = 2048
    pids: int = 512

    def spec(
        self,
        tree: Path,
        *,
        writable: bool = True,
        mounts: tuple[Mount, ...] = (),
        env: Mapping[str, str] | None = None,
        disk_mb: int = 1024,
    ) -> SandboxSpec:
        """A sandbox in which `tree` is the working tree.

        Mount points for the overlay are made in `tree` where it lacks them; an entry that stands in the way
        of one (a file called `node_modules`) hides that overlay.
        """
        overlay = tuple(
            Mount(place, f"{self.tree}/{name}") for name, place in self.overlay if _mount_point(tree, name, place)
        )
        return SandboxSpec(
            mounts=(*self.mounts, Mount(tree, self.tree, writable), *overlay, *mounts),
            workdir=self.tree,
            env={**dict(self.env), **(env or {})},
            memory_mb=self.memory_mb,
            pids=self.pids,
            disk_mb=disk_mb,
            image=self.image,
            image_tar=self.image_tar,
            dockerfile=self.dockerfile,
        )


async def choose_sandbox(pool: Pool, name: str = "auto") -> Choice:
    """The sandbox for a pool.

    `auto` takes docker only for a pool that says nothing but its image: where there are setup commands, or no
    image, bubblewrap starts commands much sooner.

    Raises:
        UsageError: no sandbox has this name.
        SandboxError: it does not work here.
    """
    spec = pool.environment
    only_image = spec.named_image and not pool.setup
    return await choose(name, SandboxSpec(image=spec.image or "dockerfile") if only_image else None)


def prepare_environment(pool: Pool, cache: Path | None = None, choice: Choice | None = None) -> Environment:
    """The environment of a pool, made once under a lock and kept.

    Where commands run in an image, it is the pool's image or Dockerfile. Otherwise setup commands run in a sandbox of
    this kind (on the host, where it isolates nothing), in a checkout of the base, with the network if the task says
    so; what they need of the user's settings for package indexes is passed on, secrets are not. For Python, a virtual
    environment comes first; with no setup commands it holds pytest and what that needs, and nothing else (never the
    user's own packages, which may hold the hidden tests).

    Args:
        choice: the sandbox; None for no sandbox.

    Raises:
        SetupError: a toolchain is missing (with how to install it), a command fails or takes too long.
    """
    from filelock import FileLock

    spec = pool.environment
    if choice is not None and choice.sandbox.imaged:
        return _in_image(pool, choice.name)
    seed = seed_of(pool, cache)
    tools = toolchains(pool)
    content = [
        _VERSION,
        seed.tree,
        pool.setup,
        spec.network,
        pool.language,
        sys.version,
        sys.base_prefix,
        tools.versions,
    ]
    key = sha256(json.dumps(content).encode()).hexdigest()[:20]
    root = (cache or cache_folder()) / "environments"
    root.mkdir(parents=True, exist_ok=True)
    place = root / key
    with FileLock(root / f"{key}.lock"):
        if not (place / "ready.json").is_file():
            shutil.rmtree(place, ignore_errors=True)
            try:
                install(pool, seed, place, tools, choice)
            except BaseException:
                shutil.rmtree(place, ignore_errors=True)
                raise
    return _read(pool, place, tools)


def _in_image(pool: Pool, sandbox: str) -> Environment:
    """The pool's image: by name, else of its tarball, else of its Dockerfile."""
    spec = pool.environment
    if not spec.named_image:
        raise SetupError(
            f"the {sandbox} sandbox needs an image: "
            "give `environment: {image: NAME}`, `{image_tar: PATH}` or "
            "`{dockerfile: PATH}` in the task, or use --collab-sandbox=bubblewrap"
        )
    tarball = pool.path(spec.image_tar).resolve() if spec.image_tar and not spec.image else None
    dockerfile = pool.path(spec.dockerfile).resolve() if spec.dockerfile and not (spec.image or tarball) else None
    return Environment(
        spec.image or _identity(tarball or dockerfile),
        spec.workdir,
        env=image_env(pool.language),
        image=spec.image,
        image_tar=tarball,
        dockerfile=dockerfile,
        memory_mb=spec.memory_mb,
        pids=spec.pids,
    )


def _identity(path: Path | None) -> str:
    """What tells a file from what stood there before: what was found in one image holds for no other."""
    assert path is not None
    try:
        status = path.stat()
    except OSError as error:
        raise SetupError(
            f"{path} cannot be read: {error.strerror}; `environment` paths are relative to the task file"
        ) from None
    if status.st_size < 1 << 20:
        return f"{path}:{sha256(path.read_bytes()).hexdigest()}"
    return f"{path}:{status.st_size}:{status.st_mtime_ns}"


def _read(pool: Pool, place: Path, tools: Toolchain) -> Environment:
    try:
        data: Any = json.loads((place / "ready.json").read_text())
    except (OSError, ValueError):
        raise SetupError(f"the environment in {place} is damaged; delete that folder") from None
    path = [*tools.path, SYSTEM_PATH]
    mounts = list(tools.mounts)
    env = dict(tools.env)
    if pool.language == "python":
        path.insert(0, str(place / "venv" / "bin"))
        env["VIRTUAL_ENV"] = str(place / "venv")
        mounts.append(Mount(place / "venv", str(place / "venv")))
        # Whoever installed this project for the base interpreter has the hidden tests in there.
        shared = Path(sys.base_prefix) / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}"
        for site in (shared / "site-packages", shared / "dist-packages"):
            if site.is_dir() and not of_system(site):
                mounts.append(Mount(place / "empty", str(site)))
    if (place / "store").is_dir():
        mounts.append(Mount(place / "store", str(place / "store")))
        env[STORES[pool.language]] = str(place / "store")
    warming = ""
    if (place / WARM).is_dir():
        # Links: compilers write beside what is there, and nothing that a tree does reaches another.
        mounts.append(Mount(place / WARM, str(place / WARM)))
        warming = f"cp -rs {shlex.quote(str(place / WARM))} {env['GOCACHE']} 2>/dev/null; "
    mounts += [Mount(place / "empty", str(suite)) for suite in _suites() if of_system(suite)]
    return Environment(
        key=place.name,
        tree=str(place / "tree"),
        mounts=tuple(mounts),
        overlay=tuple((name, place / "tree" / name) for name in data["overlay"]),
        warming=warming,
        env=(*env.items(), ("PATH", os.pathsep.join(path))),
        memory_mb=pool.environment.memory_mb,
        pids=pool.environment.pids,
    )


def _suites() -> list[Path]:
    """Folders of this project's own tasks that the system's programs would show to everyone."""
    import pytest_collab

    suite = Path(pytest_collab.__file__).parent / "suite"
    return [suite] if suite.is_dir() else []


def _mount_point(tree: Path, name: str, place: Path) -> bool:
    """Make what a mount needs to land on, without following a link of the tree."""
    here = tree
    *folders, last = PurePosixPath(name).parts
    for part in folders:
        here = here / part
        if here.is_symlink() or (here.exists() and not here.is_dir()):
            return False
        here.mkdir(exist_ok=True)
    target = here / last
    if target.is_symlink():
        return False
    try:
        if place.is_dir():
            target.mkdir(exist_ok=True)
            return True
        target.touch(exist_ok=True)
    except OSError as error:
        if target.is_file() or isinstance(error, FileExistsError):
            return False
        raise SandboxError(f"{target} could not be made to mount {place} there: {error.strerror}") from error
    return target.is_file()
