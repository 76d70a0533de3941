"""One process with many episodes in flight: what is slow holds up its own report, and nothing else."""

from __future__ import annotations

import json
import re
import sys

import pytest
from _pytest._code.code import TracebackEntry

TASK = "family: handshake\nparams: {numbers: 10}\nseeds: 12\nconditions: [solo]\n"


@pytest.fixture
def slow_first(suite: pytest.Pytester) -> pytest.Pytester:
    """Agent `slow`: at seed 0 it answers once all other seeds of its session have been answered."""
    conftest = suite.path / "conftest.py"
    conftest.write_text(
        conftest.read_text()
        + """
import asyncio
from pytest_collab import Agent, Reply

ANSWERED = set()

class Slow(Agent):
    name = "slow"

    def __init__(self, seed=None):
        self.seed = seed

    def seated(self, seat):
        return Slow(seat.seed)

    async def reply(self, request):
        if self.seed == 0:
            for _ in range(3000):
                if len(ANSWERED) == 11:
                    break
                await asyncio.sleep(0.01)
            else:
                raise RuntimeError(f"only {sorted(ANSWERED)} were played beside seed 0")
        ANSWERED.add(self.seed)
        return Reply(str(self.seed * 7 % 10))

def pytest_collab_make_agent(config, name):
    return Slow() if name == "slow" else None
"""
    )
    (suite.path / "shake.collab.yaml").write_text(TASK)
    return suite


def test_one_slow_episode_holds_up_no_other(slow_first: pytest.Pytester) -> None:
    """Two places: seed 0 keeps one of them until all the others have been through the other."""
    result = slow_first.runpytest_inprocess("--agents=slow", "--collab-in-flight=2", "--collab-run-dir=out")
    result.assert_outcomes(passed=12)
    lines = (slow_first.path / "out" / "episodes.jsonl").read_text().splitlines()
    order = [json.loads(line)["seed"] for line in lines]
    assert order == [*range(1, 12), 0], "each was recorded when it had ended"


def test_what_waits_for_its_place_is_not_begun_once_the_session_stops(slow_first: pytest.Pytester) -> None:
    """The second of twelve fails its test; under -x nothing begins any more once that is reported."""
    slow_first.path.joinpath("shake.collab.yaml").unlink()
    slow_first.makepyfile(
        test_shake="""
        from pytest_collab import task
        from tests.support.handshake import Handshake

        @task(Handshake(numbers=10), seeds=range(1, 31), conditions=["solo"])
        def test_shake(episode):
            assert episode.seed != 2
        """
    )
    result = slow_first.runpytest_inprocess("--agents=slow", "--collab-in-flight=2", "--collab-run-dir=out", "-x")
    result.assert_outcomes(passed=1, failed=1)
    played = len((slow_first.path / "out" / "episodes.jsonl").read_text().splitlines())
    assert played < 30, "the rest was never begun"


def test_results_that_wait_hold_no_transcript_and_what_was_told_is_let_go(slow_first: pytest.Pytester) -> None:
    """Eleven results wait behind seed 0 when it ends; their transcripts are on the disk, and in no memory."""
    slow_first.path.joinpath("conftest.py").open("a").write(
        """
import gc
from pathlib import Path
from pytest_collab.episode.executor import Finished
from pytest_collab.episode.transcript import Transcript

def count(name, kind):
    gc.collect()
    Path(name).write_text(str(sum(isinstance(one, kind) for one in gc.get_objects())))

def pytest_collab_episode_finished(episode, transcript):
    if episode.seed == 0:
        count("waiting", Finished)
        count("held", Transcript)

def pytest_sessionfinish():
    count("left", Finished)
"""
    )
    # In a process of its own: pytester keeps the arguments of every hook that is called in this one.
    slow_first.runpytest_subprocess("--agents=slow", "--collab-in-flight=2").assert_outcomes(passed=12)
    counted = {name: int((slow_first.path / name).read_text()) for name in ("waiting", "held", "left")}
    assert counted.pop("waiting") >= 11
    assert counted == {"held": 1, "left": 0}, "that of seed 0 is held, which has just been kept"


