"""Environments: what a pool's setup commands make, once per content, shared read-only by seats and graders."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from pytest_collab.errors import SandboxError, SetupError
from pytest_collab.families.coding.parsers import plain
from pytest_collab.families.coding.pool import Pool
from pytest_collab.families.coding.seed import Seed, cache_folder, seed_of
from pytest_collab.sandbox import Choice, choose
from pytest_collab.sandbox.base import SYSTEM_PATH, Mount, SandboxSpec

_VERSION = 4
_PASSED_ON = re.compile(
    r"^(PATH|HOME|LANG|LC_.*|USER|LOGNAME|TMPDIR|.*_PROXY|.*_proxy|PIP_.*|UV_.*|NPM_CONFIG_.*|npm_config_.*|NODE_EXTRA_CA_CERTS"
    r"|SSL_CERT_.*|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|GOPROXY|GOSUMDB|GONOSUMDB|GOFLAGS|CARGO_HOME|RUSTUP_HOME|CARGO_HTTP_.*"
    r"|CARGO_REGISTRIES_.*)$"
)
_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|API_KEY", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True)
class Environment:
    """Where commands of a pool run.

    Attributes:
        key: what it was made from.
        tree: where a working tree is mounted. Editable installs point there, so it is the same for all.
        mounts: toolchains and packages, read-only.
        overlay: what setup added to the tree (`node_modules`, build metadata): path in the tree to its place.
        env: variables.
        image, dockerfile: docker only.
    """

    key: str
    tree: str
    mounts: tuple[Mount, ...] = ()
    overlay: tuple[tuple[str, Path], ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    image: str | None = None
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
    only_image = (spec.image is not None or spec.dockerfile is not None) and not pool.setup
    return await choose(name, SandboxSpec(image=spec.image or "dockerfile") if only_image else None)


def prepare_environment(pool: Pool, cache: Path | None = None, sandbox: str = "bubblewrap") -> Environment:
    """The environment of a pool, made once under a lock and kept.

    With docker it is the pool's image or Dockerfile. Otherwise setup commands run on this machine as the user
    who runs pytest, like any `pip install`, in a checkout of the base; what they need of the network's
    settings is passed on, secrets are not. For Python, a virtual environment comes first; with no setup
    commands it holds pytest and what that needs, and nothing else (never the user's own packages, which may
    hold the hidden tests).

    Raises:
        SetupError: a toolchain is missing (with how to install it), a command fails or takes too long.
    """
    from filelock import FileLock

    spec = pool.environment
    if sandbox == "docker":
        if spec.image is None and spec.dockerfile is None:
            raise SetupError(
                "the docker sandbox needs an image: give `environment: {image: NAME}` or "
                "`environment: {dockerfile: PATH}` in the task, or use --collab-sandbox=bubblewrap"
            )
        dockerfile = pool.path(spec.dockerfile).resolve() if spec.dockerfile and not spec.image else None
        key = spec.image or str(dockerfile)
        return Environment(
            key,
            spec.workdir,
            env=(("PYTHONDONTWRITEBYTECODE", "1"),) if pool.language == "python" else (),
            image=spec.image,
            dockerfile=dockerfile,
            memory_mb=spec.memory_mb,
            pids=spec.pids,
        )
    seed = seed_of(pool, cache)
    tools = _toolchain(pool.language)
    content = [_VERSION, seed.tree, pool.setup, pool.language, sys.version, sys.base_prefix, tools.versions]
    key = sha256(json.dumps(content).encode()).hexdigest()[:20]
    root = (cache or cache_folder()) / "environments"
    root.mkdir(parents=True, exist_ok=True)
    place = root / key
    with FileLock(root / f"{key}.lock"):
        if not (place / "ready.json").is_file():
            shutil.rmtree(place, ignore_errors=True)
            try:
                _make(pool, seed, place, tools)
            except BaseException:
                shutil.rmtree(place, ignore_errors=True)
                raise
    return _read(pool, place, tools)


@dataclasses.dataclass(frozen=True, slots=True)
class _Tools:
    mounts: tuple[Mount, ...]
    path: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    versions: tuple[str, ...]


_INSTALL = {
    "node": "install Node.js 20 or newer (https://nodejs.org, or apt-get install nodejs npm)",
    "go": "install Go (https://go.dev/dl, or apt-get install golang-go)",
    "cargo": "install Rust (https://rustup.rs, or apt-get install cargo)",
}


def missing_toolchain(pool: Pool) -> str | None:
    """Which program a pool lacks here, with how to install it; None if it has what it needs."""
    try:
        _toolchain(pool.language)
    except SetupError as error:
        return str(error)
    return None


def _toolchain(language: str) -> _Tools:
    if language == "python":
        base = Path(sys.base_prefix)
        mounts = [] if _of_system(base) else [Mount(base, str(base))]
        return _Tools(tuple(mounts), (), (("PYTHONDONTWRITEBYTECODE", "1"),), ())
    program = {"go": "go", "rust": "cargo"}.get(language, "node")
    found = shutil.which(program)
    if found is None:
        raise SetupError(f"there is no `{program}` on PATH; {_INSTALL[program]}")
    prefix, env = Path(found).resolve().parent.parent, dict[str, str]()
    if program == "cargo":
        prefix = Path(_ask(["rustc", "--print", "sysroot"]))
        env = {"CARGO_NET_OFFLINE": "true", "CARGO_HOME": "/tmp/cargo", "CARGO_TARGET_DIR": "/tmp/target"}
        env["CARGO_TERM_COLOR"] = "never"
        version = _ask([str(prefix / "bin" / "rustc"), "--version"])
    elif program == "go":
        prefix = Path(_ask(["go", "env", "GOROOT"])).resolve()
        env = {"GOPROXY": "off", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "GOCACHE": "/tmp/go-build"}
        env |= {"GOPATH": "/tmp/go", "CGO_ENABLED": "0", "GONOSUMDB": "*", "GONOSUMCHECK": "1", "GOFLAGS": ""}
        version = _ask(["go", "version"])
    else:
        env = {"NO_COLOR": "1", "FORCE_COLOR": "0"}
        version = _ask([found, "--version"])
    mounts = [] if _of_system(prefix) else [Mount(prefix, str(prefix))]
    return _Tools(tuple(mounts), (str(prefix / "bin"),), tuple(env.items()), (version,))


def _of_system(path: Path) -> bool:
    return path == Path("/") or (path.is_relative_to("/usr") and not path.is_relative_to("/usr/src"))


def _ask(words: list[str]) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, cwd="/")
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupError(f"`{' '.join(words)}` could not be run: {error}") from None
    if done.returncode:
        raise SetupError(f"`{' '.join(words)}` failed: {done.stderr.strip()}")
    return done.stdout.strip()


def _make(pool: Pool, seed: Seed, place: Path, tools: _Tools) -> None:
    place.mkdir(parents=True)
    tree = place / "tree"
    shutil.copytree(seed.checkout, tree, symlinks=True)
    before = {str(path.relative_to(tree)) for path in tree.rglob("*")}
    (place / "empty").mkdir()
    if pool.language == "python":
        _make_venv(place / "venv", bare=not pool.setup)
    env = {name: value for name, value in os.environ.items() if _PASSED_ON.match(name) and not _SECRET.search(name)}
    path = [str(place / "venv" / "bin"), *tools.path, env.get("PATH", SYSTEM_PATH)]
    env |= {"PATH": os.pathsep.join(path), "CI": "1"}
    if pool.language == "python":
        env |= {"VIRTUAL_ENV": str(place / "venv"), "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    for command in pool.setup:
        _run(command, tree, env, pool.environment.setup_timeout_s)
    shutil.rmtree(tree / ".git", ignore_errors=True)
    added: list[str] = []
    for path_ in sorted(tree.rglob("*")):
        name = str(path_.relative_to(tree))
        if (
            name not in before
            and path_.name != "__pycache__"
            and not any(name.startswith(f"{one}/") for one in added)
        ):
            added.append(name)
    (place / "ready.json").write_text(json.dumps({"overlay": added}))


def _run(command: str, tree: Path, env: dict[str, str], timeout: float) -> None:
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
        try:
            code: int | None = process.wait(timeout)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if code != 0:
            output.seek(max(0, output.seek(0, os.SEEK_END) - 4000))
            said = plain(output.read().decode(errors="replace")).strip()
            what = f"took longer than {timeout:g} s" if code is None else f"ended with {code}"
            raise SetupError(f"setup command {command!r} {what}:\n{said}")


def _make_venv(venv: Path, *, bare: bool) -> None:
    base = Path(getattr(sys, "_base_executable", "") or sys.executable)
    words = [str(base), "-m", "venv", *(["--without-pip"] if bare else []), str(venv)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise SetupError(
            f"no virtual environment could be made ({' '.join(words)}): {done.stdout}{done.stderr}\n"
            "install Python's venv module (apt-get install python3-venv)"
        )
    if bare:
        site = next((venv / "lib").glob("python3*")) / "site-packages"
        for name in _closure("pytest"):
            _copy_distribution(name, site)
        # Installers may have left this to the first import, which finds the folder read-only.
        subprocess.run([venv / "bin" / "python", "-m", "compileall", "-q", site], capture_output=True, check=False)


def _closure(name: str) -> set[str]:
    """A distribution and what it needs here, by normalised name."""
    from packaging.requirements import Requirement

    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if one in found:
            continue
        try:
            requires = importlib.metadata.requires(one) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        found.add(one)
        for line in requires:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return found


def _copy_distribution(name: str, site: Path) -> None:
    for file in importlib.metadata.files(name) or ():
        if file.parts[0] == ".." or file.is_absolute():
            continue  # scripts: `python -m pytest` needs none
        source = Path(str(file.locate()))
        if source.is_file():
            target = site / PurePosixPath(file)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def _read(pool: Pool, place: Path, tools: _Tools) -> Environment:
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
            if site.is_dir() and not _of_system(site):
                mounts.append(Mount(place / "empty", str(site)))
    mounts += [Mount(place / "empty", str(suite)) for suite in _suites() if _of_system(suite)]
    return Environment(
        key=place.name,
        tree=str(place / "tree"),
        mounts=tuple(mounts),
        overlay=tuple((name, place / "tree" / name) for name in data["overlay"]),
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
