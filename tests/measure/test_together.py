"""Several gates in one file: what chance does to a release, and what `together` does about it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pytest_collab.episode.record import Episode
from pytest_collab.measure.decision import GateVerdict
from pytest_collab.measure.gate import GateFile
from pytest_collab.measure.plan import PlannedEpisode
from pytest_collab.measure.power import gate_power
from pytest_collab.measure.reader import frame_of
from pytest_collab.measure.stopping import judge_followed, shuffled
from pytest_collab.measure.verdicts import judge_run
from pytest_collab.report.gates import gate_lines
from tests.support.episodes import episode


def gates(number: int, **file: Any) -> GateFile:
    return GateFile.model_validate(
        {
            "gates": [
                {"name": f"t{place}", "metric": "success_rate", "at_least": 0.8, "where": {"task": f"t{place}"}}
                for place in range(number)
            ],
            **file,
        }
    )


def run(successes: list[int], n: int = 100) -> list[Episode]:
    return [
        episode(task=f"t{place}", seed=seed, ok=seed < good)
        for place, good in enumerate(successes)
        for seed in range(n)
    ]


def test_a_file_says_what_share_of_releases_it_stops_by_chance() -> None:
    frame = frame_of(run([80] * 5, 100))
    report = judge_run(gates(5), frame)
    one = gate_power(100, 0.8, 0.8, 0.95).fails
    assert report.false_alarms == pytest.approx(1 - (1 - one) ** 5)
    assert any(f"{report.false_alarms:.1%} of the releases" in line for line in gate_lines(report))
    assert judge_run(gates(5, together=True), frame).false_alarms == pytest.approx(0.05)
    assert judge_run(gates(1), frame).false_alarms is None


def test_together_a_gate_needs_more_to_fail_and_to_pass() -> None:
    # 73 of 100 fails alone (p = 0.0558 does not, 0.0342 does), 87 passes alone.
    alone = judge_run(gates(4), frame_of(run([72, 87, 80, 80])))
    together = judge_run(gates(4, together=True), frame_of(run([72, 87, 80, 80])))
    assert [one.verdict for one in alone.gates[:2]] == [GateVerdict.FAIL, GateVerdict.PASS]
    assert [one.verdict for one in together.gates] == [GateVerdict.UNDECIDED] * 4
    assert together.gates[0].confidence == pytest.approx(1 - 0.05 / 4)


def test_what_is_decided_leaves_its_share_to_the_others() -> None:
    sure = judge_run(gates(4, together=True), frame_of(run([100, 100, 100, 87])))
    assert [one.verdict for one in sure.gates] == [GateVerdict.PASS] * 4
    assert [one.confidence for one in sure.gates] == pytest.approx([1 - 0.05 / 4] * 3 + [0.95])
    failing = judge_run(gates(4, together=True), frame_of(run([0, 0, 0, 72])))
    assert [one.verdict for one in failing.gates] == [GateVerdict.FAIL] * 4


def test_together_even_one_false_alarm_is_rare() -> None:
    rng = np.random.default_rng(8)
    number, runs = 10, 60
    file = gates(number, together=True)
    stopped = 0
    for _ in range(runs):
        report = judge_run(file, frame_of(run(rng.binomial(60, 0.8, number).tolist(), 60)))
        stopped += any(one.verdict is GateVerdict.FAIL for one in report.gates)
    assert stopped / runs <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)


def test_followed_gates_share_the_error_evenly() -> None:
    plan = shuffled(
        [PlannedEpisode("maze", f"t{p}", "team", ("a", "b"), s, 0) for p in range(2) for s in range(60)], 0
    )
    report = judge_followed(gates(2, together=True), frame_of(run([60, 60], 60)), plan)
    assert [one.confidence for one in report.gates] == pytest.approx([0.975] * 2)
    assert report.ok
