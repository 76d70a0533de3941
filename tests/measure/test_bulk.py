from __future__ import annotations

import numpy as np
import pytest

from pytest_collab.episode.outcome import Failure, Outcome
from pytest_collab.measure.bulk import summarise_frame
from pytest_collab.measure.frame import frame_of, read_frame
from pytest_collab.measure.summary import Summary, summarise
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


def rounded(value):
    if isinstance(value, float):
        return round(value, 9)
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return [rounded(inner) for inner in value] if isinstance(value, list | tuple) else value


def comparable(summary: Summary):
    data = rounded(summary.model_dump())
    for family in data["families"]:
        family["codes"].sort(key=lambda code: code["code"])
    return data


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_summary_from_columns_is_the_summary_from_episodes(seed, tmp_path):
    episodes = mixed(seed)
    assert comparable(summarise_frame(frame_of(episodes))) == comparable(summarise(episodes))
    assert summarise_frame(read_frame(write_run(tmp_path, episodes))) == summarise_frame(frame_of(episodes))


def test_an_empty_run_has_an_empty_summary():
    assert summarise_frame(frame_of([])) == summarise([])
