"""One pair of a coding pool: set-up, merge check and grading, against a clone and a fresh environment per pair.

    python -m benchmarks.coding_pair [--task tasks/coding/sift/sift.collab.yaml] [--pairs 5]

The other way is that of harnesses which prepare everything per pair: `git clone`, a virtual environment with the test
runner in it, `git merge` in a work tree, and the runner for each suite. Both run here, in the same process, one after
the other; figures are medians in milliseconds.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import anyio

from pytest_collab.families.coding.bench import Bench
from pytest_collab.families.coding.merge import check_merge
from pytest_collab.families.coding.rules import Deal
from pytest_collab.families.coding.workspace import Workspace
from pytest_collab.families.taskfile import read_task

ROOT = Path(__file__).parents[1]
Times = dict[str, list[float]]


def main() -> None:
    """Measure both ways over the first pairs of a pool and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", type=Path, default=ROOT / "tasks/coding/sift/sift.collab.yaml")
    parser.add_argument("--pairs", type=int, default=5)
    args = parser.parse_args()
    params: Any = read_task(args.task).params
    groups = list(itertools.islice(params.deals, args.pairs))
    ours: Times = {}
    theirs: Times = {}
    disk = anyio.run(_ours, params, groups, ours)
    for group in groups:
        _theirs(params, group, theirs)
    print(f"{args.task.name}, {len(groups)} pairs, median milliseconds a pair")
    print(f"{'':14}{'ours':>10}{'clone + venv':>14}{'ratio':>8}")
    for part in ("set-up", "merge check", "grading"):
        mine, other = statistics.median(ours[part]) * 1e3, statistics.median(theirs[part]) * 1e3
        print(f"{part:14}{mine:10.0f}{other:14.0f}{other / mine:8.1f}")
    print(f"disk of a pair in flight: {disk / 1024:.0f} KiB")


async def _ours(params: Any, groups: list[tuple[str, ...]], times: Times) -> int:
    bench = Bench(params)
    await bench.ready()
    for feature in params.features:
        await bench.grader.expectation(feature)
    grader = bench.grader
    disk = 0
    for group in groups:
        deal = Deal({seat: (feature,) for seat, feature in zip("ab", group, strict=True)}, "merge")
        began = time.perf_counter()
        workspace = Workspace(grader.seed, deal.seats, grader.choice, grader.environment)
        await workspace.open()
        began = _note(times, "set-up", began)
        store = workspace.store
        trees = [store.apply(grader.seed.tree, params.reference(params.feature(name))) for name in group]
        commits = [store.commit(tree) for tree in trees]
        began = time.perf_counter()
        check = check_merge(store, commits)
        began = _note(times, "merge check", began)
        graded = check.tree if check.clean else trees[0]
        for name in group:
            await grader.grade(store, graded, name)
        _note(times, "grading", began)
        disk = sum(path.lstat().st_size for path in workspace.folder.rglob("*") if path.is_file())
        await workspace.close()
    await bench.close()
    return disk


def _theirs(params: Any, group: tuple[str, ...], times: Times) -> None:
    with tempfile.TemporaryDirectory(prefix="collab-clone-") as name:
        root = Path(name)
        origin = root / "origin"
        shutil.copytree(params.path(params.base.folder), origin)
        _git(origin, "init", "-q", "-b", "main")
        _git(origin, "add", "-A")
        _git(origin, "commit", "-qm", "base")
        began = time.perf_counter()
        for seat in "ab":
            subprocess.run(["git", "clone", "-q", origin, root / seat], check=True)
        subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", root / "venv"], check=True)
        began = _note(times, "set-up", began)
        for seat, feature in zip("ab", group, strict=True):
            _git(root / seat, "checkout", "-qb", seat)
            _git(root / seat, "apply", "--whitespace=nowarn", "-", stdin=params.reference(params.feature(feature)))
            _git(root / seat, "add", "-A")
            _git(root / seat, "commit", "-qm", feature)
        _git(root / "a", "fetch", "-q", str(root / "b"), "b")
        began = time.perf_counter()
        merged = _git(root / "a", "merge", "-q", "--no-edit", "FETCH_HEAD", check=False)
        if merged:
            _git(root / "a", "merge", "--abort")
        began = _note(times, "merge check", began)
        for feature in group:
            tests = params.hidden(params.feature(feature))
            _git(root / "a", "apply", "--whitespace=nowarn", "-", stdin=tests, check=False)
            subprocess.run(
                [root / "venv" / "bin" / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider"],
                cwd=root / "a",
                capture_output=True,
                check=False,
            )
        _note(times, "grading", began)


def _note(times: Times, part: str, began: float) -> float:
    now = time.perf_counter()
    times.setdefault(part, []).append(now - began)
    return now


def _git(folder: Path, *words: str, stdin: bytes = b"", check: bool = True) -> int:
    who = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
    done = subprocess.run(["git", *who, *words], cwd=folder, input=stdin, capture_output=True, check=check)
    return done.returncode


if __name__ == "__main__":
    main()
