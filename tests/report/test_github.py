"""What GitHub shows of a run, and what it must not be made to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_collab.measure.bulk import summarise_frame
from pytest_collab.measure.change import compare_runs
from pytest_collab.measure.gate import GateFile
from pytest_collab.measure.reader import frame_of
from pytest_collab.measure.verdicts import judge_run
from pytest_collab.report.github import annotation_lines, job_summary
from tests.support.episodes import episode

EVIL = "a|b <script>alert(1)</script> ::error::x\n::stop-commands::pwn, 100% @everyone `x` [l](http://e)"


def judged(*gates, episodes, **file):
    return judge_run(GateFile.model_validate({"gates": list(gates), **file}), frame_of(episodes))


def test_failed_gates_are_annotated_and_passed_ones_are_not():
    report = judged(
        {"name": "good", "metric": "success_rate", "at_least": 0.1},
        {"name": "bad: really", "metric": "success_rate", "at_least": 0.9},
        {"name": "lost", "metric": "score", "at_least": 0.5, "where": {"task": "nowhere"}},
        {"name": "open", "metric": "success_rate", "at_least": 0.5, "undecided": "warn"},
        episodes=[episode(seed=seed, ok=seed < 16) for seed in range(32)],
    )
    lines = annotation_lines(report)
    assert [line.split("::")[1] for line in lines] == [
        "error title=gate lost",
        "error title=gate bad%3A really%3A fail",
        "warning title=gate open%3A undecided",
    ]
    assert "50.0 %25" in lines[1]


def test_no_text_can_smuggle_a_workflow_command_or_markup_in():
    report = judged(
        {"name": EVIL, "metric": "success_rate", "at_least": 0.9},
        episodes=[episode(seed=s, ok=False) for s in range(9)],
    )
    (line,) = annotation_lines(report)
    assert "\n" not in line
    assert line.startswith("::error title=")
    assert line.split("::")[1].count(":") == 0
    run = frame_of([episode(team="a|b+<b>", task=EVIL)])
    text = job_summary(Path("x"), report, summarise_frame(run), compare_runs(run, run))
    assert "<script>" not in text
    assert "<b>" not in text
    assert "@everyone" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.replace("\\|", "").count("|") in (4, 6) for line in rows)


def test_a_void_run_says_so_first():
    from pytest_collab.episode.outcome import Outcome

    broken = [episode(seed=seed, outcome=Outcome.INFRASTRUCTURE, score=0) for seed in range(5)]
    report = judged({"metric": "success_rate", "at_least": 0.1}, episodes=[*broken, episode(seed=9)])
    assert job_summary(Path("x"), report).startswith("## gates: VOID")
    assert any("void" in line for line in annotation_lines(report))


def test_a_session_in_a_workflow_writes_its_summary_and_silences_what_agents_say(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(suite.path / "summary.md"))
    (suite.path / "shake.collab.yaml").write_text("family: handshake\nparams: {}\nseeds: 9\nconditions: [team]\n")
    (suite.path / "gates.yaml").write_text("gates:\n  - {name: fine, metric: success_rate, at_least: 0.5}\n")
    result = suite.runpytest_inprocess("--agents=stubborn", "--collab-gate=gates.yaml", "--collab-run-dir=out")
    assert result.ret == 1
    commands = [line for line in result.outlines if line.startswith("::")]
    token = commands[0].removeprefix("::stop-commands::")
    assert len(token) >= 32
    assert commands[1] == f"::{token}::"
    assert commands[2].startswith("::error title=gate fine%3A fail::success_rate 0.0 %25")
    assert len(commands) == 3
    said = next(place for place, line in enumerate(result.outlines) if "gates: FAIL" in line)
    assert said < result.outlines.index(commands[1])
    text = (suite.path / "summary.md").read_text()
    assert text.startswith("# ✘ The gates are not passed\n\nOf 1 gate 1 failed: fine.")
    assert "## gates: FAIL" in text
    assert "| team | stubborn+stubborn | 9 | 0% (0% .. 34%) | 0.00 |" in text
    faults = text[text.index("## At fault in teams") :].splitlines()
    assert faults[4].startswith("| stubborn | ")
    assert " | 9 of 9 | seat a said 999, not " in faults[4]
    assert "| collab show out " in faults[4], "an episode that shows it"
    assert json.loads((suite.path / "out" / "gates.json").read_text())["verdict"] == "fail"
