"""One process that keeps many episodes in flight, whose durations differ: how far it is from the ideal.

    python benchmarks/driver.py [--episodes 2000] [--in-flight 256] [--mean 2] [--reply 100000] [--slow-first 60]

Every episode is one answer that takes a lognormal time (sigma 1). The ideal is list scheduling of just these times: a
place that becomes free takes the next one. Played by a whole pytest session, records and transcripts written; then,
where it is installed, by inspect_ai (`pip install inspect-ai`). With `--reply` answers are that long; with
`--slow-first` the first takes so many seconds, and most results wait behind it: peak memory tells what those hold.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from math import exp
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

CONFTEST = """
import asyncio, json, resource, time
from pathlib import Path

from benchmarks.harness import ChatFamily
from pytest_collab import Agent, Reply

TIMES = json.loads(Path("times.json").read_text())
BEGAN = []


class Timed(Agent):
    name = "timed"

    def __init__(self, seconds=0.0):
        self.seconds = seconds

    def seated(self, seat):
        return Timed(TIMES[seat.seed])

    async def reply(self, request):
        BEGAN.append(time.perf_counter())
        await asyncio.sleep(self.seconds)
        return Reply("I see." + "." * int(Path("reply.txt").read_text()))


def pytest_collab_families(config):
    return [ChatFamily()]


def pytest_collab_make_agent(config, name):
    return Timed() if name == "timed" else None


def pytest_sessionfinish(session):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    Path("seconds.txt").write_text(f"{time.perf_counter() - BEGAN[0]} {peak}")
"""

INSPECT = """
import asyncio, json, sys, time
from inspect_ai import Task, eval as inspect_eval
from inspect_ai.dataset import Sample
from inspect_ai.scorer import match
from inspect_ai.solver import solver

times = json.load(open("times.json"))

@solver
def talk():
    async def solve(state, generate):
        await asyncio.sleep(times[int(state.sample_id)])
        state.output.completion = "I see."
        return state
    return solve

data = [Sample(input="Talk.", target="see.", id=i) for i in range(len(times))]
began = time.perf_counter()
at_once = int(sys.argv[1])
logs = inspect_eval(Task(dataset=data, solver=talk(), scorer=match()), model="mockllm/model", display="none",
                    log_dir="logs", max_samples=at_once, max_connections=at_once)
print(logs[0].status, time.perf_counter() - began)
"""


def ideal(times: Sequence[float], places: int) -> float:
    """Seconds of list scheduling: whoever is free takes the next one."""
    free = [0.0] * places
    for seconds in times:
        heapq.heapreplace(free, free[0] + seconds)
    return max(free)


def session(folder: Path, places: int) -> tuple[float, float, float]:
    """Seconds from the first answer asked for to the end of the session; CPU seconds; peak MiB until then."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--agents=timed", "-r", "N"]
    process = subprocess.Popen(
        [*command, f"--collab-in-flight={places}"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, "the session failed"
    seconds, peak = map(float, (folder / "seconds.txt").read_text().split())
    return seconds, used.ru_utime + used.ru_stime, peak


def inspect_ai(folder: Path, places: int) -> tuple[float, float, float] | None:
    """The same of inspect_ai; None where it is not installed."""
    process = subprocess.Popen(
        [sys.executable, "-c", INSPECT, str(places)], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    told = process.stdout.read().split()[-2:]
    _, failed, used = os.wait4(process.pid, 0)
    if failed:
        return None
    assert told[0] == b"success", told
    return float(told[1]), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=2000)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--mean", type=float, default=2.0, help="seconds of an episode, in the mean")
    parser.add_argument("--reply", type=int, default=0, help="characters of an answer")
    parser.add_argument("--slow-first", type=float, metavar="SECONDS", help="how long the first episode takes")
    asked = parser.parse_args()
    draw = random.Random(0)
    times = [asked.mean * draw.lognormvariate(0, 1) / exp(0.5) for _ in range(asked.episodes)]
    if asked.slow_first is not None:
        times[0] = asked.slow_first
    best = ideal(times, asked.in_flight)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "conftest.py").write_text(CONFTEST)
        (folder / "times.json").write_text(json.dumps(times))
        (folder / "reply.txt").write_text(str(asked.reply))
        task = f"family: chat\nparams: {{turns: 1}}\nseeds: {asked.episodes}\nconditions: [team]\n"
        (folder / "chat.collab.yaml").write_text(task)
        print(f"{asked.episodes} episodes, {asked.in_flight} in flight: ideal {best:.1f} s (bar: 1.15 x)")
        print("| | seconds | x the ideal | CPU s | peak MiB |\n| --- | --- | --- | --- | --- |")
        for name, play in (("pytest-collab", session), ("inspect_ai", inspect_ai)):
            found = play(folder, asked.in_flight)
            if found is None:
                print(f"| {name} | not installed | | | |")
                continue
            seconds, cpu, peak = found
            print(f"| {name} | {seconds:.1f} | {seconds / best:.2f} | {cpu:.1f} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    main()
