"""Killed, interrupted, full, read-only: nothing already won is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pytest_collab.episode.journal import Journals, keep_lost
from pytest_collab.episode.run import RunDirectory
from pytest_collab.episode.transcript import Transcript

YAML = "family: handshake\nparams: {numbers: 10}\nseeds: 6\nconditions: [team]\n"


@pytest.fixture
def shake(suite: pytest.Pytester) -> pytest.Pytester:
    (suite.path / "shake.collab.yaml").write_text(YAML)
    return suite


def plays(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "episodes.jsonl").read_text().splitlines()]


def start(suite: pytest.Pytester, *args: str) -> subprocess.Popen[str]:
    """A session of its own process group that Ctrl-C interrupts, as a terminal starts one.

    What a shell starts in the background ignores Ctrl-C, and so would all that it starts.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "--collab-run-dir=out", "-p", "no:cacheprovider", *args],
        cwd=suite.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def wait_for_episodes(suite: pytest.Pytester, count: int) -> None:
    """Until so many episodes are on disk."""
    path = suite.path / "out" / "episodes.jsonl"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if path.exists() and path.read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.02)
    raise AssertionError(f"fewer than {count} episodes after a minute")


def test_a_killed_worker_loses_no_finished_episode(shake: pytest.Pytester) -> None:
    result = shake.runpytest_subprocess(
        "--agents=partner,killer", "--collab-teams=partner+partner,killer+killer", "-n2", "--collab-run-dir=out"
    )
    result.stdout.fnmatch_lines(
        ["*worker 'gw?' crashed while running 'shake.collab.yaml::shake?team-killer+killer-s1?'"]
    )
    run = RunDirectory(shake.path / "out")
    lost = [play for play in run.record().plays if play.outcome == "infrastructure_error"]
    finished = {(play.team, play.seed) for play in run.record().plays if play not in lost}
    everything = {((name, name), seed) for name in ("partner", "killer") for seed in range(6)}
    assert finished == everything - {(("killer", "killer"), 1)}
    assert run.record().bad == ()
    (the_one,) = lost
    assert (the_one.team, the_one.seed, the_one.failures[0].code) == (("killer", "killer"), 1, "worker_lost")
    assert the_one.worker.startswith("gw")
    assert run.transcript(the_one).of("prompt"), "what had happened by then is kept"
    assert not (shake.path / "out" / ".playing").exists()
    result.stdout.fnmatch_lines(
        ["*worker_lost 1", "*episodes: 12, *", f"lost: {the_one.id}: worker gw?, which played it, ended before*"]
    )


DYING = """

import os
from pathlib import Path

def pytest_collab_episode_finished(episode, transcript):
    if episode.seed == 1 and "PYTEST_XDIST_WORKER" in os.environ and not Path("died").exists():
        Path("died").touch()
        os._exit(9)
"""


def test_what_xdist_plays_again_overwrites_nothing(shake: pytest.Pytester) -> None:
    """A worker dies when it has kept an episode: `--dist loadscope` runs the item again."""
    conftest = shake.path / "conftest.py"
    conftest.write_text(conftest.read_text() + DYING)
    result = shake.runpytest_subprocess(
        "--agents=partner", "-n2", "--dist=loadscope", "--collab-run-dir=out", "--collab-seeds=3"
    )
    run = RunDirectory(shake.path / "out")
    record = run.record()
    assert sorted((play.seed, play.attempt) for play in record.plays) == [(0, 1), (1, 1), (1, 2), (2, 1)]
    assert len({play.id for play in record.plays}) == len({play.transcript for play in record.plays}) == 4
    assert {play.outcome for play in record.plays} == {"success"}, "what was kept is not lost"
    result.stdout.fnmatch_lines(["plays: 4 of 3 episodes, all paid;*"])


