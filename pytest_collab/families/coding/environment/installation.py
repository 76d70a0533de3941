"""Set-up: a pool's own commands, run once in a checkout of its base, and what they leave there."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import anyio

from pytest_collab.errors import SetupError
from pytest_collab.families.coding.environment import indexes
from pytest_collab.families.coding.environment.output import plain
from pytest_collab.families.coding.environment.toolchain import Toolchain
from pytest_collab.families.coding.environment.venv import make_venv
from pytest_collab.families.coding.pool.pool import Pool
from pytest_collab.families.coding.repository.seed import Seed
from pytest_collab.sandbox import Choice, Completed, Mount, SandboxSpec, afterwards
from pytest_collab.sandbox.base import SYSTEM_PATH

_DISK_MB = 8192
_ENTRIES = 2_000_000
_OUTPUT_MB = 256
_MEMORY_MB = 4096
_PIDS = 1024
_TAIL = 4000

STORES: Final[Mapping[str, str]] = {"go": "GOMODCACHE", "rust": "CARGO_HOME"}
"""Where a language keeps packages outside the tree: filled by set-up, read-only ever after."""


WARM: Final = "warm"
"""The folder of an environment that holds what the base was compiled to (Go). Compilers look up everything in it by
content, and seats and graders see it read-only."""

SCRATCH: Final = "scratch"
"""The folder for what set-up writes beside all that, gone when it is over. On the disk: the sandbox's own /tmp is
memory, and downloads of some gigabytes would break the limit on that."""

_CACHES: Final = ("XDG_CACHE_HOME", "npm_config_cache")
"""Where pip, uv, npm and others keep what they have downloaded."""

_WARMING: Final = "GOPROXY=off go test -run '^$' ./... >/dev/null 2>&1 || true"


def install(pool: Pool, seed: Seed, place: Path, tools: Toolchain, choice: Choice | None) -> None:
    """Make an environment in the folder `place`, which does not exist yet.

    Set-up runs in a sandbox that sees nothing but the tree, the environment, the toolchain and what settings of
    package indexes name; with the network, if the task says so. In a sandbox that isolates nothing (or without one)
    it runs as the user, on the host.

    Raises:
        SetupError: a command fails, or all together take too long.
    """
    place.mkdir(parents=True)
    tree = place / "tree"
    shutil.copytree(seed.checkout, tree, symlinks=True)
    before = {str(path.relative_to(tree)) for path in tree.rglob("*")}
    (place / "empty").mkdir()
    if pool.language == "python":
        make_venv(place / "venv", bare=not pool.setup)
    warming = (_WARMING,) if pool.language == "go" else ()
    commands = (*pool.setup, *warming)
    if warming:
        (place / WARM).mkdir()
    if commands:
        env = {"CI": "1"}
        if pool.language == "python":
            env |= {"VIRTUAL_ENV": str(place / "venv"), "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
        if pool.language in STORES and pool.setup:
            (place / "store").mkdir()
            env[STORES[pool.language]] = str(place / "store")
        if pool.language == "go":
            env["GOFLAGS"] = "-modcacherw"  # or nobody but root could delete the store
            env |= {"GOCACHE": str(place / WARM), "CGO_ENABLED": "0"}
        path = [str(place / "venv" / "bin"), *tools.path]
        if choice is not None and choice.sandbox.isolating:
            (place / SCRATCH).mkdir()
            env |= {"TMPDIR": str(place / SCRATCH), "PATH": os.pathsep.join([*path, SYSTEM_PATH])}
            env |= {name: str(place / SCRATCH / "cache") for name in _CACHES}
            anyio.run(_in_sandbox, pool, commands, choice, _spec(pool, place, tools, env))
            shutil.rmtree(place / SCRATCH, ignore_errors=True)
        else:
            env = {**indexes.variables(host=True), **env}
            env["PATH"] = os.pathsep.join([*path, env.get("PATH", SYSTEM_PATH)])
            deadline = time.monotonic() + pool.environment.setup_timeout_s
            for command in commands:
                _on_the_host(command, tree, env, deadline - time.monotonic())
    shutil.rmtree(tree / ".git", ignore_errors=True)
    added: list[str] = []
    for path_ in sorted(tree.rglob("*")):
        name = str(path_.relative_to(tree))
        if (
            name not in before
            # Mounting a link would mount whatever it leads to.
            and not path_.is_symlink()
            and path_.name != "__pycache__"
            and not any(name.startswith(f"{one}/") for one in added)
        ):
            added.append(name)
    (place / "ready.json").write_text(json.dumps({"overlay": added}))


def _spec(pool: Pool, place: Path, tools: Toolchain, env: Mapping[str, str]) -> SandboxSpec:
    values = indexes.variables()
    own = [place / name for name in ("tree", "venv", "store", WARM, SCRATCH) if (place / name).is_dir()]
    taken = {str(mount.inside) for mount in tools.mounts}
    settings = [mount for mount in indexes.mounts(place / "settings", values) if mount.inside not in taken]
    return SandboxSpec(
        mounts=(*tools.mounts, *settings, *(Mount(folder, str(folder), True) for folder in own)),
        workdir=str(place / "tree"),
        env={**values, **env},
        network=pool.environment.network,
        memory_mb=max(_MEMORY_MB, pool.environment.memory_mb),
        pids=max(_PIDS, pool.environment.pids),
        disk_mb=_DISK_MB,
        entries=_ENTRIES,
        output_mb=_OUTPUT_MB,
    )


async def _in_sandbox(pool: Pool, commands: Sequence[str], choice: Choice, spec: SandboxSpec) -> None:
    limit = pool.environment.setup_timeout_s
    deadline = time.monotonic() + limit
    async with choice.make(spec) as sandbox:
        for command in commands:
            done = await sandbox.run(command, timeout=max(0.001, deadline - time.monotonic()))
            if not done.ok:
                said = plain(f"{done.stdout}\n{done.stderr}").strip()[-_TAIL:]
                network = "" if spec.network else " (it has no network: `environment.network` is false)"
                raise SetupError(f"setup command {command!r} {_ending(done, limit)}{network}:\n{said}")


def _ending(done: Completed, limit: float) -> str:
    if done.timed_out:
        return f"took longer than {limit:g} s"
    return f"broke its limit of {done.killed_by}" if done.killed_by else f"ended with {done.exit_code}"


def _on_the_host(command: str, tree: Path, env: dict[str, str], timeout: float) -> None:
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=tree,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        afterwards.end_group(process.pid)
        try:
            code: int | None = process.wait(max(0.001, timeout))
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            afterwards.group_ended(process.pid)
        if code != 0:
            output.seek(max(0, output.seek(0, os.SEEK_END) - 4000))
            said = plain(output.read().decode(errors="replace")).strip()
            what = "took too long" if code is None else f"ended with {code}"
            raise SetupError(f"setup command {command!r} {what}:\n{said}")
