"""Nothing that a seat leaves behind makes grading pass: every runner, in every sandbox that isolates."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from pytest_collab.families.coding.grading.grading import FeatureGrade, Grader
from pytest_collab.families.coding.pool.pool import Pool
from pytest_collab.families.coding.repository.git import Store
from pytest_collab.families.coding.repository.work import collect_work
from tests.coding import attacks, boxes
from tests.coding.conftest import CODE, FEATURES, write
from tests.support.docker_engine import docker_engine

__all__ = ["docker_engine"]
pytestmark = [pytest.mark.anyio, pytest.mark.slow]

AT_ONCE = 2
Files = dict[str, str]
LANGUAGES: dict[str, tuple[Callable[[Path], Pool] | None, dict[str, Files], Files]] = {
    "python": (None, attacks.PYTHON, {"calc.py": f"{CODE}\n\n{FEATURES['double'][0]}"}),
    "javascript": (attacks.javascript, attacks.JAVASCRIPT, {"calc.mjs": attacks.MJS + attacks.MJS_MORE}),
    "go": (attacks.go, attacks.GOLANG, {"calc.go": attacks.GO + attacks.GO_MORE}),
    "rust": (attacks.rust, attacks.RUST_ATTACKS, {"src/lib.rs": attacks.RUST + attacks.RUST_MORE}),
}


IN_DOCKER = {
    "python": ("conftest beside the tests", "sitecustomize", "a report that is a link", "leaving with success later"),
    "javascript": ("scripts and a name in package.json", "a report written over the runner's, which is killed"),
    "go": ("a main for tests", "a workspace and a vendor folder"),
    "rust": ("a build script", "a runner in cargo's configuration"),
}
"""What goes by where things lie and by who may write there. All else is the runner's, the same in every sandbox."""


@pytest.fixture(params=["bubblewrap", "docker"])
def box(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    if reason := boxes.missing(request.param):
        pytest.skip(reason)
    return str(request.param)


@pytest.fixture
def attacked(
    box: str,
    language: str,
    pool: Pool,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Pool:
    """A pool of the language, with an image of its toolchain where docker is to grade it."""
    make = LANGUAGES[language][0]
    made = pool if make is None else make(tmp_path / "pool")
    if box != "docker":
        return made
    address = request.getfixturevalue("docker_engine")
    image = boxes.add_image(address, language, tmp_path_factory.getbasetemp())
    return made.model_copy(update={"environment": made.environment.model_copy(update={"image": image})})


async def test_nothing_planted_makes_grading_pass(
    attacked: Pool, box: str, language: str, cache: Path, tmp_path: Path
) -> None:
    _, planted, honest = LANGUAGES[language]
    if box == "docker":
        planted = {name: planted[name] for name in IN_DOCKER[language]}
    grades: dict[str, FeatureGrade] = {}
    async with Grader(attacked, cache=cache, sandbox=box) as grader:
        expected = await grader.expectation(attacked.feature("double"))
        assert expected.reference_passes, expected.note
        assert bool(expected.canaries) == (language != "python")
        store = grader.store(tmp_path / "store.git")
        limit = anyio.CapacityLimiter(AT_ONCE)

        async def grade(name: str, files: Files) -> None:
            async with limit:
                tree = _tree(grader, store, tmp_path / "trees" / str(len(grades)) / name.replace("/", " "), files)
                grades[name] = await grader.grade(store, tree, "double")

        async with anyio.create_task_group() as tasks:
            for name, files in {"the feature itself": honest, **planted}.items():
                tasks.start_soon(grade, name, files)
    fair = grades.pop("the feature itself")
    assert fair.passed, (fair.reason, fair.report.tail)
    assert fair.report.count("failed", "error") == 0
    assert [name for name, grade in grades.items() if grade.passed] == []
    assert all(grade.reason for grade in grades.values())


def _tree(grader: Grader, store: Store, folder: Path, files: Files) -> str:
    shutil.copytree(grader.seed.checkout, folder, symlinks=True)
    return collect_work(write(folder, files), store).tree
