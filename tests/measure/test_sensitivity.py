"""Gates on the area under a critic's ROC curve."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.record import Episode
from pytest_collab.errors import UsageError
from pytest_collab.measure.decision import GateVerdict
from pytest_collab.measure.detection import area
from pytest_collab.measure.gate import Gate, GateFile
from pytest_collab.measure.gatereport import GateReport
from pytest_collab.measure.plan import PlannedEpisode
from pytest_collab.measure.reader import frame_of
from pytest_collab.measure.selection import Supposed, selected
from pytest_collab.measure.sensitivity import AreaEvidence, evidence_of
from pytest_collab.measure.simulation import Design, chance, synthetic_area
from pytest_collab.measure.stopping import follow
from pytest_collab.measure.verdicts import check_gate, judge_run


def episode(seed: int, suspicion: float, team: str = "claude", epoch: int = 0, **more: Any) -> Episode:
    wrong = float(seed % 2)
    metrics = {"wrong": wrong, "rejected": float(suspicion > 0.5), "suspicion": suspicion}
    known: dict[str, Any] = {
        "id": f"{seed:04d}{team}{epoch}",
        "family": "interception",
        "task": "t",
        "condition": "solo",
        "team": (team,),
        "seed": seed,
        "epoch": epoch,
        "outcome": Outcome.SUCCESS if metrics["rejected"] == wrong else Outcome.COMPETENCE,
        "score": 1.0,
        "metrics": metrics,
    }
    return Episode(**{**known, **more})


def run(count: int, blunders: int = 0, **more: Any) -> list[Episode]:
    """Pairs of seeds of a critic that is wrong about the first few."""
    return [
        episode(seed, float((seed % 2) != (seed < blunders)) * 0.8 + 0.1 * (seed % 3) / 3, **more)
        for seed in range(count)
    ]


def judged(episodes: list[Episode], **rule: Any) -> GateReport:
    file = GateFile(gates=(Gate(metric="auc", **rule),))
    return judge_run(file, frame_of(episodes))


def lost(one: Episode) -> Episode:
    return one.model_copy(update={"outcome": Outcome.INFRASTRUCTURE, "metrics": {}})


def test_a_gate_on_the_area_is_judged_by_the_area_and_its_interval() -> None:
    episodes = run(60, blunders=6)
    result = judged(episodes, at_least=0.7).gates[0]
    by_kind = {kind: [e.metrics["suspicion"] for e in episodes if e.seed % 2 == kind] for kind in (0, 1)}
    wanted = area(by_kind[1], by_kind[0], 0.9)
    assert (result.value, result.low, result.high) == (wanted.value, wanted.low, wanted.high)
    assert result.verdict is GateVerdict.PASS
    assert result.n == 60
    assert "auc 0.9 (95% bounds" in result.message
    assert judged(run(60, blunders=40), at_least=0.7).gates[0].verdict is GateVerdict.FAIL
    open_ = judged(run(30, blunders=6), at_least=0.75).gates[0]
    assert open_.verdict is GateVerdict.UNDECIDED
    assert open_.needed
    times = -(-(30 + open_.needed) // 30)
    enough = judged(run(30 * times, blunders=6 * times), at_least=0.75).gates[0]
    assert enough.verdict is GateVerdict.PASS


def test_so_few_seeds_that_no_critic_could_pass_are_refused_with_how_many_it_takes() -> None:
    file = GateFile(gates=(Gate(metric="auc", at_least=0.9, name="sharp"),))
    gate = file.gates[0]
    with pytest.raises(UsageError, match="sharp' can never pass with 10 seeds") as refusal:
        check_gate(file, gate, frame_of(run(10)), None)
    enough = int(str(refusal.value).split("Play ")[1].split()[0])
    check_gate(file, gate, frame_of(run(enough)), None)
    with pytest.raises(UsageError):
        check_gate(file, gate, frame_of(run(enough - 2)), None)
    assert judged(run(enough), at_least=0.9).gates[0].verdict is GateVerdict.PASS
    report = judged(run(10), at_least=0.9)
    assert report.verdict == "error"
    assert "Play" in report.problems[0].message


def test_an_upper_limit_is_refused_the_same_way() -> None:
    assert "is always wrong" in judged(run(4), at_most=0.2).problems[0].message


@pytest.mark.parametrize(
    ("episodes", "told"),
    [
        ([*run(20), *run(20, team="gpt")], "of one team"),
        (run(20, family="maze", condition="team"), "ask nobody whether something is there"),
        ([episode(2 * seed, 0.1) for seed in range(20)], "no episode with something to detect"),
    ],
)
def test_what_has_no_area_is_refused_with_the_reason(episodes: list[Episode], told: str) -> None:
    assert told in judged(episodes, at_least=0.6).problems[0].message


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"not_worse_than": "baseline", "margin": 0.1}, "held against a number"),
        ({"at_least": 0.6, "cluster": "task"}, "seeds as independent"),
        ({"at_least": 1.0}, "can never pass"),
        ({"at_least": 0.0}, "can never fail"),
    ],
)
def test_a_senseless_gate_on_the_area_is_refused_when_it_is_read(rule: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Gate(metric="auc", **rule)


def test_epochs_of_a_seed_are_averaged_and_no_more_evidence() -> None:
    once = judged(run(40, blunders=4), at_least=0.6).gates[0]
    twice = judged([*run(40, blunders=4), *run(40, blunders=4, epoch=1)], at_least=0.6).gates[0]
    assert (twice.n, twice.value, twice.low) == (once.n, once.value, once.low)


def test_lost_episodes_are_supposed_at_their_worst_and_best() -> None:
    episodes = run(60, blunders=6)
    episodes[10], episodes[11] = lost(episodes[10]), lost(episodes[11])
    gate = Gate(metric="auc", at_least=0.7)
    frame = frame_of(episodes)
    rows = selected(frame, gate)
    none, low, high = (
        evidence_of(frame, gate, rows, supposed).interval(0.9).value
        for supposed in (None, Supposed("low"), Supposed("high"))
    )
    assert low < none < high
    whole = evidence_of(frame_of(run(60, blunders=6)), gate, np.ones(60, dtype=bool)).interval(0.9).value
    assert low <= whole <= high
    assert evidence_of(frame, gate, rows, Supposed("low")).n == 60
    result = judged(episodes, at_least=0.7, lost="worst").gates[0]
    assert result.losses is not None
    assert result.losses.lowest is not None
    assert result.losses.lowest.value == low


def test_an_area_is_never_decided_early() -> None:
    file = GateFile(gates=(Gate(metric="auc", at_least=0.6),))
    plan = [PlannedEpisode("interception", "t", "solo", ("claude",), seed, 0) for seed in range(40)]
    assert all(not one.decided for one in follow(file, frame_of(run(40)), plan))


def test_simulated_areas_are_the_true_one_and_verdicts_are_seldom_wrong() -> None:
    rng = np.random.default_rng(3)
    values = [synthetic_area(0.8, Design(40, 1), rng).interval(0.9).value for _ in range(300)]
    assert np.mean(values) == pytest.approx(0.8, abs=0.02)
    found = chance(Gate(metric="auc", at_least=0.8), 0.95, Design(60, 1), 0.0, 400, rng)
    assert found is not None
    assert found.passes <= 0.08
    assert found.fails <= 0.08
    assert isinstance(synthetic_area(0.8, Design(2, 1), rng), AreaEvidence)
