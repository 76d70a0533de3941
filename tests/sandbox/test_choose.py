"""Which sandbox is used, and what is said about it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_collab.errors import SandboxError, UsageError
from pytest_collab.sandbox import Probe, SandboxSpec, choose, probe
from pytest_collab.sandbox.bubblewrap import BubblewrapSandbox
from pytest_collab.sandbox.docker import DockerSandbox
from pytest_collab.sandbox.kubernetes.sandbox import KubernetesSandbox
from pytest_collab.sandbox.process import ProcessSandbox

pytestmark = pytest.mark.anyio


class Unavailable(BubblewrapSandbox):
    """A site's own bubblewrap, on a machine where it does not work."""

    @classmethod
    async def probe(cls) -> Probe:
        return Probe(cls.name, False, "namespaces are forbidden here", "ask for them")


class Vault(ProcessSandbox):
    """A sandbox of a third party."""

    name = "vault"
    isolating = True
    warning = ""


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody")


async def test_auto_takes_bubblewrap_where_it_works_and_says_why(no_engine: None) -> None:
    found = await BubblewrapSandbox.probe()
    if not found.works:
        pytest.skip(f"{found.reason}; {found.fix}")
    choice = await choose()
    assert choice.name == "bubblewrap"
    assert "bubblewrap" in choice.reason
    assert choice.warning == ""


async def test_auto_falls_back_to_process_with_the_reason_and_a_loud_warning(no_engine: None) -> None:
    choice = await choose("auto", SandboxSpec(), extra={"bubblewrap": Unavailable})
    assert choice.name == "process"
    assert "namespaces are forbidden here" in choice.reason
    assert "ask for them" in choice.reason
    assert "isolates nothing" in choice.warning
    async with choice.make(SandboxSpec()) as sandbox:
        assert (await sandbox.run("echo hi", timeout=20)).stdout == "hi\n"


async def test_auto_takes_docker_for_a_spec_with_an_image(docker_image: str) -> None:
    choice = await choose("auto", SandboxSpec(image=docker_image))
    assert choice.name == "docker"


async def test_an_image_without_an_engine_is_an_infrastructure_error_with_the_remedy(no_engine: None) -> None:
    with pytest.raises(SandboxError, match="DOCKER_HOST"):
        await choose("auto", SandboxSpec(image="anything"))


async def test_a_sandbox_that_was_asked_for_and_does_not_work_is_never_replaced(no_engine: None) -> None:
    with pytest.raises(SandboxError, match="docker sandbox was asked for and does not work"):
        await choose("docker")
    with pytest.raises(SandboxError, match="cannot use an image"):
        await ProcessSandbox(SandboxSpec(image="anything")).start()


async def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="did you mean 'bubblewrap'"):
        await choose("bublewrap")
    with pytest.raises(UsageError, match="choose one of auto, bubblewrap, docker, kubernetes, process"):
        await choose("xyz")


async def test_third_parties_add_sandboxes_by_name() -> None:
    choice = await choose("vault", extra={"vault": Vault})
    assert choice.sandbox is Vault
    assert set(await probe({"vault": Vault})) == {"bubblewrap", "docker", "kubernetes", "process", "vault"}


async def test_a_probe_says_what_is_missing_and_what_to_do(no_engine: None) -> None:
    found = await probe()
    assert found["process"].works
    assert not found["docker"].works
    assert "nobody" in found["docker"].reason
    assert "apt-get install docker.io" in found["docker"].fix
    assert "\n" not in found["docker"].reason


async def test_a_missing_bubblewrap_is_reported_with_the_install_command(tmp_path: Path) -> None:
    code = (
        "import anyio\nfrom pytest_collab.sandbox.bubblewrap import BubblewrapSandbox as B\nprint(anyio.run(B.probe))"
    )
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PATH": str(tmp_path), "PYTHONPATH": path}, capture_output=True, text=True
    )
    assert "works=False" in done.stdout, done.stderr
    assert "apt-get install bubblewrap" in done.stdout


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, pytest_collab.sandbox.bubblewrap, pytest_collab.sandbox.docker\n"
        "import pytest_collab.sandbox.kubernetes.sandbox\n"
        "heavy = ('docker', 'kubernetes', 'requests', 'urllib3', 'git', 'jax')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True
    )
    assert done.stdout.decode().strip() == "[]", done.stderr


def test_isolating_sandboxes_have_no_warning_and_the_other_has() -> None:
    assert ProcessSandbox.warning
    assert not ProcessSandbox.isolating
    for sandbox in (BubblewrapSandbox, DockerSandbox, KubernetesSandbox):
        assert sandbox.isolating
        assert not sandbox.warning