def test_what_a_lost_episode_had_consumed_is_paid_and_the_rest_is_unknown(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "out")
    journals = Journals(run.path, "gw3")
    transcript = Transcript()
    journals.begin("market-x", transcript)
    told = {"family": "market", "task": "m", "task_hash": "x", "condition": "team", "team": ["a", "b"], "seed": 1}
    transcript.add("start", **told, epoch=0, seats=["a", "b"])
    for seat, model in (("a", "some-model"), ("b", "builtin/partner")):
        transcript.add("seated", seat, agent=seat, model=model)
        transcript.add("prompt", seat, turn=0)
        transcript.add("reply", seat, turn=0, stop="end", text="", usage={"cost_usd": 0.25})
        transcript.add("prompt", seat, turn=1)
    assert keep_lost(run) == [], "a process holds it: it is in play"
    (descriptor,) = journals._open.values()
    os.write(descriptor, b'{"seq": 9, "t": 0.5, "se')
    os.close(descriptor)  # as the end of the process does
    (lost,) = keep_lost(run)
    assert (lost.usage["a"].cost_usd, lost.usage["a"].at_least_usd) == (None, 0.25), "nobody knows the open answer"
    assert lost.usage["b"].cost_usd == 0.25
    assert lost.worker == "gw3"
    assert run.record().plays == (lost,)
    assert run.transcript(lost).last("error").data["code"] == "worker_lost"
    assert keep_lost(run) == [], "once"


def test_a_killed_controller_leaves_a_run_that_can_be_finished(shake: pytest.Pytester) -> None:
    process = start(shake, "--agents=slow", "-n2", "--collab-seeds=20")
    wait_for_episodes(shake, 1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = plays(shake.path / "out")
    assert 0 < len(before) < 20

    again = shake.runpytest_subprocess(
        "--agents=slow", "-n2", "--collab-seeds=20", "--collab-run-dir=out", "--collab-resume"
    )
    assert again.ret == 0
    again.stdout.fnmatch_lines(["*20 passed*"])
    after = plays(shake.path / "out")
    assert after[: len(before)] == before, "what was finished stays as it was"
    lost = [play for play in after if play["failures"]]
    assert {play["failures"][0]["code"] for play in lost} <= {"worker_lost"}
    assert len(lost) <= 2, "a process plays one at a time"
    assert sorted(play["seed"] for play in after if play not in lost) == list(range(20)), "only the rest was played"
    assert json.loads((shake.path / "out" / "run.json").read_text())["finished"]


def test_a_resumed_run_plays_infrastructure_errors_again(shake: pytest.Pytester) -> None:
    shake.runpytest_subprocess("--agents=partner,provider_down", "--collab-run-dir=out", "--collab-pairing=self")
    first = plays(shake.path / "out")
    shake.runpytest_subprocess(
        "--agents=partner,provider_down", "--collab-run-dir=out", "--collab-pairing=self", "--collab-resume"
    )
    again = plays(shake.path / "out")[len(first) :]
    assert {tuple(play["team"]) for play in again} == {("provider_down", "provider_down")}
    assert {play["attempt"] for play in again} == {2}


def test_a_run_directory_is_never_shared_by_accident(shake: pytest.Pytester) -> None:
    shake.runpytest_subprocess("--agents=partner", "--collab-run-dir=out")
    result = shake.runpytest_subprocess("--agents=partner", "--collab-run-dir=out")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: run directory *out is not empty. Pass --collab-resume*"])

    process = start(shake, "--agents=hangs", "--collab-resume")
    try:
        deadline = time.monotonic() + 60
        while "hangs" not in (shake.path / "out" / "run.json").read_text() and time.monotonic() < deadline:
            time.sleep(0.02)
        busy = shake.runpytest_subprocess("--agents=partner", "--collab-run-dir=out", "--collab-resume")
        assert busy.ret == pytest.ExitCode.USAGE_ERROR
        busy.stderr.fnmatch_lines(["ERROR: run directory *out is in use by another session. Wait*"])
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize("interrupts", [1, 2])
def test_ctrl_c_keeps_what_is_finished(shake: pytest.Pytester, interrupts: int) -> None:
    process = start(shake, "--agents=slow", "--collab-seeds=200")
    wait_for_episodes(shake, 2)
    for _ in range(interrupts):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.05)  # two key strokes of a person
    output, _ = process.communicate(timeout=60)
    assert process.returncode == pytest.ExitCode.INTERRUPTED or interrupts == 2
    record = RunDirectory(shake.path / "out").record()
    assert len(record.plays) >= 2
    assert record.bad == ()
    assert "Traceback" not in output or interrupts == 2
    if interrupts == 1:
        assert "KeyboardInterrupt" in output
        assert "episodes: " in output, "the summary of what was played is still shown"


@pytest.fixture
def full(shake: pytest.Pytester, small_disk: Path) -> Path:
    (small_disk / "filler").write_bytes(b"x" * 200_000)
    return small_disk


