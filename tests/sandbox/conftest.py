"""Every sandbox that works here, as a parameter: what all promise is tested on all."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import pytest

from pytest_collab.sandbox import Mount, Sandbox, SandboxSpec
from pytest_collab.sandbox.choose import sandbox_types
from tests.support.docker_engine import docker_engine, docker_image
from tests.support.kubernetes_api import Cluster, running_api

__all__ = ["docker_engine", "docker_image"]

LIMITS = SandboxSpec(memory_mb=256, pids=64, disk_mb=32, output_mb=8)
"""Small enough that no test can harm the machine it runs on, whether the sandbox holds or not."""

REAL_CLUSTER = "COLLAB_TEST_KUBERNETES_IMAGE"
"""Names an image with the programs of tests/support/docker_engine.py on the nodes of KUBECONFIG's cluster."""

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


@pytest.fixture
def api(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A stand-in for a cluster, which KUBECONFIG leads to."""
    pytest.importorskip("kubernetes", reason="needs pip install 'pytest-collab[kubernetes]'")
    folder = tmp_path_factory.mktemp("cluster")
    with running_api(folder) as cluster:
        monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(folder / "config")))
        yield cluster


def maker(name: str, work: Path, request: pytest.FixtureRequest) -> MakeSandbox:
    """How tests make a sandbox of one kind: with small limits and `work` as its workdir."""
    given = {"image": request.getfixturevalue("docker_image")} if name == "docker" else {}
    if name == "kubernetes" and not os.environ.get(REAL_CLUSTER):
        pytest.skip(f"needs a cluster: KUBECONFIG, and {REAL_CLUSTER} (tests/sandbox/conftest.py)")
    if name == "stand-in":  # a real cluster's sandbox, with an API server and processes of this machine
        request.getfixturevalue("api")
    if name in ("kubernetes", "stand-in"):
        name, given = "kubernetes", {"image": os.environ.get(REAL_CLUSTER) or "registry.example.org/test:1"}
    kind = sandbox_types()[name]
    found = anyio.run(kind.probe)
    if not found.works:
        assert name != "kubernetes", found.reason
        pytest.skip(f"{found.reason}; {found.fix}")

    def make(**changes: object) -> Sandbox:
        mounts = (Mount(work, "/work", writable=True), *changes.pop("mounts", ()))  # type: ignore[misc]
        return kind(dataclasses.replace(LIMITS, mounts=mounts, **{**given, **changes}))  # type: ignore[arg-type]

    return make


@pytest.fixture(params=["process", "bubblewrap", "docker", "kubernetes", "stand-in"])
def make_sandbox(request: pytest.FixtureRequest, work: Path) -> MakeSandbox:
    """Makes a sandbox of each kind."""
    return maker(request.param, work, request)


@pytest.fixture(params=["bubblewrap", "docker", "kubernetes"])
def make_isolated(request: pytest.FixtureRequest, work: Path) -> MakeSandbox:
    """Makes a sandbox of each kind that isolates."""
    return maker(request.param, work, request)
