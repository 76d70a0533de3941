"""One pair of a coding pool: set-up, merge check and grading, against a clone and a fresh environment per pair.

    python -m benchmarks.coding_pair [--task tasks/coding/sift/sift.collab.yaml] [--pairs 5]
    python -m benchmarks.coding_pair --dataset CHECKOUT --repos MIRRORS --pools click/2800 [--pairs 5]

The other way is that of harnesses which prepare everything per pair. Of a pool of our own: `git clone`, a virtual
environment, `git merge` in a work tree, and the suite for each feature. Of one of CooperBench's: a clone of the whole
history, a virtual environment, what `runner.sh` installs, the merges of its evaluator (plain, then union), and
`runner.sh` itself for each feature, which resets the tree, applies the patches and installs again before it tests.

Both build the references of the same pairs, one pair after the other, in turn; figures are medians in milliseconds.
Ours are with seed, environment and expectations made (what that took once for the pool is printed), theirs with what
pip has cached. Then pairs are opened at the same time, and what each of them holds is measured.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import anyio

from pytest_collab.families.coding.cooperbench import choose, task_of
from pytest_collab.families.coding.repository.git import Store
from pytest_collab.families.coding.repository.merge import check_merge
from pytest_collab.families.coding.rules import Deal
from pytest_collab.families.coding.workspace.bench import Bench
from pytest_collab.families.coding.workspace.workspace import Workspace
from pytest_collab.families.taskfile import read_task
from pytest_collab.sandbox.tree import descendants

ROOT = Path(__file__).parents[1]
IN_FLIGHT: Final = 8
PARTS: Final = ("set-up", "merge check", "grading")
Times = dict[str, list[float]]


def main() -> None:
    """Measure both ways over the first pairs of each pool and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", type=Path, default=ROOT / "tasks/coding/sift/sift.collab.yaml")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--dataset", type=Path, help="a checkout of cooperbench/CooperBench, instead of --task")
    parser.add_argument("--repos", type=Path, help="folder of git mirrors")
    parser.add_argument("--pools", default="click/2800")
    args = parser.parse_args()
    if args.dataset is None:
        _compare(args.task.name.partition(".")[0], read_task(args.task).params, None, args.pairs)
        return
    for pool in choose(args.dataset, args.pools.split(",")):
        _compare(pool.name, task_of(pool, args.repos).params, pool.folder, args.pairs)


def _compare(name: str, params: Any, folder: Path | None, pairs: int) -> None:
    groups = list(itertools.islice(params.deals, pairs))
    ours: Times = {}
    theirs: Times = {}
    once, held, sandbox = anyio.run(_measure, params, groups, folder, ours, theirs)
    busy = os.getloadavg()[0] / (os.cpu_count() or 1)
    print(f"{name}, {len(groups)} pairs in {sandbox}, median milliseconds a pair; load {busy:.1f} per core")
    print(f"{'':14}{'ours':>10}{'per pair':>14}{'ratio':>8}")
    for part in PARTS:
        mine, other = statistics.median(ours[part]) * 1e3, statistics.median(theirs[part]) * 1e3
        print(f"{part:14}{mine:10.0f}{other:14.0f}{other / mine:8.1f}")
    print(f"once for the pool: {once:.1f} s")
    print(f"a pair in flight holds: {held}", flush=True)


async def _measure(
    params: Any, groups: list[tuple[str, ...]], folder: Path | None, ours: Times, theirs: Times
) -> tuple[float, str, str]:
    began = time.perf_counter()
    bench = Bench(params)
    await bench.ready()
    for feature in params.features:
        await bench.grader.expectation(feature)
    once = time.perf_counter() - began
    for group in groups:
        await _ours(bench, params, group, ours)
        _theirs(params, group, folder, theirs)
    held = await _held(bench, groups)
    sandbox = bench.grader.choice.name
    await bench.close()
    return once, held, sandbox


async def _ours(bench: Bench, params: Any, group: tuple[str, ...], times: Times) -> None:
    grader = bench.grader
    began = time.perf_counter()
    workspace = _workspace(bench, group)
    await workspace.open()
    _note(times, "set-up", began)
    store = workspace.store
    commits = [_solved(store, params, name) for name in group]
    began = time.perf_counter()
    check = check_merge(store, commits)
    if not check.clean:
        check = check_merge(store, commits, "union")
    began = _note(times, "merge check", began)
    graded = check.tree if check.clean else store.tree(commits[0])
    for name in group:
        await grader.grade(store, graded, name)
    _note(times, "grading", began)
    await workspace.close()


def _workspace(bench: Bench, group: tuple[str, ...]) -> Workspace:
    deal = Deal({seat: (feature,) for seat, feature in zip("ab", group, strict=True)}, "merge")
    return Workspace(bench.grader.seed, deal.seats, bench.grader.choice, bench.grader.environment)


def _solved(store: Store, params: Any, name: str) -> str:
    return store.commit(store.apply(store.tree(store.base), params.reference(params.feature(name))))


