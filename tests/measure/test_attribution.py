from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_collab.episode.outcome import Failure, Outcome
from pytest_collab.episode.record import SeatUsage
from pytest_collab.measure.attribution import (
    agent_faults,
    agent_matrix,
    decompose,
    decompose_by_partner,
    seat_faults,
    shares,
    weaker_partners,
)
from pytest_collab.measure.frame import OUTCOMES
from pytest_collab.measure.reader import frame_of
from pytest_collab.measure.settling import settle
from tests.support.episodes import episode


def planted(rng, seeds=80, solo=0.9, shared=0.7, team=0.4):
    """Episodes whose success falls from solo over shared to team, seed by seed."""
    episodes = []
    for seed in range(seeds):
        draw = rng.random()
        episodes += [
            episode("solo", "a", seed, ok=draw < solo),
            episode("solo", "b", seed, ok=draw < solo),
            episode("shared", "a+b", seed, ok=draw < shared),
            episode("team", "a+b", seed, ok=draw < team),
        ]
    return episodes


def test_the_parts_add_up_to_the_failure_rate():
    found = decompose(frame_of(planted(np.random.default_rng(1))))
    assert [part.cause for part in found.parts] == ["competence", "cooperation", "communication"]
    assert sum(part.rate.value for part in found.parts) == pytest.approx(found.failure_rate.value)
    assert sum(part.share.value for part in found.parts) == pytest.approx(1.0)


@pytest.mark.slow
def test_planted_causes_come_back_within_their_intervals():
    rng = np.random.default_rng(2)
    truth = {"competence": 0.1, "cooperation": 0.2, "communication": 0.3}
    inside = {cause: [0, 0] for cause in truth}
    for _ in range(150):
        found = decompose(frame_of(planted(rng, seeds=60)))
        for part in found.parts:
            inside[part.cause][0] += part.rate.low <= truth[part.cause] <= part.rate.high
            inside[part.cause][1] += part.share.low <= truth[part.cause] / 0.6 <= part.share.high
    for covered in inside.values():
        assert min(covered) / 150 >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 150)


@pytest.mark.slow
@pytest.mark.parametrize("rates", [(0.9, 0.7, 0.4), (0.9, 0.9, 0.4), (0.95, 0.9, 0.85), (1.0, 1.0, 0.5)])
def test_shares_of_noisy_failures_keep_their_promise(rates):
    """Every condition with chances of its own, so that seeds come out better when it is harder."""
    rng = np.random.default_rng(4)
    truth = [(easier - harder) / (1.0 - rates[-1]) for easier, harder in pairwise((1.0, *rates))]
    played = 0
    covered = np.zeros(3)
    for _ in range(400):
        levels = [np.ones(30), *(rng.random((30, 3)) < np.array(rates)).astype(float).T]
        if levels[-1].min() < 1.0:
            played += 1
            covered += [s.low - 1e-9 <= true <= s.high + 1e-9 for s, true in zip(shares(levels), truth, strict=True)]
    assert covered.min() / played >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / played)


def test_a_silent_agent_is_found_out_next_to_a_flawless_partner():
    rng = np.random.default_rng(3)
    episodes = []
    for seed in range(60):
        draw = rng.random()
        for agent, alone, beside in (("good", 0.95, 0.9), ("silent", 0.9, 0.2)):
            episodes += [
                episode("solo", agent, seed, ok=draw < alone),
                episode("with:partner", agent, seed, ok=draw < beside),
            ]
        episodes.append(episode("team", "good+silent", seed, ok=draw < 0.15))
    frame = frame_of(episodes)
    silent = {part.cause: part for part in decompose_by_partner(frame, "silent").parts}
    good = {part.cause: part for part in decompose_by_partner(frame, "good").parts}
    assert silent["own_cooperation"].share.low > 0.5
    assert good["own_cooperation"].share.high < 0.2
    assert good["partner"].share.low > 0.5
    (pair,) = weaker_partners(frame)
    assert (pair.agents, pair.condition, pair.weaker) == (("good", "silent"), "with:partner", "silent")


def test_without_the_conditions_there_is_no_decomposition():
    frame = frame_of([episode("solo", "a"), episode("team", "a+a", ok=False)])
    assert decompose(frame) is None
    assert decompose_by_partner(frame, "a") is None


def test_the_weaker_partner_is_left_open_when_the_data_leaves_it_open():
    frame = frame_of(
        [episode("solo", agent, seed, ok=seed % 2 == (agent == "a")) for seed in range(6) for agent in "ab"]
        + [episode("team", "a+b", 0)]
    )
    (pair,) = weaker_partners(frame)
    assert (pair.condition, pair.weaker, pair.difference.value) == ("solo", None, 0.0)


