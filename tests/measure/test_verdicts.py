from __future__ import annotations

import json

import pytest

from pytest_collab.episode.outcome import Failure, Outcome
from pytest_collab.errors import UsageError
from pytest_collab.measure.baseline import baselines_named
from pytest_collab.measure.decision import GateVerdict
from pytest_collab.measure.gate import Gate, GateFile
from pytest_collab.measure.gatereport import GateReport
from pytest_collab.measure.reader import frame_of
from pytest_collab.measure.verdicts import judge_gate, judge_run
from tests.support.episodes import episode


def judged(gate, episodes, *, baseline=None, **file):
    """The result of a single gate given as a mapping."""
    gates = GateFile.model_validate({"gates": [gate], **file})
    baselines = {"baseline": frame_of(baseline)} if baseline is not None else {}
    return judge_gate(gates, gates.gates[0], frame_of(episodes), baselines)


def play(n, successes, condition="team", team="a+b", **more):
    return [episode(condition, team, seed, ok=seed < successes, **more) for seed in range(n)]


def test_a_gate_on_success_passes_fails_or_is_undecided():
    gate = {"metric": "success_rate", "at_least": 0.8}
    assert judged(gate, play(100, 95)).verdict is GateVerdict.PASS
    assert judged(gate, play(100, 60)).verdict is GateVerdict.FAIL
    open_ = judged(gate, play(20, 18))
    assert (open_.verdict, open_.ok, open_.n) == (GateVerdict.UNDECIDED, False, 20)
    assert f"about {open_.needed} more seeds would settle it" in open_.message


def test_undecided_gates_do_what_the_file_says():
    gate = {"metric": "success_rate", "at_least": 0.8}
    assert not judged(gate, play(10, 9)).ok
    assert judged(gate, play(10, 9), undecided="warn").ok
    assert not judged({**gate, "undecided": "fail"}, play(10, 9), undecided="pass").ok


def test_infrastructure_errors_are_no_evidence():
    broken = [episode("team", "a+b", seed, outcome=Outcome.INFRASTRUCTURE, score=0) for seed in range(100, 105)]
    found = judged({"metric": "success_rate", "at_least": 0.8}, play(100, 95) + broken)
    assert (found.n, found.value) == (100, 0.95)
    rate = judged({"metric": "infrastructure_rate", "at_most": 0.2}, play(100, 95) + broken)
    assert (rate.n, rate.value) == (105, pytest.approx(5 / 105))


def test_a_run_with_too_much_broken_is_void():
    broken = [episode("team", "a+b", seed, outcome=Outcome.INFRASTRUCTURE, score=0) for seed in range(100, 110)]
    gates = GateFile.model_validate({"gates": [{"metric": "success_rate", "at_least": 0.5}]})
    found = judge_run(gates, frame_of(play(100, 100) + broken))
    assert (found.verdict, found.ok) == ("void", False)
    assert found.infrastructure.errors == 10
    assert found.gates[0].verdict is GateVerdict.PASS


def test_a_gate_without_a_condition_reads_the_real_thing():
    episodes = play(60, 60) + play(60, 0, condition="mute")
    assert judged({"metric": "success_rate", "at_least": 0.8}, episodes).n == 60
    muted = {"metric": "success_rate", "at_least": 0.8, "where": {"condition": "mute"}}
    assert judged(muted, episodes).verdict is GateVerdict.FAIL


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ({"task": "six_by_sex"}, "Did you mean 'six_by_six'"),
        ({"agent": "gtp"}, "Did you mean 'gpt'"),
        ({"team": "claude+claude"}, "It has claude+gpt, gpt"),
        ({"condition": "mute"}, "the run has no condition 'mute'"),
        ({"family": "maze", "task": "other"}, "never together"),
    ],
)
def test_a_selection_that_matches_nothing_is_an_error(where, words):
    episodes = [
        episode("team", "claude+gpt", 1, task="six_by_six"),
        episode("solo", "gpt", 1, task="six_by_six"),
        episode("team", "claude+gpt", 1, task="other", family="market"),
    ]
    with pytest.raises(UsageError, match="matches no episode") as caught:
        judged({"metric": "success_rate", "at_least": 0.5, "where": where}, episodes)
    assert words in str(caught.value)


