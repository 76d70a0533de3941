from __future__ import annotations

from collections import Counter
from statistics import fmean

import numpy as np
import pytest

from pytest_collab.episode.outcome import Failure, Outcome
from pytest_collab.measure.bulk import summarise, summarise_frame
from pytest_collab.measure.gate import GateFile
from pytest_collab.measure.reader import frame_of, read_frame
from pytest_collab.measure.verdicts import judge_run
from tests.support.episodes import episode, write_run


def mixed(seed):
    rng = np.random.default_rng(seed)
    episodes = []
    for family, task in (("maze", "x"), ("market", "y"), ("maze", "z")):
        for place in range(4):
            for condition, team in (
                ("team", "a+b"),
                ("solo", "a"),
                ("solo", "b"),
                ("team", "b+a"),
                ("mute", "a+b"),
                ("with:partner", "a"),
                ("with:partner", "b"),
                ("relay:2", "a+b"),
            ):
                draw = rng.random()
                outcome = Outcome.INFRASTRUCTURE if draw > 0.93 else None
                failed = [Failure.of("vague", "a"), Failure.of("vague", "b")] if 0.6 < draw <= 0.93 else []
                episodes.append(
                    episode(
                        condition,
                        team,
                        place,
                        task=task,
                        family=family,
                        ok=draw < 0.6,
                        outcome=outcome,
                        failures=failed,
                        metrics={"progress": float(rng.random())} if task != "y" else {},
                        cost=None if family == "market" and place == 3 else 0.01,
                    )
                )
    return episodes


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_figures_of_every_cell_are_those_counted_by_hand(seed):
    episodes = mixed(seed)
    summary = summarise(episodes)
    assert summary.episodes == len(episodes)
    assert summary.cost_usd is None
    assert summary.known_cost_usd == pytest.approx(sum(u.cost_usd or 0 for e in episodes for u in e.usage.values()))
    for cell in summary.tasks:
        mine = [
            e
            for e in episodes
            if (e.family, e.task, e.condition, "+".join(e.team))
            == (cell.family, cell.task, cell.condition, cell.team)
        ]
        evidence = [e for e in mine if e.outcome is not Outcome.INFRASTRUCTURE]
        assert (cell.n, cell.infrastructure) == (len(evidence), len(mine) - len(evidence))
        assert cell.successes == sum(e.success for e in evidence)
        assert cell.outcomes == dict(Counter(str(e.outcome) for e in mine))
        assert cell.usage.calls == sum(u.calls for e in mine for u in e.usage.values())
        if evidence:
            assert cell.score == pytest.approx(fmean(e.score for e in evidence))
            measured = [e.metrics["progress"] for e in evidence if "progress" in e.metrics]
            assert cell.metrics == ({"progress": pytest.approx(fmean(measured))} if measured else {})
    for family in summary.families:
        whole = [cell for cell in summary.tasks if cell.family == family.family]
        assert sum(cell.n for cell in family.cells) == sum(cell.n for cell in whole)
        shown = sum(bool(e.failures) for e in episodes if e.family == family.family)
        assert [(code.code, code.episodes) for code in family.codes] == [("vague", shown)]


def test_a_gap_pairs_a_team_with_the_mean_of_its_members():
    episodes = [episode("solo", "a", 0), episode("solo", "b", 0, ok=False), episode("team", "a+b", 0, ok=False)]
    (gap,) = summarise(episodes).families[0].gaps
    assert (gap.name, gap.team, gap.value, gap.pairs, gap.low) == ("collaboration gap", "a+b", 0.5, 1, None)


def test_what_solo_settles_is_counted_as_settled():
    episodes = [episode("team", "a+b", seed, ok=False, settled=False) for seed in range(3)]
    episodes += [episode("solo", agent, 0) for agent in "ab"]
    episodes += [episode("solo", agent, 1, ok=agent == "a", outcome=None) for agent in "ab"]
    summary = summarise(episodes)
    assert (summary.settled_by_solo, summary.unsettled) == (2, 1)
    team = next(cell for cell in summary.families[0].cells if cell.condition == "team")
    assert team.outcomes == {"coordination_failure": 1, "competence_failure": 1, "unsettled": 1}


def test_a_run_on_disk_comes_to_the_same_as_its_episodes(tmp_path):
    episodes = mixed(0)
    assert summarise_frame(read_frame(write_run(tmp_path, episodes))) == summarise(episodes)


def test_an_empty_run_has_an_empty_summary():
    summary = summarise([])
    assert (summary.episodes, summary.families, summary.cost_usd) == (0, (), 0.0)


def test_intervals_of_the_summary_are_those_of_gates():
    # Four seeds that always succeed and one that never does, twenty times each: five observations, not a hundred.
    episodes = [episode(seed=seed, epoch=epoch, ok=seed > 0) for seed in range(5) for epoch in range(20)]
    (cell,) = summarise(episodes).families[0].cells
    gates = GateFile.model_validate({"gates": [{"metric": "success_rate", "at_least": 0.5}], "confidence": 0.975})
    (judged,) = judge_run(gates, frame_of(episodes)).gates
    assert (cell.low, cell.high) == pytest.approx((judged.low, judged.high))
    assert cell.low < 0.3
    assert cell.high > 0.99
