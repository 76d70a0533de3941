from __future__ import annotations

import numpy as np
import pytest

from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import UsageError
from pytest_collab.measure.bounded import bounded_mean
from pytest_collab.measure.bulk import summarise
from pytest_collab.measure.gaps import all_gaps, gap, gap_pairs
from pytest_collab.measure.reader import frame_of
from tests.support.episodes import episode


def test_a_team_is_compared_with_the_mean_of_its_members_alone():
    frame = frame_of(
        [
            episode("solo", "a", 1, ok=True),
            episode("solo", "b", 1, ok=False),
            episode("team", "a+b", 1, ok=False),
            episode("team", "b+b", 1, ok=False),
            episode("team", "a+a", 1, ok=False),
        ]
    )
    pairs = gap_pairs(frame, "collaboration_gap")
    found = {
        unit.team: (first, second) for unit, first, second in zip(pairs.keys, pairs.first, pairs.second, strict=True)
    }
    assert found == {("a", "b"): (0.5, 0.0), ("b", "b"): (0.0, 0.0), ("a", "a"): (1.0, 0.0)}


def test_epochs_are_averaged_before_pairing():
    frame = frame_of(
        [episode("team", "a+b", 1, ok=epoch < 3, epoch=epoch) for epoch in range(4)]
        + [episode("mute", "a+b", 1, ok=epoch < 1, epoch=epoch) for epoch in range(2)]
    )
    assert gap(frame, "value_of_talk").estimate.value == pytest.approx(0.25)
    assert gap(frame, "value_of_talk").estimate.n == 1


def test_what_has_no_counterpart_is_left_out_and_counted():
    frame = frame_of(
        [
            episode("team", "a+b", 1),
            episode("team", "a+b", 2),
            episode("team", "a+b", 3, outcome=Outcome.INFRASTRUCTURE, score=0),
            episode("solo", "a", 1),
            episode("solo", "b", 1),
            episode("solo", "a", 2),
            episode("solo", "a", 3),
            episode("solo", "b", 3),
        ]
    )
    found = gap(frame, "collaboration_gap")
    assert (found.estimate.n, found.unmatched) == (1, 2)


def test_every_gap_goes_the_way_its_name_says():
    frame = frame_of(
        [
            one
            for seed in range(30)
            for one in (
                episode("solo", "a", seed, ok=True),
                episode("with:partner", "a", seed, ok=seed % 3 != 0),
                episode("shared", "a+a", seed, ok=seed % 2 == 0),
                episode("team", "a+a", seed, ok=seed % 5 == 0),
                episode("mute", "a+a", seed, ok=False),
            )
        ]
    )
    found = {one.name: one.estimate for one in all_gaps(frame)}
    assert {name: round(estimate.value, 6) for name, estimate in found.items()} == {
        "collaboration_gap": 0.8,
        "communication_loss": 0.3,
        "partner_loss": round(20 / 30 - 0.2, 6),
        "value_of_talk": 0.2,
    }
    expected = bounded_mean([1.0] * 24 + [0.0] * 6, bounds=(-1.0, 1.0))
    assert (found["collaboration_gap"].low, found["collaboration_gap"].high) == (expected.low, expected.high)
    assert all(estimate.low <= estimate.value <= estimate.high for estimate in found.values())


def test_teams_can_be_chosen_and_keep_their_members_solo_episodes():
    frame = frame_of(
        [
            episode("solo", "a", 1),
            episode("solo", "b", 1),
            episode("team", "a+b", 1, ok=False),
            episode("team", "a+a", 1, ok=True),
        ]
    )
    only = gap_pairs(frame, "collaboration_gap", frame.team.among([("a", "b")]))
    assert [unit.team for unit in only.keys] == [("a", "b")]
    assert only.difference.tolist() == [1.0]


def test_gaps_agree_with_those_of_the_summary():
    rng = np.random.default_rng(0)
    episodes = [
        episode(condition, team, seed, ok=bool(rng.random() < 0.6), epoch=epoch)
        for seed in range(6)
        for epoch in range(2)
        for condition, team in [
            ("solo", "a"),
            ("solo", "b"),
            ("with:partner", "a"),
            ("with:partner", "b"),
            ("team", "a+b"),
            ("team", "b+a"),
            ("mute", "a+b"),
            ("shared", "a+b"),
        ]
    ]
    frame = frame_of(episodes)
    compared = 0
    (family,) = summarise(episodes).families
    for one in family.gaps:
        members = frame.team.among([tuple(one.team.split("+"))])
        assert gap(frame, one.name.replace(" ", "_"), members).estimate.value == pytest.approx(one.value)
        compared += 1
    assert compared == 6


def test_an_unknown_gap_is_refused():
    with pytest.raises(UsageError, match="collaboration_gap"):
        gap(frame_of([]), "collaboration gap")
