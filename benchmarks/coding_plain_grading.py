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
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import anyio

from pytest_collab.families.coding.grading.expectation import FeatureGrade
from pytest_collab.families.coding.grading.grading import Grader
from pytest_collab.families.coding.pool import answers
from pytest_collab.families.coding.pool.pool import Pool, load
from pytest_collab.families.coding.repository.git import Store
from pytest_collab.families.coding.workspace.bench import AT_ONCE


async def measure(path: Path, rounds: int, cache: Path) -> tuple[float, float]:
    """Seconds of an episode in the mean."""
    pool = load(path)
    names = [feature.id for feature in pool.features]
    spent = [0.0, 0.0]
    with tempfile.TemporaryDirectory() as folder:
        async with Grader(pool, cache=cache) as grader:
            store = grader.store(Path(folder) / "store.git")
            own, joined = references(pool, grader, store)
            for feature in pool.features:
                await grader.expectation(feature)
            for pair in pairs(names, rounds):
                trees = [(own[name], name) for name in pair] + [(joined, name) for name in pair]
                took = await episode(partial(grader.grade, store, tree, name) for tree, name in trees)
                spent = [sum(both) for both in zip(spent, took, strict=True)]
    return spent[0] / (len(names) * rounds), spent[1] / (len(names) * rounds)


def references(pool: Pool, grader: Grader, store: Store) -> tuple[dict[str, str], str]:
    """Trees: of every feature's reference by itself, and of the patch that builds all of them."""
    whole = answers.combined(pool, [feature.id for feature in pool.features])
    assert whole is not None, f"{pool.folder} has no {answers.COMBINED}"
    own = {}
    for feature in pool.features:
        patch = pool.reference(feature)
        assert patch is not None
        own[feature.id] = store.apply(grader.seed.tree, patch)
    return own, store.apply(grader.seed.tree, whole.encode())


def pairs(names: Sequence[str], rounds: int) -> Iterator[tuple[str, str]]:
    """Every feature beside the next one, so many times."""
    for number in range(len(names) * rounds):
        yield names[number % len(names)], names[(number + 1) % len(names)]


async def episode(grades: Iterable[Callable[[], Awaitable[FeatureGrade]]]) -> tuple[float, float]:
    """Seconds that an episode's grading takes: by the clock, and of processors."""
    slots = anyio.Semaphore(AT_ONCE)

    async def one(grade: Callable[[], Awaitable[FeatureGrade]]) -> None:
        async with slots:
            assert (await grade()).passed

    clock, work = time.perf_counter(), processors()
    async with anyio.create_task_group() as tasks:
        for grade in grades:
            tasks.start_soon(one, grade)
    return time.perf_counter() - clock, processors() - work


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
