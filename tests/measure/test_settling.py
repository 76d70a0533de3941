"""What is unsettled is no kind of failure, until a solo episode of the same run says which."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_collab.episode.condition import SETTLING
from pytest_collab.episode.outcome import Failure, Outcome
from pytest_collab.errors import UsageError
from pytest_collab.measure.attribution import agent_faults
from pytest_collab.measure.bulk import summarise, summarise_frame
from pytest_collab.measure.change import compare_runs
from pytest_collab.measure.decision import GateVerdict
from pytest_collab.measure.frame import OUTCOMES
from pytest_collab.measure.gate import Gate, GateFile
from pytest_collab.measure.gatereport import GateResult
from pytest_collab.measure.reader import frame_of
from pytest_collab.measure.settling import Missing, as_settled, missing_solos, settle
from pytest_collab.measure.stopping import follow, judge_followed, planned_of
from pytest_collab.measure.verdicts import judge_gate
from pytest_collab.report.terminal import run_lines
from tests.support.episodes import episode

FORTY = 40
FAILED = 15


def unsettled(seed: int, team: str = "a+b", **more: object):
    return episode("team", team, seed, outcome=Outcome.UNSETTLED, ok=False, settled=False, **more)  # type: ignore[arg-type]


def run(team: str = "a+a"):
    """40 episodes of which 15 failed, and nothing says how."""
    return [unsettled(seed, team) if seed < FAILED else episode("team", team, seed) for seed in range(FORTY)]


def solos(ok: bool, condition: str = "solo", seeds: int = FORTY):
    return [episode(condition, "a", seed, ok=ok, outcome=None if ok else Outcome.COMPETENCE) for seed in range(seeds)]


def judged(metric: str, episodes, *, baseline=None, **rule) -> GateResult:
    file = GateFile(gates=(Gate(metric=metric, **rule),))
    baselines = {} if baseline is None else {"baseline": frame_of(baseline)}
    return judge_gate(file, file.gates[0], frame_of(episodes), baselines)


def outcomes(episodes) -> list[str]:
    return [str(OUTCOMES[code]) for code in settle(frame_of(episodes)).outcomes.tolist()]


def test_a_failure_that_nothing_settles_is_neither_kind():
    assert outcomes([unsettled(0)]) == ["unsettled"]
    assert outcomes([unsettled(0), episode("solo", "a", 0)])[0] == "unsettled", "of b nothing is known"
    assert outcomes([unsettled(0), *(episode("solo", who, 1) for who in "ab")])[0] == "unsettled", "another seed"


@pytest.mark.parametrize("condition", ["solo", SETTLING])
def test_solo_of_every_member_settles_it_whichever_was_played_first(condition):
    def alone(b: bool):
        return [episode(condition, who, 0, ok=who == "a" or b) for who in "ab"]

    assert outcomes([unsettled(0), *alone(True)])[0] == "coordination_failure"
    assert outcomes([*alone(False), unsettled(0)])[-1] == "competence_failure"


def test_solo_that_was_not_played_because_of_a_failure_comes_first():
    played = [unsettled(0, "a+a"), episode("solo", "a", 0), episode(SETTLING, "a", 0, ok=False)]
    assert outcomes(played)[0] == "coordination_failure"


def test_runs_of_earlier_versions_are_read_alike():
    old = episode("team", "a+a", 0, outcome=Outcome.COORDINATION, ok=False, settled=False)
    assert outcomes([old]) == ["unsettled"]
    assert outcomes([old, episode("solo", "a", 0)])[0] == "coordination_failure"
    alone = episode("solo", "a", 0, outcome=Outcome.COORDINATION, ok=False, settled=False)
    assert outcomes([alone]) == ["competence_failure"], "alone there is nobody to coordinate with"


def test_the_summary_counts_what_is_unsettled_apart():
    summary = summarise([*run(), *solos(ok=False, seeds=5)])
    team = next(cell for cell in summary.families[0].cells if cell.condition == "team")
    assert team.outcomes == {"success": 25, "competence_failure": 5, "unsettled": 10}
    assert (summary.settled_by_solo, summary.unsettled) == (5, 10)
    assert (team.n, team.successes) == (FORTY, 25), "it is a failed episode all the same"


def test_what_was_played_to_settle_is_in_no_other_figure():
    episodes = [*run(), *solos(ok=False, condition=SETTLING, seeds=FAILED)]
    summary = summarise(episodes)
    assert summary.families[0].gaps == ()
    assert {cell.condition for cell in summary.families[0].cells} == {"team", SETTLING}
    worse = [*run(), *solos(ok=True, condition=SETTLING, seeds=FAILED)]
    changes = compare_runs(frame_of(worse), frame_of(episodes)).changes
    assert [change.condition for change in changes] == ["team"]


def test_a_gate_says_what_it_can_whatever_the_open_ones_are_settled_to():
    open_ = judged("coordination_failure_rate", run(), at_most=0.2)
    assert (open_.verdict, open_.value, open_.unsettled) == (GateVerdict.UNDECIDED, None, FAILED)
    assert (open_.least, open_.most) == (0.0, FAILED / FORTY)
    assert "15 of 40 episodes are unsettled" in open_.message
    assert "--collab-settle" in open_.message
    assert judged("coordination_failure_rate", run(), at_most=0.6).verdict is GateVerdict.PASS
    assert judged("competence_failure_rate", run(), at_least=0.6).verdict is GateVerdict.FAIL


@pytest.mark.parametrize("metric", ["coordination_failure_rate", "competence_failure_rate"])
@pytest.mark.parametrize("ok", [True, False])
def test_no_gate_turns_over_when_solo_is_played(metric, ok):
    """Undecided may become pass or fail; pass and fail never become each other."""
    for limit in (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6):
        before = judged(metric, run(), at_most=limit).verdict
        after = judged(metric, [*run(), *solos(ok=ok)], at_most=limit).verdict
        assert before in (GateVerdict.UNDECIDED, after)


def test_identical_teams_are_no_regression_where_only_one_run_has_solo():
    settled = [*run(), *solos(ok=False)]
    rule = {"not_worse_than": "baseline", "margin": 0.15}
    for here, there in ((run(), settled), (settled, run())):
        found = judged("coordination_failure_rate", here, baseline=there, **rule)
        decided = GateVerdict.UNDECIDED if here is not settled else GateVerdict.PASS
        assert found.verdict is decided, "what can only be better passes; what may be worse is open"
        assert (found.least, found.most) == ((0.0, 0.375) if here is not settled else (-0.375, 0.0))
    both = judged("coordination_failure_rate", settled, baseline=settled, **rule)
    assert (both.verdict, both.value, both.unsettled) == (GateVerdict.PASS, 0.0, 0)


def test_a_sequence_decides_no_sooner_than_the_open_ones_allow():
    file = GateFile(gates=(Gate(metric="coordination_failure_rate", at_most=0.2),))
    frame = frame_of(run())
    (found,) = follow(file, frame, planned_of(frame))
    assert not found.decided
    (result,) = judge_followed(file, frame, planned_of(frame)).gates
    assert (result.verdict, result.unsettled, result.sequential) == (GateVerdict.UNDECIDED, FAILED, True)
    wide = GateFile(gates=(Gate(metric="coordination_failure_rate", at_most=0.9),))
    assert follow(wide, frame, planned_of(frame))[0].decided


def test_a_comparison_of_such_rates_is_refused_while_failures_are_open():
    with pytest.raises(UsageError, match="a run has 15 unsettled failures"):
        compare_runs(frame_of(run()), frame_of(run()), "coordination_failure_rate")
    settled = frame_of([*run(), *solos(ok=True)])
    assert compare_runs(settled, settled, "coordination_failure_rate").changes
    assert compare_runs(frame_of(run()), frame_of(run())).changes


def test_the_codes_of_what_is_unsettled_count_nowhere_until_it_is_settled():
    failure = Failure.of("disagreement", "a", events=[1])
    shown = [unsettled(seed, "a+a", failures=[failure]) if seed < FAILED else one for seed, one in enumerate(run())]
    for metric in ("failure_rate.disagreement", "failure_rate.expectation"):
        open_ = judged(metric, shown, at_most=0.2)
        assert (open_.verdict, open_.least, open_.most) == (GateVerdict.UNDECIDED, 0.0, FAILED / FORTY)
        settled = judged(metric, [*shown, *solos(ok=True)], at_most=0.2)
        assert (settled.verdict, settled.value) == (GateVerdict.FAIL, FAILED / FORTY)
        with pytest.raises(UsageError, match="unsettled"):
            compare_runs(frame_of(shown), frame_of(shown), metric)
    assert judged("failure_rate.vague", shown, at_most=0.2).verdict is GateVerdict.PASS
    assert summarise(shown).families[0].codes == ()
    assert [one.codes for one in agent_faults(frame_of(shown))] == [()]
    after = [*shown, *solos(ok=True)]
    assert [(one.code, one.episodes) for one in summarise(after).families[0].codes] == [("disagreement", FAILED)]
    assert [one.codes for one in agent_faults(frame_of(after))] == [(("disagreement", FAILED),)]


def test_what_would_settle_is_named_once():
    episodes = [unsettled(0), unsettled(0, "b+a"), unsettled(1, "a+a"), episode("solo", "a", 0)]
    missed = missing_solos(frame_of(episodes))
    assert missed == [Missing("maze", "t", "h1", 0, "b"), Missing("maze", "t", "h1", 1, "a")]
    assert missing_solos(frame_of([episode("team", "a+b", 0, ok=False)])) == []


def test_episodes_are_shown_as_settled_and_their_records_stay():
    played = [unsettled(0, "a+a"), episode(SETTLING, "a", 0), unsettled(1, "a+a")]
    shown = as_settled(played)
    assert [one.outcome for one in shown] == [Outcome.COORDINATION, Outcome.SUCCESS, Outcome.UNSETTLED]
    assert not shown[0].settled
    assert played[0].outcome is Outcome.UNSETTLED


def told_of(episodes):
    """The summary of a run, and what the terminal says of it."""
    frame = frame_of(episodes)
    summary = summarise_frame(frame)
    return summary, "\n".join(run_lines(Path("run"), frame, summary))


def test_the_run_says_how_many_could_not_be_read():
    unread = [unsettled(seed, "a+a", metrics={"ungraded": 1.0}) for seed in range(3)]
    summary, told = told_of([*unread, *solos(ok=True)])
    assert (summary.unsettled, summary.unread) == (3, 3)
    assert "could not be read surely: 3 episodes; nobody is blamed" in told
    assert "--collab-settle" not in told, "it would settle nothing"
    assert "--collab-settle" in told_of([*unread, unsettled(9, "a+a")])[1]


def test_what_could_not_be_read_is_settled_by_nothing():
    unread = unsettled(0, metrics={"ungraded": 1.0})
    assert outcomes([unread, *(episode("solo", who, 0) for who in "ab")])[0] == "unsettled"
    assert missing_solos(frame_of([unread])) == []
    assert missing_solos(frame_of([unsettled(1)])) != []
