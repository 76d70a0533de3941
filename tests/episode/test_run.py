"""The run directory: a crash loses no finished episode and leaves no line that a reader cannot skip and name."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_collab.episode.appending import append_line
from pytest_collab.episode.outcome import Failure, Outcome
from pytest_collab.episode.record import Episode, episode_id
from pytest_collab.episode.run import RunDirectory
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import RunError


def episode(seed: int = 0, outcome: Outcome = Outcome.SUCCESS, attempt: int = 1) -> Episode:
    made = episode_id("f", "t", "", "team", ("a", "b"), seed, 0, attempt)
    return Episode(
        id=made,
        family="f",
        task="t",
        condition="team",
        team=("a", "b"),
        seed=seed,
        outcome=outcome,
        score=0.5,
        failures=(Failure.of("vague", "a", events=[1]),),
        attempt=attempt,
        transcript=f"transcripts/{made}.jsonl",
    )


def transcript() -> Transcript:
    made = Transcript()
    made.add("start", family="f")
    made.add("message", "a", text="caf\u00e9 \x1b[31m")
    return made


def test_what_was_added_is_read_back(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run")
    run.add(episode(), transcript())
    record = RunDirectory.open(tmp_path / "run").record()
    assert record.plays == (episode(),)
    assert record.bad == ()
    assert [event.kind for event in run.transcript(episode())] == ["start", "message"]
    assert "\x1b" not in (tmp_path / "run" / "episodes.jsonl").read_text()


def test_a_torn_line_is_named_and_costs_no_other(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run")
    run.add(episode(0), transcript())
    with (run.path / "episodes.jsonl").open("a") as file:
        file.write(episode(1).json_line()[:50])  # a power cut in the middle of a line
    run.add(episode(2), transcript())
    record = run.record()
    assert [play.seed for play in record.plays] == [0, 2]
    assert [bad.number for bad in record.bad] == [2]


@given(st.binary(max_size=200))
def test_foreign_bytes_never_stop_a_reader(junk: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        run = RunDirectory.create(Path(folder) / "run")
        run.add(episode(0), transcript())
        with (run.path / "episodes.jsonl").open("ab") as file:
            file.write(junk)
        run.add(episode(1), transcript())
        assert {play.seed for play in run.record().plays} >= {0, 1}


def _append(path: str, number: int) -> None:
    for count in range(50):
        append_line(Path(path), json.dumps({"writer": number, "count": count, "pad": "x" * 3000}))


def test_many_processes_append_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append, args=(str(path), number)) for number in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted((line["writer"], line["count"]) for line in lines) == [(w, c) for w in range(3) for c in range(50)]


def test_two_sessions_never_share_a_default_directory(tmp_path: Path) -> None:
    made = {RunDirectory.create(base=tmp_path / "runs").path for _ in range(5)}
    assert len(made) == 5


def test_a_directory_with_something_in_it_is_refused_with_the_remedy(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path / "run")
    with pytest.raises(RunError, match="--collab-resume"):
        RunDirectory.create(tmp_path / "run")


def test_a_newer_schema_is_refused_by_name(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run")
    append_line(run.path / "episodes.jsonl", json.dumps({"schema_version": 99}))
    with pytest.raises(RunError, match="schema_version 99.*Upgrade pytest-collab"):
        run.record()


def test_a_field_of_a_later_minor_version_is_ignored(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run")
    append_line(run.path / "episodes.jsonl", json.dumps(json.loads(episode().json_line()) | {"later": 1}))
    assert run.record().plays == (episode(),)


def test_a_rerun_replaces_an_infrastructure_error_and_never_a_failure(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run")
    for seed, outcomes in {
        0: [Outcome.INFRASTRUCTURE, Outcome.SUCCESS],
        1: [Outcome.COORDINATION, Outcome.SUCCESS],
        2: [Outcome.INFRASTRUCTURE, Outcome.INFRASTRUCTURE],
    }.items():
        for attempt, outcome in enumerate(outcomes, 1):
            run.add(episode(seed, outcome, attempt), transcript())
    chosen = {play.seed: play.outcome for play in run.record().episodes()}
    assert chosen == {0: Outcome.SUCCESS, 1: Outcome.COORDINATION, 2: Outcome.INFRASTRUCTURE}


def test_a_transcript_outside_the_run_is_not_followed(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run")
    with pytest.raises(RunError, match="outside"):
        run.transcript(episode().model_copy(update={"transcript": "../../etc/passwd"}))


def test_a_full_disk_takes_the_half_written_line_back(small_disk: Path) -> None:
    run = RunDirectory.create(small_disk / "run")
    written = 0
    with pytest.raises(RunError, match="No space left"):
        for seed in range(100_000):
            append_line(run.path / "episodes.jsonl", episode(seed).json_line())
            written += 1
    record = run.record()
    assert len(record.plays) == written
    assert record.bad == ()


def test_a_large_run_spreads_its_transcripts_and_no_two_plays_have_one_name(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run")
    flat = run.add(episode(0), transcript())
    run.spread = True
    spread, again = run.add(episode(1), transcript()), run.add(episode(0), transcript())
    run.spread = False
    third = run.add(episode(1), transcript())
    assert flat.transcript == f"transcripts/{flat.id}.jsonl"
    for one in (spread, again):
        assert re.fullmatch(rf"transcripts/[0-9a-f]{{2}}/{re.escape(one.id)}\.jsonl", one.transcript)
    assert [one.attempt for one in (spread, again, third)] == [1, 2, 2]
    assert all(len(run.transcript(one)) == 2 for one in (flat, spread, again, third))


def test_text_that_is_no_valid_unicode_is_read_back(tmp_path: Path) -> None:
    made = Transcript()
    made.add("message", "a", text="half an emoji: \ud83d, a whole one: \U0001f600", figure=float("inf"), big=2**80)
    made.write(tmp_path / "t.jsonl")
    assert Transcript.read(tmp_path / "t.jsonl")[0].data == made[0].data


def test_a_transcript_is_on_the_disk_before_the_line_that_refers_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []

    def watched(descriptor: int) -> None:
        flushed.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).suffix)
        assert os.fstat(descriptor).st_size
        sync(descriptor)

    sync = os.fsync
    monkeypatch.setattr(os, "fsync", watched)
    RunDirectory.create(tmp_path / "run").add(episode(), transcript())
    assert flushed == [".partial", ".jsonl"]
