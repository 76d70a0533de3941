"""Coding tasks in a pytest session: pairs as items, the sandbox named and warned of."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pytest_collab.episode.condition import Condition
from pytest_collab.errors import TaskError
from pytest_collab.families import get
from pytest_collab.families.coding import Coding
from pytest_collab.families.task import make_task
from pytest_collab.families.taskfile import read_task
from pytest_collab.testing import check_family
from tests.coding import small

WARNING = "WARNING: the process sandbox isolates nothing"


@pytest.fixture
def task(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("COLLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    small.lay_out(pytester.path)
    params = small.params(pytester.path).model_dump(mode="json", exclude_defaults=True)
    path = pytester.path / "small.collab.yaml"
    content = {"family": "coding", "params": params, "seeds": "all", "conditions": ["team"]}
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["here", "xdist"])
def test_each_pair_is_an_item_and_the_sandbox_is_told_loudly(
    pytester: pytest.Pytester, task: Path, workers: tuple[str, ...]
) -> None:
    arguments = ("--agents=oracle", "--collab-seeds=2", "--collab-run-dir=run", *workers)
    result = pytester.runpytest_subprocess(str(task), *arguments, "--collab-sandbox=process")
    result.assert_outcomes(passed=2)
    before = result.stdout.str().partition("1 passed")[0]
    assert WARNING in before
    assert "collab sandbox: process (asked for" in before
    notes = json.loads((pytester.path / "run" / "run.json").read_text())["notes"]
    assert len(notes) == 2
    assert notes[1].startswith(WARNING)
    if not workers:
        _regraded_from_the_run_alone(pytester)


def _regraded_from_the_run_alone(pytester: pytest.Pytester) -> None:
    """The run is copied to where nothing else is: no task file, no pool, no cache, another folder."""
    run = pytester.path / "run"
    alone = pytester.path / "elsewhere"
    alone.mkdir()
    run.rename(alone / "run")
    for path in pytester.path.iterdir():
        if path != alone:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    done = subprocess.run(
        [sys.executable, "-m", "pytest_collab.cli", "regrade", "run"],
        cwd=alone,
        env={**os.environ, "COLLAB_CACHE": str(alone / "cache"), "PYTEST_COLLAB_CACHE": str(alone / "cache")},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "2 episodes graded again, 0 changed, 0 could not be graded again\n", done.stderr
    assert done.returncode == 0


@pytest.mark.slow
def test_what_it_is_worth_that_teams_see_each_other_stands_in_the_run_and_its_report(
    pytester: pytest.Pytester, task: Path
) -> None:
    """Two who copy the idle team lose by exchange what they had without; two teams of partners lose nothing."""
    content = yaml.safe_load(task.read_text())
    content["params"]["counter_tests"] = 0
    task.write_text(yaml.safe_dump(content | {"seeds": [0, 1], "conditions": ["teams:2", "teams:2:apart"]}))
    teams = "--collab-teams=conformist+conformist+nop+nop,partner+partner"
    result = pytester.runpytest_subprocess(str(task), teams, "--collab-run-dir=run", "--collab-in-flight=4")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*team*value of exchange 2", "*conformist*-1.00 (-1.00 .. *)", "*partner*+0.00 (*)"])
    run = pytester.path / "run"
    (family,) = json.loads((run / "summary.json").read_text())["families"]
    gaps = {gap["team"]: gap for gap in family["gaps"] if gap["name"] == "value of exchange 2"}
    lost, same = gaps["conformist+conformist+nop+nop"], gaps["partner+partner"]
    assert (lost["value"], lost["low"], lost["pairs"]) == (-1.0, -1.0, 2)
    assert lost["high"] < same["high"]  # two pairs are no proof of either sign
    assert (same["value"], same["pairs"]) == (0.0, 2)
    page = (run / "report.html").read_text()
    assert "value of exchange 2 = teams:2" in page


@pytest.mark.slow
def test_a_sandbox_of_an_installed_package_is_taken_by_its_name(pytester: pytest.Pytester, task: Path) -> None:
    pytester.makepyfile(
        vault="""
        from pytest_collab.sandbox.process import ProcessSandbox

        class Vault(ProcessSandbox):
            name = "vault"
            warning = "the vault is made of paper"
        """
    )
    package = pytester.mkdir("vault-1.0.dist-info")
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: vault\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[pytest_collab.sandboxes]\nvault = vault:Vault\n")
    pytester.syspathinsert()
    arguments = ("--agents=oracle", "--collab-seeds=1", "--collab-run-dir=run")
    result = pytester.runpytest_subprocess(str(task), *arguments, "--collab-sandbox=vault")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*collab sandbox: vault (asked for*", "*WARNING: the vault is made of paper*"])
    refused = pytester.runpytest_subprocess(str(task), *arguments, "--collab-sandbox=valut")
    refused.stderr.fnmatch_lines(["*there is no sandbox 'valut'; did you mean 'vault'*"])


def test_seeds_count_the_pairs(task: Path) -> None:
    read = read_task(task)
    assert read.seed_list() == (0, 1, 2)
    assert read.seed_list(count=2, root=2) == (2, 0)
    assert read.params.deals == (("double", "triple"), ("double", "shout"), ("triple", "shout"))
    one = make_task("t", small.params(task.parent, pairs=[["shout", "double"]]), seeds="all")
    assert one.seed_list() == (0,)
    family = get("coding")
    assert family.deal_of(one.params, 0, Condition("team")).features == {"a": ("shout",), "b": ("double",)}
    assert family.deal_of(one.params, 0, Condition("solo")).features == {"a": ("shout", "double")}
    three = small.params(task.parent, size=3)
    assert family.seats(three) == ("a", "b", "c")
    assert family.seeds(three) == 1
    with pytest.raises(TaskError, match="is not between 1 and 3"):
        make_task("t", small.params(task.parent), seeds=4)
    with pytest.raises(TaskError, match="no problem 3"):
        make_task("t", small.params(task.parent), seeds=[0, 3])


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"pairs": [["double", "tripel"]]}, "there is no feature 'tripel'"),
        ({"pairs": [["double"]]}, "must name 2 different features"),
        ({"pairs": [["double", "shout"], ["shout", "double"]]}, "listed twice"),
        ({"size": 4}, "a team of 4 needs as many features; the pool has 3"),
    ],
)
def test_wrong_groups_are_refused(tmp_path: Path, more: dict[str, object], told: str) -> None:
    values = small.params(small.lay_out(tmp_path)).model_dump() | more
    with pytest.raises(TaskError, match=told):
        Coding(**values)


def test_where_a_task_lies_does_not_change_its_hash(tmp_path: Path) -> None:
    here, there = (small.params(small.lay_out(tmp_path / name)) for name in ("here", "there"))
    assert here == there
    assert make_task("t", here).hash == make_task("t", there).hash
    (tmp_path / "there" / "features" / "double" / "feature.md").write_text("Add something else.\n")
    assert make_task("t", here).hash != make_task("t", there).hash


@pytest.mark.parametrize("condition", ["incentive:bonus", "protocol:other", "duel"])
def test_conditions_that_make_no_sense_are_refused_in_one_line(tmp_path: Path, condition: str) -> None:
    reason = get("coding").refuses(Condition.parse(condition), small.params(small.lay_out(tmp_path)))
    assert reason
    assert "\n" not in reason


@pytest.mark.slow
def test_the_family_keeps_every_promise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytest_collab.families.coding import CodingFamily

    monkeypatch.setenv("COLLAB_CACHE", str(tmp_path / "cache"))

    class Checked(CodingFamily):
        cast = {name: CodingFamily.cast[name] for name in ("partner", "nop", "promise_breaker")}

    family = Checked()
    check_family(family, [small.params(small.lay_out(tmp_path / "pool"))], seeds=(0,))
    family.close()
