"""Signal detection: areas, their intervals, ROC points, d', and what a run makes of them."""

from __future__ import annotations

import math
from statistics import NormalDist
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.record import Episode
from pytest_collab.errors import UsageError
from pytest_collab.measure.bulk import summarise
from pytest_collab.measure.detection import area, d_prime, roc
from pytest_collab.report.detection import detection_lines, roc_svg

EVIDENCE = st.lists(st.sampled_from([0.0, 0.05, 0.35, 0.5, 0.65, 1.0]), min_size=1, max_size=12)


@given(EVIDENCE, EVIDENCE)
def test_an_area_is_how_often_a_signal_beats_noise(signals: list[float], noises: list[float]) -> None:
    wins = [1.0 if s > n else 0.5 if s == n else 0.0 for s in signals for n in noises]
    estimate = area(signals, noises)
    assert estimate.value == pytest.approx(sum(wins) / len(wins))
    assert 0.0 <= estimate.low <= estimate.value <= estimate.high <= 1.0
    assert estimate.high - estimate.low > 0.1, "so few episodes never give a point"


@given(EVIDENCE, EVIDENCE)
def test_the_area_below_the_curve_is_the_area(signals: list[float], noises: list[float]) -> None:
    points = roc(signals, noises)
    x, y = np.array(points).T
    assert points[0] == (0.0, 0.0)
    assert points[-1] == (1.0, 1.0)
    assert (np.diff(x) >= 0).all()
    assert (np.diff(y) >= 0).all()
    assert float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2)) == pytest.approx(area(signals, noises).value)


@given(EVIDENCE, EVIDENCE)
def test_signal_and_noise_are_mirrored(signals: list[float], noises: list[float]) -> None:
    one, other = area(signals, noises), area(noises, signals)
    assert one.value == pytest.approx(1 - other.value)
    assert one.low == pytest.approx(1 - other.high, abs=1e-9)


def test_an_interval_ends_where_the_standard_error_at_its_end_says() -> None:
    """Held to the formula of Newcombe's method 5, at areas that are not symmetric."""
    signals, noises = [0.9, 0.8, 0.7, 0.7, 0.2, 0.6], [0.1, 0.3, 0.7, 0.2]
    estimate = area(signals, noises)
    m, n, more = 6, 4, 4.0
    for end in (estimate.low, estimate.high):
        spread = 1 + more * (1 - end) / (2 - end) + more * end / (1 + end)
        error = math.sqrt(end * (1 - end) * spread / (m * n))
        assert abs(estimate.value - end) == pytest.approx(NormalDist().inv_cdf(0.975) * error, rel=1e-6)


def test_intervals_cover_the_true_area() -> None:
    rng = np.random.default_rng(1)
    shift = 1.0
    truth = NormalDist().cdf(shift / math.sqrt(2))
    found = [area(rng.normal(shift, 1, 15), rng.normal(0, 1, 15)) for _ in range(300)]
    covered = sum(one.low <= truth <= one.high for one in found) / len(found)
    assert covered >= 0.92


def test_who_always_says_the_same_has_no_sensitivity() -> None:
    assert area([1.0] * 20, [1.0] * 20).value == 0.5
    assert d_prime(20, 20, 20, 20) == 0.0
    assert d_prime(0, 20, 0, 20) == 0.0
    assert math.isfinite(d_prime(20, 20, 0, 20))


def episode(seed: int, team: str, **metrics: float) -> Episode:
    outcome = Outcome.SUCCESS if metrics["rejected"] == metrics["wrong"] else Outcome.COMPETENCE
    return Episode(
        id=f"{team}{seed}",
        family="interception",
        task="t",
        condition="solo",
        team=(team,),
        seed=seed,
        outcome=outcome,
        score=0.0,
        metrics=metrics,
        turns=1,
        duration_s=1.0,
    )


def test_a_run_tells_how_well_each_agent_told_and_in_which_groups() -> None:
    """Four mutants of two kinds, of which one agent knows one kind; the other turns all away."""
    played = []
    for seed in range(8):
        wrong = float(seed % 2)
        kind = {f"kind_{'call' if seed < 4 else 'guard'}": 1.0} if wrong else {}
        knows = float(bool(wrong) and seed < 4)
        played.append(episode(seed, "some", wrong=wrong, rejected=knows, suspicion=0.9 if knows else 0.2, **kind))
        played.append(episode(seed, "no", wrong=wrong, rejected=1.0, suspicion=1.0, **kind))
    (family,) = summarise(played).families
    found = {(one.team, one.group): one for one in family.detections}
    assert set(found) == {(team, group) for team in ("some", "no") for group in ("", "call", "guard")}
    assert found["some", "call"].auc == 1.0
    assert found["some", "guard"].auc == 0.5
    assert found["some", ""].auc == 0.75
    assert (found["some", ""].hits, found["some", ""].false_alarms) == (2, 0)
    assert found["some", ""].balanced == 0.75
    assert found["no", ""].balanced == found["no", "call"].balanced == 0.5
    assert found["no", ""].d_prime == 0.0
    assert found["no", "call"].d_prime is None
    lines = detection_lines(family)
    assert lines[0] == "  telling wrong patches from right ones"
    assert len(lines) == 8
    assert all(len(line) <= 80 for line in lines)
    assert detection_lines(family, 1)[-1] == "  and 1 more (--tables)"
    svg = ElementTree.fromstring(roc_svg(family))
    words = " ".join("".join(node.itertext()) for node in svg.iter() if node.tag.endswith("}text"))
    for told in ("false alarms", "hits", "25 %", "solo some", "area 0.75"):
        assert told in words
    assert len([node for node in svg.iter() if node.tag.endswith("}polyline")]) == 2


def test_a_family_whose_agents_detect_nothing_has_no_such_lines() -> None:
    (family,) = summarise([episode(0, "a", wrong=1.0, rejected=1.0, suspicion=1.0)]).families
    assert family.detections == ()
    assert detection_lines(family) == []
    assert roc_svg(family) == ""


def test_an_area_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="with and without"):
        area([0.5], [])
