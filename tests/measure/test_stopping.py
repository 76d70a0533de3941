from __future__ import annotations

import random

import numpy as np
import pytest

from pytest_collab.episode.outcome import Outcome
from pytest_collab.measure.decision import GateVerdict
from pytest_collab.measure.gate import GateFile
from pytest_collab.measure.plan import PlannedEpisode, cluster_of, concerns
from pytest_collab.measure.reader import frame_of
from pytest_collab.measure.stopping import (
    follow,
    judge_followed,
    play_order,
    savings,
    shuffled,
    still_needed,
)
from pytest_collab.measure.verdicts import judge_run
from tests.support.episodes import episode


def gates(*given, **file):
    return GateFile.model_validate({"gates": list(given), **file})


def planned(condition="team", team="a+b", seed=0, task="t", family="maze", epoch=0):
    return PlannedEpisode(family, task, condition, tuple(team.split("+")), seed, epoch)


def played(plan, ok):
    return [
        episode(
            one.condition,
            "+".join(one.team),
            one.seed,
            ok=bool(ok(one)),
            task=one.task,
            family=one.family,
            epoch=one.epoch,
        )
        for one in plan
    ]


AT_LEAST = {"metric": "success_rate", "at_least": 0.8}


def test_the_plan_is_shuffled_with_clusters_kept_together():
    plan = [planned(seed=seed, team=team) for team in ("a+b", "b+a") for seed in range(50)]
    order = shuffled(plan, 7)
    assert sorted(order) == sorted(plan)
    assert order == shuffled(plan, 7)
    assert order != shuffled(plan, 8)
    assert [one.seed for one in order[::2]] == [one.seed for one in order[1::2]]
    assert [one.seed for one in order[::2]] != sorted(one.seed for one in order[::2])


def test_a_gate_is_decided_as_soon_as_its_evidence_suffices():
    plan = shuffled([planned(seed=seed) for seed in range(100)], 0)
    file = gates(AT_LEAST)
    (early,) = follow(file, frame_of(played(plan[:10], lambda one: True)), plan)
    assert (early.decided, early.clusters, early.finished) == (False, 100, 10)
    assert early.decision.needed > 0
    (late,) = follow(file, frame_of(played(plan[:40], lambda one: True)), plan)
    assert late.decided
    assert late.decision.verdict is GateVerdict.PASS
    assert still_needed([late], plan[40:]) == []


def test_episodes_that_finish_out_of_order_wait_for_those_before_them():
    plan = [planned(seed=seed) for seed in range(60)]
    # Failures are quick: all of them are in before a single success is.
    fails = played([one for one in plan if one.seed % 4 == 3], lambda one: False)
    (found,) = follow(gates(AT_LEAST), frame_of(fails), plan)
    assert found.finished == 0
    (found,) = follow(gates(AT_LEAST), frame_of(played(plan[:3], lambda one: True) + fails), plan)
    assert found.finished == 4


def test_an_infrastructure_error_is_finished_but_no_evidence():
    plan = [planned(seed=seed) for seed in range(10)]
    broken = episode("team", "a+b", 0, outcome=Outcome.INFRASTRUCTURE, score=0)
    (found,) = follow(gates(AT_LEAST), frame_of([broken, *played(plan[1:4], lambda one: True)]), plan)
    assert found.finished == 3


def test_a_sequence_stops_only_where_the_lost_could_not_turn_it():
    plan = [planned(seed=seed) for seed in range(60)]
    unread = [
        episode(seed=seed, outcome=Outcome.UNSETTLED, settled=False, metrics={"ungraded": 1.0}) for seed in (0, 1)
    ]
    broken = [episode(seed=seed, outcome=Outcome.INFRASTRUCTURE, score=0) for seed in (0, 1)]
    enough = next(n for n in range(60) if follow(gates(AT_LEAST), all_succeed(plan[2:n]), plan[2:])[0].decided)
    for lost in (unread, broken):
        early, late = (follow(gates(AT_LEAST), all_succeed(plan[2:n], lost), plan)[0] for n in (enough, 59))
        assert (early.decided, late.decided, late.finished) == (False, True, 57)
    at_random = gates(AT_LEAST, lost="at_random")
    assert follow(at_random, all_succeed(plan[2:enough], broken), plan)[0].decided
    assert not follow(at_random, all_succeed(plan[2:enough], unread), plan)[0].decided


def all_succeed(plan, others=()):
    return frame_of([*others, *played(plan, lambda one: True)])


