"""Episodes of a shipped pool whose seats work in docker, and whose work is graded there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import docker
import pytest
import yaml

from tests.coding import boxes
from tests.support.docker_engine import docker_engine

__all__ = ["docker_engine"]
pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.fixture
def image(docker_engine: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    return boxes.add_image(docker_engine, "python", tmp_path_factory.getbasetemp())


@pytest.fixture
def sift(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A copy of the pool, to be given an image."""
    monkeypatch.setenv("COLLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    shutil.copytree(ROOT / "repos" / "sift", pytester.path / "repos" / "sift")
    return Path(shutil.copytree(ROOT / "tasks" / "coding" / "sift", pytester.path / "tasks" / "coding" / "sift"))


def play(
    pytester: pytest.Pytester, folder: Path, environment: dict[str, str], *arguments: str
) -> list[dict[str, object]]:
    """Play some pairs; what each episode's first state event says of its sandbox."""
    path = folder / "sift.collab.yaml"
    task = yaml.safe_load(path.read_text())
    task["params"]["environment"] = environment
    path.write_text(yaml.safe_dump(task))
    result = pytester.runpytest_subprocess(
        *(str(path), "--collab-conditions=team", "--collab-run-dir=run", *arguments),
        *("-p", "no:cacheprovider", "-r", "fE"),
    )
    assert result.ret == 0, result.stdout.str()
    transcripts = sorted((pytester.path / "run" / "transcripts").glob("*.jsonl"))
    events = [[json.loads(line) for line in path.read_text().splitlines()] for path in transcripts]
    return [next(e["data"] for e in lines if "sandbox" in e["data"]) for lines in events]


def test_pairs_of_oracles_build_and_are_graded_in_containers_of_a_named_image(
    image: str, sift: Path, pytester: pytest.Pytester
) -> None:
    options = ("--agents=oracle", "--collab-seeds=2", "--collab-sandbox=docker", "-n", "2")
    states = play(pytester, sift, {"image": image}, *options)
    assert [state["sandbox"] for state in states] == ["docker", "docker"]
    client = docker.from_env()
    try:
        assert client.containers.list(all=True) == []
    finally:
        client.close()


def test_partners_talk_and_build_in_an_image_of_the_tasks_dockerfile(
    image: str, sift: Path, pytester: pytest.Pytester
) -> None:
    (sift / "Dockerfile").write_text(f"FROM {image}\nENV TASK=sift\n")
    (state,) = play(pytester, sift, {"dockerfile": "Dockerfile"}, "--agents=partner", "--collab-seeds=1")
    assert state["sandbox"] == "docker", "a task with an image alone takes docker by itself"


def test_an_image_comes_from_a_tarball_beside_the_task(
    image: str, docker_engine: str, sift: Path, pytester: pytest.Pytester
) -> None:
    client = docker.from_env()
    try:
        with (sift / "image.tar").open("wb") as file:
            file.writelines(client.images.get(image).save())
    finally:
        client.close()
    (state,) = play(pytester, sift, {"image_tar": "image.tar"}, "--agents=oracle", "--collab-seeds=1")
    assert state["sandbox"] == "docker"
    shutil.rmtree(pytester.path / "run")
