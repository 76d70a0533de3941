"""Every sandbox that works here, as a parameter: what all promise is tested on all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from pytest_collab.sandbox import Mount, Sandbox, SandboxSpec
from pytest_collab.sandbox.choose import sandbox_types
from tests.support.docker_engine import docker_engine, docker_image

__all__ = ["docker_engine", "docker_image"]

LIMITS = SandboxSpec(memory_mb=256, pids=64, disk_mb=32, output_mb=8)
"""Small enough that no test can harm the machine it runs on, whether the sandbox holds or not."""

MakeSandbox = Callable[..., Sandbox]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A directory of the host that the sandbox may write to."""
    folder = tmp_path / "tree"
    folder.mkdir()
    return folder


def maker(name: str, work: Path, request: pytest.FixtureRequest) -> MakeSandbox:
    """How tests make a sandbox of one kind: with small limits and `work` as its workdir."""
    given = {"image": request.getfixturevalue("docker_image")} if name == "docker" else {}
    kind = sandbox_types()[name]
    found = anyio.run(kind.probe)
    if not found.works:
        pytest.skip(f"{found.reason}; {found.fix}")

    def make(**changes: object) -> Sandbox:
        mounts = (Mount(work, "/work", writable=True), *changes.pop("mounts", ()))  # type: ignore[misc]
        return kind(dataclasses.replace(LIMITS, mounts=mounts, **{**given, **changes}))  # type: ignore[arg-type]

    return make


@pytest.fixture(params=["process", "bubblewrap", "docker"])
def make_sandbox(request: pytest.FixtureRequest, work: Path) -> MakeSandbox:
    """Makes a sandbox of each kind."""
    return maker(request.param, work, request)


@pytest.fixture(params=["bubblewrap", "docker"])
def make_isolated(request: pytest.FixtureRequest, work: Path) -> MakeSandbox:
    """Makes a sandbox of each kind that isolates."""
    return maker(request.param, work, request)
