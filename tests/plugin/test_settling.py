"""Unsettled failures in pytest, and `--collab-settle`."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from defusedxml import ElementTree

from pytest_collab.cli import main

YAML = """
family: handshake
params: {numbers: 10}
seeds: [1]
conditions: [team]
"""
GATES = """
schema_version: 1
gates: [{metric: coordination_failure_rate, at_most: 0.99}]
"""


def write(suite: pytest.Pytester, text: str = YAML) -> None:
    (suite.path / "shake.collab.yaml").write_text(text)


def episodes(suite: pytest.Pytester, run: str = "run") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (suite.path / run / "episodes.jsonl").read_text().splitlines()]


def summary(suite: pytest.Pytester) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((suite.path / "run" / "summary.json").read_text())
    return found


def counts(suite: pytest.Pytester) -> dict[str, int]:
    (family,) = summary(suite)["families"]
    (team,) = [cell for cell in family["cells"] if cell["condition"] == "team"]
    found: dict[str, int] = team["outcomes"]
    return found


def test_an_unsettled_failure_has_its_own_letter_word_and_count(suite: pytest.Pytester) -> None:
    write(suite)
    result = suite.runpytest_subprocess("--agents=shy", "--collab-run-dir=run", "--junitxml=j.xml")
    assert result.ret == 1
    result.stdout.re_match_lines([r"shake\.collab\.yaml U .*"])
    result.stdout.fnmatch_lines(
        ["unsettled, score 0.00, a = shy, b = shy", "coordination or competence: open until*"]
    )
    result.stdout.fnmatch_lines(["UNSETTLED shake.collab.yaml::shake?team-shy+shy-s1? - disagreement*"])
    result.stdout.re_match_lines([r"=+ 1 unsettled in .*"])
    result.stdout.fnmatch_lines(["*0 settled by solo, 1 unsettled and in neither count*--collab-settle*"])
    assert episodes(suite)[0]["outcome"] == "unsettled"
    (bad,) = ElementTree.parse(suite.path / "j.xml").getroot().iter("testcase")
    assert {p.get("name"): p.get("value") for p in bad.iter("property")}["collab_outcome"] == "unsettled"
    assert bad.find("failure") is not None


def test_under_gates_its_letter_is_lower_case_and_no_undecided_gate_has_it(suite: pytest.Pytester) -> None:
    write(suite)
    (suite.path / "gates.yaml").write_text(GATES)
    result = suite.runpytest_subprocess("--agents=shy", "--collab-gate=gates.yaml")
    result.stdout.re_match_lines([r"shake\.collab\.yaml u .*", r"gates\.yaml \?.*"])
    result.stdout.fnmatch_lines(["*1 of 1 episode is unsettled*"])


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["alone", "xdist"])
def test_settle_plays_just_the_solo_episodes_that_are_needed(suite: pytest.Pytester, workers: list[str]) -> None:
    write(suite, YAML.replace("[1]", "3"))
    result = suite.runpytest_subprocess(
        "--agents=shy,lost,partner",
        "--collab-teams=shy+shy,lost+shy,shy+lost,partner+partner",
        "--collab-run-dir=run",
        "--collab-settle",
        *workers,
    )
    extra = [line for line in episodes(suite) if line["condition"] == "solo:settle"]
    assert sorted((line["team"][0], line["seed"]) for line in extra) == [
        *(("lost", seed) for seed in range(3)),
        *(("shy", seed) for seed in range(3)),
    ]  # once each, whoever plays in how many teams; and none for those who succeeded
    by_team = {tuple(line["team"]): line["outcome"] for line in episodes(suite) if line["condition"] == "team"}
    assert by_team["shy", "shy"] == by_team["lost", "shy"] == "unsettled", "the record stays as it was written"
    assert summary(suite)["settled_by_solo"] == 9
    assert summary(suite)["unsettled"] == 0
    result.stdout.re_match_lines([r"=+ 3 passed, (3 coordination, 6 competence|6 competence, 3 coordination) in .*"])
    result.stdout.fnmatch_lines(["*9 failures: 9 settled by solo"])


def test_a_finished_run_is_settled_later(suite: pytest.Pytester) -> None:
    write(suite)
    suite.runpytest_subprocess("--agents=shy", "--collab-run-dir=run")
    assert counts(suite) == {"unsettled": 1}
    result = suite.runpytest_subprocess("--agents=shy", "--collab-run-dir=run", "--collab-resume", "--collab-settle")
    assert counts(suite) == {"coordination_failure": 1}
    assert len(episodes(suite)) == 2, "the team was not played again"
    result.stdout.re_match_lines([r"=+ 1 coordination in .*"])
    suite.runpytest_subprocess("--agents=shy", "--collab-run-dir=run", "--collab-resume", "--collab-settle")
    assert len(episodes(suite)) == 2, "nothing is left to settle"


def test_solo_that_is_played_anyway_is_not_played_twice(suite: pytest.Pytester) -> None:
    write(suite, YAML.replace("[team]", "[solo, team]"))
    suite.runpytest_subprocess("--agents=shy", "--collab-run-dir=run", "--collab-settle")
    assert sorted(line["condition"] for line in episodes(suite)) == ["solo", "team"]
    assert counts(suite) == {"coordination_failure": 1}


def test_solo_to_settle_does_not_stand_for_solo(suite: pytest.Pytester) -> None:
    write(suite)
    suite.runpytest_subprocess("--agents=shy", "--collab-run-dir=run", "--collab-settle")
    suite.runpytest_subprocess(
        "--agents=shy", "--collab-run-dir=run", "--collab-resume", "--collab-conditions=solo,team"
    )
    assert sorted(line["condition"] for line in episodes(suite)) == ["solo", "solo:settle", "team"]
    (family,) = summary(suite)["families"]
    assert [gap["name"] for gap in family["gaps"]] == ["collaboration gap"]


def test_what_cannot_be_settled_is_told(suite: pytest.Pytester) -> None:
    write(suite)
    suite.runpytest_subprocess("--agents=shy", "--collab-run-dir=run")
    (suite.path / "shake.collab.yaml").rename(suite.path / "other.collab.yaml")
    suite.runpytest_subprocess("--agents=shy", "--collab-run-dir=run", "--collab-resume", "--collab-settle")
    notes = json.loads((suite.path / "run" / "run.json").read_text())["notes"]
    assert any("not settled: shake, shy alone: this session does not collect the task" in note for note in notes)


def test_a_task_that_has_changed_since_settles_nothing(suite: pytest.Pytester) -> None:
    write(suite)
    suite.runpytest_subprocess("--agents=shy", "--collab-run-dir=run")
    write(suite, YAML.replace("numbers: 10", "numbers: 11"))
    result = suite.runpytest_subprocess("--agents=shy", "--collab-run-dir=run", "--collab-resume", "--collab-settle")
    result.stdout.fnmatch_lines(["*task 'shake' is not what the resumed run has played*", "*--collab-resume=anew*"])
    assert [one["condition"] for one in episodes(suite)] == ["team"]


def test_shards_cannot_settle(suite: pytest.Pytester) -> None:
    write(suite)
    result = suite.runpytest_subprocess("--agents=shy", "--collab-shard=1/2", "--collab-settle")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*--collab-settle cannot be used with --collab-shard*collab merge*"])


def test_every_other_view_shows_what_it_was_settled_to(
    suite: pytest.Pytester, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(suite)
    suite.runpytest_subprocess("--agents=shy", "--collab-run-dir=run", "--collab-settle")
    run = suite.path / "run"
    assert main(["show", str(run), "--failed"]) == 0
    assert "coordination_failure" in capsys.readouterr().out
    assert main(["export", str(run), "--format=csv", f"--out={tmp_path / 'out.csv'}"]) == 0
    with (tmp_path / "out.csv").open(newline="") as lines:
        rows = {row["condition"]: row for row in csv.DictReader(lines)}
    assert (rows["team"]["outcome"], rows["team"]["settled"]) == ("coordination_failure", "False")
