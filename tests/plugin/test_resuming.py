"""A run keeps faith: what was not played alike is refused or set aside, and never mixed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_collab.episode.run import RunDirectory
from tests.support.model_server import ModelServer

TASK = "family: handshake\nparams: {turns: %d}\nseeds: 3\nconditions: [team]\n"
GATES = "gates:\n  - {name: through, metric: success_rate, at_least: 0.3}\n"
COLLAB = (sys.executable, "-m", "pytest_collab.cli")
ARGS = ("--agents=partner", "--collab-run-dir=out")


def write(suite: pytest.Pytester, turns: int = 4) -> None:
    (suite.path / "shake.collab.yaml").write_text(TASK % turns)
    (suite.path / "gates.yaml").write_text(GATES)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["alone", "xdist"])
@pytest.mark.parametrize(("before", "after"), [(4, 1), (1, 4)], ids=["harder", "easier"])
def test_a_task_that_has_changed_is_refused_by_name_and_judges_nothing(
    suite: pytest.Pytester, workers: list[str], before: int, after: int
) -> None:
    write(suite, before)
    suite.runpytest_subprocess(*ARGS)
    played = (suite.path / "out" / "episodes.jsonl").read_bytes()
    write(suite, after)
    again = suite.runpytest_subprocess(*ARGS, "--collab-resume", "--collab-gate=gates.yaml", *workers)
    assert again.ret != 0
    text = again.stdout.str()
    assert "task 'shake' is not what the resumed run has played" in text
    assert "--collab-resume=anew" in text
    assert "gates: PASS" not in text
    assert not (suite.path / "out" / "gates.json").exists()
    assert (suite.path / "out" / "episodes.jsonl").read_bytes() == played


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["alone", "xdist"])
def test_anew_plays_a_changed_task_again_and_counts_only_that(suite: pytest.Pytester, workers: list[str]) -> None:
    write(suite, 4)
    suite.runpytest_subprocess(*ARGS)
    write(suite, 1)
    again = suite.runpytest_subprocess(*ARGS, "--collab-resume=anew", "--collab-gate=gates.yaml", *workers)
    assert again.ret == pytest.ExitCode.TESTS_FAILED
    again.stdout.fnmatch_lines(["*3 episodes set aside, to be played anew: task shake changed*"])
    out = suite.path / "out"
    hashes = {line["task_hash"] for line in lines(out / "episodes.jsonl")}
    old = lines(out / "superseded.jsonl")
    assert len(hashes) == 1
    assert {line["task_hash"] for line in old}.isdisjoint(hashes)
    assert len(old) == len(lines(out / "episodes.jsonl")) == 3
    assert all((out / line["transcript"]).stat().st_size for line in [*old, *lines(out / "episodes.jsonl")])
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["episodes"], summary["plays"]) == (3, 6)
    assert sum(cell["successes"] for cell in summary["tasks"]) == 0


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


def agents(suite: pytest.Pytester, server: ModelServer, model: str, **more: Any) -> None:
    told = {"provider": "openai-chat", "model": model, "base_url": f"{server.url}/v1", "api_key_env": "A_KEY", **more}
    (suite.path / "collab-agents.yaml").write_text(json.dumps({"agents": {"m": told}}))


@pytest.fixture
def shake(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("A_KEY", "unused-key-of-a-test")
    (suite.path / "shake.collab.yaml").write_text(TASK % 2)
    return suite


def test_another_model_behind_a_name_is_refused_unless_it_plays_all_anew(
    shake: pytest.Pytester, model_server: ModelServer
) -> None:
    agents(shake, model_server, "model-one")
    args = ("--agents=m,partner", "--collab-pairing=self", "--collab-run-dir=out")
    shake.runpytest_subprocess(*args)
    agents(shake, model_server, "model-two")
    refused = shake.runpytest_subprocess(*args, "--collab-resume")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["*3 episodes*agent m: model model-one -> model-two*--collab-resume=anew*"])
    shake.runpytest_subprocess(*args, "--collab-resume=anew")
    record = RunDirectory(shake.path / "out").record()
    assert {seat.model for play in record.plays for seat in play.usage.values() if seat.agent == "m"} == {"model-two"}
    assert len([play for play in record.plays if "partner" in play.team]) == 3, "partner is as it was"
    assert len({play.id for play in record.plays}) == 6


def test_another_model_behind_the_agent_of_a_condition_is_refused(
    shake: pytest.Pytester, model_server: ModelServer
) -> None:
    (shake.path / "shake.collab.yaml").write_text((TASK % 2).replace("[team]", "['with:m']"))
    agents(shake, model_server, "model-one")
    shake.runpytest_subprocess(*ARGS)
    agents(shake, model_server, "model-two")
    refused = shake.runpytest_subprocess(*ARGS, "--collab-resume")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["*3 episodes*agent m: model model-one -> model-two*--collab-resume=anew*"])
    shake.runpytest_subprocess(*ARGS, "--collab-resume=anew")
    plays = RunDirectory(shake.path / "out").record().plays
    assert {play.usage["b"].model for play in plays} == {"model-two"}


def test_what_an_answer_costs_is_no_reason_to_refuse(shake: pytest.Pytester, model_server: ModelServer) -> None:
    agents(shake, model_server, "model-one", price={"input": 1, "output": 1})
    args = ("--agents=m", "--collab-run-dir=out")
    shake.runpytest_subprocess(*args)
    agents(shake, model_server, "model-one", price={"input": 2, "output": 2}, max_retries=1)
    again = shake.runpytest_subprocess(*args, "--collab-resume")
    assert again.ret != pytest.ExitCode.USAGE_ERROR
    assert len(lines(shake.path / "out" / "episodes.jsonl")) == 3


def test_shards_of_two_models_are_not_merged(shake: pytest.Pytester, model_server: ModelServer) -> None:
    for number, model in enumerate(("model-one", "model-two"), 1):
        agents(shake, model_server, model)
        shake.runpytest_subprocess("--agents=m", f"--collab-run-dir=s{number}", f"--collab-shard={number}/2")
    merged = shake.run(*COLLAB, "merge", "s1", "s2", "--out", "m")
    assert merged.ret != 0
    assert "agent m: model model-one -> model-two" in merged.stderr.str() + merged.stdout.str()
    assert not (shake.path / "m").exists()


def test_a_run_of_two_versions_of_a_task_is_not_judged(suite: pytest.Pytester) -> None:
    write(suite)
    suite.runpytest_subprocess(*ARGS)
    path = suite.path / "out" / "episodes.jsonl"
    first, *rest = lines(path)
    path.write_text("".join(json.dumps(line) + "\n" for line in [first | {"task_hash": "another"}, *rest]))
    judged = suite.run(*COLLAB, "gate", "out", "--gate", "gates.yaml")
    assert judged.ret == 2
    assert "task shake with more than one content" in judged.stderr.str() + judged.stdout.str()


@pytest.mark.parametrize(
    "repeat", [["--count=2"], ["--count=2", "-n2"], ["-n2", "--dist=each"]], ids=["alone", "xdist", "each"]
)
def test_every_play_has_an_id_and_a_transcript_of_its_own(suite: pytest.Pytester, repeat: list[str]) -> None:
    if "--count=2" in repeat:
        pytest.importorskip("pytest_repeat", reason="pytest-repeat is not installed: pip install pytest-repeat")
    (suite.path / "test_shake.py").write_text(
        "from pytest_collab import task\n"
        "from tests.support.handshake import Handshake\n"
        "@task(Handshake(), seeds=3, conditions=['team'])\n"
        "def test_shake(episode):\n    pass\n"
    )
    result = suite.runpytest_subprocess(*ARGS, *repeat)
    record = RunDirectory(suite.path / "out").record()
    assert len(record.plays) == 6
    assert len({play.id for play in record.plays}) == len({play.transcript for play in record.plays}) == 6
    assert all(play.id.startswith("handshake-shake-") for play in record.plays)
    assert sorted(play.attempt for play in record.plays) == [1, 1, 1, 2, 2, 2]
    result.stdout.fnmatch_lines(["plays: 6 of 3 episodes, all paid; of each episode the first*--collab-epochs*"])
    cost = sum(play.cost_usd or 0.0 for play in record.plays)
    result.stdout.fnmatch_lines([f"episodes: 3, cost: ${cost:.2f}, run: *"])
    directory = RunDirectory(suite.path / "out")
    assert all(directory.transcript(play).start["seed"] == play.seed for play in record.plays)


def test_names_of_tests_do_not_change_with_the_number_of_epochs(suite: pytest.Pytester) -> None:
    write(suite)

    def names(epochs: int) -> list[str]:
        shown = suite.runpytest_inprocess("--agents=partner", f"--collab-epochs={epochs}", "--collect-only", "-q")
        return [line for line in shown.outlines if "::" in line]

    once, twice = names(1), names(2)
    assert len(once) == 3
    assert set(once) < set(twice)
