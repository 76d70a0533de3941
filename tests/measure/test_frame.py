from __future__ import annotations

import math

import numpy as np
import pytest

from pytest_collab.episode.outcome import Failure, Outcome
from pytest_collab.episode.run import RunDirectory
from pytest_collab.errors import RunError
from pytest_collab.measure.frame import Fault
from pytest_collab.measure.reader import frame_of, read_frame
from tests.support.episodes import episode, write_run


def varied():
    return [
        episode("solo", "a", 1, ok=True, metrics={"progress": 0.5}),
        episode("team", "a+b", 1, ok=False, failures=[Failure.of("vague", "b", events=[3])], cost=None),
        episode("team", "a+b", 2, outcome=Outcome.INFRASTRUCTURE, score=0.0),
        episode("team", "a+b", 2, ok=True, attempt=2, metrics={"progress": 1.0, "messages": 4.0}),
        episode("team", "b+a", 2, ok=False, failures=[Failure.of("deadlock", "a", "b"), Failure.of("vague", "a")]),
        episode("team", "b+a", 2, ok=True, attempt=2),
        episode("mute", "a+b", 3, ok=False, epoch=1, family="market", task="u", settled=False),
    ]


def test_a_frame_holds_what_the_records_hold(tmp_path):
    path = write_run(tmp_path / "run", varied())
    frame, record = read_frame(path), RunDirectory.open(path).record().episodes()
    rows = {identity: row for row, identity in enumerate(frame.id)}
    assert sorted(rows) == sorted(one.id for one in record)
    for one in record:
        row = rows[one.id]
        assert (frame.family[row], frame.task[row], frame.condition[row]) == (one.family, one.task, one.condition)
        assert (frame.team[row], frame.seed[row], frame.epoch[row]) == (one.team, one.seed, one.epoch)
        assert (frame.success[row], frame.score[row], frame.settled[row]) == (one.success, one.score, one.settled)
        cost = one.cost_usd
        assert math.isnan(frame.cost_usd[row]) if cost is None else frame.cost_usd[row] == pytest.approx(cost)
        assert (frame.tokens[row], frame.calls[row], frame.turns[row]) == (220, 4, 4)
        assert dict(frame.seating[row]) == {seat: usage.agent for seat, usage in one.usage.items()}
        assert frame.faults.get(row, ()) == tuple(Fault(f.code, f.cause, f.seats) for f in one.failures)
        for name, values in frame.metrics.items():
            assert np.isnan(values[row]) if name not in one.metrics else values[row] == one.metrics[name]


def test_a_rerun_replaces_an_infrastructure_error_and_nothing_else():
    frame = frame_of(varied())
    assert len(frame) == 5
    second = {frame.team[row]: bool(frame.success[row]) for row in range(5) if frame.seed[row] == 2}
    assert second == {("a", "b"): True, ("b", "a"): False}


def test_a_torn_line_costs_no_other_line(tmp_path):
    path = write_run(tmp_path / "run", varied())
    file = path / "episodes.jsonl"
    good = file.read_text()
    one = good.splitlines()[0]
    foreign = [
        '{"id": "torn", "fam',
        "[1]",
        '{"id": "half", "family": "maze"}',
        one.replace('"seed":1', f'"seed":{2**70}'),
        one.replace('"score":1.0', '"score":7.0'),
        one.replace('"success"', '"triumph"'),
        one.replace('"progress":0.5', '"progress":"half"'),
    ]
    file.write_text("\n".join(foreign) + "\n" + good + "\n")
    frame = read_frame(path)
    assert len(frame) == 5
    assert frame.bad_lines == len(foreign)
    assert all(len(values) == 5 for values in (frame.seed, frame.score, *frame.metrics.values()))


def test_a_run_of_a_newer_version_is_refused(tmp_path):
    (tmp_path / "episodes.jsonl").write_text('{"schema_version": 99, "id": "x"}\n')
    with pytest.raises(RunError, match="schema_version 99"):
        read_frame(tmp_path)
    with pytest.raises(RunError, match="no run directory"):
        read_frame(tmp_path / "nowhere")


def test_rows_are_found_by_agent_fault_and_outcome():
    frame = frame_of(varied())
    assert [frame.team[row] for row in np.flatnonzero(frame.has_agent(["b"]))] == [("a", "b")] * 2 + [
        ("b", "a"),
        ("a", "b"),
    ]
    assert frame.has_fault("vague").sum() == 2
    assert frame.has_fault("communication").sum() == 2
    assert frame.has_fault("deadlock").sum() == 1
    assert frame.has_fault("starvation").sum() == 0
    assert frame.is_outcome(Outcome.COORDINATION).sum() == 3


def test_clusters_are_tasks_and_seeds():
    frame = frame_of(
        [
            episode("team", "a+b", 1, task="x"),
            episode("team", "b+a", 1, task="x"),
            episode("team", "a+b", 2, task="x"),
            episode("team", "a+b", 1, task="y"),
            episode("team", "a+b", 1, task="x", family="market"),
        ]
    )
    labels = frame.clusters(np.arange(5)).tolist()
    assert labels[0] == labels[1]
    assert len(set(labels)) == 4
    tasks = frame.clusters(np.arange(5), by_seed=False).tolist()
    assert tasks[0] == tasks[1] == tasks[2]
    assert len(set(tasks)) == 3


def test_an_empty_run_is_an_empty_frame(tmp_path):
    frame = read_frame(write_run(tmp_path / "run", []))
    assert len(frame) == 0
    assert frame.evidence.sum() == 0
    assert frame.task.among(["x"]).tolist() == []
