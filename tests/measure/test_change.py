from __future__ import annotations

import numpy as np
import pytest

from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import UsageError
from pytest_collab.measure.change import compare_runs
from pytest_collab.measure.comparison import RunComparison
from pytest_collab.measure.reader import frame_of
from pytest_collab.measure.series import follow_series
from tests.support.episodes import episode


def play(n, successes, task="t", **more):
    return [episode("team", "a+b", seed, ok=seed < successes, task=task, **more) for seed in range(n)]


def test_regressions_come_first_and_are_beyond_noise():
    before = frame_of(play(40, 30, "fell") + play(40, 10, "rose") + play(40, 20, "still") + play(40, 20, "shaky"))
    after = frame_of(play(40, 8, "fell") + play(40, 35, "rose") + play(40, 20, "still") + play(40, 22, "shaky"))
    found = compare_runs(before, after)
    assert [(change.task, change.status) for change in found.changes] == [
        ("fell", "worse"),
        ("rose", "better"),
        ("shaky", "unclear"),
        ("still", "same"),
    ]
    (fell,) = found.regressions
    assert (fell.before, fell.after, fell.difference, fell.pairs) == (0.75, 0.2, pytest.approx(-0.55), 40)
    assert fell.low < fell.difference < fell.high < 0
    assert fell.p_adjusted >= fell.p_value
    assert RunComparison.model_validate_json(found.model_dump_json()) == found


def test_the_whole_is_tested_beside_its_cells_and_a_lone_cell_once():
    tasks = [f"t{number}" for number in range(10)]
    before = frame_of([one for task in tasks for one in play(5, 5, task)])
    after = frame_of([one for task in tasks for one in play(5, 3, task)])
    found = compare_runs(before, after)
    assert not found.regressions
    assert (found.whole.status, found.whole.pairs, found.conclusion) == ("worse", 50, "worse")
    lone = compare_runs(frame_of(play(7, 7)), frame_of(play(7, 1)))
    assert lone.whole.p_adjusted == lone.changes[0].p_adjusted == lone.changes[0].p_value
    assert (lone.seeds_needed, lone.conclusion) == (6, "worse")


@pytest.mark.parametrize(("cells", "seeds"), [(1, 6), (4, 8), (10, 9), (40, 11), (120, 13)])
def test_the_seeds_that_a_task_needs_are_those_that_make_it_worse(cells, seeds):
    def runs(n):
        return (
            frame_of([episode(seed=seed, task=f"t{cell}", ok=ok) for cell in range(cells) for seed in range(n)])
            for ok in (True, False)
        )

    enough = compare_runs(*runs(seeds))
    assert (enough.seeds_needed, len(enough.regressions)) == (seeds, cells)
    # A lone cell is its own whole; the whole of several is shown beside them.
    short = compare_runs(*runs(seeds - 1))
    assert (len(short.regressions), short.conclusion) == (0, "worse" if cells > 1 else "cannot tell")


def test_a_loss_has_to_be_ruled_out_in_every_family_too():
    def runs(lost):
        return frame_of(
            play(200, 200, "big") + [episode(seed=s, family="market", task="m", ok=s >= lost) for s in range(12)]
        )

    found = compare_runs(runs(0), runs(2))
    assert [(one.family, one.rules_out) for one in found.pooled] == [(None, True), ("maze", True), ("market", False)]
    assert found.conclusion == "cannot tell"
    (reason,) = found.reasons
    assert reason.startswith("market: a loss of 0.1 is not ruled out (-0.167, bound -0.")


def test_units_lost_to_the_infrastructure_are_counted_and_not_called_gone():
    lost = [episode(seed=seed, outcome=Outcome.INFRASTRUCTURE, score=0) for seed in range(60, 70)]
    found = compare_runs(frame_of(play(70, 70)), frame_of(play(60, 60) + lost))
    assert (found.matching.complete, found.matching.lost_after, found.matching.pairs) == (True, 10, 60)
    assert "10 of 70 episodes of the later run were lost" in found.reasons[0]


def test_many_tasks_without_a_change_raise_no_false_alarm():
    rng = np.random.default_rng(6)
    alarms = 0
    for _ in range(20):
        runs = [
            frame_of(
                [
                    episode(seed=seed, task=f"t{task}", ok=bool(rng.random() < 0.6))
                    for task in range(10)
                    for seed in range(15)
                ]
            )
            for _ in range(2)
        ]
        alarms += bool(compare_runs(*runs).regressions)
    assert alarms <= 3