def test_a_full_disk_stops_the_session_and_says_so(shake: pytest.Pytester, full: Path) -> None:
    result = shake.runpytest_subprocess("--agents=partner", "--collab-seeds=200", f"--collab-run-dir={full / 'run'}")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*cannot be written: No space left on device*"])
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
    record = RunDirectory(full / "run").record()
    assert record.bad == ()
    assert 0 < len(record.plays) < 200
    assert all((full / "run" / play.transcript).is_file() for play in record.plays)


def test_a_read_only_run_directory_is_refused_before_anything_is_played(shake: pytest.Pytester) -> None:
    (shake.path / "file").write_text("")
    result = shake.runpytest_subprocess("--agents=partner", "--collab-run-dir=file/run")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: run directory *file/run cannot be written: *"])


def test_a_run_of_a_newer_schema_is_not_resumed(shake: pytest.Pytester) -> None:
    shake.runpytest_subprocess("--agents=partner", "--collab-run-dir=out")
    path = shake.path / "out" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 7}))
    result = shake.runpytest_subprocess("--agents=partner", "--collab-run-dir=out", "--collab-resume")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *run.json has schema_version 7*Upgrade pytest-collab*"])


def test_a_torn_line_is_named_in_the_summary(shake: pytest.Pytester) -> None:
    shake.runpytest_subprocess("--agents=partner", "--collab-run-dir=out")
    with (shake.path / "out" / "episodes.jsonl").open("a") as file:
        file.write('{"id": "torn')
    result = shake.runpytest_subprocess("--agents=partner", "--collab-run-dir=out", "--collab-resume")
    result.stdout.fnmatch_lines(["episodes.jsonl line 7 was skipped: *"])
    assert result.ret == 0


def test_the_money_of_a_session_stops_new_episodes_in_all_workers(shake: pytest.Pytester) -> None:
    result = shake.runpytest_subprocess(
        "--agents=partner", "-n2", "--collab-seeds=40", "--collab-max-cost=0.2", "--collab-run-dir=out", "-rs"
    )
    result.stdout.fnmatch_lines(["SKIPPED*the session has spent*--collab-max-cost=0.2*--collab-resume*"])
    spent = sum(usage["cost_usd"] for play in plays(shake.path / "out") for usage in play["usage"].values())
    assert 0 < spent <= 0.2 + 2 * 0.01 + 1e-9, "at most the calls in flight go beyond"


def test_many_episodes_are_in_play_at_once_and_reported_in_order(shake: pytest.Pytester) -> None:
    with (shake.path / "conftest.py").open("a") as file:
        file.write(MEETING)
    result = shake.runpytest_subprocess("--agents=meeting", "--collab-in-flight=6", "-v", "--collab-pairing=self")
    result.stdout.fnmatch_lines([f"*shake?team-meeting+meeting-s{seed}? COORDINATION*" for seed in range(6)])


def test_in_flight_works_in_each_worker_for_the_items_it_was_handed(shake: pytest.Pytester) -> None:
    with (shake.path / "conftest.py").open("a") as file:
        file.write(MEETING.replace("PARTIES = 6", "PARTIES = 3"))
    result = shake.runpytest_subprocess(
        "--agents=meeting", "--collab-in-flight=3", "-n2", "--maxschedchunk=100", "--dist=loadfile", "-v"
    )
    result.stdout.fnmatch_lines(["*6 coordination*"])


def test_x_stops_new_episodes_even_with_many_in_flight(shake: pytest.Pytester) -> None:
    result = shake.runpytest_subprocess(
        "--agents=stubborn", "-x", "--collab-in-flight=2", "--collab-seeds=50", "--collab-run-dir=out"
    )
    result.stdout.fnmatch_lines(["*stopping after 1 failures*"])
    assert len(plays(shake.path / "out")) <= 3


MEETING = """
import asyncio
from pytest_collab import Agent
from pytest_collab.episode.agent import Reply

PARTIES = 6

class Meeting(Agent):
    '''Answers only once so many episodes are in play: one after the other would wait for ever.'''
    present = 0
    all_here = None

    async def reply(self, request):
        if self.all_here is None:
            self.all_here = asyncio.Event()
        self.present += 1
        if self.present >= PARTIES:
            self.all_here.set()
        await asyncio.wait_for(self.all_here.wait(), 30)
        return Reply("It is 999.")

def pytest_collab_make_agent(config, name):
    return Meeting() if name == "meeting" else None
"""
