"""CooperBench's references, merged mechanically and graded: the seven pools that run without docker.

    python benchmarks/cooperbench_gold.py --dataset CHECKOUT --repos MIRRORS [--pools click/2800,...] [--jobs 2]

Prints, per pool, how many pairs of references merge without conflict, pass then, and pass when conflicts keep both
sides; which features are vacuous; and how long it takes once environments are built.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import anyio

from pytest_collab.families.coding.cooperbench import write_tasks
from pytest_collab.families.coding.pool import Pool, load
from pytest_collab.families.coding.validate import PoolCheck, table, validate_pool

POOLS = "click/2068,click/2800,click/2956,jinja/1465,jinja/1559,jinja/1621,dirty-equals/43"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, required=True, help="a checkout of cooperbench/CooperBench")
    parser.add_argument("--repos", type=Path, help="folder of git mirrors; upstream where it has none")
    parser.add_argument("--pools", default=POOLS)
    parser.add_argument("--jobs", type=int, default=2, help="test runs at a time")
    parser.add_argument("--cache", type=Path, help="where environments are kept")
    parser.add_argument("--sandbox", default="auto")
    parser.add_argument("--json", type=Path, help="also write every result there")
    options = parser.parse_args()
    checks: list[PoolCheck] = []
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        files, refused = write_tasks(options.dataset, options.repos, Path(folder), options.pools.split(","))
        for name, reason in refused.items():
            print(f"{name}: {reason}")
        for path in files:
            name = path.name.removesuffix(".collab.yaml")
            check = anyio.run(_check, load(path), name, options)
            checks.append(check)
            print(f"{name}: environment {check.prepare_s:.1f} s, features {check.features_s:.1f} s", end=", ")
            print(
                f"pairs {check.pairs_s:.1f} s, in {check.sandbox}: {check.naive_clean} of {len(check.pairs)} clean,",
                end=" ",
            )
            print(f"{check.naive_pass} pass, {check.union_pass} more with union", flush=True)
            for problem in check.problems:
                print(f"  {problem}")
            for pair in check.pairs:
                if pair.kind in ("semantic", "unknown"):
                    print(f"  {'+'.join(pair.features)}: {pair.kind}: {pair.reason}")
    if options.json:
        options.json.write_text(json.dumps([check.model_dump(mode="json") for check in checks], indent=1))
    print(table(checks))
    built = sum(check.prepare_s for check in checks)
    print(f"{time.monotonic() - started - built:.0f} s without, {time.monotonic() - started:.0f} s with environments")


async def _check(pool: Pool, name: str, options: argparse.Namespace) -> PoolCheck:
    return await validate_pool(pool, name, jobs=options.jobs, cache=options.cache, sandbox=options.sandbox)


if __name__ == "__main__":
    main()