def test_what_a_resumed_run_plays_again_is_played_side_by_side(slow_first: pytest.Pytester) -> None:
    """All of it failed for want of a provider; seed 0 is slow again, and holds up none of what comes after it."""
    conftest = slow_first.path / "conftest.py"
    down = conftest.read_text().replace(
        "        if self.seed == 0:", "        raise ProviderError('503')\n        if 0:"
    )
    conftest.write_text(
        down.replace("import asyncio", "import asyncio\nfrom pytest_collab.errors import ProviderError")
    )
    options = ("--agents=slow", "--collab-in-flight=2", "--collab-run-dir=out", "--collab-resume")
    slow_first.runpytest_subprocess(*options).assert_outcomes(errors=12)
    conftest.write_text(
        conftest.read_text().replace("raise ProviderError('503')", "").replace("if 0:", "if self.seed == 0:")
    )
    slow_first.runpytest_subprocess(*options).assert_outcomes(passed=12)
    lines = [json.loads(line) for line in (slow_first.path / "out" / "episodes.jsonl").read_text().splitlines()]
    again = [line for line in lines if line["outcome"] == "success"]
    assert [line["seed"] for line in again] == [*range(1, 12), 0]
    assert {line["attempt"] for line in again} == {2}
    slow_first.runpytest_subprocess(*options).assert_outcomes(passed=12)
    assert len((slow_first.path / "out" / "episodes.jsonl").read_text().splitlines()) == len(lines), (
        "nothing was played"
    )


def test_no_traceback_is_made_of_a_failed_episode(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of none that pytest makes a traceback of, be it then shown or not: its modules are read and parsed for that."""
    (suite.path / "other.collab.yaml").write_text(TASK.replace("solo", "team").replace("12", "1"))
    suite.makepyfile(
        test_shake="""
        from pytest_collab import task
        from tests.support.handshake import Handshake

        @task(Handshake(numbers=10), seeds=1, conditions=["team"])
        def test_shake(episode):
            assert episode.success
        """
    )
    read: list[TracebackEntry] = []
    monkeypatch.setattr(TracebackEntry, "getsource", lambda entry, *_: read.append(entry))
    result = suite.runpytest_inprocess("--agents=stubborn,provider_down", "--collab-pairing=self")
    assert result.parseoutcomes() == {"coordination": 2, "errors": 2}
    result.stdout.fnmatch_lines(
        ["test_shake.py:6: *", "*seat a said 999*", "*the provider answered 503 three times*"]
    )
    assert read == []


def test_a_session_leaves_nothing_open(suite: pytest.Pytester) -> None:
    """Neither one that plays to its end nor one that stops while episodes are in play."""
    (suite.path / "shake.collab.yaml").write_text(TASK.replace("solo", "solo, team"))
    command = [sys.executable, "-X", "dev", "-W", "error", "-m", "pytest", "-W", "error", "-p", "no:cacheprovider"]
    whole = suite.run(*command, "--agents=partner", "--collab-in-flight=4")
    whole.assert_outcomes(passed=24)
    stopped = suite.run(*command, "--agents=slow,stubborn", "--collab-pairing=self", "--collab-in-flight=8", "-x")
    assert stopped.ret == pytest.ExitCode.TESTS_FAILED
    for result in (whole, stopped):
        shown = f"{result.stdout}{result.stderr}"
        assert not re.search("Warning|unclosed|never awaited|Exception ignored|was destroyed", shown)


def test_every_worker_has_as_many_items_as_it_can_play_at_once(suite: pytest.Pytester) -> None:
    """Two workers with six places each: no answer comes before all twelve episodes are in play."""
    conftest = suite.path / "conftest.py"
    conftest.write_text(
        conftest.read_text()
        + """
import asyncio
from pathlib import Path
from pytest_collab import Agent, Reply

HERE = Path(__file__).parent

class Meeting(Agent):
    name = "meeting"

    def __init__(self, seed=None):
        self.seed = seed

    def seated(self, seat):
        return Meeting(seat.seed)

    async def reply(self, request):
        (HERE / f"{self.seed}.here").touch()
        for _ in range(6000):
            if len([*HERE.glob("*.here")]) == 12:
                return Reply(str(self.seed * 7 % 10))
            await asyncio.sleep(0.01)
        raise RuntimeError("the others never came")

def pytest_collab_make_agent(config, name):
    return Meeting() if name == "meeting" else None
"""
    )
    (suite.path / "shake.collab.yaml").write_text(TASK)
    options = ("--agents=meeting", "-n2", "--collab-in-flight=6", "-p", "no:cacheprovider")
    suite.runpytest_subprocess(*options).assert_outcomes(passed=12)
