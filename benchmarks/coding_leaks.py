"""Open descriptors, child processes and folders before and after many coding episodes.

    python -m benchmarks.coding_leaks [--episodes 1000] [--task tasks/coding/sift/sift.collab.yaml]

Ends with status 1 when anything has been left behind.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

from pytest_collab.families.taskfile import read_task
from pytest_collab.sandbox.tree import descendants
from pytest_collab.testing import play_episode

ROOT = Path(__file__).parents[1]


def held() -> dict[str, int]:
    """What this process holds now."""
    folders = [name for name in os.listdir(tempfile.gettempdir()) if name.startswith("collab-coding-")]
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "processes": len(descendants(os.getpid())),
        "folders": len(folders),
    }


def main() -> int:
    """Play, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--task", type=Path, default=ROOT / "tasks/coding/sift/sift.collab.yaml")
    args = parser.parse_args()
    task = read_task(args.task)
    most = task.family.seeds(task.params) or 1
    teams = ("oracle+oracle", "partner+partner", "silent+nop")
    conditions = ("team", "git", "lead", "sequential")
    tempfile.tempdir = tempfile.mkdtemp(prefix="collab-leaks-")
    for condition in conditions:  # what is made once and kept is made now
        play_episode(task.params, teams[0].split("+"), condition)
    before, memory = held(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    broken = 0
    for number in range(args.episodes):
        team = teams[number % len(teams)].split("+")
        episode = play_episode(task.params, team, conditions[number % len(conditions)], number % most).episode
        broken += episode.error is not None
    seconds = time.perf_counter() - began
    after = held()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024
    print(f"{args.episodes} episodes in {seconds:.1f} s, {broken} infrastructure errors, {grown:+.0f} MB at the peak")
    for name, count in after.items():
        print(f"{name:12} before {before[name]:4}  after {count:4}")
    return int(after != before or broken > 0)


if __name__ == "__main__":
    raise SystemExit(main())
