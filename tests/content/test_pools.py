"""The coding pools that we ship: what can be said of their files, and what `collab validate` finds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_collab.cli import main
from pytest_collab.families.coding.environment.toolchain import missing_toolchain
from pytest_collab.families.coding.pool.pool import load
from pytest_collab.families.coding.repository.compose import is_test

ROOT = Path(__file__).resolve().parents[2]
TASKS = sorted((ROOT / "tasks" / "coding").glob("*/*.collab.yaml"))
POOLS = [path for path in TASKS if (path.parent / "features").is_dir()]
"""Tasks with features of their own; those with roles set the same features."""

LANGUAGES = {"python", "typescript", "go", "rust"}


def touched(patch: Path) -> list[str]:
    return re.findall(r"^diff --git a/\S+ b/(\S+)$", patch.read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", POOLS, ids=lambda path: path.parent.name)
def test_references_leave_tests_alone_and_hidden_tests_leave_sources_alone(path: Path) -> None:
    language = load(path).language
    patches = list(path.parent.glob("**/*.patch"))
    assert patches
    for patch in patches:
        for name in touched(patch):
            assert is_test(name, language) == (patch.name == "tests.patch"), f"{patch}: {name}"


def test_there_are_enough_pools_pairs_languages_and_difficulties() -> None:
    pools = [load(path) for path in POOLS]
    languages = [pool.language for pool in pools]
    assert languages.count("python") >= 3
    assert set(languages) == LANGUAGES
    assert all(len(pool.features) >= 4 for pool in pools)
    assert sum(len(pool.groups()) for pool in pools) >= 36
    assert {feature.difficulty for pool in pools for feature in pool.features} == {"easy", "medium", "hard"}


@pytest.mark.slow
@pytest.mark.parametrize("path", POOLS, ids=lambda path: path.parent.name)
def test_hidden_tests_fail_on_the_base_and_pass_on_references_whose_pairs_are_what_is_said_of_them(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if lacking := missing_toolchain(load(path)):
        pytest.skip(lacking)
    code = main(["validate", str(path)])
    assert code == 0, capsys.readouterr().out
