"""Control groups of the real kernel: what they limit, count and end, in whichever version this machine has."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_collab.sandbox import SandboxSpec
from pytest_collab.sandbox.cgroup import Cgroup, Hierarchy, hierarchies
from tests.sandbox.conftest import MakeSandbox

pytestmark = pytest.mark.anyio
BUSY = (
    "import sys, time\nprint('ready', flush=True)\nsys.stdin.read(1)\nend = time.process_time() + 0.02\n"
    "while time.process_time() < end: pass\n"
)
SMALL = SandboxSpec(cpus=0.01, memory_mb=200, pids=30)


def _with(controller: str, version: int | None = None) -> Hierarchy:
    """The hierarchy that a limit is set in; skips where there is none."""
    for hierarchy in hierarchies():
        if controller in hierarchy.controllers and version in (None, hierarchy.version):
            return hierarchy
    wanted = "control groups" if version is None else f"control groups of version {version}"
    pytest.skip(
        f"{wanted} with {controller} cannot be made here; run as root, or: "
        "systemd-run --user --scope -p Delegate=yes python -m pytest"
    )


def _directory(group: Cgroup, controller: str) -> Path:
    (entrance,) = [place for place in group.entrances if place.is_relative_to(_with(controller).parent)]
    return entrance.parent


def _numbers(path: Path) -> dict[str, int]:
    return {name: int(value) for name, value in (line.split() for line in path.read_text().splitlines())}


async def test_a_command_gets_no_more_than_its_share_of_the_processors() -> None:
    _with("cpu")
    group = Cgroup.make(SMALL)
    assert group is not None
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-c", BUSY], **pipes)
    try:
        assert process.stdout is not None
        process.stdout.readline()  # its start is not what is limited
        group.add(process.pid)
        process.communicate(b"x", timeout=60)
        assert _numbers(_directory(group, "cpu") / "cpu.stat")["nr_throttled"] > 0
    finally:
        await group.kill()
        await group.close()


async def test_docker_is_told_the_share_of_the_processors(docker_image: str) -> None:
    import docker

    from pytest_collab.sandbox.docker import DockerSandbox

    client = docker.from_env()
    try:
        async with DockerSandbox(SandboxSpec(image=docker_image, cpus=0.25)) as sandbox:
            await sandbox.run("true", timeout=20)
            (container,) = client.containers.list()
            assert container.attrs["HostConfig"]["NanoCpus"] == 250_000_000
    finally:
        client.close()


@pytest.mark.parametrize("version", [1, 2])
async def test_limits_are_what_the_spec_says(version: int) -> None:
    _with("memory", version)
    group = Cgroup.make(SMALL)
    assert group is not None
    try:
        memory, pids = _directory(group, "memory"), _directory(group, "pids")
        limit = memory / ("memory.max" if version == 2 else "memory.limit_in_bytes")
        assert int(limit.read_text()) == 200 * 1024 * 1024
        assert (pids / "pids.max").read_text().strip() == "30"
        assert group.out_of_memory_kills() == 0
    finally:
        await group.close()


async def test_memory_beyond_the_limit_is_told_as_such(make_isolated: MakeSandbox) -> None:
    _with("memory")
    async with make_isolated(memory_mb=64) as sandbox:
        done = await sandbox.run(
            ["/usr/bin/python3", "-c", "held = b'x' * (200 * 2**20); print(len(held))"], timeout=60
        )
    assert done.killed_by == "memory"
    assert done.stdout == ""


@pytest.fixture
def unified() -> Iterator[Hierarchy]:
    """A folder of the unified hierarchy (version 2), with or without controllers."""
    lines = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    mount = next((Path(point) for _, point, kind, *_ in lines if kind == "cgroup2"), None)
    if mount is None:
        pytest.skip("no cgroup2 file system is mounted; mount -t cgroup2 none /sys/fs/cgroup/unified")
    own = next(line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
    parent = mount / own.lstrip("/") / f"collab-test-{os.getpid()}"
    try:
        parent.mkdir()
    except OSError as error:
        pytest.skip(f"no group can be made in {mount}: {error.strerror}; run as root")
    yield Hierarchy(parent, 2, frozenset())
    parent.rmdir()


async def test_in_version_two_a_group_knows_and_ends_its_members_however_they_detach(unified: Hierarchy) -> None:
    directory = unified.parent / "one"
    directory.mkdir()
    group = Cgroup([(directory, unified)])
    # Both shells leave the session; their parent waits for a byte, so that it is in the group before it forks.
    line = "read x; setsid sh -c 'sleep 300 & sleep 300' & setsid sleep 300 & wait"
    process = subprocess.Popen(["/bin/sh", "-c", line], stdin=subprocess.PIPE, start_new_session=True)
    try:
        group.add(process.pid)
        assert process.stdin is not None
        process.stdin.write(b"x\n")
        process.stdin.close()
        while len(group.members()) < 4:
            assert process.poll() is None
    finally:
        await group.kill()
        process.wait()
    assert group.members() == set()
    await group.close()
    assert not directory.exists()
