"""The batched donor game is the plain one."""

from __future__ import annotations

from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_collab.families.donor import Donor, rules
from pytest_collab.families.donor.scale import reference_scale
from pytest_collab.testing import play_episode

jax = pytest.importorskip("jax")
from pytest_collab.core.games import donor as twin  # noqa: E402

PLAY = jax.jit(twin.play)
SCHEDULE = jax.jit(twin.schedule)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.sampled_from([4, 6]), st.integers(0, 10**6), st.floats(1.5, 4), st.floats(0, 3), st.integers(0, 2**31))
def test_the_batched_rules_are_the_plain_rules(seats: int, seed: int, gain: float, loss: float, luck: int) -> None:
    chance = np.random.default_rng(luck)
    plain, resources = rules.begin(seats, 10.0), jax.numpy.full(seats, 10.0)
    rounds = rules.schedule(seats, seed, 0)
    half = [pair[0] for pair in rounds[0]], [pair[1] for pair in rounds[0]]
    donors, recipients = SCHEDULE(jax.numpy.asarray([*half[0], *half[1]]))
    for number, pairs in enumerate(rounds):
        assert [
            tuple(pair) for pair in zip(donors[number].tolist(), recipients[number].tolist(), strict=True)
        ] == list(pairs)
        share, punish = chance.random(len(pairs)), chance.random(len(pairs)) < 0.3
        amounts = [float(part * plain.resources[donor]) for part, (donor, _) in zip(share, pairs, strict=True)]
        kinds = ["punish" if each else "give" for each in punish]
        acts = {donor: (kind, units) for (donor, _), kind, units in zip(pairs, kinds, amounts, strict=True)}
        plain = rules.play(plain, pairs, acts, gain, loss)
        resources = PLAY(
            resources,
            donors[number],
            recipients[number],
            np.asarray(amounts, np.float32),
            punish,
            gain=gain,
            loss=loss,
        )
        assert np.asarray(resources) == pytest.approx(np.asarray(plain.resources), rel=1e-4, abs=1e-4)


@pytest.mark.slow
def test_the_reference_scale_is_what_the_engine_plays() -> None:
    params = Donor(seats=4, generations=2)
    scale = reference_scale(params, games=4000)
    episodes = {
        player: [
            play_episode(params, [player], "team", seed).episode for seed in range(40 if player == "random" else 1)
        ]
        for player in ("partner", "random", "nop")
    }
    for player in ("partner", "nop"):
        assert scale[player]["score"] == pytest.approx(episodes[player][0].score, abs=1e-3)
        assert scale[player]["resources_last"] == pytest.approx(
            episodes[player][0].metrics["resources_last"], rel=1e-3
        )
    for figure in ("resources_last", "donated_share"):
        found = [episode.metrics[figure] for episode in episodes["random"]]
        error = np.std(found, ddof=1) / len(found) ** 0.5
        assert scale["random"][figure] == pytest.approx(fmean(found), abs=4 * error)
    assert scale["partner"]["score"] > scale["random"]["score"] > scale["nop"]["score"]
