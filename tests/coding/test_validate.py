"""Pools are judged before anyone is judged by them; results leave in CooperBench's layout."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_collab.cli import main
from pytest_collab.errors import UsageError
from pytest_collab.families.coding.export import AgentResult, PairResult, write_pair
from pytest_collab.families.coding.git import Store
from pytest_collab.families.coding.grading import Grader
from pytest_collab.families.coding.merge import check_merge
from pytest_collab.families.coding.pool import Pool
from pytest_collab.families.coding.validate import validate_pool
from tests.coding.conftest import write

TASK = """family: coding
params:
  base: {folder: base}
  test: "python -m pytest -q -p no:cacheprovider {tests} --junitxml={report}"
  timeout_s: 30
  features: [%s]
"""


@pytest.mark.anyio
async def test_a_pool_is_told_apart_into_sound_vacuous_and_clashing(pool: Pool, cache: Path, tmp_path: Path) -> None:
    root = tmp_path / "pool"
    shutil.copytree(pool.folder, root)
    # Both keep their hands off each other's lines, and yet one takes away what the other stands on.
    renamed = (
        "diff --git a/calc.py b/calc.py\n--- a/calc.py\n+++ b/calc.py\n@@ -1,5 +1,5 @@\n"
        ' """Arithmetic."""\n \n \n-def add(a, b):\n+def plus(a, b):\n     return a + b\n'
    )
    test = (root / "features/double/tests.patch").read_text().replace("double(4) == 8", "plus(1, 2) == 3")
    write(
        root,
        {
            "features/rename/feature.md": "Call add plus.\n",
            "features/rename/feature.patch": renamed,
            "features/rename/tests.patch": test.replace("double", "rename"),
        },
    )
    quick = Pool.model_validate(
        {
            **pool.model_dump(),
            "regression": "touched",
            "features": [{"id": n} for n in ("double", "triple", "rename", "negate")],
        },
        context={"folder": root},
    )
    found = await validate_pool(quick, "calc", cache=cache, sandbox="bubblewrap")
    kinds = {pair.features: pair.kind for pair in found.pairs}
    assert kinds == {
        ("double", "triple"): "rescued",
        ("double", "rename"): "semantic",
        ("triple", "rename"): "independent",
        ("double", "negate"): "unknown",
        ("triple", "negate"): "unknown",
        ("rename", "negate"): "unknown",
    }
    assert (found.naive_clean, found.naive_pass, found.union_pass) == (2, 1, 1)
    assert [check.vacuous for check in found.features] == [False, False, False, True]
    assert found.problems == (
        "negate: vacuous: every hidden test passes without the feature",
        "negate: no reference patch: nothing shows that the tests can pass",
    )


def test_validate_refuses_vacuous_tests(
    pool: Pool, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLLAB_CACHE", str(cache))
    shutil.copytree(pool.folder, tmp_path / "pool")
    path = write(tmp_path / "pool", {"calc.collab.yaml": TASK % "{id: double}, {id: triple}"}) / "calc.collab.yaml"
    assert main(["validate", "--json", str(tmp_path / "out.json"), str(path)]) == 0
    assert "calc.collab.yaml: valid" in capsys.readouterr().out
    assert json.loads((tmp_path / "out.json").read_text())[0]["features"][0]["new_tests"] == 1
    write(tmp_path / "pool", {"calc.collab.yaml": TASK % "{id: double}, {id: negate}"})
    assert main(["validate", "--no-pairs", str(path)]) == 1
    assert "negate: vacuous" in capsys.readouterr().out
    write(tmp_path / "pool", {"calc.collab.yaml": TASK % "{id: double}, {id: missing}"})
    assert main(["validate", str(path)]) == 1
    assert "missing/feature.md" in capsys.readouterr().out
    assert main(["validate", str(tmp_path / "nothing")]) == 2


DOCKERFILE = """FROM python:3.11-slim
RUN git clone https://github.com/example/calc.git repo && cd repo && git checkout {commit}
"""
RUNNER = """#!/bin/bash
pip install -e ".[test]" || pip install -e .
pip install pytest pytest-xdist pytest_mock
python -m pytest tests/test_double.py -v
"""


def dataset(root: Path, pool: Pool, commit: str) -> Path:
    """One pool in CooperBench's layout."""
    task = root / "dataset" / "calc_task" / "task7"
    write(task, {"Dockerfile": DOCKERFILE.format(commit=commit), "runner.sh": RUNNER, "setup.sh": "#!/bin/bash\n"})
    for number, name in enumerate(("double", "triple"), 1):
        shutil.copytree(pool.folder / "features" / name, task / f"feature{number}")
    return root


