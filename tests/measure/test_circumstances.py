from __future__ import annotations

import pytest

from pytest_collab.episode.run import RunInfo, TaskInfo
from pytest_collab.measure.circumstances import DEMANDABLE, circumstances_changed, differences, unrecorded


def info(**more):
    """What a run records."""
    known = {
        "versions": {"pytest-collab": "0.1.0", "jax": "0.9", "python": "3.11.2"},
        "options": {"grader": "rules", "seeds": 40, "seed": 0, "epochs": 1},
        "agents": [{"name": "m", "model": "m1", "settings": {"temperature": 0}}],
        "tasks": [TaskInfo(name="t", family="maze", hash="h1", version=1)],
        "sandbox": "docker",
    }
    return RunInfo(**{**known, **more})


def test_runs_under_the_same_circumstances_differ_in_nothing():
    assert differences(info(), info()) == ()
    assert differences(RunInfo(), info()) == ()


@pytest.mark.parametrize(
    ("more", "kind", "line"),
    [
        ({"sandbox": "process"}, "sandbox", "sandbox docker -> process"),
        (
            {"agents": [{"name": "m", "model": "m2", "settings": {"temperature": 0}}]},
            "model",
            "agent m: model m1 -> m2",
        ),
        (
            {"agents": [{"name": "m", "model": "m1", "settings": {"temperature": 1}}]},
            "agent",
            "agent m: settings {'temperature': 0} -> {'temperature': 1}",
        ),
        ({"tasks": [TaskInfo(name="t", family="maze", hash="h2", version=1)]}, "task", "task t h1 -> h2"),
        (
            {"tasks": [TaskInfo(name="t", family="maze", hash="h1", version=2)]},
            "family",
            "family maze version 1 -> 2",
        ),
        ({"options": {"grader": "gpt", "seeds": 40, "seed": 0, "epochs": 1}}, "grader", "grader rules -> gpt"),
        ({"options": {"grader": "rules", "seeds": 20, "seed": 0, "epochs": 1}}, "seeds", "seeds 40 -> 20"),
        (
            {"versions": {"pytest-collab": "0.2.0", "jax": "0.9", "python": "3.11.9"}},
            "plugin",
            "pytest-collab version 0.1.0 -> 0.2.0",
        ),
        ({"notes": ["merged from 2 shards"]}, "note", "note: merged from 2 shards"),
    ],
)
def test_each_difference_has_its_kind_and_is_told(more, kind, line):
    (found,) = differences(info(), info(**more))
    assert (found.kind, str(found)) == (kind, line)
    assert circumstances_changed(info(), info(**more)) == [line]


def test_what_a_run_has_not_recorded_is_known_to_be_unknown():
    assert unrecorded(info()) == set()
    assert unrecorded(RunInfo()) == set(DEMANDABLE) - {"seeds"}
