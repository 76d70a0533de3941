"""Toolchains of this machine: what a language's programs are, where they lie, and what they need to work offline."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pytest_collab.errors import SetupError
from pytest_collab.families.coding.pool.pool import Pool
from pytest_collab.sandbox.base import Mount


@dataclasses.dataclass(frozen=True, slots=True)
class Toolchain:
    """What commands of a language need.

    Attributes:
        mounts: its programs, where the system's folders do not hold them.
        path: folders of programs.
        env: variables that keep it offline and its caches in scratch space.
        versions: what decides whether an environment can be used again.
    """

    mounts: tuple[Mount, ...]
    path: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    versions: tuple[str, ...]


_INSTALL = {
    "node": "install Node.js 20 or newer (https://nodejs.org, or apt-get install nodejs npm)",
    "go": "install Go (https://go.dev/dl, or apt-get install golang-go)",
    "cargo": "install Rust (https://rustup.rs, or apt-get install cargo)",
}


PROGRAMS: Final[Mapping[str, str]] = {"javascript": "node", "typescript": "node", "go": "go", "rust": "cargo"}
"""What a language's toolchain is known by; Python's is the running one."""


def toolchains(pool: Pool) -> Toolchain:
    """The toolchain of a pool's language; where it has setup commands, the others of this machine as well.

    (Packages of Python and Node are built with Rust, Go and Node, and what `collab doctor` finds here is there.)

    Raises:
        SetupError: the language's own is missing, or does not run.
    """
    own = toolchain(pool.language)
    if not pool.setup:
        return own
    mounts = {mount.inside: mount for mount in own.mounts}
    path, versions = list(own.path), list(own.versions)
    for language in ("rust", "go", "javascript"):
        if PROGRAMS[language] == PROGRAMS.get(pool.language):
            continue
        try:
            other = toolchain(language)
        except SetupError:
            continue
        for mount in other.mounts:
            mounts.setdefault(mount.inside, mount)
        path += [folder for folder in other.path if folder not in path and not of_system(Path(folder))]
        versions += other.versions
    return Toolchain(tuple(mounts.values()), tuple(path), own.env, tuple(versions))


def missing_toolchain(pool: Pool) -> str | None:
    """Which program a pool lacks here, with how to install it; None if it has what it needs."""
    try:
        toolchain(pool.language)
    except SetupError as error:
        return str(error)
    return None


def toolchain(language: str) -> Toolchain:
    """The toolchain of a language.

    Raises:
        SetupError: it is not installed (with how to install it), or does not run.
    """
    if language == "python":
        base = Path(sys.base_prefix)
        mounts = [] if of_system(base) else [Mount(base, str(base))]
        return Toolchain(tuple(mounts), (), (("PYTHONDONTWRITEBYTECODE", "1"),), ())
    program = PROGRAMS[language]
    found = shutil.which(program)
    if found is None:
        raise SetupError(f"there is no `{program}` on PATH; {_INSTALL[program]}")
    prefix, env = Path(found).resolve().parent.parent, dict[str, str]()
    if program == "cargo":
        # Where rustup is, `cargo` is on PATH before any toolchain has been chosen.
        prefix = Path(_ask(["rustc", "--print", "sysroot"], "choose one: rustup default stable"))
        env = {"CARGO_NET_OFFLINE": "true", "CARGO_HOME": "/tmp/cargo", "CARGO_TARGET_DIR": "/tmp/target"}
        env["CARGO_TERM_COLOR"] = "never"
        env |= {"CARGO_PROFILE_DEV_DEBUG": "0", "CARGO_PROFILE_TEST_DEBUG": "0"}  # linked twice as fast
        _ask([str(prefix / "bin" / "cargo"), "--version"], "rustup component add cargo")
        version = _ask([str(prefix / "bin" / "rustc"), "--version"])
    elif program == "go":
        prefix = Path(_ask(["go", "env", "GOROOT"])).resolve()
        env = {"GOPROXY": "off", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "GOCACHE": "/tmp/go-build"}
        env |= {"GOPATH": "/tmp/go", "CGO_ENABLED": "0", "GONOSUMDB": "*", "GONOSUMCHECK": "1", "GOFLAGS": ""}
        version = _ask(["go", "version"])
    else:
        env = {"NO_COLOR": "1", "FORCE_COLOR": "0"}
        version = _ask([found, "--version"])
    mounts = [] if of_system(prefix) else [Mount(prefix, str(prefix))]
    return Toolchain(tuple(mounts), (str(prefix / "bin"),), tuple(env.items()), (version,))


def image_env(language: str) -> tuple[tuple[str, str], ...]:
    """Variables for an image's own toolchain: offline, and nothing written into the tree."""
    scratch = {
        "python": {"PYTHONDONTWRITEBYTECODE": "1"},
        "rust": {"CARGO_TARGET_DIR": "/tmp/target", "CARGO_NET_OFFLINE": "true", "CARGO_TERM_COLOR": "never"},
        "go": {"GOPROXY": "off", "GOTOOLCHAIN": "local"},
    }
    return tuple(scratch.get(language, {"NO_COLOR": "1", "FORCE_COLOR": "0"}).items())


def of_system(path: Path) -> bool:
    """Whether every sandbox shows a folder, as a part of the system."""
    return path == Path("/") or (path.is_relative_to("/usr") and not path.is_relative_to("/usr/src"))


def _ask(words: list[str], remedy: str = "") -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, cwd="/")
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupError(f"`{' '.join(words)}` could not be run: {error}{remedy and '; '}{remedy}") from None
    if done.returncode:
        raise SetupError(f"`{' '.join(words)}` failed: {_first(done.stderr)}{remedy and '; '}{remedy}")
    return done.stdout.strip()


def _first(text: str) -> str:
    """The first line of what a program complains of; rustup's goes on with a backtrace."""
    return next(iter(text.strip().splitlines()), "it said nothing")
