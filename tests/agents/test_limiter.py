"""Limits that all processes of a session keep together."""

from __future__ import annotations

import asyncio
import heapq
import os
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from pytest_collab.agents.limiter import MINUTE_S, FileLane, FileLanes
from pytest_collab.agents.purse import SessionPurse
from pytest_collab.agents.settings import RateLimits
from pytest_collab.episode.limits import BudgetSpent, Limits, Meter, excused, give_back
from pytest_collab.errors import LimitReached

ROOT = Path(__file__).parents[2]


def _reserved(lane: FileLane, count: int, tokens: int = 0) -> list[float]:
    return [lane._reserve(tokens) for _ in range(count)]


def test_no_window_of_a_minute_ever_holds_more_calls_than_the_limit(tmp_path: Path) -> None:
    limit = 50
    two = [FileLane(tmp_path / "lane", RateLimits(requests_per_minute=limit)) for _ in range(2)]
    moments = sorted(moment for _ in range(100) for lane in two for moment in _reserved(lane, 1))
    for index, moment in enumerate(moments):
        assert sum(moment <= other < moment + MINUTE_S for other in moments[index:]) <= limit
    used = len(moments) * MINUTE_S / (moments[-1] - moments[0])
    assert 0.95 * limit <= used <= limit


@pytest.mark.parametrize("limit", [0.5, 7, 50])
def test_no_minute_holds_more_calls_where_they_wake_late_and_many_at_once(tmp_path: Path, limit: float) -> None:
    """Two processes stand still for ten to twenty seconds, now and then; who waits in them then wakes at once."""
    two = [FileLane(tmp_path / "lane", RateLimits(requests_per_minute=limit)) for _ in range(2)]
    began = monotonic()

    def wakes(moment: float, process: int) -> tuple[float, int]:
        still = 20 - (moment - began) % (97, 71)[process]
        return moment + max(still, 0), process

    waiting = [wakes(two[process]._reserve(0), process) for _ in range(60) for process in (0, 1)]
    heapq.heapify(waiting)
    started: list[float] = []
    while waiting:
        now, process = heapq.heappop(waiting)
        again = two[process]._start(now)
        if again:
            heapq.heappush(waiting, wakes(again, process))
        else:
            started.append(now)
    for index, first in enumerate(started):
        assert sum(moment <= first + MINUTE_S for moment in started[index:]) <= max(limit, 1)
    assert started[-1] - began < 1.1 * len(started) * MINUTE_S / limit + MINUTE_S, "the limit is used, too"


def test_tokens_are_spread_like_calls_and_corrected_afterwards(tmp_path: Path) -> None:
    lane = FileLane(tmp_path / "lane", RateLimits(tokens_per_minute=6000))

    async def use(estimate: int, real: int) -> None:
        async with lane.permit(estimate) as permit:
            permit.tokens = real

    asyncio.run(use(5, 10))
    began = monotonic()
    asyncio.run(use(5, 5))
    assert monotonic() - began > 0.05, "ten tokens at a hundred a second were used before"


def test_a_refusal_by_the_provider_makes_every_process_wait(tmp_path: Path) -> None:
    lanes = [FileLane(tmp_path / "lane", RateLimits()) for _ in range(2)]
    lanes[0].slow_down(0.2)

    async def call() -> float:
        began = monotonic()
        async with lanes[1].permit():
            return monotonic() - began

    assert asyncio.run(call()) >= 0.19


def test_a_burst_of_refusals_widens_the_gap_once_and_success_closes_it_again(tmp_path: Path) -> None:
    lane = FileLane(tmp_path / "lane", RateLimits())
    lane.slow_down(0.0)
    assert len(set(_reserved(lane, 3))) == 1, "a single refusal only pauses"
    for _ in range(64):
        lane.slow_down(0.0)
    first, second = _reserved(lane, 2)
    assert 0.002 < second - first < 0.01

    async def succeed() -> None:
        async with lane.permit() as permit:
            permit.served = True

    for _ in range(80):
        asyncio.run(succeed())
    assert len(set(_reserved(lane, 3))) == 1


def test_calls_in_flight_are_limited_over_all_lanes_of_the_account(tmp_path: Path) -> None:
    most = seen = 0

    async def run() -> None:
        nonlocal most, seen
        lanes = [FileLane(tmp_path / "lane", RateLimits(in_flight=3)) for _ in range(2)]
        now = 0

        async def call(lane: FileLane) -> None:
            nonlocal most, seen, now
            async with lane.permit():
                now += 1
                most, seen = max(most, now), seen + 1
                await asyncio.sleep(0.002)
                now -= 1

        await asyncio.gather(*(call(lanes[number % 2]) for number in range(40)))
        assert lanes[0].in_flight == 0

    asyncio.run(run())
    assert (most, seen) == (3, 40)


