"""Runs that are not whole, not clean, or put together of odd parts: nothing won is lost, and no gate passes by it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_collab.cli import main
from pytest_collab.episode.outcome import Failure, Outcome
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunDirectory
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import RunError
from pytest_collab.measure.reader import read_frame
from pytest_collab.report.gateline import more
from pytest_collab.report.reading import read_report
from tests.support.episodes import episode, write_run

GATE = "gates: [{metric: success_rate, at_least: 0.5}]\n"


def plan(path: Path, episodes: int, shard: str | None = None, **more: Any) -> Path:
    """Write down that so many episodes of the task were to be played."""
    planned = [{"family": "maze", "task": "t", "condition": "team", "episodes": episodes}]
    (path / "run.json").write_text(json.dumps({"planned": planned, "options": {"shard": shard}, **more}))
    return path


def judged(tmp_path: Path, run: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    (tmp_path / "gates.yaml").write_text(GATE)
    capsys.readouterr()
    return main(["gate", str(run), "--gate", str(tmp_path / "gates.yaml")]), capsys.readouterr().out


@pytest.mark.parametrize("planned", [40, 41, 80])
def test_a_gate_is_not_decided_on_a_run_that_is_not_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], planned: int
) -> None:
    run = plan(write_run(tmp_path / "run", [episode(seed=s) for s in range(40)]), planned)
    status, told = judged(tmp_path, run, capsys)
    assert status == int(planned > 40)
    assert (f"{planned - 40} of its {planned} planned episodes {'is' if planned == 41 else 'are'}" in told) == bool(
        status
    )


def test_failures_whose_lines_are_spoilt_let_no_gate_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_run(tmp_path / "run", [episode(seed=s, ok=s % 2 == 0) for s in range(40)])
    lines = (run / "episodes.jsonl").read_text().splitlines()
    (run / "episodes.jsonl").write_text("".join(f"{x[:60] if n % 2 else x}\n" for n, x in enumerate(lines)))
    status, told = judged(tmp_path, run, capsys)
    assert status == 1
    assert "20 lines of episodes.jsonl cannot be read" in told
    status, told = judged(tmp_path, plan(run, 40), capsys)
    assert status == 1
    assert "20 of its 40 planned episodes" in told


def test_a_gate_on_other_tasks_does_not_mind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_run(tmp_path / "run", [episode(seed=s, task=task) for s in range(40) for task in "tu"])
    plan(run, 50)
    (tmp_path / "gates.yaml").write_text("gates: [{metric: success_rate, at_least: 0.5, where: {task: u}}]\n")
    assert main(["gate", str(run), "--gate", str(tmp_path / "gates.yaml")]) == 0


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("team: a+b", ""),
        ("team: c+b", "20 of its 40 planned"),
        ("agent: a", ""),
        ("agent: [a, b]", "20 of its 80 planned"),
        ("condition: solo, team: c", ""),
    ],
)
def test_a_gate_on_a_team_does_not_mind_what_other_teams_lack(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], where: str, told: str
) -> None:
    plays = [episode(team="a+b", seed=s) for s in range(40)] + [episode(team="c+b", seed=s) for s in range(20)]
    plays += [episode("solo", one, seed=s) for one in "abc" for s in range(40)]
    run = write_run(tmp_path / "run", plays)
    teams = [("team", ["a", "b"]), ("team", ["c", "b"]), *(("solo", [one]) for one in "abc")]
    planned = [{"family": "maze", "task": "t", "condition": c, "team": t, "episodes": 40} for c, t in teams]
    (run / "run.json").write_text(json.dumps({"planned": planned}))
    (tmp_path / "gates.yaml").write_text(f"gates: [{{metric: success_rate, at_least: 0.5, where: {{{where}}}}}]\n")
    status = main(["gate", str(run), "--gate", str(tmp_path / "gates.yaml")])
    out = capsys.readouterr().out
    assert status == bool(told)
    assert told in out if told else "missing" not in out
    report = read_report(RunDirectory.open(run))
    assert [(one.condition, one.played, one.planned) for one in report.missing] == [("team", 60, 80)]


@pytest.mark.parametrize(("team", "whole"), [("a+b", True), ("a+c", False)])
def test_a_gap_of_a_team_asks_for_its_members_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], team: str, whole: bool
) -> None:
    plays = [episode(team=one, seed=s, ok=s % 4 > 0) for one in ("a+b", "a+c") for s in range(40)]
    plays += [episode("solo", one, seed=s) for one in "abc" for s in range(20 if one == "c" else 40)]
    run = write_run(tmp_path / "run", plays)
    planned = [
        {"family": "maze", "task": "t", "condition": c, "team": t.split("+"), "episodes": 40}
        for c, t in [("team", "a+b"), ("team", "a+c"), ("solo", "a"), ("solo", "b"), ("solo", "c")]
    ]
    (run / "run.json").write_text(json.dumps({"planned": planned}))
    gate = f"gates: [{{metric: collaboration_gap, at_most: 0.9, where: {{team: {team}}}}}]\n"
    (tmp_path / "gates.yaml").write_text(gate)
    assert main(["gate", str(run), "--gate", str(tmp_path / "gates.yaml")]) == (0 if whole else 1)
    assert ("20 of its 120 planned" in capsys.readouterr().out) != whole


def test_a_shard_that_is_missing_is_named_and_lets_no_gate_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for part in (1, 2, 3):
        seeds = range(part, 90, 3)
        plan(write_run(tmp_path / f"s{part}", [episode(seed=s) for s in seeds]), len(seeds), f"{part}/3")
    shards = [str(tmp_path / f"s{part}") for part in (1, 2, 3)]
    assert main(["merge", *shards[:2], "--out", str(tmp_path / "two")]) == 0
    assert "shard 3/3 is missing" in capsys.readouterr().out
    status, told = judged(tmp_path, tmp_path / "two", capsys)
    assert status == 1
    assert "shard 3/3 is missing: merge it, too" in told
    assert main(["merge", str(tmp_path / "two"), shards[2], "--out", str(tmp_path / "late")]) == 0
    assert main(["merge", *shards, "--out", str(tmp_path / "all")]) == 0
    assert "/3 is missing" not in capsys.readouterr().out
    for whole in ("late", "all"):
        assert judged(tmp_path, tmp_path / whole, capsys)[0] == 0


def test_what_a_shard_left_out_is_missing_until_it_is_played_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan(write_run(tmp_path / "a", [episode(seed=s) for s in range(0, 60, 2)]), 30, "1/2")
    plan(write_run(tmp_path / "b", [episode(seed=s) for s in range(1, 30, 2)]), 30, "2/2")
    plan(write_run(tmp_path / "again", [episode(seed=s) for s in range(1, 60, 2)]), 30, "2/2")
    assert main(["merge", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "ab")]) == 0
    status, told = judged(tmp_path, tmp_path / "ab", capsys)
    assert status == 1
    assert "15 of its 60 planned episodes" in told
    names = [str(tmp_path / name) for name in ("a", "b", "again")]
    assert main(["merge", *names, "--out", str(tmp_path / "whole")]) == 0
    assert judged(tmp_path, tmp_path / "whole", capsys)[0] == 0


def test_of_an_episode_in_two_shards_the_one_that_is_evidence_counts_and_both_are_paid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = write_run(tmp_path / "lost", [episode(outcome=Outcome.INFRASTRUCTURE, score=0), episode(seed=1)])
    won = write_run(tmp_path / "won", [episode(ok=True), episode(seed=1, ok=False)])
    for first, second, outcomes in ((lost, won, ["success", "success"]), (won, lost, ["success", "coordination"])):
        out = tmp_path / f"{first.name}-first"
        assert main(["merge", str(first), str(second), "--out", str(out)]) == 0
        assert "2 episodes were played in more than one shard" in capsys.readouterr().out
        found = sorted(RunDirectory.open(out).record().episodes(), key=lambda one: one.seed)
        assert [str(one.outcome).removesuffix("_failure") for one in found] == outcomes
        assert read_frame(out).spare.known_cost_usd == pytest.approx(0.04)


@pytest.mark.parametrize("outcome", [Outcome.SUCCESS, Outcome.INFRASTRUCTURE])
def test_one_of_a_kind_is_counted_in_the_singular(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], outcome: Outcome
) -> None:
    run = write_run(tmp_path / "run", [episode(outcome=outcome, score=0.0)])
    other = write_run(tmp_path / "other", [episode(outcome=outcome, score=0.0)])
    _, told = judged(tmp_path, run, capsys)
    for command in (["show"], ["report", "--out", str(tmp_path / "page.html")]):
        main([command[0], str(run), *command[1:]])
    main(["compare", "--series", str(run), str(other)])
    main(["compare", str(run), str(other)])
    main(["history", str(run)])
    main(["merge", str(run), str(other), "--out", str(tmp_path / "both")])
    printed = "".join(capsys.readouterr())
    words = told + printed + str(read_report(RunDirectory.open(run)).answer)
    assert "1 episode" in words
    assert re.findall(r"\b1 (?:more )?(?!is\b)[a-z]+s\b|\b1 episode were", words) == []


def test_a_gate_that_an_interruption_left_undecided_is_open_and_not_red(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = plan(write_run(tmp_path / "run", [episode(seed=s) for s in range(40)]), 60, finished="x", exit_status=2)
    status, told = judged(tmp_path, run, capsys)
    assert status == 1
    assert "gates: UNDECIDED. 0 passed, 0 failed, 1 undecided." in told
    assert read_report(RunDirectory.open(run)).answer.tone == "open"
    run = plan(write_run(tmp_path / "worse", [episode(seed=s, ok=False) for s in range(40)]), 40)
    assert judged(tmp_path, run, capsys)[0] == 1
    assert read_report(RunDirectory.open(run)).answer.tone == "bad"


def test_one_directory_is_not_merged_with_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_run(tmp_path / "run", [episode()])
    assert main(["merge", str(run), f"{run}/../run", "--out", str(tmp_path / "out")]) == 2
    assert "is named twice" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["", "{", "null", "[]", '{"tasks": 7}', '{"schema_version": "x"}'])
def test_a_spoilt_run_json_says_how_to_read_the_episodes_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    run = write_run(tmp_path / "run", [episode()])
    (run / "run.json").write_text(text)
    assert main(["show", str(run)]) == 2
    assert "Move it away to read the episodes without it" in capsys.readouterr().err
    (run / "run.json").unlink()
    assert main(["show", str(run)]) == 0


ODD: dict[str, Callable[[dict[str, Any]], object]] = {
    "team": lambda raw: raw.update(team="partner"),
    "outcome": lambda raw: raw.update(outcome="draw"),
    "code": lambda raw: raw.update(failures=[{"code": "brand_new", "cause": "communication", "note": ""}]),
    "seed": lambda raw: raw.update(seed="x"),
    "score": lambda raw: raw.update(score=7),
    "schema": lambda raw: raw.update(schema_version=None),
    "metric": lambda raw: raw["metrics"].update(words="many"),
    "nothing": lambda raw: raw.clear(),
}


@pytest.mark.parametrize("change", ODD.values(), ids=ODD)
def test_one_odd_line_costs_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Callable[[dict[str, Any]], object]
) -> None:
    run = write_run(tmp_path / "run", [episode(seed=s) for s in range(3)])
    lines = [json.loads(line) for line in (run / "episodes.jsonl").read_text().splitlines()]
    change(lines[1])
    (run / "episodes.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    for command in (["show", str(run)], ["show", str(run), "--tables"], ["report", str(run)]):
        assert main(command) == 0
    assert "episodes.jsonl line 2 was skipped" in capsys.readouterr().out


@pytest.mark.parametrize("cost", [-5.0, float("inf"), float("nan")])
def test_a_cost_that_cannot_be_is_not_known(tmp_path: Path, cost: float) -> None:
    run = write_run(tmp_path / "run", [episode(), episode(seed=1)])
    lines = [json.loads(line) for line in (run / "episodes.jsonl").read_text().splitlines()]
    lines[1]["usage"]["a"]["cost_usd"] = cost
    (run / "episodes.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    frame = read_frame(run)
    assert frame.cost_usd.tolist()[0] == pytest.approx(0.02)
    assert str(frame.cost_usd.tolist()[1]) == "nan"
    assert frame.known_cost_usd.sum() == pytest.approx(0.03)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda text: "", "is empty"),
        (lambda text: text[:-9], "not a transcript event"),
        (lambda text: text * 2, "event 0 stands where event 3 should"),
        (lambda text: text.split("\n", 1)[1], "event 1 stands where event 0 should"),
    ],
)
def test_a_spoilt_transcript_is_named(tmp_path: Path, spoil: Callable[[str], str], told: str) -> None:
    made = Transcript()
    for kind in ("start", "prompt", "reply"):
        made.add(kind, text="hello")
    path = tmp_path / "t.jsonl"
    made.write(path)
    path.write_text(spoil(path.read_text()))
    with pytest.raises(RunError, match=told):
        Transcript.read(path)
    path.write_bytes(b'{"seq": 0, "\xff')
    with pytest.raises(RunError, match="byte 12 is no UTF-8"):
        Transcript.read(path)


def test_transcripts_that_cannot_be_judged_stop_no_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = RunDirectory.create(tmp_path / "run")
    kept: list[Episode] = []
    for seed, params in enumerate(({"size": "x"}, {"numbers": 1})):
        made = Transcript()
        made.add("start", family="maze", params=params, condition="team", seed=seed, version="0")
        play = episode(seed=seed, failures=[Failure.of("vague", "a", events=(0,))])
        kept.append(run.add(play.model_copy(update={"transcript": f"transcripts/{play.id}.jsonl"}), made))
    before = (run.path / "episodes.jsonl").read_text()
    assert main(["regrade", str(run.path), "--write"]) == 1
    out = capsys.readouterr().out
    assert all(f"{play.id}: cannot be graded again: " in out for play in kept)
    assert "2 could not be graded again" in out
    assert main(["show", str(run.path), kept[0].id]) == 0
    assert (run.path / "episodes.jsonl").read_text() == before


def test_a_verdict_on_less_than_the_run_holds_now_is_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = write_run(tmp_path / "run", [episode(seed=s) for s in range(40)])
    assert judged(tmp_path, run, capsys)[0] == 0
    assert main(["show", str(run)]) == 0
    assert "gates: PASS" in capsys.readouterr().out
    write_run(tmp_path / "run", [episode(seed=s, ok=s < 40) for s in range(80)])
    assert main(["show", str(run)]) == 0
    assert "gates: PASS" not in capsys.readouterr().out


def test_a_run_whose_gates_were_never_judged_says_so(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [episode()])
    for options, told in (({}, "was played without gates"), ({"gate": "g.yaml"}, "its gates were not judged")):
        (run / "run.json").write_text(json.dumps({"options": options, "finished": "x", "exit_status": 0}))
        assert told in str(read_report(RunDirectory.open(run)).answer)


def test_a_verdict_is_told_though_it_cannot_be_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_run(tmp_path / "run", [episode(seed=s) for s in range(40)])
    (run / "gates.json").mkdir()
    status, told = judged(tmp_path, run, capsys)
    assert status == 2
    assert "gates: PASS" in told


def test_what_is_missing_is_told_in_the_gates_line_and_what_was_lost_in_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plays = [episode(seed=s, ok=s % 2 == 0) for s in range(12)]
    run = plan(write_run(tmp_path / "run", plays), 40, finished="x", exit_status=2)
    judged(tmp_path, run, capsys)
    report = read_report(RunDirectory.open(run))
    assert report.gates is not None
    assert more(report.gates.gates[0]) == "28 of its 40 planned episodes are missing"
    gone = [episode(seed=s, outcome=Outcome.INFRASTRUCTURE, score=0) for s in range(12, 24)]
    half = write_run(tmp_path / "half", [*plays, *gone])
    assert "6 of 12 team episodes succeeded, 12 more were lost" in read_report(RunDirectory.open(half)).answer.title
