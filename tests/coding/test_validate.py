"""Pools are judged before anyone is judged by them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from pytest_collab.cli import main
from pytest_collab.families.coding.environment.environment import choose_sandbox
from pytest_collab.families.coding.pool.pool import Pool
from pytest_collab.families.coding.validation.validate import validate_pool
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


def test_validate_refuses_vacuous_tests_and_checks_a_pool_once(
    pool: Pool, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLLAB_CACHE", str(cache))
    shutil.copytree(pool.folder, tmp_path / "pool")
    path = write(tmp_path / "pool", {"calc.collab.yaml": TASK % "{id: double}, {id: triple}"}) / "calc.collab.yaml"
    again = write(path.parent, {"teams.collab.yaml": "like: calc.collab.yaml\nconditions: ['teams:2']\n"})
    again = again / "teams.collab.yaml"
    assert main(["validate", "--json", str(tmp_path / "out.json"), str(path), str(again)]) == 0
    told = capsys.readouterr().out
    assert "calc.collab.yaml: valid" in told
    assert f"{again}: the same features and pairs as {path}\n" in told
    assert json.loads((tmp_path / "out.json").read_text())[0]["features"][0]["new_tests"] == 1
    reference = (tmp_path / "pool" / "features" / "double" / "feature.patch").read_text()
    write(tmp_path / "pool", {"combined.patch": reference})
    assert main(["validate", "--no-pairs", str(path)]) == 1
    assert "combined.patch: triple does not pass with it" in capsys.readouterr().out
    (tmp_path / "pool" / "combined.patch").unlink()
    write(tmp_path / "pool", {"calc.collab.yaml": TASK % "{id: double}, {id: negate}"})
    assert main(["validate", "--no-pairs", str(path)]) == 1
    assert "negate: vacuous" in capsys.readouterr().out
    write(tmp_path / "pool", {"calc.collab.yaml": TASK % "{id: double}, {id: missing}"})
    assert main(["validate", str(path)]) == 1
    assert "missing/feature.md" in capsys.readouterr().out
    assert main(["validate", str(tmp_path / "nothing")]) == 2


@pytest.mark.anyio
async def test_progress_is_told_and_silence_is_not_left_alone(
    pool: Pool, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_collab.families.coding.validation.progress.BEAT_SECONDS", 0.2)
    lines: list[str] = []
    one = pool.model_copy(update={"features": (pool.feature("double"),)})
    await validate_pool(one, "calc", pairs=False, cache=cache / "fresh", sandbox="bubblewrap", progress=lines.append)
    assert any("still at it (base and environment)" in line for line in lines)
    assert any(line.endswith("calc: double: sound") for line in lines)
    assert all(re.match(r"\[ *\d+ s\] calc: ", line) for line in lines)


@pytest.mark.anyio
async def test_a_reference_that_fails_is_run_again_by_itself_and_its_tests_are_named(
    pool: Pool, cache: Path, tmp_path: Path
) -> None:
    root = tmp_path / "pool"
    shutil.copytree(pool.folder, root)
    patch = root / "features" / "double" / "feature.patch"
    patch.write_text(patch.read_text().replace("return add(a, a)", "return add(a, 1)"))
    lines: list[str] = []
    found = await validate_pool(pool.within(root), "calc", pairs=False, cache=cache, progress=lines.append)
    problems = next(check.problems for check in found.features if check.feature == "double")
    assert "tests/test_double.py::test_double fails" in "\n".join(problems)
    assert sum(" calc: double: " in line for line in lines) == 2


@pytest.mark.anyio
async def test_a_sandbox_that_is_not_ready_in_time_is_a_problem_of_its_feature_alone(
    pool: Pool, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choice = await choose_sandbox(pool, "bubblewrap")
    monkeypatch.setattr("pytest_collab.sandbox.bubblewrap._ADMIT_SECONDS", 0.0)  # as on a machine with too much to do
    lines: list[str] = []

    def tell(line: str) -> None:
        lines.append(line)
        if "double: bubblewrap was not ready" in line:
            monkeypatch.undo()

    one = pool.model_copy(update={"features": (pool.feature("double"), pool.feature("triple"))})
    found = await validate_pool(one, "calc", jobs=1, cache=cache / "late", sandbox=choice, progress=tell)
    assert not found.problems  # the one that met it was run again by itself
    assert any("double: sound, when run by itself" in line for line in lines)

    monkeypatch.setattr("pytest_collab.sandbox.bubblewrap._ADMIT_SECONDS", 0.0)
    found = await validate_pool(one, "calc", jobs=1, cache=cache / "later", sandbox=choice)
    assert all("bubblewrap was not ready" in problem for problem in found.problems)
    assert [pair.kind for pair in found.pairs] == ["unknown"]
    assert "it was not found out: bubblewrap was not ready" in found.pairs[0].reason
