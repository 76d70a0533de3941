"""What is said of a run that was stopped when decided."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from pytest_collab.cli import main
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunDirectory
from pytest_collab.measure.decision import GateVerdict
from pytest_collab.measure.gate import GateFile
from pytest_collab.measure.judging import PLAN_JSON, judge_directory, plan_json, summarise_run
from pytest_collab.measure.plan import PlannedEpisode
from pytest_collab.measure.reader import frame_of, read_frame
from pytest_collab.measure.sequential import first_crossing
from pytest_collab.measure.stopped import first_shares
from pytest_collab.measure.stopping import follow, judge_followed, shuffled
from tests.support.episodes import episode, write_run

GATES = GateFile.model_validate({"gates": [{"metric": "success_rate", "at_least": 0.6}]})
PLAN = [PlannedEpisode("maze", "t", "team", ("a", "b"), seed, 0) for seed in range(60)]


def stopped_run(true: float, number: int) -> tuple[list[Episode], list[PlannedEpisode]]:
    """A run that is played in the order of its plan until its gate is decided."""
    rng = random.Random(number)
    plan = shuffled(PLAN, number)
    values = [float(rng.random() < true) for _ in plan]
    crossing = first_crossing(values, 0.6, 0.95, kind="rate")
    played = plan[: crossing.n if crossing else len(plan)]
    return [episode(seed=one.seed, ok=bool(ok)) for one, ok in zip(played, values, strict=False)], plan


def test_the_corrected_figure_is_right_on_average_and_the_plain_one_is_not() -> None:
    true, runs = 0.75, 60
    plain, corrected = [], []
    for number in range(runs):
        episodes, plan = stopped_run(true, number)
        (result,) = judge_followed(GATES, frame_of(episodes), plan).gates
        assert result.value is not None
        plain.append(result.value)
        corrected.append(result.value if result.corrected is None else result.corrected)
    error = float(np.std(corrected)) / np.sqrt(runs)
    assert abs(np.mean(corrected) - true) < 3 * error
    assert np.mean(plain) - np.mean(corrected) > 0.01


def test_orders_that_would_have_been_stopped_earlier_do_not_count() -> None:
    # Eight successes decide it at once: of all orders only those go on that have the failure among the first.
    values = np.array([0.0, *[1.0] * 11])
    shares = first_shares(values, None, 0.6, 0.95, kind="rate", bounds=(0.0, 1.0))
    assert shares is not None
    assert shares.sum() == pytest.approx(1.0)
    assert shares[0] > 1 / 12
    assert first_shares(np.array([0.0, *[1.0] * 30]), None, 0.6, 0.95, kind="rate", bounds=(0.0, 1.0)) is None


def test_a_run_that_played_all_of_its_plan_is_not_corrected() -> None:
    frame = frame_of([episode(seed=one.seed, ok=one.seed % 2 == 0) for one in PLAN])
    (result,) = judge_followed(GATES, frame, PLAN).gates
    assert result.corrected is None


def test_the_summary_the_terminal_and_a_merged_run_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    episodes, plan = next(found for number in range(50) if 12 < len((found := stopped_run(0.8, number))[0]) < 50)
    path = write_run(tmp_path / "run", episodes)
    (path / "run.json").write_text("{}")
    RunDirectory.open(path).write(PLAN_JSON, plan_json(GATES, plan))
    summary = summarise_run(path, read_frame(path))
    assert summary.stopped is not None
    assert (summary.stopped.played, summary.stopped.planned) == (len(episodes), 60)
    (cell,) = summary.families[0].cells
    assert cell.corrected is not None
    assert cell.corrected < cell.rate
    assert main(["show", str(path)]) == 0
    told = capsys.readouterr().out
    assert f"stopped when decided, after {len(episodes)} of 60 episodes" in told
    assert f"maze team a+b {cell.corrected:.0%}" in told
    assert main(["merge", str(path), "--out", str(tmp_path / "merged")]) == 0
    assert "stopped when decided" in capsys.readouterr().out
    again = judge_directory(GATES, tmp_path / "merged", {})
    assert again.gates[0].sequential
    assert again.gates[0].verdict is GateVerdict.PASS
    assert "corrected for that" in again.gates[0].message


def test_the_plan_of_an_older_run_still_labels_it(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run", [episode(seed=one.seed) for one in PLAN[:9]])
    (path / PLAN_JSON).write_text(json.dumps({"schema_version": 1, "episodes": PLAN}))
    summary = summarise_run(path, read_frame(path))
    assert summary.stopped is not None
    assert summary.families[0].cells[0].corrected is None
    assert follow(GATES, read_frame(path), PLAN)[0].finished == 9
