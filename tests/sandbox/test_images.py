"""Where the docker sandbox's image may come from; against a real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_collab.errors import SandboxError
from pytest_collab.sandbox import SandboxSpec
from pytest_collab.sandbox.docker import DockerSandbox
from pytest_collab.sandbox.engine import LABEL, connected
from pytest_collab.sandbox.owner import owner
from tests.support.docker_engine import root_tarball

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SMALL = {"memory_mb": 256, "pids": 64, "disk_mb": 32}


async def hello(spec: SandboxSpec) -> str:
    async with DockerSandbox(spec) as sandbox:
        return (await sandbox.run("cat /greeting 2>/dev/null || echo hello", timeout=30)).stdout


async def test_a_dockerfile_is_built_and_its_environment_kept(docker_image: str, tmp_path: Path) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(f"FROM {docker_image}\nENV GREETING=built\nCOPY greeting /greeting\n")
    (tmp_path / "greeting").write_text("from the build\n")
    spec = SandboxSpec(dockerfile=dockerfile, **SMALL)
    assert await hello(spec) == "from the build\n"
    async with DockerSandbox(spec) as sandbox:
        assert (await sandbox.run('echo "$GREETING"', timeout=30)).stdout == "built\n"


async def test_a_dockerfile_that_does_not_build_fails_with_what_the_build_said(
    docker_image: str, tmp_path: Path
) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(f"FROM {docker_image}\nCOPY missing /missing\n")
    with pytest.raises(SandboxError, match=r"(?s)could not build.*missing"):
        await DockerSandbox(SandboxSpec(dockerfile=dockerfile, **SMALL)).start()


async def test_a_tarball_of_a_root_file_system_is_imported(docker_engine: str, tmp_path: Path) -> None:
    tarball = tmp_path / "root.tar"
    root_tarball(tarball, ("sh", "sleep", "cat", "echo"), python=False, git=False)
    spec = SandboxSpec(image_tar=tarball, **SMALL)
    assert await hello(spec) == "hello\n"
    assert await hello(spec) == "hello\n"


async def test_a_saved_image_is_loaded(docker_image: str, tmp_path: Path) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM scratch\nCOPY root /\n")
    tarball, root = tmp_path / "saved.tar", tmp_path / "root.tar"
    root_tarball(root, ("sh", "sleep", "cat", "echo"), python=False, git=False)
    with connected() as api:
        api.import_image_from_file(str(root), repository="pytest-collab-small", tag="latest")
        with tarball.open("wb") as file:
            for chunk in api.get_image("pytest-collab-small:latest"):
                file.write(chunk)
        api.remove_image("pytest-collab-small:latest", force=True)
    assert await hello(SandboxSpec(image_tar=tarball, **SMALL)) == "hello\n"


async def test_a_missing_image_is_named_and_not_pulled(docker_engine: str, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="docker pull no/such:image"):
        await DockerSandbox(SandboxSpec(image="no/such:image")).start()
    with pytest.raises(SandboxError, match="no such file"):
        await DockerSandbox(SandboxSpec(image_tar=tmp_path / "missing.tar")).start()
    with pytest.raises(SandboxError, match="needs an image"):
        await DockerSandbox(SandboxSpec()).start()
    (tmp_path / "no.tar").write_text("this is no tarball")
    with pytest.raises(SandboxError, match="cannot be read as a tarball"):
        await DockerSandbox(SandboxSpec(image_tar=tmp_path / "no.tar")).start()


async def test_containers_of_a_killed_run_are_removed_by_the_next_one(docker_image: str) -> None:
    host, pid, _ = owner().split(":")
    with connected() as api:

        def leave(label: str) -> str:
            made = api.create_container(docker_image, ["sleep", "60"], labels={LABEL: label})
            return str(made["Id"])

        dead, elsewhere = leave(f"{host}:{pid}:1"), leave("another-host:1:1")
        async with DockerSandbox(SandboxSpec(image=docker_image, **SMALL)):
            left = {container["Id"] for container in api.containers(all=True)}
        assert dead not in left
        assert elsewhere in left
        api.remove_container(elsewhere, force=True)


async def test_no_container_is_left_when_the_sandbox_is_closed(docker_image: str) -> None:
    async with DockerSandbox(SandboxSpec(image=docker_image, **SMALL)) as sandbox:
        await sandbox.run("true", timeout=30)
    with connected() as api:
        assert [one for one in api.containers(all=True) if one["Labels"].get(LABEL) == owner()] == []