def test_a_cluster_counts_once_all_of_it_is_there():
    plan = [planned(seed=seed, epoch=epoch) for seed in range(5) for epoch in range(2)]
    (found,) = follow(gates(AT_LEAST), frame_of(played(plan[:5], lambda one: one.epoch == 0)), plan)
    assert (found.clusters, found.finished) == (5, 2)
    assert found.decision.estimate.value == 0.5


def test_a_gap_is_followed_over_its_pairs():
    plan = shuffled(
        [
            planned(condition, team, seed)
            for seed in range(120)
            for condition, team in (("solo", "a"), ("solo", "b"), ("team", "a+b"))
        ],
        1,
    )
    file = gates({"metric": "collaboration_gap", "at_most": 0.3})
    results = played(plan[:180], lambda one: one.condition == "solo" or one.seed % 5 == 0)
    (found,) = follow(file, frame_of(results), plan)
    assert (found.finished, found.decision.verdict) == (60, GateVerdict.FAIL)


def test_what_has_no_bounds_or_a_baseline_is_never_decided_early():
    plan = [planned(seed=seed) for seed in range(200)]
    file = gates(
        {"metric": "cost_usd", "at_most": 5},
        {"metric": "success_rate", "not_worse_than": "baseline", "margin": 0.1},
    )
    for one in follow(file, frame_of(played(plan, lambda one: True)), plan):
        assert one.decision is None
        assert not one.decided


def test_evidence_for_undecided_gates_comes_first_and_the_rest_is_skipped():
    file = gates(
        {"metric": "success_rate", "at_least": 0.8, "where": {"task": "x"}},
        {"metric": "success_rate", "at_least": 0.8},
        {"metric": "success_rate", "at_least": 0.8, "where": {"condition": "mute"}},
    )
    plan = [planned(task=task, seed=seed) for seed in range(3) for task in "yx"] + [planned("solo", "a")]
    following = follow(file, frame_of([]), plan)
    order = still_needed(following, plan)
    assert [one.task for one in order] == ["x", "x", "x", "y", "y", "y"]
    assert [one.seed for one in order] == [0, 1, 2, 0, 1, 2]


def test_a_run_that_was_stopped_is_judged_by_the_sequence_and_says_what_it_saved():
    plan = shuffled([planned(seed=seed) for seed in range(100)], 3)
    file = gates(AT_LEAST, {"metric": "cost_usd", "at_most": 5})
    frame = frame_of(played(plan[:40], lambda one: True))
    found = judge_followed(file, frame, plan)
    assert judge_followed(gates(AT_LEAST), frame, plan).ok
    assert [result.sequential for result in found.gates] == [True, False]
    assert [result.verdict for result in found.gates] == ["pass", "undecided"]  # no cost is known by a lucky part
    assert found.gates[0].n == 40
    saved = savings(frame, plan)
    assert (saved.episodes, saved.planned) == (60, 100)
    assert saved.cost_usd == pytest.approx(60 * 0.02)
    assert savings(frame, [*plan, planned("solo", "a")]).cost_usd is None


@pytest.mark.parametrize(
    ("gate", "episode_", "expected"),
    [
        (AT_LEAST, planned("mute"), False),
        ({**AT_LEAST, "where": {"agent": "b"}}, planned(team="a+b"), True),
        ({**AT_LEAST, "where": {"agent": "c"}}, planned(team="a+b"), False),
        ({**AT_LEAST, "where": {"team": "b+a"}}, planned(team="a+b"), False),
        ({**AT_LEAST, "where": {"family": "market"}}, planned(), False),
        ({"metric": "infrastructure_rate", "at_most": 0.1}, planned("mute"), True),
        ({"metric": "value_of_talk", "at_least": 0.1}, planned("mute"), True),
        ({"metric": "value_of_talk", "at_least": 0.1}, planned("solo", "a"), False),
        ({"metric": "collaboration_gap", "at_most": 0.1, "where": {"team": "a+b"}}, planned("solo", "a"), True),
        ({"metric": "collaboration_gap", "at_most": 0.1, "where": {"team": "a+b"}}, planned("solo", "c"), False),
    ],
)
def test_a_gate_is_concerned_with_the_episodes_it_selects(gate, episode_, expected):
    assert concerns(gates(gate).gates[0], episode_) is expected


def test_clusters_of_planned_episodes_are_what_the_file_says():
    one = planned(seed=3, epoch=1)
    assert cluster_of(one, "task_seed") == ("maze", "t", 3)
    assert cluster_of(one, "task") == ("maze", "t")
    assert cluster_of(one, "episode") == tuple(one)


