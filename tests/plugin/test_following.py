"""Sessions that stop when their gates are decided, and shards of a session."""

from __future__ import annotations

import json
import re

import pytest

TASK = "family: handshake\nparams: {numbers: 10}\nseeds: 120\nconditions: [team]\n"
GATES = "gates:\n  - {name: shaken, metric: success_rate, at_least: 0.6}\n"


def write(suite: pytest.Pytester, gates: str = GATES, task: str = TASK) -> None:
    (suite.path / "shake.collab.yaml").write_text(task)
    (suite.path / "gates.yaml").write_text(gates)


def play(suite: pytest.Pytester, agents: str, *args: str, run: str = "out") -> pytest.RunResult:
    return suite.runpytest_inprocess(
        f"--agents={agents}", "--collab-pairing=self", f"--collab-run-dir={run}", "-p", "no:cacheprovider", *args
    )


def stop(suite: pytest.Pytester, agents: str, *args: str) -> pytest.RunResult:
    return play(suite, agents, "--collab-gate=gates.yaml", "--collab-stop-when-decided", "-rs", *args)


def seeds(suite: pytest.Pytester, run: str = "out") -> list[int]:
    return [json.loads(line)["seed"] for line in (suite.path / run / "episodes.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(("agents", "status"), [("partner", 0), ("stubborn", 1)])
@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["alone", "xdist"])
def test_what_no_gate_needs_any_more_is_skipped(
    suite: pytest.Pytester, agents: str, status: int, workers: list[str]
) -> None:
    write(suite)
    result = stop(suite, agents, *workers)
    assert result.ret == status
    report = json.loads((suite.path / "out" / "gates.json").read_text())
    played = seeds(suite)
    assert 0 < len(played) < 60
    assert report["saved"]["episodes"] == 120 - len(played)
    assert report["saved"]["planned"] == 120
    cost = 0.02 if agents == "partner" else 0.04
    assert report["saved"]["cost_usd"] == pytest.approx(cost * (120 - len(played)))
    assert report["gates"][0]["sequential"] is True
    verdict = "pass" if status == 0 else "fail"
    result.stdout.fnmatch_lines([f"SKIPPED*decided: shaken: {verdict}", "saved by stopping when decided: *"])


def test_the_order_is_random_and_the_same_for_the_same_root_seed(suite: pytest.Pytester) -> None:
    write(suite)
    stop(suite, "partner", "--collab-seeds=30", "--co")
    orders = []
    for seed in ("0", "0", "1"):
        result = stop(suite, "partner", "--collab-seeds=30", f"--collab-seed={seed}", "--co", "-q")
        orders.append([int(found) for found in re.findall(r"-s(\d+)\]", result.stdout.str())])
    assert orders[0] == orders[1]
    assert orders[0] != sorted(orders[0]) == list(range(30))
    assert [seed - 1 for seed in orders[2]] != orders[0]


def test_what_no_gate_asks_for_is_not_played(suite: pytest.Pytester) -> None:
    write(suite, task=TASK.replace("[team]", "[mute, team]"))
    result = stop(suite, "partner")
    conditions = {
        json.loads(line)["condition"] for line in (suite.path / "out" / "episodes.jsonl").read_text().splitlines()
    }
    assert conditions == {"team"}
    result.stdout.fnmatch_lines(["*decided: no gate asks for this episode*"])


def test_an_undecided_gate_gets_every_episode(suite: pytest.Pytester) -> None:
    write(suite, GATES.replace("0.6", "0.95"), TASK.replace("120", "12"))
    assert stop(suite, "partner").ret == 1
    assert len(seeds(suite)) == 12


def test_a_stopped_run_can_be_resumed_and_is_judged_by_its_own_plan(suite: pytest.Pytester) -> None:
    write(suite, GATES.replace("0.6", "0.9"))
    assert stop(suite, "partner", "--collab-seeds=10").ret == 1
    first = seeds(suite)
    assert stop(suite, "partner", "--collab-resume").ret == 0
    assert seeds(suite)[:10] == first
    assert len(set(seeds(suite))) == len(seeds(suite)) < 120


def test_shards_are_parts_of_the_whole_that_never_overlap(suite: pytest.Pytester) -> None:
    write(suite, task=TASK.replace("120", "12"))
    suite.makepyfile("def test_plain():\n    pass\n")
    for place in (1, 2, 3):
        assert play(suite, "partner", f"--collab-shard={place}/3", run=f"out{place}").ret == 0
    parts = [seeds(suite, f"out{place}") for place in (1, 2, 3)]
    assert all(parts)
    assert sorted(seed for part in parts for seed in part) == list(range(12))


def test_a_shard_leaves_the_gates_to_whoever_merges(suite: pytest.Pytester) -> None:
    write(suite, task=TASK.replace("120", "4"))
    result = play(suite, "stubborn", "--collab-shard=1/2", "--collab-gate=gates.yaml")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["the gates were not judged: this is a shard*"])
    assert not (suite.path / "out" / "gates.json").exists()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--collab-shard=3/2"], "give I/N"),
        (["--collab-shard=x"], "give I/N"),
        (
            ["--collab-shard=1/2", "--collab-gate=gates.yaml", "--collab-stop-when-decided"],
            "do not see each other's episodes",
        ),
    ],
)
def test_shards_that_cannot_be_are_refused(suite: pytest.Pytester, args: list[str], words: str) -> None:
    write(suite)
    result = play(suite, "partner", *args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert words in result.stderr.str()
