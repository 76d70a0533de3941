"""How far gradings agree, held to the examples of those who made the measures, and to statsmodels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from statsmodels.stats.inter_rater import fleiss_kappa as peer_kappa

from pytest_collab.measure.agreement import fleiss_kappa, intraclass
from pytest_collab.measure.bulk import summarise, summarise_frame
from pytest_collab.measure.reader import frame_of
from pytest_collab.report.terminal import run_lines
from tests.support.episodes import episode

SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=np.float64
)
"""Shrout and Fleiss 1979, Table 2: six targets, four judges; Table 4: ICC(2,1) .29, ICC(3,1) .71."""

FOURTEEN_RATERS = np.array(
    [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ]
)
"""The worked example of Wikipedia's "Fleiss' kappa": ten subjects, five categories, kappa .210."""


def test_intraclass_correlations_are_those_of_shrout_and_fleiss() -> None:
    agreement, consistency = intraclass(SHROUT_FLEISS)
    assert agreement == pytest.approx(0.29, abs=0.005)
    assert consistency == pytest.approx(0.71, abs=0.005)


def test_kappa_is_that_of_the_worked_example_and_of_statsmodels() -> None:
    assert fleiss_kappa(FOURTEEN_RATERS) == pytest.approx(0.210, abs=0.0005)
    rng = np.random.default_rng(5)
    for _ in range(20):
        success = rng.integers(0, 4, size=12)
        counts = np.stack([success, 3 - success], axis=1)
        assert fleiss_kappa(counts) == pytest.approx(peer_kappa(counts))


def test_without_any_difference_there_is_no_coefficient() -> None:
    assert intraclass(np.ones((5, 3))) == (None, None)
    assert intraclass(SHROUT_FLEISS[:1]) == (None, None)
    assert fleiss_kappa(np.array([[3, 0], [3, 0]])) is None
    alike = np.repeat(SHROUT_FLEISS[:, :1], 3, axis=1)
    assert intraclass(alike) == (1.0, 1.0)


def graded(seed: int, *outcomes: float):
    return episode("team", "a+a", seed, metrics={f"grading_{n}": one for n, one in enumerate(outcomes, 1)})


def test_a_runs_summary_tells_how_far_its_gradings_agree() -> None:
    ratings = [(1.0, 1.0, 1.0), (0.5, 0.5, 1.0), (0.0, 0.25, 0.0), (1.0, 1.0, 1.0)]
    frame = frame_of([*(graded(seed, *row) for seed, row in enumerate(ratings)), graded(9, 1.0)])
    summary = summarise_frame(frame)
    found = summary.families[0].gradings
    assert found is not None
    assert (found.gradings, found.episodes) == (3, 4), "an episode that lacks a grading is left out"
    assert (found.icc_agreement, found.icc_consistency) == pytest.approx(intraclass(np.array(ratings)))
    assert found.kappa == pytest.approx(peer_kappa(np.array([[3, 0], [1, 2], [0, 3], [3, 0]])))
    told = [line for line in run_lines(Path("run"), frame, summary) if "gradings" in line]
    assert told == [
        f"  gradings: 3 of each of 4 episodes; outcome ICC(2,1) {found.icc_agreement:.2f}, Fleiss' kappa "
        f"{found.kappa:.2f}"
    ]


def test_graded_once_or_not_at_all_there_is_nothing_to_agree() -> None:
    assert summarise([graded(0, 1.0), graded(1, 0.5)]).families[0].gradings is None
    assert summarise([graded(0), graded(1)]).families[0].gradings is None
