"""Counter-tests over the shipped pools: how many tests have them, what they say of right solutions, what they cost.

    python benchmarks/coding_counter_tests.py                    # every pool whose toolchain is here
    python benchmarks/coding_counter_tests.py sift --rounds 3 --counter-tests 1 --before CHECKOUT

Every feature's reference, and the patch that builds all features of a pool together, is given every counter-test that
was made. A right solution that is taken for a wrong one is an alarm, and the benchmark ends with status 1.

Then episodes are graded with and without counter-tests, in turn, as they are when they are played: two features at a
time, each on its seat's own tree without counter-tests, and on the joined tree with as many as the pool asks for.

The table is Markdown. `tests`: new tests, and how many of them are in a counter-test (the base's own tests, which in
Rust are new too, as the base does not build with the hidden ones, are left out). `sets`: counter-tests made. `given`:
counter-tests that right solutions were given, and `alarms` how many they met. `plain`, `counter`: seconds of an
episode's grading without and with counter-tests, in the mean. `time`, `work`: the second as a multiple of the first,
by the clock and by processors' time (which does not mind what else the machine does). With `--before`, a checkout
of this package from before there were counter-tests (commit bb06b02): `before` is an episode's grading there, `of it`
the processors' time here, with counter-tests, as a multiple of that; the last line is for an episode of each pool.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import anyio

from benchmarks.coding_plain_grading import episode, pairs, references
from pytest_collab.families.coding.environment.toolchain import missing_toolchain
from pytest_collab.families.coding.grading.grading import Grader
from pytest_collab.families.coding.pool import answers
from pytest_collab.families.coding.pool.pool import load

ROOT = Path(__file__).parent.parent
HEAD = "| pool | features | tests | sets | given | alarms | plain | counter | time | work |"
PEER = " before | of it |"
_ALL = 4


async def measure(path: Path, rounds: int, count: int | None) -> tuple[str, int, float]:
    """One pool's row, its alarms, and processors' seconds of an episode's grading with counter-tests."""
    pool = load(path)
    if count is not None:
        pool = pool.model_copy(update={"counter_tests": count})
    new = inside = sets = given = alarms = 0
    spent = {False: (0.0, 0.0), True: (0.0, 0.0)}
    with tempfile.TemporaryDirectory() as folder:
        async with Grader(pool) as grader, Grader(pool.model_copy(update={"counter_tests": _ALL})) as strict:
            store = grader.store(Path(folder) / "store.git")
            features = [feature.id for feature in pool.features]
            own, joined = references(pool, grader, store)
            for feature in pool.features:
                expected = await grader.expectation(feature)
                hidden = pool.hidden(feature)
                own_tests = [
                    name for name in expected.fail_to_pass if not _of_base(name, grader.seed.checkout, hidden)
                ]
                new += len(own_tests)
                inside += expected.countered
                sets += len(expected.counters)
                for tree in (own[feature.id], joined):
                    grade = await strict.grade(store, tree, feature)
                    given += grade.counters
                    if not grade.passed:
                        alarms += 1
                        print(f"{path.stem} {feature.id}: {grade.reason} {grade.gamed}", file=sys.stderr)
            for number, pair in enumerate(pairs(features, rounds)):
                parts = [(own[name], name, False) for name in pair] + [(joined, name, True) for name in pair]
                for counters in (False, True) if number % 2 else (True, False):
                    took = await episode(
                        partial(grader.grade, store, tree, name, counters=counters and deciding)
                        for tree, name, deciding in parts
                    )
                    spent[counters] = tuple(map(sum, zip(spent[counters], took, strict=True)))
    clock, work = (spent[True][unit] / spent[False][unit] for unit in range(2))
    seconds = [spent[counters][0] / (len(features) * rounds) for counters in (False, True)]
    cells = (path.name.partition(".")[0], len(features), f"{inside} of {new}", sets, given, alarms)
    figures = (*(f"{one:.2f} s" for one in seconds), f"{clock:.2f}", f"{work:.2f}")
    row = "| " + " | ".join(map(str, (*cells, *figures))) + " |"
    return row, alarms, spent[True][1] / (len(features) * rounds)


def _of_base(test: str, base: Path, hidden: bytes) -> bool:
    """Whether a test stands in a file of the base that the hidden tests leave alone."""
    path = test.partition("::")[0]
    return (base / path).is_file() and f"b/{path}".encode() not in hidden


def _before(checkout: Path, path: Path, rounds: int) -> tuple[float, float]:
    """Seconds of an episode's grading in another checkout, by the clock and of processors."""
    pool = checkout.resolve() / path.relative_to(ROOT)
    command = [
        sys.executable,
        str(ROOT / "benchmarks" / "coding_plain_grading.py"),
        str(pool),
        "--rounds",
        str(rounds),
    ]
    env = {**os.environ, "PYTHONPATH": str(checkout.resolve())}
    said = subprocess.run(command, env=env, cwd=checkout, check=True, capture_output=True, text=True).stdout
    clock, work = map(float, said.split()[-2:])
    return clock, work


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pools", nargs="*", help="names of shipped pools; all without")
    parser.add_argument("--rounds", type=int, default=1, help="how often each feature is graded beside the next")
    parser.add_argument("--counter-tests", type=int, help="how many each is given; as the pool says without")
    parser.add_argument("--before", type=Path, help="a checkout from before counter-tests, to compare with")
    args = parser.parse_args()
    alarms, earlier, now = 0, 0.0, 0.0
    head = HEAD + PEER * bool(args.before)
    print(f"{head}\n|{'---|' * head.count(' | ')}---|", flush=True)
    for path in sorted((ROOT / "tasks" / "coding").glob("*/*.collab.yaml")):
        if (args.pools and path.parent.name not in args.pools) or not (path.parent / answers.COMBINED).is_file():
            continue
        if missing := missing_toolchain(load(path)):
            print(f"{path.parent.name} is left out: {missing}", file=sys.stderr)
            continue
        row, found, work = anyio.run(measure, path, args.rounds, args.counter_tests)
        alarms += found
        if args.before:
            clock, used = _before(args.before, path, args.rounds)
            earlier, now = earlier + used, now + work
            row += f" {clock:.2f} s | {work / used:.2f} |"
        print(row, flush=True)
    if earlier:
        print(f"| all |{' |' * (head.count(' | ') - 1)} {now / earlier:.2f} |")
    return 1 if alarms else 0


if __name__ == "__main__":
    sys.exit(main())