def test_a_killed_workers_calls_do_not_block_the_others(tmp_path: Path) -> None:
    code = f"""
import asyncio, os, signal
from pathlib import Path
from pytest_collab.agents.limiter import FileLane
from pytest_collab.agents.settings import RateLimits
async def main():
    lane = FileLane(Path({str(tmp_path / "lane")!r}), RateLimits(in_flight=1))
    async with lane.permit():
        os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", code], env=env, check=False).returncode == -9
    lane = FileLane(tmp_path / "lane", RateLimits(in_flight=1))
    assert lane.in_flight == 1

    async def call() -> None:
        async with lane.permit():
            pass

    asyncio.run(asyncio.wait_for(call(), 5))
    assert lane.in_flight == 0


def test_a_cancelled_caller_gives_its_place_back(tmp_path: Path) -> None:
    lane = FileLane(tmp_path / "lane", RateLimits(in_flight=1, requests_per_minute=1))

    async def run() -> None:
        async with lane.permit():
            pass
        waiting = asyncio.create_task(lane.permit().__aenter__())
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert lane.in_flight == 0

    asyncio.run(run())


def test_accounts_have_lanes_of_their_own(tmp_path: Path) -> None:
    lanes = FileLanes(tmp_path)
    one = lanes.get("anthropic|https://one|KEY", RateLimits())
    assert lanes.get("anthropic|https://one|KEY", RateLimits()) is one
    lanes.get("anthropic|https://two|KEY", RateLimits()).slow_down(60)
    assert one.paused_until == 0


def test_the_clock_stops_while_anybody_waits_and_runs_on_afterwards() -> None:
    async def wait(seconds: float) -> None:
        with excused():
            await asyncio.sleep(seconds)

    async def run(afterwards: float) -> None:
        async with Meter(Limits(seconds=0.2), ("a",)).episode():
            await asyncio.gather(*(wait(0.1 * number) for number in range(5)))
            await asyncio.sleep(afterwards)

    asyncio.run(run(0.01))
    with pytest.raises(LimitReached):
        asyncio.run(run(0.6))


def test_lost_time_is_given_back_once_however_many_lost_it() -> None:
    async def run(slept: float) -> None:
        async with Meter(Limits(seconds=0.2), ("a",)).episode():
            now = asyncio.get_running_loop().time()
            for _ in range(5):
                give_back(now, now + 0.2)
            await asyncio.sleep(slept)

    asyncio.run(run(0.25))
    with pytest.raises(LimitReached):
        asyncio.run(run(0.7))


def test_the_purse_is_exact_over_processes(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from pytest_collab.agents.purse import SessionPurse
purse = SessionPurse(Path({str(tmp_path)!r}), None)
for _ in range(500):
    purse.add(0.000001)
"""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    workers = [subprocess.Popen([sys.executable, "-c", code], env=env) for _ in range(3)]
    assert [worker.wait(60) for worker in workers] == [0, 0, 0]
    assert SessionPurse(tmp_path, None).spent == pytest.approx(0.0015, abs=1e-12)


def test_an_empty_purse_says_how_to_go_on(tmp_path: Path) -> None:
    purse = SessionPurse(tmp_path, 0.5)
    purse.check()
    SessionPurse(tmp_path, 0.5).add(0.5)
    with pytest.raises(BudgetSpent, match="--collab-resume"):
        purse.check()


def test_an_episode_is_admitted_only_if_what_is_left_covers_it(tmp_path: Path) -> None:
    purse = SessionPurse(tmp_path, 1.0)
    with purse.admit(0.6):
        with (
            pytest.raises(BudgetSpent, match=r"does not cover an episode like this \(about \$0.5000\)"),
            purse.admit(0.5),
        ):
            raise AssertionError("admitted beyond what is left")
        with SessionPurse(tmp_path, 1.0).admit(0.4):
            purse.add(0.3)
    with purse.admit(0.7) as books:
        books.add(0.5)
        with purse.admit(0.0), pytest.raises(BudgetSpent), purse.admit(0.01):
            raise AssertionError("0.3 and 0.5 are spent, and 0.2 of the 0.7 are still to come")
        books.add(0.1)
        books.add(0.3)
    with pytest.raises(BudgetSpent, match="has spent"), purse.admit(0.0):
        raise AssertionError("admitted with nothing left")


def test_what_dead_processes_had_in_play_is_not_held_back(tmp_path: Path) -> None:
    code = f"""
import os
from pathlib import Path
from pytest_collab.agents.purse import SessionPurse
SessionPurse(Path({str(tmp_path)!r}), 1.0).admit(0.9).__enter__()
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
    with SessionPurse(tmp_path, 1.0).admit(0.5):
        pass
