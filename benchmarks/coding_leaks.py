"""What many coding episodes leave behind: descriptors, processes, files and bytes on the disk, memory.

    python -m benchmarks.coding_leaks [--episodes 1000] [--task tasks/coding/sift/sift.collab.yaml]

Without a task, a pool of three features whose tests take milliseconds is played: the same code, and more episodes.

Ends with status 1 when anything has been left behind. Episodes are played one after the other in one process, each
with the next team, condition and pair; what is made once and kept (seed, environment, expectations) is made before
the first count. Everything that is made for an episode lies in the folder for temporary files, which is a fresh one.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from pytest_collab import families
from pytest_collab.families.taskfile import read_task
from pytest_collab.sandbox.tree import descendants
from pytest_collab.testing import play_episode
from tests.coding import small

ROOT = Path(__file__).parents[1]


def held() -> dict[str, int]:
    """What this process holds now."""
    below = [Path(folder, name) for folder, _, names in os.walk(tempfile.gettempdir()) for name in names]
    worktrees = [path for path in below if path.name == "HEAD" and path.parent.parent.name == "worktrees"]
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "processes": len(descendants(os.getpid())),
        "threads": len(os.listdir("/proc/self/task")),
        "folders": len(os.listdir(tempfile.gettempdir())),
        "files": len(below),
        "worktrees": len(worktrees),
        "KiB on disk": sum(path.lstat().st_blocks for path in below) // 2,
    }


def main() -> int:
    """Play, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--task", type=Path, help="a task file of family coding")
    args = parser.parse_args()
    tempfile.tempdir = tempfile.mkdtemp(prefix="collab-leaks-")
    params: Any = read_task(args.task).params if args.task else small.params(small.lay_out(Path(tempfile.mkdtemp())))
    most = families.of(params).seeds(params) or 1
    teams = ("oracle+oracle", "partner+partner", "silent+nop")
    conditions = ("team", "git", "lead", "sequential")
    for number in range(max(most, len(conditions))):  # what is made once and kept is made now
        play_episode(params, teams[0].split("+"), conditions[number % len(conditions)], number % most)
    before, memory = held(), resident()
    began = time.perf_counter()
    broken = 0
    for number in range(args.episodes):
        team = teams[number % len(teams)].split("+")
        episode = play_episode(params, team, conditions[number % len(conditions)], number % most).episode
        broken += episode.error is not None
        if (number + 1) % 100 == 0:
            now = " ".join(f"{name} {count}" for name, count in held().items())
            print(f"{number + 1:5} episodes: {now}, {resident():.0f} MB resident", flush=True)
    seconds = time.perf_counter() - began
    after = held()
    print(f"{args.episodes} episodes in {seconds:.1f} s, {broken} infrastructure errors")
    print(f"memory: {memory:.0f} MB resident before, {resident():.0f} MB after")
    for name, count in after.items():
        print(f"{name:12} before {before[name]:6}  after {count:6}")
    # Threads are a pool that grows to the number of calls at a time, and stays.
    kept = {name: count for name, count in after.items() if name != "threads" and count > before[name]}
    if kept:
        print(f"left behind: {', '.join(kept)}")
    shutil.rmtree(tempfile.gettempdir(), ignore_errors=True)
    return int(bool(kept) or broken > 0)


def resident() -> float:
    """Megabytes of memory that this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


if __name__ == "__main__":
    raise SystemExit(main())