@pytest.mark.slow
def test_stopping_early_errs_no_more_often_than_the_gate_says():
    # A team exactly at the threshold, with tasks of different difficulty, followed to the end of the plan:
    # each verdict is an error of one kind or the other.
    rng = random.Random(5)
    wrong = 0
    runs = 100
    file = gates({"metric": "success_rate", "at_least": 0.7})
    for run in range(runs):
        plan = shuffled([planned(task=f"t{seed % 10}", seed=seed // 10) for seed in range(100)], run)
        chance = {f"t{k}": 0.7 + 0.25 * (k - 4.5) / 4.5 for k in range(10)}
        frame = frame_of(played(plan, lambda one, chance=chance: rng.random() < chance[one.task]))
        (found,) = follow(file, frame, plan)
        wrong += found.decided
    assert wrong / runs <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / runs)


def test_a_brief_look_comes_to_the_same_verdicts_and_what_is_decided_stays_so():
    plan = [planned(seed=seed) for seed in range(60)]
    file = gates(AT_LEAST, {"metric": "score", "at_most": 0.5})
    frame = frame_of(played(plan[:50], lambda one: one.seed % 10))
    full = follow(file, frame, plan)
    brief = follow(file, frame, plan, brief=True)
    assert [one.decision.verdict for one in brief] == [one.decision.verdict for one in full]
    assert brief[1].decided
    later = follow(file, frame_of(played(plan, lambda one: False)), plan, brief, brief=True)
    assert later[1] is brief[1]


EASY_AND_HARD = [planned(task=task, seed=seed) for task in ("easy", "hard") for seed in range(60)]
BY_TASK = {"metric": "score", "at_least": 0.3, "cluster": "task"}


def test_gates_of_different_clusters_leave_one_another_alone():
    alone, both = gates(AT_LEAST), gates(AT_LEAST, BY_TASK)
    passed = [0, 0]
    for run in range(40):
        rng = random.Random(run)
        lucky = {one: rng.random() < {"easy": 1.0, "hard": 0.4}[one.task] for one in EASY_AND_HARD}
        for place, file in enumerate((alone, both)):
            plan = play_order(file, EASY_AND_HARD, run)
            found = follow(file, frame_of(played(plan, lucky.get)), plan, brief=True)[0]
            passed[place] += found.decision.verdict is GateVerdict.PASS
    assert passed == [0, 0]


def test_seeds_of_a_plan_that_keeps_tasks_together_are_judged_by_the_task():
    frame = frame_of(played(EASY_AND_HARD, lambda one: one.task == "easy"))
    (found,) = follow(gates(AT_LEAST), frame, EASY_AND_HARD)
    assert (found.cluster, found.clusters, found.decided) == ("task", 2, False)


def test_whole_tasks_wait_until_all_their_seeds_are_there_whatever_the_order():
    plan = play_order(gates(AT_LEAST, BY_TASK), EASY_AND_HARD, 1)
    file = gates(BY_TASK)
    (found,) = follow(file, frame_of(played(plan[:110], lambda one: True)), plan)
    assert (found.clusters, found.finished) == (2, 0)
    (found,) = follow(file, frame_of(played(plan, lambda one: True)), plan)
    assert (found.finished, found.decision.estimate.n) == (2, 120)


def test_a_followed_figure_is_that_of_all_episodes_and_counts_them():
    # 40 seeds of one team that mostly succeeds, 20 seeds of four that mostly fail.
    plan = [planned(seed=seed) for seed in range(40)]
    plan += [planned(seed=seed, task="u", team=team) for seed in range(20) for team in ("a+b", "b+a", "a+a", "b+b")]
    plan = shuffled(plan, 0)
    frame = frame_of(
        played(plan, lambda one: one.seed % 10 if one.task == "t" else one.team[0] == "a" == one.team[1])
    )
    file = gates({"metric": "success_rate", "at_least": 0.5})
    fixed, followed = judge_run(file, frame).gates[0], judge_followed(file, frame, plan).gates[0]
    assert (fixed.value, fixed.n, fixed.clusters) == (pytest.approx(56 / 120), 120, 60)
    assert (followed.value, followed.n, followed.clusters) == (pytest.approx(56 / 120), 120, 60)
    assert followed.verdict is not GateVerdict.PASS
    assert "120 episodes of 60 seeds" in followed.message
    assert "more seeds would settle it" in followed.message
