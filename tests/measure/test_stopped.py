"""What is said of a run that was stopped when decided."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pytest_collab.cli import main
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunDirectory
from pytest_collab.measure.change import compare_runs
from pytest_collab.measure.decision import GateVerdict
from pytest_collab.measure.frame import Frame, Plan
from pytest_collab.measure.gate import GateFile
from pytest_collab.measure.judging import judge_directory, plan_json, summarise_run
from pytest_collab.measure.plan import PlannedEpisode
from pytest_collab.measure.reader import PLAN_JSON, frame_of, read_frame
from pytest_collab.measure.sequential import first_crossing
from pytest_collab.measure.stopped import first_shares
from pytest_collab.measure.stopping import follow, judge_followed, shuffled
from pytest_collab.measure.verdicts import judge_run
from pytest_collab.report.github import job_summary
from pytest_collab.report.html import write_report
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
    true, runs = 0.75, 40
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
    page = write_report(RunDirectory.open(path)).read_text(encoding="utf-8")
    assert f"Stopped when decided, after {len(episodes)} of 60 episodes" in page
    assert "Stopped when decided" in job_summary(path, None, summary)
    assert main(["merge", str(path), "--out", str(tmp_path / "merged")]) == 0
    assert "stopped when decided" in capsys.readouterr().out
    again = judge_directory(GATES, tmp_path / "merged", {})
    assert again.gates[0].sequential
    assert again.gates[0].verdict is GateVerdict.PASS
    assert "corrected for that" in again.gates[0].message
    release = write_run(tmp_path / "release", [episode(seed=one.seed, ok=False) for one in PLAN])
    (release / "run.json").write_text("{}")
    file = tmp_path / "gates.yaml"
    file.write_text("gates: [{metric: success_rate, not_worse_than: baseline, margin: 0.1}]")
    assert main(["gate", str(release), "--gate", str(file), "--baseline", str(tmp_path / "merged")]) == 1
    told = capsys.readouterr().out
    assert "FAIL " in told
    assert f"baseline was stopped when decided, after {len(episodes)} of the 60 episodes" in told
    assert "corrected for that -" in told
    assert main(["compare", str(tmp_path / "merged"), str(release)]) == 1
    told = capsys.readouterr().out
    assert f"the earlier run was stopped when decided, after {len(episodes)} of 60 episodes" in told
    assert "corrected for stopping -" in told
    assert "all tasks together, corrected for that: -" in told
    page = write_report(RunDirectory.open(release), baseline=tmp_path / "merged").read_text(encoding="utf-8")
    assert "the earlier run was stopped when decided" in page


def test_the_plan_of_an_older_run_still_labels_it(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run", [episode(seed=one.seed) for one in PLAN[:9]])
    (path / PLAN_JSON).write_text(json.dumps({"schema_version": 1, "episodes": PLAN}))
    summary = summarise_run(path, read_frame(path))
    assert summary.stopped is not None
    assert summary.families[0].cells[0].corrected is None
    assert follow(GATES, read_frame(path), PLAN)[0].finished == 9


def lucky(number: int = 3, true: float = 0.75) -> Frame:
    """A run that was stopped when its gate passed."""
    found = (stopped_run(true, number + more) for more in range(99))
    episodes, plan = next((episodes, plan) for episodes, plan in found if 25 < len(episodes) < 50)
    return replace(frame_of(episodes), plan=Plan(tuple(plan), plan_json(GATES, plan)["gates"]))


def whole(successes: int) -> Frame:
    return frame_of([episode(seed=one.seed, ok=place < successes) for place, one in enumerate(shuffled(PLAN, 99))])


WORSE = {"metric": "success_rate", "not_worse_than": "baseline", "margin": 0.1}
BETTER = {"metric": "success_rate", "better_than": "baseline"}


def test_as_a_baseline_it_is_judged_by_its_sequence_and_says_so() -> None:
    stopped = lucky()
    file = GateFile.model_validate({"gates": [WORSE, BETTER]})
    for successes, verdicts in ((60, ["pass"] * 2), (46, ["undecided"] * 2), (5, ["fail"] * 2)):
        found = judge_run(file, whole(successes), {"baseline": stopped}).gates
        assert [one.verdict for one in found] == verdicts
    told = found[0]
    assert told.stopped == (
        f"baseline was stopped when decided, after {len(stopped)} of the 60 episodes asked for here",
    )
    assert told.matching is not None
    assert told.matching.complete  # what it was going to play is not missing from it
    assert told.corrected is not None
    assert told.value is not None
    assert f"corrected for that {100 * told.corrected:.1f} %" in told.message
    plain = judge_run(file, whole(5), {"baseline": replace(stopped, plan=None)}).gates[0]
    assert plain.corrected is None
    assert not plain.matching.complete  # type: ignore[union-attr]


def test_the_corrected_difference_is_that_of_the_corrected_figure() -> None:
    stopped = lucky()
    file = GateFile.model_validate({"gates": [WORSE]})
    (found,) = judge_run(file, whole(60), {"baseline": stopped}).gates
    (own,) = judge_followed(GATES, stopped, [PlannedEpisode(*one) for one in stopped.plan.episodes]).gates  # type: ignore[union-attr]
    assert own.corrected is not None
    assert found.corrected == pytest.approx(1.0 - own.corrected)
    (reverse,) = judge_run(file, stopped, {"baseline": whole(60)}).gates
    assert reverse.corrected == pytest.approx(own.corrected - 1.0)
    assert reverse.verdict is not GateVerdict.PASS
    comparison = compare_runs(stopped, whole(60))
    assert comparison.whole is not None
    assert comparison.whole.corrected == pytest.approx(1.0 - own.corrected)
    assert (comparison.conclusion, len(comparison.stopped)) == ("cannot tell", 1)
    assert "--collab-resume" in " ".join(comparison.reasons)


def test_what_has_no_range_is_not_judged_on_the_part_that_was_played() -> None:
    stopped = lucky()
    costs = GateFile.model_validate({"gates": [{"metric": "turns", "at_most": 100}, {**WORSE, "metric": "turns"}]})
    plan = [PlannedEpisode(*one) for one in stopped.plan.episodes]  # type: ignore[union-attr]
    alone, against = judge_followed(costs, stopped, plan, {"baseline": whole(40)}).gates
    for one in (alone, against):
        assert one.verdict is GateVerdict.UNDECIDED
        assert "no range to judge a part" in one.message
        assert one.stopped
    assert judge_run(costs, replace(stopped, plan=None), {"baseline": whole(40)}).gates[0].verdict is GateVerdict.PASS