def test_a_checkout_of_cooperbench_becomes_tasks_that_point_into_it(
    pool: Pool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from pytest_collab.families.coding.pool import load

    checkout = dataset(tmp_path / "cb", pool, "a" * 40)
    (tmp_path / "mirrors" / "calc.git" / "objects").mkdir(parents=True)
    words = ["import", "cooperbench", "--dataset", str(checkout), "--repos", str(tmp_path / "mirrors")]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    found = load(tmp_path / "out" / "calc7.collab.yaml")
    assert (found.base.repository, found.base.commit) == (str(tmp_path / "mirrors" / "calc.git"), "a" * 40)
    assert [feature.id for feature in found.features] == ["f1", "f2"]
    assert found.setup == (
        'python -m pip install -q -e ".[test]" || python -m pip install -q -e .',
        "python -m pip install -q pytest pytest-xdist pytest_mock",
    )
    assert "tests/test_double.py" in found.test
    assert found.hidden(found.feature("f2")) == pool.hidden(pool.feature("triple"))
    capsys.readouterr()
    assert main([*words, "--pools", "calc/8", "--out", str(tmp_path / "out")]) == 2
    assert "did you mean 'calc/7'" in capsys.readouterr().err


@pytest.mark.anyio
async def test_results_leave_in_the_layout_of_cooperbench(
    grader: Grader, store: Store, pool: Pool, tmp_path: Path
) -> None:
    patches = {number: pool.reference(pool.feature(name)) or b"" for number, name in ((1, "double"), (2, "triple"))}
    commits = [store.commit(store.apply(grader.seed.tree, patch)) for patch in patches.values()]
    merged = check_merge(store, commits, "union")
    grades = {
        1: await grader.grade(store, merged.tree, "double"),
        2: await grader.grade(store, merged.tree, "triple"),
    }
    pair = PairResult(
        group="calc_task",
        task=7,
        agents=[AgentResult(number, patch.decode(), model="m", steps=3) for number, patch in patches.items()],
        merge=merged,
        grades=grades,
        merged_patch=store.patch(merged.tree),
        naive_conflicts=bool(merged.rescued),
        ended=datetime(2026, 1, 1, tzinfo=UTC),
    )
    folder = write_pair(tmp_path, "run", pair)
    assert folder == tmp_path / "run" / "coop" / "calc_task" / "7" / "f1_f2"
    verdict = json.loads((folder / "eval.json").read_text())
    assert verdict["merge"]["status"] == "conflicts"
    assert verdict["merge"]["strategy"] == "union"
    assert "+def double(a):" in verdict["merge"]["diff"]
    assert verdict["both_passed"] is True
    assert verdict["feature2"]["tests_passed"] == 2
    assert verdict["feature1"].keys() == {
        *("feature_id", "passed", "exit_code", "tests_passed", "tests_failed", "test_output")
    }
    told = json.loads((folder / "result.json").read_text())
    assert told["agents"]["agent1"]["patch_lines"] == len(patches[1].decode().splitlines())
    assert (folder / "agent2.patch").read_bytes() == patches[2]
    with pytest.raises(UsageError):
        write_pair(tmp_path, "../run", pair)
