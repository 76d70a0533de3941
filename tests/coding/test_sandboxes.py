"""Grading in every sandbox: a docker image with pytest in it, and the process sandbox."""

from __future__ import annotations

import importlib.metadata
import shutil
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from pytest_collab.families.coding.environment.environment import prepare_environment
from pytest_collab.families.coding.grading.grading import Grader
from pytest_collab.families.coding.pool.pool import Pool
from pytest_collab.families.coding.repository.git import Store
from tests.coding.conftest import CODE, FEATURES
from tests.support.docker_engine import IMAGE, docker_engine, docker_image

__all__ = ["docker_engine", "docker_image"]
pytestmark = pytest.mark.anyio
GOOD = f"{CODE}\n\n{FEATURES['double'][0]}"
LEAVING = "import os\nos._exit(0)\n"


@pytest.fixture
def dockerfile(docker_image: str, tmp_path: Path) -> Path:
    """An image with pytest, from what is installed here."""
    site = tmp_path / "image" / "site"
    for name in ("pytest", "pluggy", "iniconfig", "packaging", "pygments"):
        for file in importlib.metadata.files(name) or ():
            if file.parts[0] != ".." and "__pycache__" not in file.parts:
                (site / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), site / file)
    (tmp_path / "image" / "Dockerfile").write_text(f"FROM {IMAGE}\nCOPY site /usr/lib/python3/dist-packages\n")
    return tmp_path / "image" / "Dockerfile"


@pytest.mark.slow
async def test_grading_in_docker(
    dockerfile: Path, pool: Pool, cache: Path, solved: Callable[[dict[str, str]], str], store: Store
) -> None:
    boxed = pool.model_copy(
        update={
            "environment": pool.environment.model_copy(update={"dockerfile": str(dockerfile)}),
            "test": pool.test.replace("python ", "python3 "),
        }
    )
    async with Grader(boxed, cache=cache) as grader:
        assert grader.choice.name == "docker"
        good = await grader.grade(store, solved({"calc.py": GOOD}), "double")
        assert good.passed, (good.reason, good.report.tail)
        bad = await grader.grade(store, solved({"calc.py": LEAVING}), "double")
        assert not bad.passed
        assert bad.report.note == "pytest did not come to its own end"


async def test_grading_without_isolation_still_believes_no_report_it_did_not_see(
    pool: Pool, cache: Path, solved: Callable[[dict[str, str]], str], store: Store
) -> None:
    async with Grader(pool, cache=cache, sandbox="process") as grader:
        assert (await grader.grade(store, solved({"calc.py": GOOD}), "double")).passed
        assert not (await grader.grade(store, solved({"calc.py": LEAVING}), "double")).passed
        cheat = CODE + "\n\nfor name in ('double', 'calc'):\n"
        cheat += "    open(f'tests/test_{name}.py', 'w').write(f'def test_{name}(): pass')\n"
        grade = await grader.grade(store, solved({"calc.py": cheat}), "double")
        assert not grade.passed


async def test_graders_at_the_same_time_do_not_meet(
    pool: Pool, tmp_path: Path, solved: Callable[[dict[str, str]], str], store: Store
) -> None:
    trees = [solved({"calc.py": GOOD}), solved({"calc.py": CODE}), solved({"calc.py": LEAVING})] * 2
    found: dict[int, bool] = {}
    cache = tmp_path / "cache"  # nothing is known yet: they also find out together what to expect
    async with Grader(pool, cache=cache, sandbox="bubblewrap") as grader, anyio.create_task_group() as tasks:

        async def one(number: int) -> None:
            found[number] = (await grader.grade(store, trees[number], "double")).passed

        for number in range(len(trees)):
            tasks.start_soon(one, number)
    assert [found[number] for number in range(6)] == [True, False, False] * 2


async def test_the_environment_holds_none_of_the_users_packages(pool: Pool, cache: Path) -> None:
    environment = prepare_environment(pool, cache)
    shown = [mount for mount in environment.mounts if (mount.host / "pytest_collab").exists()]
    assert not shown
    (venv,) = [mount.host for mount in environment.mounts if mount.host.name == "venv"]
    names = {path.name.partition("-")[0].lower() for path in venv.glob("lib/python*/site-packages/*.dist-info")}
    assert "pytest" in names
    assert not names & {"pytest_collab", "pip", "openai", "anthropic"}
    assert prepare_environment(pool, cache) == environment