def test_a_share_that_never_varies_leaves_room_for_what_was_not_seen():
    ones, half = np.ones(12), np.full(12, 0.5)
    alone, between, told = shares([ones, ones, ones, half])
    assert (alone.value, between.value, told.value) == (0.0, 0.0, 1.0)
    assert 0.0 < told.low < 0.8
    assert told.high == 1.0
    assert (alone.low, alone.high) == pytest.approx((0.0, 1.0 - told.low))
    few = shares([ones[:3], ones[:3], ones[:3], half[:3]])[2]
    assert few.low < told.low


def test_a_harder_condition_that_came_out_better_counts_as_equal():
    solo, shared, team = (np.repeat(x, 10).astype(float) for x in ([1, 0], [1, 1], [0, 0]))
    alone, between, told = shares([np.ones(20), solo, shared, team])
    assert (alone.value, between.value, told.value) == pytest.approx((0.25, 0.0, 0.75))
    assert between.low == 0.0


@given(
    st.lists(st.tuples(*[st.sampled_from([0.0, 0.5, 1.0])] * 3, st.integers(0, 3)), min_size=1, max_size=30),
    st.sampled_from([0.8, 0.95, 0.99]),
)
def test_a_share_of_failures_lies_between_none_and_all(rows, confidence):
    solo, shared, team, clusters = (np.array(column) for column in zip(*rows, strict=True))
    found = shares([np.ones(len(rows)), solo, shared, team], clusters.tolist(), confidence)
    if team.min() == 1.0:
        assert all(math.isnan(share.value) for share in found)
        return
    assert sum(share.value for share in found) == pytest.approx(1.0)
    for share in found:
        assert 0.0 <= share.low <= share.value + 1e-9
        assert share.value - 1e-9 <= share.high <= 1.0


def test_nothing_failed_means_no_share():
    found = shares([np.ones(4)] * 4)
    assert all(math.isnan(share.value) for share in found)


def test_seats_and_agents_at_fault_are_counted_once_an_episode():
    episodes = [
        episode(
            "team",
            "x+y" if seed % 2 else "y+x",
            seed,
            ok=False,
            failures=[Failure.of("vague", "b"), Failure.of("repetition", "b")] if seed < 6 else [],
        )
        for seed in range(8)
    ]
    frame = frame_of(episodes)
    first, second = seat_faults(frame)
    assert (first.name, first.rate.value, first.codes) == ("a", 0.0, ())
    assert (second.name, second.rate.value) == ("b", 0.75)
    assert second.codes == (("repetition", 6), ("vague", 6))
    by_agent = {fault.name: fault.rate.value for fault in agent_faults(frame)}
    assert by_agent == {"x": 3 / 8, "y": 3 / 8}


def test_what_an_episode_could_not_settle_its_solo_episodes_do():
    def failed(seed, **more):
        return episode("team", "a+b", seed, ok=False, settled=False, **more)

    frame = frame_of(
        [
            failed(1, outcome=Outcome.COMPETENCE),
            failed(2),
            failed(3),
            episode("team", "a+b", 4, ok=False, settled=True),
            *(episode("solo", agent, 1) for agent in "ab"),
            episode("solo", "a", 2),
            episode("solo", "b", 2, ok=False),
            episode("solo", "a", 3),
            episode("solo", "b", 4, ok=False),
        ]
    )
    found = [OUTCOMES[code] for code in settle(frame).outcomes[:4]]
    assert found == [Outcome.COORDINATION, Outcome.COMPETENCE, Outcome.UNSETTLED, Outcome.COORDINATION]


def test_the_matrix_has_a_cell_for_every_team_of_two():
    frame = frame_of(
        [episode("team", team, seed, ok=team[0] == "a") for seed in range(4) for team in ("a+a", "a+b", "b+a")]
        + [episode("team", "a+b+c", 0)]
    )
    found = agent_matrix(frame)
    assert found.agents == ("a", "b")
    assert {pair: cell.value for pair, cell in found.cells.items()} == {("a", "a"): 1, ("a", "b"): 1, ("b", "a"): 0}
    assert agent_matrix(frame, "mute").cells == {}


def test_whoever_reads_a_finished_episode_is_no_seat_of_it():
    played = episode(seed=1)
    graded = played.model_copy(update={"usage": {**played.usage, "grader": SeatUsage(agent="judge", calls=1)}})
    assert [fault.name for fault in agent_faults(frame_of([graded]))] == ["a", "b"]
    assert frame_of([graded]).calls[0] == 5
