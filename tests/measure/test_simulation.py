"""`collab gate --simulate`: what to expect of a gates file before anything is played."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pytest_collab.cli import main
from pytest_collab.measure.gate import GateFile
from pytest_collab.measure.power import episodes_for_rate, gate_power
from pytest_collab.measure.reader import frame_of
from pytest_collab.measure.simulation import Design, chance, designs_of, outlooks, synthetic
from tests.support.episodes import episode, write_run

GATES = "gates:\n  - {name: good, metric: success_rate, at_least: 0.8}\n"


def gates(*given: dict[str, object]) -> GateFile:
    return GateFile.model_validate({"gates": list(given)})


def test_rates_of_one_episode_a_seed_are_exact() -> None:
    file = gates({"metric": "success_rate", "at_least": 0.7})
    (one,) = outlooks(file, [Design(50)], runs=1)
    assert one.chances == {away: gate_power(50, 0.7 + away, 0.7) for away in (-0.1, -0.05, 0.0, 0.05, 0.1)}
    needed, exact = one.seeds[0.1], episodes_for_rate(0.8, 0.7)
    assert needed is not None
    assert exact is not None
    assert needed == pytest.approx(exact, rel=0.15)


@pytest.mark.parametrize(
    ("gate", "kind"),
    [
        ({"metric": "success_rate", "at_least": 0.8}, "rate"),
        ({"metric": "score", "at_least": 0.8}, "score"),
        ({"metric": "collaboration_gap", "at_most": 0.1}, "difference"),
        ({"metric": "cost_usd", "at_most": 0.5}, "cost"),
    ],
)
def test_what_is_drawn_has_the_mean_it_is_said_to_have(gate: dict[str, object], kind: str) -> None:
    truth = {"rate": 0.8, "score": 0.8, "difference": 0.1, "cost": 0.5}[kind]
    found = synthetic(kind, truth, Design(4000, 3), np.random.default_rng(0))  # type: ignore[arg-type]
    assert float(np.mean(found.values)) == pytest.approx(truth, abs=0.03)
    assert found.groups == 4000
    at = chance(gates(gate).gates[0], 0.95, Design(10, 2), 0.0, 60, np.random.default_rng(1))
    assert at is not None
    assert at.passes <= 0.15


def test_a_truth_that_cannot_be_is_left_out() -> None:
    (one,) = outlooks(gates({"metric": "success_rate", "at_least": 0.95}), [Design(20)], runs=1)
    assert one.chances[0.1] is None
    assert 0.1 not in one.seeds


def test_a_run_says_what_is_played_for_each_gate() -> None:
    frame = frame_of([episode("team", team, seed) for seed in range(6) for team in ("a+b", "b+a", "a+a")])
    file = gates(
        {"metric": "success_rate", "at_least": 0.5},
        {"metric": "success_rate", "at_least": 0.5, "cluster": "episode", "where": {"team": "a+b"}},
    )
    assert designs_of(file, frame, 0.5) == [Design(6, 3, 0.5), Design(6, 1, 0.5)]


def test_the_command_prints_chances_and_seeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "gates.yaml"
    file.write_text(GATES)
    assert main(["gate", "--simulate", str(file), "--seeds", "30"]) == 0
    told = capsys.readouterr().out
    assert "good: 30 seeds" in told
    for where in ("10 points worse", "5 points worse", "at the threshold", "5 points better", "10 points better"):
        assert where in told
    run = write_run(tmp_path / "run", [episode(seed=seed, epoch=epoch) for seed in range(4) for epoch in range(2)])
    assert main(["gate", str(run), "--simulate", str(file), "--runs", "20"]) == 0
    assert "good: 4 seeds of 2 episodes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "told"),
    [(["--seeds", "0"], "--seeds=0"), (["--alike", "2"], "within 0..1"), (["--each", "-1"], "--each=-1")],
)
def test_options_that_mean_nothing_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], given: list[str], told: str
) -> None:
    file = tmp_path / "gates.yaml"
    file.write_text(GATES)
    assert main(["gate", "--simulate", str(file), *given]) == 2
    assert told in capsys.readouterr().err
