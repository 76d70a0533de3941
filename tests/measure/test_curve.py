from __future__ import annotations

import math

import numpy as np
import pytest

from pytest_collab.errors import UsageError
from pytest_collab.measure.curve import area, bucket_of, difficulty, difficulty_curve, retention
from pytest_collab.measure.interval import wilson


def test_difficulty_is_one_minus_the_mean_over_agents():
    found = difficulty({"easy": {"a": 1.0, "b": 0.8}, "hard": {"a": 0.0, "b": 0.0}})
    assert found == pytest.approx({"easy": 0.1, "hard": 1.0})
    with pytest.raises(UsageError, match="needs the solo condition"):
        difficulty({"unplayed": {}})


def test_a_difficulty_on_an_edge_falls_into_the_bucket_above():
    edges = np.array([1 - k / 10 for k in range(10, -1, -1)])
    assert bucket_of(edges).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9]


def test_the_curve_has_a_wilson_interval_in_each_bucket_that_has_data():
    curve = difficulty_curve([0.05, 0.01, 0.95, 1.0, 0.95], [1, 0, 0, 0, 1])
    assert [point.middle for point in curve] == pytest.approx([0.05, 0.95])
    assert curve[0].success == wilson(1, 2)
    assert curve[1].success == wilson(1, 3)


def test_the_area_is_the_trapezoid_over_populated_buckets():
    curve = difficulty_curve([0.05, 0.45, 0.95], [1, 1, 0])
    assert area(curve) == pytest.approx(np.trapezoid([1, 1, 0], [0.05, 0.45, 0.95]))
    assert math.isnan(area(curve[:1]))


def test_retention_of_a_team_that_always_halves_success_is_a_half():
    tasks = [f"t{i}" for i in range(60)]
    solo = {task: 1 - i / 59 for i, task in enumerate(tasks)}
    hard = {task: 1 - rate for task, rate in solo.items()}
    found = retention(hard, solo, {task: rate / 2 for task, rate in solo.items()})
    assert found.retention.value == pytest.approx(0.5)
    assert (found.retention.low, found.retention.high) == pytest.approx((0.5, 0.5))
    curve = difficulty_curve(list(hard.values()), list(solo.values()))
    assert found.solo == pytest.approx(area(curve))
    assert found.team == pytest.approx(found.solo / 2)


def test_only_tasks_with_both_conditions_count():
    hard = {"a": 0.1, "b": 0.5, "c": 0.9, "d": 0.7}
    found = retention(hard, {"a": 1, "b": 0.5, "c": 0.1}, {"a": 1, "b": 0.5, "c": 0.1, "d": 0.0})
    assert found.tasks == 3
    assert found.retention.value == pytest.approx(1.0)
    with pytest.raises(UsageError, match="no task has both"):
        retention(hard, {"a": 1.0}, {"b": 1.0})


def test_nothing_kept_of_nothing_is_no_figure():
    assert math.isnan(retention({"a": 1.0, "b": 0.5}, {"a": 0.0, "b": 0.0}, {"a": 0.0, "b": 0.0}).retention.value)


def test_the_bootstrap_covers_the_retention_and_repeats_itself():
    rng = np.random.default_rng(12)
    tasks = list(range(120))
    chance = np.linspace(0.95, 0.05, 120)
    hard = dict(zip(tasks, 1 - chance, strict=True))
    inside = []
    for _ in range(60):
        solo = dict(zip(tasks, rng.binomial(4, chance) / 4, strict=True))
        team = dict(zip(tasks, rng.binomial(4, 0.6 * chance) / 4, strict=True))
        found = retention(hard, solo, team, resamples=200).retention
        inside.append(found.low <= 0.6 <= found.high)
    assert np.mean(inside) >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 60) - 0.01
    assert retention(hard, solo, team, resamples=200).retention == found


def test_tasks_of_one_pool_move_together_in_the_bootstrap():
    tasks = list(range(40))
    hard = {task: task / 39 for task in tasks}
    solo = {task: 1.0 - task / 39 for task in tasks}
    team = {task: solo[task] * (1.0 if task % 4 < 2 else 0.2) for task in tasks}
    pools = {task: task % 4 for task in tasks}
    alone = retention(hard, solo, team).retention
    pooled = retention(hard, solo, team, clusters=pools).retention
    assert pooled.value == alone.value
    assert pooled.clusters == 4
    assert pooled.high - pooled.low > alone.high - alone.low
