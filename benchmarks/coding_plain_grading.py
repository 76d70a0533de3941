"""Seconds that the grading of episodes takes without counter-tests, whatever version of the package is imported.

    PYTHONPATH=CHECKOUT python benchmarks/coding_plain_grading.py CHECKOUT/tasks/coding/sift/sift.collab.yaml

Two features of a pool at a time, each on its seat's own tree and on the joined one: four runs. Prints the mean of an
episode, by the clock and of processors. `coding_counter_tests.py` starts this in a checkout from before there were
counter-tests.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import anyio

from pytest_collab.families.coding.grading.grading import Grader
from pytest_collab.families.coding.pool import answers
from pytest_collab.families.coding.pool.pool import load
from pytest_collab.families.coding.workspace.bench import AT_ONCE


async def measure(path: Path, rounds: int, cache: Path) -> tuple[float, float]:
    """Seconds of an episode in the mean."""
    pool = load(path)
    spent = [0.0, 0.0]
    with tempfile.TemporaryDirectory() as folder:
        async with Grader(pool, cache=cache) as grader:
            store = grader.store(Path(folder) / "store.git")
            names = [feature.id for feature in pool.features]
            whole = answers.combined(pool, names)
            assert whole is not None, f"{path} has no {answers.COMBINED}"
            joined = store.apply(grader.seed.tree, whole.encode())
            own = {}
            for feature in pool.features:
                patch = pool.reference(feature)
                assert patch is not None
                own[feature.id] = store.apply(grader.seed.tree, patch)
                await grader.expectation(feature)
            slots = anyio.Semaphore(AT_ONCE)

            async def one(tree: str, name: str) -> None:
                async with slots:
                    assert (await grader.grade(store, tree, name)).passed

            for number in range(len(names) * rounds):
                pair = (names[number % len(names)], names[(number + 1) % len(names)])
                clock, work = time.perf_counter(), processors()
                async with anyio.create_task_group() as tasks:
                    for name in pair:
                        tasks.start_soon(one, own[name], name)
                        tasks.start_soon(one, joined, name)
                spent[0] += time.perf_counter() - clock
                spent[1] += processors() - work
    return spent[0] / (len(names) * rounds), spent[1] / (len(names) * rounds)


def processors() -> float:
    """Seconds of processors that this process and those that it started have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> int:
    """Print both figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pool", type=Path)
    parser.add_argument("--rounds", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        print(*anyio.run(measure, args.pool, args.rounds, Path(cache)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
