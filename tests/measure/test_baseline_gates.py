"""Gates against a baseline, and what keeps any gate from passing: only what was compared and played counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.run import RunInfo, TaskInfo
from pytest_collab.errors import UsageError
from pytest_collab.measure.decision import GateVerdict
from pytest_collab.measure.gate import GateFile
from pytest_collab.measure.judging import read_baselines
from pytest_collab.measure.reader import frame_of
from pytest_collab.measure.verdicts import judge_gate, judge_run
from pytest_collab.report.gates import verdict_line
from tests.support.episodes import episode, write_run

GATE = {"metric": "success_rate", "not_worse_than": "baseline", "margin": 0.1}
N = 80


def judged(gate, episodes, *, baseline=None, info=None, baseline_info=None, **file):
    """The result of a single gate given as a mapping."""
    gates = GateFile.model_validate({"gates": [gate], **file})
    frame = replace(frame_of(episodes), info=info or RunInfo())
    baselines = {}
    if baseline is not None:
        baselines["baseline"] = replace(frame_of(baseline), info=baseline_info or RunInfo())
    return judge_gate(gates, gates.gates[0], frame, baselines)


def play(n=N, successes=None, condition="team", team="a+a", first=0, **more):
    good = n if successes is None else successes
    return [episode(condition, team, first + seed, ok=seed < good, **more) for seed in range(n)]


# What only one of the two runs played.

BASELINE = play()


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (play() + [one for team in ("a+w", "w+a", "w+w") for one in play(team=team, successes=0)], "teams a+w (80)"),
        (play() + play(team="a+b", successes=0), "team a+b (80)"),
        (play() + play(task="brandnew", successes=0), "task maze/brandnew (80)"),
        (play(N // 2), "40 seeds of maze/t team a+a (40, 41, 42, 43 and 36 more)"),
        (play(N + 1), "1 seed of maze/t team a+a (80)"),
    ],
)
def test_what_one_run_played_alone_is_named_and_no_pass(run, words):
    found = judged(GATE, run, baseline=BASELINE)
    assert found.verdict is GateVerdict.UNDECIDED
    assert not found.ok
    assert words in found.message
    assert judged({**GATE, "unmatched": "fail"}, run, baseline=BASELINE).verdict is GateVerdict.FAIL
    assert judged(GATE, run, baseline=BASELINE, unmatched="fail").verdict is GateVerdict.FAIL


def test_a_run_that_no_longer_plays_the_hard_task_does_not_pass():
    found = judged(GATE, play(task="easy"), baseline=play(task="easy") + play(task="hard", successes=30))
    assert (found.verdict, found.matching.only_before.tasks) == (GateVerdict.UNDECIDED, {"maze/hard": N})
    assert "not compared: 80 of baseline alone: task maze/hard (80)" in found.message
    narrow = {**GATE, "where": {"task": "easy"}}
    assert judged(narrow, play(task="easy"), baseline=play(task="easy") + play(task="hard")).verdict == "pass"


def test_new_teams_are_not_averaged_over_to_hide_the_old_ones_loss():
    new = [one for team in ("a+x", "x+a", "x+x") for one in play(team=team)]
    found = judged(GATE, play(successes=50) + new, baseline=BASELINE)
    assert found.verdict is GateVerdict.FAIL
    assert found.value == pytest.approx(-30 / N)
    unchanged = judged(
        GATE, play() + [one for team in ("a+w", "w+a") for one in play(team=team, successes=0)], baseline=BASELINE
    )
    assert unchanged.value == 0.0


def test_an_agent_under_a_new_name_is_paired_when_the_file_says_so():
    old = play(team="a+a") + play(team="a+b")
    new = play(team="c+c") + play(team="c+b")
    unsaid = judged(GATE, new, baseline=old)
    assert unsaid.verdict is GateVerdict.UNDECIDED
    assert "say whose place it takes" in unsaid.message
    said = judged(GATE, new, baseline=old, **{"as": {"c": "a"}})
    assert (said.verdict, said.n) == (GateVerdict.PASS, 2 * N)
    assert "note: c stands in for a" in said.message
    picked = judged({**GATE, "where": {"team": "c+c"}}, new, baseline=old, **{"as": {"c": "a"}})
    assert (picked.verdict, picked.n) == (GateVerdict.PASS, N)
    with pytest.raises(UsageError, match="the later run has no agent 'd'"):
        judged(GATE, new, baseline=old, **{"as": {"d": "a"}})


def test_the_only_agents_of_both_runs_are_paired_and_it_is_said():
    found = judged(GATE, play(team="new+new"), baseline=play(team="old+old"))
    assert (found.verdict, found.paired) == (GateVerdict.PASS, True)
    assert "new stands in for old (assumed" in found.message


def test_other_seeds_are_compared_unpaired_only_when_the_gate_says_so():
    other = play(300, first=1000)
    found = judged(GATE, play(300), baseline=other)
    assert (found.verdict, found.paired) == (GateVerdict.UNDECIDED, False)
    assert "not paired: the runs have no unit in common" in found.message
    meant = judged({**GATE, "seeds": "other"}, play(300), baseline=other)
    assert (meant.verdict, meant.paired) == (GateVerdict.PASS, False)
    assert "not paired: the runs are of other seeds" in meant.message


@pytest.mark.parametrize("score", [1.0, 0.9])
def test_two_scores_of_other_seeds_decide_nothing(score):
    gate = {"metric": "score", "not_worse_than": "baseline", "margin": 0.05, "seeds": "other"}
    found = judged(gate, play(2, first=100, score=score), baseline=play(2, score=1.0))
    assert found.verdict is GateVerdict.UNDECIDED
    assert found.high - found.low > 0.5


def test_groups_of_another_mix_of_tasks_are_not_held_against_each_other():
    before = play(90, 81, task="easy") + play(10, 1, task="hard")
    after = play(10, 10, task="easy", first=500) + play(90, 20, task="hard", first=500)
    found = judged({**GATE, "seeds": "other"}, after, baseline=before)
    assert found.verdict is GateVerdict.UNDECIDED
    assert "not of the same mix of tasks" in found.message


def test_a_baseline_at_the_floor_shows_nothing():
    found = judged(GATE, play(successes=0), baseline=play(successes=0))
    assert found.verdict is GateVerdict.UNDECIDED
    assert "no run could be worse by 0.1" in found.message


# What was lost.


def lost(n, first, **more):
    return [
        episode(seed=first + seed, outcome=Outcome.INFRASTRUCTURE, score=0, team="a+a", **more) for seed in range(n)
    ]


RATE = {"metric": "success_rate", "at_least": 0.6}


def test_too_many_lost_of_a_gates_own_episodes_make_it_void():
    rest = [one for condition in ("shared", "mute") for one in play(100, condition=condition)]
    rest += play(100, condition="solo", team="a")
    found = judged(RATE, play(85) + lost(15, 85) + rest)
    assert (found.verdict, found.void, found.ok) == (GateVerdict.UNDECIDED, True, False)
    assert "15 of its 100 episodes were lost to the infrastructure (15.0%), above the declared 5.0%" in found.message
    waved = judged(RATE, play(85) + lost(15, 85) + rest, undecided="pass")
    assert not waved.ok
    file = GateFile.model_validate({"gates": [RATE]})
    assert judge_run(file, frame_of(play(85) + lost(15, 85) + rest)).verdict == "fail"


def test_a_task_that_lost_nearly_all_it_had_makes_the_gate_void():
    found = judged(RATE, play(100) + play(1, task="hard") + lost(4, 1, task="hard"))
    assert (found.void, found.losses.cells) == (True, ("maze hard team (4 of 5)",))
    assert not judged(RATE, play(100) + play(4, task="hard") + lost(1, 4, task="hard")).void


def test_a_verdict_holds_whatever_the_lost_would_have_been():
    gate = {"metric": "success_rate", "at_least": 0.8}
    found = judged(gate, play(100, 88) + lost(5, 100))
    alone = judged(gate, play(100, 88) + lost(5, 100), lost="at_random")
    assert alone.verdict is GateVerdict.PASS
    assert (found.verdict, found.n) == (GateVerdict.UNDECIDED, 100)
    assert found.losses.lowest.value == pytest.approx(88 / 105)
    assert found.losses.highest.value == pytest.approx(93 / 105)
    assert "--collab-resume" in found.message
    sure = judged(gate, play(100) + lost(2, 100))
    assert sure.verdict is GateVerdict.PASS
    assert "2 of its 102 episodes were lost" in sure.message


def test_lost_pairs_are_counted_at_their_worst_too():
    found = judged(GATE, play(100) + lost(4, 100), baseline=play(104))
    assert found.matching.complete
    assert found.losses.lowest.value == pytest.approx(-4 / 104)
    talk = {"metric": "value_of_talk", "at_least": 0.3}
    muted = play(104, 0, condition="mute")
    gap = judged(talk, play(100) + lost(4, 100) + muted)
    assert (gap.value, gap.losses.lowest.value) == (1.0, pytest.approx(100 / 104))


# What could not be read.


def unread(n, first, **more):
    marks = {"outcome": Outcome.UNSETTLED, "settled": False, "metrics": {"ungraded": 1.0}}
    return [episode(seed=first + seed, score=0.4, team="a+a", **marks, **more) for seed in range(n)]


def test_what_nobody_could_read_is_lost_to_a_gate_and_not_at_random():
    gate = {"metric": "success_rate", "at_least": 0.8}
    found = judged(gate, play(100, 88) + unread(5, 100))
    assert (found.verdict, found.n, found.losses.ungraded) == (GateVerdict.UNDECIDED, 100, 5)
    assert found.losses.lowest.value == pytest.approx(88 / 105)
    assert found.losses.highest.value == pytest.approx(93 / 105)
    assert "5 of its 105 episodes could not be read surely (4.8%)" in found.message
    assert "let another reader read them (--collab-grader)" in found.message
    for random in ({"lost": "at_random"}, {"infrastructure": {"at_most": 0.3}}):
        assert judged(gate, play(100, 88) + unread(5, 100), **random).verdict is GateVerdict.UNDECIDED
        assert judged(gate, play(100, 88) + lost(5, 100), **random).verdict is GateVerdict.PASS


@pytest.mark.parametrize(
    "metric", ["success_rate", "score", "coordination_failure_rate", "failure_rate.disagreement", "value_of_talk"]
)
def test_more_unread_than_declared_make_a_gate_void(metric):
    rule = {"at_least": 0.5} if metric in ("success_rate", "score", "value_of_talk") else {"at_most": 0.3}
    mute = play(100, 0, condition="mute") + play(300, condition="solo", team="a")
    found = judged({"metric": metric, **rule}, play(86) + unread(14, 86) + mute)
    assert (found.void, found.ok, found.losses.ungraded) == (True, False, 14)
    assert judged({"metric": metric, **rule}, play(86) + unread(14, 86) + mute, infrastructure={"at_most": 0.2}).n


def test_what_an_unread_episode_cost_is_known():
    found = judged({"metric": "turns", "at_most": 9, "range": [0, 50]}, play(300) + unread(100, 300))
    assert (found.verdict, found.n, found.losses.lost) == (GateVerdict.PASS, 400, 0)
    share = judged(
        {"metric": "metrics.ungraded", "at_most": 0.5, "range": [0, 1], "absent": 0}, unread(9, 0) + play(9, first=9)
    )
    assert (share.n, share.losses.lost) == (18, 0)


def test_too_much_unread_voids_the_run():
    file = GateFile.model_validate({"gates": [{"metric": "turns", "at_most": 9}]})
    report = judge_run(file, frame_of(play(90) + unread(8, 90) + lost(2, 98)))
    assert (report.verdict, report.infrastructure.ungraded, report.infrastructure.errors) == ("void", 8, 2)
    assert verdict_line(report).startswith(
        "gates: VOID. 10 of 100 episodes (10.0%) were lost (2 to infrastructure, 8 could not be read surely), above"
    )
    alone = judge_run(file, frame_of(play(90) + unread(10, 90)))
    assert "10 of 100 episodes (10.0%) could not be read surely, above" in verdict_line(alone)
    assert judge_run(file, frame_of(play(96) + unread(2, 96) + lost(2, 98))).verdict != "void"


def test_unread_pairs_are_counted_at_their_worst_on_both_sides():
    found = judged(GATE, play(100) + unread(4, 100), baseline=play(104))
    assert found.losses.lowest.value == pytest.approx(-4 / 104)
    assert (found.matching.complete, found.matching.lost_after) == (True, 4)
    other = judged(GATE, play(104), baseline=play(100) + unread(4, 100))
    assert (other.n, other.matching.lost_before) == (100, 4)


# What has no value.


def test_a_metric_that_successes_alone_have_is_not_gated_without_a_word_on_the_others():
    base = [episode(seed=seed, metrics={"optimality": 0.8 + 0.1 * (seed % 2)}) for seed in range(40)]
    run = [episode(seed=seed, metrics={"optimality": 0.97}) for seed in range(3)]
    run += [episode(seed=seed, ok=False) for seed in range(3, 40)]
    gate = {"metric": "metrics.optimality", "better": "higher", "not_worse_than": "baseline", "margin": 0.05}
    with pytest.raises(UsageError, match=r"37 of 80 episodes have no metrics\.optimality.*absent: 0"):
        judged(gate, run, baseline=base)
    assert judged({**gate, "absent": 0}, run, baseline=base).value < -0.7
    plain = {"metric": "metrics.optimality", "at_least": 0.5}
    half = base[:20] + [episode(seed=seed, ok=False) for seed in range(20, 40)]
    with pytest.raises(UsageError, match="20 of 40 episodes have no"):
        judged(plain, half)
    assert judged({**plain, "absent": 0}, half).value == pytest.approx(0.425)
    left = judged({**plain, "absent": "left_out"}, half)
    assert (left.n, left.value) == (20, pytest.approx(0.85))
    assert "left out: 20 episodes without metrics.optimality" in left.message


@pytest.mark.parametrize("metric", ["cost_usd", "tokens"])
def test_what_nobody_counted_did_not_cost_nothing(metric):
    free = [
        one.model_copy(
            update={
                "usage": {
                    seat: usage.model_copy(update={"input_tokens": 0, "output_tokens": 0, "cost_usd": 0.0})
                    for seat, usage in one.usage.items()
                }
            }
        )
        for one in play(60)
    ]
    found = judged({"metric": metric, "at_most": 0.5}, free)
    assert found.verdict is GateVerdict.UNDECIDED
    assert "no tokens were counted" in found.message


# What else is not the same.

INFO = {
    "versions": {"pytest-collab": "0.1.0", "python": "3.11.1"},
    "agents": [{"name": "a", "model": "m1"}],
    "tasks": [TaskInfo(name="t", family="maze", hash="h1", version=1)],
    "options": {"grader": "rules"},
    "sandbox": "docker",
}


def test_a_report_says_what_differs_from_the_baseline_and_a_gate_can_ask_that_nothing_does():
    before = RunInfo(**INFO)
    after = RunInfo(
        **{
            **INFO,
            "versions": {"pytest-collab": "0.2.0", "python": "3.12.0"},
            "agents": [{"name": "a", "model": "m2"}],
        }
    )
    file = GateFile.model_validate({"gates": [GATE]})
    report = judge_run(
        file, replace(frame_of(play()), info=after), {"baseline": replace(frame_of(play()), info=before)}
    )
    assert report.verdict == "pass"
    assert report.circumstances["baseline"] == (
        "pytest-collab version 0.1.0 -> 0.2.0",
        "python version 3.11 -> 3.12",
        "agent a: model m1 -> m2",
    )
    with pytest.raises(UsageError, match="agent a: model m1 -> m2"):
        judged({**GATE, "same": "model"}, play(), baseline=play(), info=after, baseline_info=before)
    with pytest.raises(UsageError, match="pytest-collab version"):
        judged(GATE, play(), baseline=play(), info=after, baseline_info=before, same=["plugin", "sandbox"])
    with pytest.raises(UsageError, match="model is not recorded in baseline"):
        judged({**GATE, "same": "model"}, play(), baseline=play(), info=after)
    same = {"same": ["task", "family", "sandbox", "grader"]}
    assert judged({**GATE, **same}, play(), baseline=play(), info=after, baseline_info=before).ok


def test_a_task_of_unknown_content_is_not_the_same_where_that_is_asked():
    known = RunInfo(**INFO)
    unknown = RunInfo(**{**INFO, "tasks": [TaskInfo(name="t", family="maze", hash="", version=1)]})
    nameless = play(task_hash="")
    assert judged(GATE, nameless, baseline=play(), info=unknown, baseline_info=known).ok
    for now, before in ((unknown, known), (known, unknown), (RunInfo(), known)):
        with pytest.raises(UsageError, match="task"):
            judged({**GATE, "same": "task"}, nameless, baseline=play(), info=now, baseline_info=before)


def test_a_run_of_mixed_contents_is_read_by_none_of_them():
    mixed = play(40, task_hash="h1") + play(40, first=40, task_hash="h2")
    for known in ("h1", "h2"):
        with pytest.raises(UsageError, match="t changed since"):
            judged(GATE, mixed, baseline=play(task_hash=known))


def test_a_run_is_no_baseline_of_itself(tmp_path):
    run = write_run(tmp_path / "run", play())
    file = GateFile.model_validate({"gates": [GATE]})
    with pytest.raises(UsageError, match="the run itself"):
        read_baselines(file, tmp_path / "x" / ".." / "run", tmp_path, run)
