"""The page's first line: green only where something was compared, everything is decided, and the run is whole."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_collab.episode.run import RunInfo
from pytest_collab.measure.gate import GateFile
from pytest_collab.measure.reader import frame_of
from pytest_collab.measure.verdicts import judge_run
from pytest_collab.report.answer import answer
from pytest_collab.report.overview import selection
from tests.support.episodes import episode

WHOLE = RunInfo(finished="2026-01-01T00:00:00Z", exit_status=1)
EPISODES = [episode(seed=seed, ok=seed % 2 == 0) for seed in range(40)]
HALF = frame_of(EPISODES)
PASSED = {"name": "low", "metric": "success_rate", "at_least": 0.1}
FAILED = {"name": "high", "metric": "success_rate", "at_least": 0.9}
OPEN = {"name": "middle", "metric": "success_rate", "at_least": 0.5}
LOST = {"name": "nowhere", "metric": "success_rate", "at_least": 0.5, "where": {"task": "nowhere"}}


def judged(*gates: dict[str, Any]) -> Any:
    return judge_run(GateFile.model_validate({"gates": list(gates)}), HALF)


@pytest.mark.parametrize(
    ("gates", "tone", "told"),
    [
        ([PASSED], "good", "1 of 1 gate."),
        (
            [PASSED, FAILED, OPEN, LOST],
            "bad",
            "Of 4 gates 1 failed: high; 1 undecided: middle; 1 cannot be judged: no",
        ),
        ([PASSED, OPEN], "open", "Of 2 gates 1 undecided: middle. Undecided counts as failed"),
        ([PASSED, OPEN | {"undecided": "warn"}], "open", "Of 2 gates 1 undecided: middle."),
    ],
    ids=["passed", "each kind is counted as what it is", "undecided is not failed", "let through undecided"],
)
def test_gates_decide(gates: list[dict[str, Any]], tone: str, told: str) -> None:
    found = answer(judged(*gates), None, HALF, WHOLE)
    assert found.tone == tone
    assert found.detail.startswith(told)


@pytest.mark.parametrize(
    ("info", "begin", "state"),
    [
        (RunInfo(), "40 of 120 episodes played so far", "the session is still running, or was killed"),
        (
            RunInfo(finished="2026-01-01T00:00:00Z", exit_status=2),
            "Interrupted after 40 of 120 episodes",
            "the session was interrupted",
        ),
        (
            RunInfo(finished="2026-01-01T00:00:00Z", exit_status=0),
            "Ended after 40 of 120 episodes",
            "the others were skipped, or the session ended early (-x, --maxfail, --collab-max-cost)",
        ),
    ],
    ids=["killed", "interrupted", "the money was spent"],
)
def test_a_run_that_is_not_whole_is_never_green(info: RunInfo, begin: str, state: str) -> None:
    found = answer(judged(PASSED), None, HALF, info, planned=120)
    assert found.tone == "open"
    assert found.title == f"{begin}: all gates are passed"
    assert found.detail.endswith(
        f"The run is not whole: 40 of 120 episodes were played, {state}; --collab-resume plays the rest."
    )
    worse = answer(judged(FAILED), None, HALF, info, planned=120)
    assert worse.tone == "bad"
    assert worse.title.endswith("the gates are not passed")


def test_a_run_that_may_stop_when_decided_is_whole_before_all_is_played() -> None:
    assert answer(judged(PASSED), None, HALF, WHOLE, planned=120, early=True).tone == "good"


def test_a_gate_leads_to_the_episodes_that_it_judges() -> None:
    lost = {"name": "lost", "metric": "infrastructure_rate", "at_most": 0.1}
    gap = {"name": "gap", "metric": "value_of_talk", "at_least": 0.1, "where": {"task": "t"}}
    episodes = [*EPISODES, *(episode("mute", seed=seed) for seed in range(40))]
    gates = [PASSED, PASSED | {"name": "mute", "where": {"condition": "mute", "family": "maze"}}, lost, gap]
    report = judge_run(GateFile.model_validate({"gates": gates}), frame_of(episodes))
    assert [selection(gate) for gate in report.gates] == [
        {"condition": "team"},
        {"condition": "mute", "family": "maze"},
        {},
        {"task": "t"},
    ]
