"""Counter-tests over the shipped pools: how many tests have them, what they say of right solutions, what they cost.

    python benchmarks/coding_counter_tests.py                    # every pool whose toolchain is here
    python benchmarks/coding_counter_tests.py sift --rounds 3

Every feature's reference, and the patch that builds all features of a pool together, is graded with and without
counter-tests, as an episode grades: each part on its own tree without them, and on the joined tree with them. A right
solution that is taken for a wrong one is an alarm, and the benchmark ends with status 1.

The table is Markdown. `tests`: new tests, and how many of them are in a counter-test (in Rust all tests are new, as
the base does not build with the hidden ones). `sets`: counter-tests made.
`plain`, `counter`: median seconds of one grading without and with them. `episode`: seconds of an episode's grading as
a multiple of what it takes without them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import anyio

from pytest_collab.families.coding.environment.toolchain import missing_toolchain
from pytest_collab.families.coding.grading.grading import Grader
from pytest_collab.families.coding.pool import answers
from pytest_collab.families.coding.pool.pool import load

ROOT = Path(__file__).parent.parent
HEAD = "| pool | features | tests | sets | graded | alarms | plain | counter | episode |"


async def measure(path: Path, rounds: int) -> tuple[str, int]:
    """One pool's row, and its alarms."""
    pool = load(path)
    plain: list[float] = []
    countered: list[float] = []
    new = inside = sets = graded = alarms = 0
    async with Grader(pool) as grader:
        with tempfile.TemporaryDirectory() as folder:
            store = grader.store(Path(folder) / "store.git")
            together = answers.combined(pool, [feature.id for feature in pool.features])
            for feature in pool.features:
                expected = await grader.expectation(feature)
                new += len(expected.fail_to_pass)
                inside += expected.countered
                sets += len(expected.counters)
                patches = [pool.reference(feature), together.encode() if together else None]
                for patch in [one for one in patches if one is not None]:
                    tree = store.apply(grader.seed.tree, patch)
                    for _ in range(rounds):
                        for counters, times in ((False, plain), (True, countered)):
                            started = time.perf_counter()
                            grade = await grader.grade(store, tree, feature, counters=counters)
                            times.append(time.perf_counter() - started)
                            graded += 1
                            if not grade.passed:
                                alarms += 1
                                print(f"{path.stem} {feature.id}: {grade.reason} {grade.gamed}", file=sys.stderr)
    one, other = statistics.median(plain), statistics.median(countered)
    cells = (path.name.partition(".")[0], len(pool.features), f"{inside} of {new}", sets, graded, alarms)
    figures = f"{one:.2f} s", f"{other:.2f} s", f"{(one + other) / (2 * one):.2f}"
    return "| " + " | ".join(map(str, (*cells, *figures))) + " |", alarms


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pools", nargs="*", help="names of shipped pools; all without")
    parser.add_argument("--rounds", type=int, default=1, help="gradings of each tree")
    args = parser.parse_args()
    alarms = 0
    print(f"{HEAD}\n|{'---|' * HEAD.count(' | ')}---|", flush=True)
    for path in sorted((ROOT / "tasks" / "coding").glob("*/*.collab.yaml")):
        if args.pools and path.parent.name not in args.pools:
            continue
        if missing := missing_toolchain(load(path)):
            print(f"{path.parent.name} is left out: {missing}", file=sys.stderr)
            continue
        row, found = anyio.run(measure, path, args.rounds)
        alarms += found
        print(row, flush=True)
    return 1 if alarms else 0


if __name__ == "__main__":
    sys.exit(main())