async def _held(bench: Bench, groups: list[tuple[str, ...]]) -> str:
    """Disk and memory of pairs whose seats are ready and idle."""
    before = _memory()
    async with AsyncExitStack() as stack:
        folders = []
        for group in itertools.islice(itertools.cycle(groups), IN_FLIGHT):
            workspace = _workspace(bench, group)
            await workspace.open()
            stack.push_async_callback(workspace.close)
            for seat in "ab":
                await workspace.run(seat, ["true"], timeout=60)
            folders.append(workspace.folder)
        memory = (_memory() - before) / IN_FLIGHT
        blocks = sum(path.lstat().st_blocks for folder in folders for path in folder.rglob("*"))
    return f"{blocks / 2 / IN_FLIGHT / 1024:.1f} MiB on disk, {memory / 1e6:.1f} MB of memory"


def _memory() -> float:
    """Bytes that this process and what it started have to themselves (shared pages in proportion)."""
    found = 0
    for pid in (os.getpid(), *descendants(os.getpid())):
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue  # it has ended
        found += int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1]) * 1024  # type: ignore[index]
    return found


def _theirs(params: Any, group: tuple[str, ...], folder: Path | None, times: Times) -> None:
    with tempfile.TemporaryDirectory(prefix="collab-clone-") as name:
        root = Path(name)
        if folder is None:
            _own_pool(params, group, root, times)
        else:
            _cooperbench_pool(params, group, folder, root, times)


def _own_pool(params: Any, group: tuple[str, ...], root: Path, times: Times) -> None:
    origin = root / "origin"
    shutil.copytree(params.path(params.base.folder), origin)
    _git(origin, "init", "-q", "-b", "main")
    _git(origin, "add", "-A")
    _git(origin, "commit", "-qm", "base")
    began = time.perf_counter()
    for seat in "ab":
        subprocess.run(["git", "clone", "-q", origin, root / seat], check=True)
    subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", root / "venv"], check=True)
    _note(times, "set-up", began)
    for seat, feature in zip("ab", group, strict=True):
        _commit(root / seat, seat, params.reference(params.feature(feature)))
    _git(root / "a", "fetch", "-q", str(root / "b"), "b:b")
    began = time.perf_counter()
    _merge(root / "a", "b")
    began = _note(times, "merge check", began)
    for feature in group:
        _git(
            root / "a", "apply", "--whitespace=nowarn", "-", stdin=params.hidden(params.feature(feature)), check=False
        )
        command = [root / "venv" / "bin" / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        subprocess.run(command, cwd=root / "a", capture_output=True, check=False)
    _note(times, "grading", began)


def _cooperbench_pool(params: Any, group: tuple[str, ...], folder: Path, root: Path, times: Times) -> None:
    """With the pool's own `runner.sh`, whose fixed folders are replaced by ours, and without a container."""
    repo, patches = root / "repo", root / "patches"
    patches.mkdir()
    environment = {**os.environ, "PATH": f"{root / 'venv' / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": ""}
    environment |= {"VIRTUAL_ENV": str(root / "venv"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    began = time.perf_counter()
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", params.base.repository, repo], check=True)
    _git(repo, "checkout", "-q", params.base.commit)
    subprocess.run([sys.executable, "-m", "venv", root / "venv"], check=True)
    for command in params.setup:
        subprocess.run(["sh", "-c", command], cwd=repo, env=environment, check=True, capture_output=True)
    _note(times, "set-up", began)
    for seat, feature in zip("ab", group, strict=True):
        _git(repo, "checkout", "-q", params.base.commit)
        _commit(repo, seat, params.reference(params.feature(feature)))
    began = time.perf_counter()
    _merge(repo, "a")
    merged = subprocess.run(["git", "diff", params.base.commit, "HEAD"], cwd=repo, check=True, capture_output=True)
    (patches / "merged.patch").write_bytes(merged.stdout)
    began = _note(times, "merge check", began)
    script = (
        (folder / "runner.sh").read_text().replace("/workspace/repo", str(repo)).replace("/patches", str(patches))
    )
    (root / "runner.sh").write_text(script)
    for feature in group:
        (patches / "tests.patch").write_bytes(params.hidden(params.feature(feature)))
        _git(repo, "checkout", "-q", "--force", params.base.commit)
        _git(repo, "clean", "-qfdx")
        command = ["bash", root / "runner.sh", "tests.patch", "merged.patch"]
        subprocess.run(command, cwd=root, env=environment, capture_output=True, check=False)
    _note(times, "grading", began)


def _commit(repo: Path, branch: str, patch: bytes) -> None:
    _git(repo, "checkout", "-qb", branch)
    _git(repo, "apply", "--whitespace=nowarn", "-", stdin=patch)
    _git(repo, "add", "-A")
    _git(repo, "commit", "-qm", branch)


def _merge(repo: Path, branch: str) -> None:
    """Plain, and where that conflicts with the attribute that keeps both sides."""
    if not _git(repo, "merge", "-q", "--no-edit", branch, check=False):
        return
    _git(repo, "merge", "--abort")
    attributes = repo / ".gitattributes"
    before = attributes.read_bytes() if attributes.is_file() else None
    attributes.write_text(f"{(before or b'').decode()}\n* merge=union\n")
    _git(repo, "merge", "-q", "--no-edit", branch, check=False)
    if before is None:
        attributes.unlink()
    else:
        attributes.write_bytes(before)


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