def test_failure_codes_causes_and_family_metrics_can_be_gated():
    episodes = [
        episode(
            seed=seed,
            ok=seed >= 3,
            failures=[Failure.of("deadlock", "a", "b")] if seed < 3 else [],
            metrics={"meals": 10.0 + seed % 2},
        )
        for seed in range(60)
    ]
    assert judged({"metric": "failure_rate.deadlock", "at_most": 0.2}, episodes).value == pytest.approx(0.05)
    assert judged({"metric": "failure_rate.expectation", "at_most": 0.2}, episodes).verdict is GateVerdict.PASS
    assert judged({"metric": "coordination_failure_rate", "at_most": 0.2}, episodes).verdict is GateVerdict.PASS
    meals = {"metric": "metrics.meals", "at_least": 10.2}
    assert judged(meals, episodes).verdict is GateVerdict.UNDECIDED  # sixty may have missed a few without any meal
    assert judged({**meals, "range": [5, 20]}, episodes).verdict is GateVerdict.PASS
    with pytest.raises(UsageError, match=r"within 5\.\.10, and an episode came to 11"):
        judged({"metric": "metrics.meals", "at_least": 6, "range": [5, 10]}, episodes)
    with pytest.raises(UsageError, match=r"Did you mean 'metrics\.meals'"):
        judged({"metric": "metrics.meal", "at_least": 10}, episodes)


def test_cost_is_gated_in_dollars_and_refused_where_it_is_unknown():
    gate = {"metric": "cost_usd", "at_most": 0.05}
    episodes = [episode(seed=seed, cost=0.01 + 0.001 * (seed % 3)) for seed in range(30)]
    found = judged(gate, episodes)
    assert found.verdict is GateVerdict.PASS
    assert "$0.02" in found.message
    with pytest.raises(UsageError, match="cost of 1 episode is not known"):
        judged(gate, [*episodes, episode(seed=99, cost=None)])
    assert judged({"metric": "tokens", "at_most": 300}, episodes).verdict is GateVerdict.PASS


def test_a_gap_is_paired_and_needs_both_conditions():
    episodes = play(50, 20) + play(50, 20, condition="mute") + play(50, 50, "solo", "a") + play(50, 50, "solo", "b")
    found = judged({"metric": "collaboration_gap", "at_most": 0.2}, episodes)
    assert (found.verdict, found.value, found.n) == (GateVerdict.FAIL, pytest.approx(0.6), 50)
    assert judged({"metric": "value_of_talk", "at_least": -0.2}, episodes).verdict is GateVerdict.PASS
    with pytest.raises(UsageError, match="both conditions of partner_loss"):
        judged({"metric": "partner_loss", "at_most": 0.2}, episodes)


GATE = {"metric": "success_rate", "not_worse_than": "baseline", "margin": 0.1}


def test_a_baseline_is_paired_by_task_condition_team_and_seed():
    found = judged(GATE, play(60, 40), baseline=play(60, 40))
    assert (found.verdict, found.paired, found.n) == (GateVerdict.PASS, True, 60)
    worse = judged(GATE, play(60, 15), baseline=play(60, 40))
    assert (worse.verdict, worse.value) == (GateVerdict.FAIL, pytest.approx(-25 / 60))
    assert "minus that of baseline" in worse.message


def test_a_baseline_of_other_agents_is_paired_by_task_and_seed():
    found = judged(GATE, play(60, 40, team="new+new"), baseline=play(60, 40, team="old+old"))
    assert (found.verdict, found.paired) == (GateVerdict.PASS, True)


def test_a_baseline_of_other_seeds_is_compared_unpaired():
    old = [episode("team", "a+b", 1000 + seed, ok=seed < 40) for seed in range(60)]
    found = judged(GATE, play(60, 40), baseline=old)
    assert (found.verdict, found.paired, found.n) == (GateVerdict.UNDECIDED, False, 120)
    assert found.needed > 0


def test_better_than_needs_more_than_being_equal():
    gate = {"metric": "score", "better_than": "baseline"}
    old = [episode(seed=seed, score=0.5 + 0.01 * (seed % 7)) for seed in range(40)]
    new = [episode(seed=seed, score=0.6 + 0.01 * (seed % 5)) for seed in range(40)]
    assert judged(gate, new, baseline=old).verdict is GateVerdict.PASS
    assert judged(gate, old, baseline=new).verdict is GateVerdict.FAIL
    assert judged(gate, old, baseline=old).verdict is not GateVerdict.PASS
    cheaper = {"metric": "cost_usd", "better_than": "baseline"}
    dear = [episode(seed=seed, cost=0.02 + 0.001 * (seed % 3)) for seed in range(40)]
    assert judged(cheaper, new, baseline=dear).verdict is GateVerdict.PASS


def test_a_gap_can_be_held_against_a_baseline():
    gate = {"metric": "value_of_talk", "not_worse_than": "baseline", "margin": 0.2}
    run = play(40, 30) + play(40, 10, condition="mute")
    assert judged(gate, run, baseline=run).verdict is GateVerdict.PASS
    assert judged(gate, play(40, 10) + play(40, 10, condition="mute"), baseline=run).verdict is GateVerdict.FAIL


def test_a_baseline_that_is_missing_or_of_other_tasks_is_refused():
    with pytest.raises(UsageError, match="--collab-baseline=DIR"):
        judged(GATE, play(10, 5))
    with pytest.raises(UsageError, match="t changed since"):
        judged(GATE, play(10, 5), baseline=play(10, 5, task_hash="h2"))
    with pytest.raises(UsageError, match="in 'baseline': gate"):
        judged({**GATE, "where": {"task": "t"}}, play(10, 5), baseline=play(10, 5, task="u"))


