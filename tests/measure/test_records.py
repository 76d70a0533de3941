"""Records are read from the disk one by one, by columns or by key, and are those that reading all of them gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pytest_collab.episode.appending import append_line
from pytest_collab.episode.outcome import Failure, Outcome
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunDirectory
from pytest_collab.errors import RunError
from pytest_collab.measure.played import Played
from pytest_collab.measure.reader import read_frame
from pytest_collab.measure.records import Records
from pytest_collab.measure.settling import as_settled
from tests.support.episodes import episode, write_run

PLAYS = [
    episode("solo", "a", 1),
    episode("solo", "b", 1),
    episode("team", "a+b", 1, outcome=Outcome.UNSETTLED, score=0.0, failures=[Failure.of("vague", "b", events=[3])]),
    episode("team", "a+b", 2, outcome=Outcome.INFRASTRUCTURE, score=0.0),
    episode("team", "a+b", 2, attempt=2),
    episode("team", "b+a", 2, ok=False, failures=[Failure.of("deadlock", "a", "b"), Failure.of("vague", "a")]),
    episode("team", "b+a", 2, attempt=2),
    episode("team", "b+a", 3, outcome=Outcome.INFRASTRUCTURE, score=0.0),
    episode("mute", "a+b", 3, ok=False, epoch=1, family="market", task="u", task_hash="h2"),
]


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    directory = RunDirectory(write_run(tmp_path / "run", PLAYS))
    with (directory.path / "episodes.jsonl").open("r+", encoding="ascii") as file:
        lines = file.readlines()
        file.seek(0)
        file.writelines([lines[0], "{torn\n", "\n", *lines[1:]])
    return directory


def key(play: Episode) -> str:
    return play.id


def test_records_are_those_of_all_lines_with_their_settled_outcomes(run: RunDirectory) -> None:
    records = Records(run, read_frame(run.path))
    whole = as_settled(run.record().episodes())
    assert sorted(records, key=key) == sorted(whole, key=key)
    assert Outcome.COORDINATION in {one.outcome for one in records if one.condition == "team"}, "solo has settled one"
    assert [records[row] for row in range(len(records))] == list(records) == records[:]
    assert records[-1] == records[len(records) - 1]
    assert records.named(whole[0].id) == whole[0]
    assert records.named("nobody") is None
    raws = dict(records.raw([2, 0]))
    assert {row: raw["id"] for row, raw in raws.items()} == {row: records.frame.id[row] for row in (0, 2)}


def test_a_run_that_is_written_anew_meanwhile_is_named_and_not_mixed_up(run: RunDirectory) -> None:
    records = Records(run, read_frame(run.path))
    run.set_aside(lambda play: play.condition == "solo")
    named = r"episodes\.jsonl: episode maze-t-solo-a-s1-\w+ cannot be read at byte 0"
    with pytest.raises(RunError, match=named):
        list(records)


def test_what_was_played_is_found_by_key_as_in_all_records(run: RunDirectory, tmp_path: Path) -> None:
    played = Played.of(run, tmp_path)
    mapped = Played.of(run, tmp_path)
    assert isinstance(mapped._table, np.memmap), "the next process takes the table that was made"
    stands = {one.key: one for one in run.record().episodes() if one.outcome is not Outcome.INFRASTRUCTURE}
    for found in (played, mapped):
        for one in PLAYS:
            assert found.plays(one.key) == sum(play.key == one.key for play in PLAYS)
            assert found.standing(one.key) == stands.get(one.key)
            assert (one.key in found) == (one.key in stands)
        unknown = episode(seed=99).key
        assert (found.plays(unknown), found.standing(unknown)) == (0, None)
        assert found.hashes == {("maze", "t"): {"h1"}, ("market", "u"): {"h2"}}


def test_what_is_played_later_is_found_after_an_update_and_what_was_set_aside_is_not(
    run: RunDirectory, tmp_path: Path
) -> None:
    played = Played.of(run, tmp_path)
    later, lost = episode(seed=50), episode("team", "b+a", 3, attempt=2)
    append_line(run.path / "episodes.jsonl", later.json_line())
    append_line(run.path / "episodes.jsonl", lost.json_line())
    assert played.standing(later.key) is None
    played.update()
    assert played.standing(later.key) == later
    assert (played.plays(lost.key), played.standing(lost.key)) == (2, lost)
    run.set_aside(lambda play: play.condition == "solo")
    assert played.standing(later.key) == later, "its line has moved"
    assert played.standing(PLAYS[0].key) is None
