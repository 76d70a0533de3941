"""`collab compare` and `collab gate`: answers about runs played before, and their exit statuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from defusedxml import ElementTree

from pytest_collab.cli import main
from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.run import RunDirectory, RunInfo
from tests.support.episodes import episode, write_run


def run(path: Path, successes: int, n: int = 30, **more: object) -> str:
    episodes = [episode(seed=seed, ok=seed < successes, **more) for seed in range(n)]  # type: ignore[arg-type]
    return str(write_run(path, episodes))


def test_a_regression_comes_first_and_is_exit_status_1(tmp_path, capsys):
    before = write_run(
        tmp_path / "before",
        [episode(seed=seed, ok=ok, task=task) for task, ok in (("x", False), ("y", True)) for seed in range(30)],
    )
    after = write_run(
        tmp_path / "after",
        [episode(seed=seed, ok=ok, task=task) for task, ok in (("x", True), ("y", False)) for seed in range(30)],
    )
    assert main(["compare", str(before), str(after)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "before -> after"
    assert lines[1].startswith("  worse   maze y team a+b: 1 -> 0")
    assert lines[2].startswith("  better  maze x team a+b: 0 -> 1")


def test_noise_is_no_regression(tmp_path, capsys):
    runs = [run(tmp_path / "1", 20), run(tmp_path / "2", 18)]
    assert main(["compare", *runs]) == 2  # thirty seeds do not rule a loss of ten points out
    out = capsys.readouterr().out
    assert "0 worse, 0 better beyond noise; 1 not beyond noise" in out
    assert "cannot tell: all tasks together: a loss of 0.1 is not ruled out (-0.0667" in out
    assert "unclear maze t team a+b: 0.667 -> 0.6" in out
    assert main(["compare", *runs, "--margin", "0.3"]) == 0
    assert "not worse: a loss of 0.3 or more is ruled out" in capsys.readouterr().out


def test_a_collapse_is_seen_on_all_tasks_together_where_each_is_too_small(tmp_path, capsys):
    before, after = (
        str(
            write_run(
                tmp_path / name,
                [
                    episode(seed=seed, task=f"t{task}", ok=ok, epoch=epoch)
                    for task in range(4)
                    for seed in range(5)
                    for epoch in range(2)
                ],
            )
        )
        for name, ok in (("before", True), ("after", False))
    )
    assert main(["compare", before, after]) == 1
    out = capsys.readouterr().out
    assert "worse   all tasks together: 1 -> 0, -1" in out
    assert "unclear maze t3 team a+b: 1 -> 0, -1" in out
    assert "cannot tell: at least 8 seeds are needed for 4 comparisons, and none has more than 5" in out


def test_runs_without_a_common_seed_or_team_are_no_answer(tmp_path, capsys):
    before = run(tmp_path / "before", 5, 5)
    seeds = str(write_run(tmp_path / "seeds", [episode(seed=100 + seed, ok=False) for seed in range(50)]))
    assert main(["compare", before, seeds]) == 2
    out = capsys.readouterr().out
    assert "nothing could be compared" in out
    assert "not compared: 50 of seeds alone: 50 seeds of maze/t team a+b (100, 101, 102, 103 and 46 more)" in out
    teams = str(write_run(tmp_path / "teams", [episode("team", "c+d", seed) for seed in range(5)]))
    assert main(["compare", before, teams]) == 2
    out = capsys.readouterr().out
    assert "not compared: 5 of teams alone: team c+d (5)" in out
    assert "--as NEW=OLD" in out


def test_runs_of_other_seeds_are_two_groups_where_that_is_meant(tmp_path, capsys):
    before = run(tmp_path / "before", 40, 40)
    worse = str(write_run(tmp_path / "worse", [episode(seed=100 + seed, ok=False) for seed in range(50)]))
    assert main(["compare", before, worse, "--unpaired"]) == 1
    out = capsys.readouterr().out
    assert "worse   maze t team a+b: 1 -> 0, -1 (-1 .. -0.887), 40 against 50" in out
    assert "as two groups" in out
    assert "not compared" not in out
    same = str(write_run(tmp_path / "same", [episode(seed=100 + seed) for seed in range(60)]))
    assert main(["compare", before, same, "--unpaired"]) == 0
    assert "not worse: a loss of 0.1 or more is ruled out" in capsys.readouterr().out
    mixed = [episode(seed=100 + seed, task=task) for seed in range(50) for task in ("t", "u")[: 1 + seed % 2]]
    assert main(["compare", before, str(write_run(tmp_path / "mixed", mixed)), "--unpaired"]) == 2
    assert "not of the same mix of tasks" in capsys.readouterr().out
    assert main(["compare", before, same, "--unpaired", "--series"]) == 2


def test_only_what_is_named_is_compared(tmp_path, capsys):
    before, after = (
        str(
            write_run(
                tmp_path / name,
                [
                    episode(condition, "a+b", seed, task=task, ok=task == "x" or name == "before")
                    for seed in range(60)
                    for task in "xy"
                    for condition in ("team", "mute")
                ],
            )
        )
        for name in ("before", "after")
    )
    assert main(["compare", before, after]) == 1
    assert main(["compare", before, after, "--where", "task=x", "--where", "condition=team"]) == 0
    out = capsys.readouterr().out.partition("before -> after")[2].partition("before -> after")[2]
    assert "maze x team a+b" in out
    assert "maze y" not in out
    assert "mute" not in out
    assert main(["compare", before, after, "--where", "task=z"]) == 2
    assert "--where task z matches no episode of the earlier run" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["compare", before, after, "--where", "seed=1"])
    assert "write KEY=NAME, with one of family, task" in capsys.readouterr().err


def test_an_agent_under_a_new_name_takes_the_place_that_the_command_says(tmp_path, capsys):
    before = str(
        write_run(tmp_path / "before", [episode("team", t, seed) for seed in range(20) for t in ("a+a", "a+b")])
    )
    after = str(
        write_run(
            tmp_path / "after", [episode("team", t, seed, ok=False) for seed in range(20) for t in ("c+c", "c+b")]
        )
    )
    assert main(["compare", before, after]) == 2
    assert "not compared: 40 of after alone: teams c+b (20), c+c (20)" in capsys.readouterr().out
    assert main(["compare", before, after, "--as", "c=a"]) == 1
    out = capsys.readouterr().out
    assert "note: c stands in for a" in out
    assert "worse   maze t team c+c (against a+a): 1 -> 0" in out
    assert main(["compare", before, after, "--as", "c"]) == 2
    assert "write NEW=OLD" in capsys.readouterr().err
    assert main(["compare", before, after, "--as", "d=a"]) == 2
    assert "the later run has no agent 'd'" in capsys.readouterr().err
    assert main(["compare", before, after, "--as", "b=a", "--as", "c=a"]) == 2
    assert "would both stand in for a+a" in capsys.readouterr().err


def test_the_only_agents_of_two_runs_take_each_others_place_and_it_is_said(tmp_path, capsys):
    runs = [
        str(write_run(tmp_path / name, [episode("team", f"{name}+{name}", seed) for seed in range(40)]))
        for name in ("old", "new")
    ]
    assert main(["compare", *runs]) == 0
    assert "note: new stands in for old (assumed: the runs have no other agents)" in capsys.readouterr().out


def test_a_copy_of_a_run_is_no_other_run(tmp_path, capsys):
    one = run(tmp_path / "one", 9)
    RunDirectory(Path(one)).write("run.json", RunInfo(started="2026-01-01T00:00:00+00:00"))
    shutil.copytree(one, tmp_path / "two")
    assert main(["compare", one, str(tmp_path / "two")]) == 2
    assert "two is the same run as one" in capsys.readouterr().err


def test_what_was_never_above_the_floor_cannot_have_fallen(tmp_path, capsys):
    assert main(["compare", run(tmp_path / "1", 0, 60), run(tmp_path / "2", 0, 60)]) == 2
    assert "no run could have lost 0.1 against 0 before" in capsys.readouterr().out


def test_any_number_of_runs_is_compared_with_the_first_and_read_by_programs(tmp_path, capsys):
    runs = [run(tmp_path / str(number), successes) for number, successes in enumerate((30, 28, 5))]
    assert main(["compare", *runs, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["comparisons"]
    assert [(one["before"], one["after"], one["changes"][0]["status"]) for one in found] == [
        ("0", "1", "unclear"),
        ("0", "2", "worse"),
    ]


def test_runs_of_other_content_are_refused_by_name(tmp_path, capsys):
    assert main(["compare", run(tmp_path / "1", 9), run(tmp_path / "2", 9, task_hash="h2")]) == 2
    assert "t changed between them" in capsys.readouterr().err


def test_one_run_or_the_same_run_twice_is_refused(tmp_path, capsys):
    one = run(tmp_path / "1", 9)
    assert main(["compare", one]) == 2
    assert main(["compare", one, one]) == 2
    assert "named twice" in capsys.readouterr().err


def test_a_series_names_the_best_and_warns_when_the_last_is_not_it(tmp_path, capsys):
    runs = [run(tmp_path / name, successes) for name, successes in (("c1", 5), ("c2", 28), ("c3", 6))]
    assert main(["compare", "--series", *runs]) == 1
    out = capsys.readouterr().out
    assert "best of 3: c2" in out
    assert "warning: c3 is not the best on maze" in out
    assert main(["compare", "--series", *runs[:2]]) == 0
    capsys.readouterr()
    assert main(["compare", "--series", "--json", *runs]) == 1
    assert json.loads(capsys.readouterr().out)["series"][0]["best"] == "c2"


def test_a_series_says_why_a_run_has_no_figure(tmp_path, capsys):
    lost = {"outcome": Outcome.INFRASTRUCTURE, "score": 0.0}
    first = write_run(tmp_path / "first", [episode(seed=s, task=task) for s in range(8) for task in "tu"])
    half = write_run(tmp_path / "half", [episode(seed=s, **(lost if s < 6 else {})) for s in range(8)])
    void = write_run(tmp_path / "void", [episode(seed=s, **lost) for s in range(8)])
    runs = [str(one) for one in (first, half, void)]
    assert main(["compare", "--series", *runs]) == 2
    out = capsys.readouterr().out
    assert ", n 2; 6 of 8 episodes were lost to the infrastructure (75.0%)" in out
    assert "void   void: 8 of 8 episodes were lost to the infrastructure (100.0%)" in out
    assert out.count("not played") == 2  # task u, by the later two
    assert main(["compare", "--series", runs[2], runs[1], runs[0]]) == 0
    capsys.readouterr()
    other = write_run(tmp_path / "other", [episode(seed=s, **lost) for s in range(3)])
    assert main(["compare", "--series", runs[2], str(other)]) == 2
    assert "void: 3 of 3 episodes" in capsys.readouterr().out


def test_other_circumstances_are_told(tmp_path, capsys):
    runs = [run(tmp_path / "1", 9), run(tmp_path / "2", 9)]
    infos = [
        RunInfo(sandbox="docker", versions={"jax": "0.9"}, agents=[{"name": "claude", "model": "x"}]),
        RunInfo(
            sandbox="process",
            versions={"jax": "0.10"},
            agents=[{"name": "claude", "model": "y"}],
            notes=["jax_threefry_partitionable is off"],
        ),
    ]
    for path, info in zip(runs, infos, strict=True):
        RunDirectory(Path(path)).write("run.json", info)
    assert main(["compare", *runs]) == 0
    out = capsys.readouterr().out
    for words in ("sandbox docker -> process", "jax version 0.9 -> 0.10", "model x -> y", "jax_threefry"):
        assert "note: 2 was played otherwise: " in out
        assert words in out


@pytest.fixture
def gates(tmp_path: Path) -> str:
    path = tmp_path / "gates.yaml"
    path.write_text("gates:\n  - {name: fine, metric: success_rate, at_least: 0.5}\n")
    return str(path)


@pytest.mark.parametrize(("successes", "status"), [(30, 0), (2, 1), (16, 1)])
def test_a_run_is_judged_again_with_the_exit_status_of_a_session(tmp_path, gates, successes, status, capsys):
    path = run(tmp_path / "run", successes)
    assert main(["gate", path, "--gate", gates]) == status
    assert json.loads((tmp_path / "run" / "gates.json").read_text())["gates"][0]["name"] == "fine"
    assert "fine: success_rate" in capsys.readouterr().out


def test_a_gate_that_cannot_be_judged_is_exit_status_2(tmp_path, gates, capsys):
    path = run(tmp_path / "run", 30)
    Path(gates).write_text("gates:\n  - {metric: success_rate, better_than: baseline}\n")
    assert main(["gate", path, "--gate", gates]) == 2
    assert "--baseline DIR" in capsys.readouterr().err
    Path(gates).write_text("gates:\n  - {metric: score, at_least: 0.5, where: {task: u}}\n")
    assert main(["gate", path, "--gate", gates]) == 2
    assert main(["gate", path, "--gate", str(tmp_path / "none.yaml")]) == 2


def test_a_run_is_judged_against_an_earlier_one_of_another_agent(tmp_path, capsys):
    before = str(write_run(tmp_path / "old", [episode("team", t, s) for s in range(60) for t in ("a+a", "a+b")]))
    after = str(write_run(tmp_path / "new", [episode("team", t, s) for s in range(60) for t in ("c+c", "c+b")]))
    file = tmp_path / "g.yaml"
    file.write_text("gates:\n  - {metric: success_rate, not_worse_than: baseline, margin: 0.1}\n")
    assert main(["gate", after, "--gate", str(file), "--baseline", before]) == 1
    assert "not compared: 120 of this run alone: teams c+b (60), c+c (60)" in capsys.readouterr().out
    assert main(["gate", after, "--gate", str(file), "--baseline", before, "--as", "c=a"]) == 0
    assert "note: c stands in for a" in capsys.readouterr().out
    file.write_text("as: {c: a}\n" + file.read_text())
    assert main(["gate", after, "--gate", str(file), "--baseline", before]) == 0
    assert main(["gate", after, "--gate", str(file), "--baseline", after]) == 2
    assert "the run itself" in capsys.readouterr().err


def test_shards_are_merged_and_judged_as_one_run(tmp_path, gates):
    halves = [
        str(write_run(tmp_path / name, [episode(seed=seed) for seed in range(30) if seed % 2 == half]))
        for half, name in enumerate(("a", "b"))
    ]
    whole = str(tmp_path / "whole")
    assert main(["merge", *halves, "--out", whole]) == 0
    assert main(["gate", whole, "--gate", gates]) == 0
    assert json.loads((tmp_path / "whole" / "gates.json").read_text())["gates"][0]["n"] == 30


def test_gates_are_written_as_junit_test_cases(tmp_path, gates):
    path = run(tmp_path / "run", 2)
    assert main(["gate", path, "--gate", gates, "--junitxml", str(tmp_path / "g.xml")]) == 1
    (case,) = ElementTree.parse(tmp_path / "g.xml").getroot().iter("testcase")
    assert (case.get("classname"), case.get("name")) == ("gates.yaml", "fine")
    assert "wanted >= 50.0 %" in case.find("failure").get("message")