def test_less_is_better_where_the_metric_says_so():
    cheap = frame_of([episode(seed=seed, cost=0.01 + 0.001 * (seed % 3)) for seed in range(20)])
    dear = frame_of([episode(seed=seed, cost=0.03 + 0.001 * (seed % 3)) for seed in range(20)])
    assert compare_runs(cheap, dear, "cost_usd").changes[0].status == "worse"
    assert compare_runs(dear, cheap, "cost_usd").changes[0].status == "better"
    slow = [frame_of([episode(seed=s, metrics={"steps": base + s % 3}) for s in range(20)]) for base in (5.0, 9.0)]
    assert compare_runs(*slow, "metrics.steps", lower_is_better=True).changes[0].status == "worse"
    assert compare_runs(*slow, "metrics.steps").changes[0].status == "better"


def test_what_only_one_run_has_is_listed_and_not_tested():
    found = compare_runs(frame_of(play(5, 5, "old")), frame_of(play(5, 5, "new")))
    assert [(change.task, change.status, change.p_value) for change in found.changes] == [
        ("old", "gone", None),
        ("new", "new", None),
    ]


def test_runs_whose_tasks_changed_are_not_compared():
    old, new = (
        frame_of(play(5, 5, "x") + play(5, 5, "y")),
        frame_of(play(5, 5, "x", task_hash="h2") + play(5, 5, "y")),
    )
    with pytest.raises(UsageError, match="x changed between them"):
        compare_runs(old, new)
    with pytest.raises(UsageError, match="is a gap"):
        compare_runs(old, old, "value_of_talk")


def test_the_best_checkpoint_is_named_and_a_worse_last_one_is_warned_of():
    runs = {
        "step1": frame_of(play(60, 10, "five") + play(60, 30, "ten")),
        "step2": frame_of(play(60, 50, "five") + play(60, 40, "ten")),
        "step3": frame_of(play(60, 20, "five") + play(60, 42, "ten")),
    }
    found = {one.task: one for one in follow_series(runs).series}
    assert found["five"].best == "step2"
    assert "step3 is not the best on five" in found["five"].warning
    assert found["five"].ahead_of_last == pytest.approx(0.5)
    assert (found["ten"].best, found["ten"].warning) == ("step3", None)
    assert [round(point.value, 6) for point in found[None].points] == [
        round(40 / 120, 6),
        round(90 / 120, 6),
        round(62 / 120, 6),
    ]
    best = found["five"].points[1]
    assert found["five"].best_low < best.low < best.high < found["five"].best_high


def test_what_could_not_be_read_is_lost_to_a_series_and_no_failure_of_it():
    unread = {"outcome": Outcome.UNSETTLED, "settled": False, "metrics": {"ungraded": 1.0}}
    late = [episode(seed=seed, **(unread if seed < 10 else {})) for seed in range(20)]
    report = follow_series({"1": frame_of(play(20, 20)), "2": frame_of(late)})
    for series in report.series:
        assert [(point.value, point.n) for point in series.points] == [(1.0, 20), (1.0, 10)]
        assert series.warning is None


def test_a_series_is_judged_beside_all_the_others():
    lone = {"one": frame_of(play(20, 16)), "two": frame_of(play(20, 8))}
    assert follow_series(lone).series[1].warning is not None
    rest = [one for task in range(10) for one in play(20, 10, f"same{task}")]
    among = {name: frame_of(play(20, n) + rest) for name, n in (("one", 16), ("two", 8))}
    fell = next(one for one in follow_series(among).series if one.task == "t")
    assert (fell.warning, fell.p_adjusted) == (None, pytest.approx(12 * 2.0**-7))


def test_a_family_of_one_task_is_not_tested_twice():
    found = follow_series({"one": frame_of(play(20, 16)), "two": frame_of(play(20, 8))}).series
    assert [one.task for one in found] == [None, "t"]
    assert found[0].p_adjusted == found[1].p_adjusted == pytest.approx(2.0**-7)


def test_a_lead_within_noise_is_no_warning():
    runs = {"one": frame_of(play(20, 12)), "two": frame_of(play(20, 11))}
    found = follow_series(runs).series[0]
    assert (found.best, found.warning) == ("one", None)
    assert found.p_adjusted == 1.0
    with pytest.raises(UsageError, match="at least two runs"):
        follow_series({"one": runs["one"]})
