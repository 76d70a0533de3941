"""One process with many episodes in flight: what is slow holds up its own report, and nothing else."""

from __future__ import annotations

import json

import pytest

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