def test_the_baselines_that_gates_name_are_listed_once():
    gates = GateFile(
        gates=(
            Gate(name="1", **GATE),
            Gate(name="2", **GATE),
            Gate(metric="score", better_than="runs/x"),
            Gate(metric="score", at_least=0.1),
        )
    )
    assert baselines_named(gates) == ("baseline", "runs/x")


def test_the_cluster_that_a_gate_names_is_used():
    episodes = [
        episode("team", team, seed, ok=seed < 18) for seed in range(20) for team in ("a+b", "b+a", "a+a", "b+b")
    ]
    gate = {"metric": "success_rate", "at_least": 0.8}
    each, together = judged({**gate, "cluster": "episode"}, episodes), judged(gate, episodes)
    assert (each.clusters, each.verdict) == (80, GateVerdict.PASS)
    assert (together.clusters, together.verdict) == (20, GateVerdict.UNDECIDED)
    assert judged({**gate, "cluster": "task"}, episodes).clusters == 1


def test_gates_json_is_plain_json_and_reads_back():
    gates = GateFile.model_validate(
        {"gates": [{"metric": "duration_s", "at_most": 9}, {"metric": "success_rate", "at_least": 0.5}]}
    )
    found = judge_run(gates, frame_of([episode(seed=1)]))
    text = found.model_dump_json()
    assert "Infinity" not in text
    assert "NaN" not in text
    assert json.loads(text)["gates"][0]["high"] is None
    assert GateReport.model_validate_json(text) == found


def test_no_evidence_is_undecided_and_says_so():
    found = judged(
        {"metric": "success_rate", "at_least": 0.5},
        [episode(seed=1, outcome=Outcome.INFRASTRUCTURE, score=0)],
        infrastructure={"at_most": 0.99},
    )
    assert (found.verdict, found.value, found.needed) == (GateVerdict.UNDECIDED, None, None)
    assert "play some" in found.message


def test_a_gate_that_cannot_be_judged_is_a_problem_and_hides_no_other():
    gates = GateFile.model_validate(
        {
            "gates": [
                {"metric": "score", "at_least": 0.5, "where": {"task": "u"}},
                {"metric": "score", "at_least": 0.1},
            ]
        }
    )
    found = judge_run(gates, frame_of(play(40, 40)))
    assert (found.verdict, found.ok) == ("error", False)
    assert [result.verdict for result in found.gates] == [GateVerdict.PASS]
    assert "has no task 'u'" in found.problems[0].message


def test_a_code_is_counted_over_the_families_that_can_give_it():
    stuck = [
        episode(seed=seed, family="philosophers", task="p", ok=seed >= 4, failures=deadlock if seed < 4 else [])
        for deadlock in [[Failure.of("deadlock", "a", "b")]]
        for seed in range(20)
    ]
    gate = {"metric": "failure_rate.deadlock", "at_most": 0.05}
    found = judged(gate, play(200, 200) + stuck)
    assert (found.value, found.n) == (pytest.approx(0.2), 20)
    assert found.verdict is not GateVerdict.PASS
    with pytest.raises(UsageError, match=r"no episode of maze can have failure_rate\.deadlock"):
        judged(gate, play(200, 200))
    assert judged({"metric": "failure_rate.expectation", "at_most": 0.05}, play(200, 200) + stuck).n == 220
    unknown = [episode(seed=seed, family="somebody_elses") for seed in range(60)]
    assert judged(gate, unknown).n == 60


def test_a_metric_that_a_family_does_not_have_is_told():
    episodes = play(40, 40, metrics={"optimality": 0.9}) + play(40, 40, family="commons", task="c")
    with pytest.raises(UsageError, match=r"no episode of commons can have metrics\.optimality; maze can"):
        judged({"metric": "metrics.optimality", "at_least": 0.5, "where": {"family": "commons"}}, episodes)
    assert judged({"metric": "metrics.optimality", "at_least": 0.5}, episodes).n == 40


def test_seeds_count_and_not_how_often_each_was_played():
    file = GateFile.model_validate({"gates": [{"metric": "success_rate", "at_least": 0.8}]})
    found = [
        judge_run(file, frame_of([episode(seed=seed, epoch=epoch) for seed in range(5) for epoch in range(epochs)]))
        for epochs in (10, 27, 200)
    ]
    results = [report.gates[0] for report in found]
    assert [result.verdict for result in results] == ["undecided"] * 3
    assert [result.low for result in results] == pytest.approx([0.05 ** (1 / 5)] * 3)
    assert {result.needed for result in results} == {9}  # 14 seeds: 0.05 ** (1 / 14) is the first above 0.8
    assert "about 9 more seeds would settle it (to add and look again, as often as you like: " in results[0].message
