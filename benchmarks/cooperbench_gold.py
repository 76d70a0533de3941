"""CooperBench's references, merged mechanically and graded: the seven pools that run without docker.

    python benchmarks/cooperbench_gold.py --dataset CHECKOUT --repos MIRRORS [--pools click/2800,...] [--jobs 2]
    python benchmarks/cooperbench_gold.py --dataset CHECKOUT --repos MIRRORS --pools all --textual

Prints, per pool, how many pairs of references merge without conflict, pass then, and pass when conflicts keep both
sides; which features are vacuous; on how many pairs the merge check agrees with the dataset's own
`gold_conflict_report.json`; and how long it takes once environments are built. With --textual nothing is installed
and no test is run. With --counter-tests every merged feature gets so many; a reference that meets one is an alarm.
Ends with status 1 where the merge check and the dataset disagree, at an alarm, or where a pool could not be judged.

The report counts a patch that did not apply as one that conflicts with nothing; such pairs are told and not compared.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio

from pytest_collab.errors import CollabError, SetupError
from pytest_collab.families.coding.cooperbench import CooperPool, choose, task_of
from pytest_collab.families.coding.repository.clone import opened
from pytest_collab.families.coding.repository.git import GitError, Store
from pytest_collab.families.coding.repository.merge import check_merge
from pytest_collab.families.coding.repository.seed import cache_folder, seed_of
from pytest_collab.families.coding.validation.validate import PoolCheck, table, validate_pool

POOLS = "click/2068,click/2800,click/2956,jinja/1465,jinja/1559,jinja/1621,dirty-equals/43"
_GAMED = "a wrong answer passes"
"""How the reason of a grade begins that counter-tests have decided."""
Clean = Mapping[tuple[str, ...], bool | None]
"""Pair to whether it merges cleanly; None where a patch did not apply."""


def main() -> int:
    """Judge the pools, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, required=True, help="a checkout of cooperbench/CooperBench")
    parser.add_argument("--repos", type=Path, help="folder of git mirrors; upstream's repositories where not given")
    parser.add_argument("--pools", default=POOLS, help="names, or `all`")
    parser.add_argument("--jobs", type=int, default=2, help="test runs at a time")
    parser.add_argument("--counter-tests", type=int, default=1, help="how many every merged feature is given")
    parser.add_argument("--cache", type=Path, help="where environments are kept")
    parser.add_argument("--sandbox", default="auto")
    parser.add_argument("--textual", action="store_true", help="merge only")
    parser.add_argument("--json", type=Path, help="also write every result there")
    options = parser.parse_args()
    pools = choose(options.dataset, () if options.pools == "all" else options.pools.split(","))
    published = published_by(options.dataset)
    checks: list[PoolCheck] = []
    bad = pairs = agreed = 0
    started = time.monotonic()
    for pool in pools:
        try:
            params: Any = task_of(pool, options.repos).params
            params = params.model_copy(update={"counter_tests": options.counter_tests})
            if options.textual:
                clean = merges(params, options.cache)
                print(f"{pool.name}: {sum(clean.values())} of {len(clean)} clean", end="")
            else:
                check = anyio.run(_check, params, pool.slug, options)
                checks.append(check)
                clean = {pair.features: pair.naive == "clean" for pair in check.pairs}
                _tell(check)
        except CollabError as error:
            print(f"{pool.name}: {error}", flush=True)
            bad += 1
            continue
        theirs = of_pool(published, pool)
        known = [pair for pair in clean if theirs.get(pair) is not None]
        same = sum(theirs[pair] == clean[pair] for pair in known)
        print(f"{', ' if options.textual else '  '}as published on {same} of {len(known)} pairs", end="")
        print(f" ({len(clean) - len(known)} not comparable)" if len(known) < len(clean) else "", flush=True)
        pairs, agreed = pairs + len(known), agreed + same
    if options.json:
        options.json.write_text(json.dumps([check.model_dump(mode="json") for check in checks], indent=1))
    if checks:
        naive, union = sum(check.naive_pass for check in checks), sum(check.union_pass for check in checks)
        print(table(checks))
        print(f"{sum(check.naive_clean for check in checks)} merge cleanly, {naive} of them pass", end=", ")
        print(f"{naive + union} with those that pass when conflicts keep both sides")
    built = sum(check.prepare_s for check in checks)
    print(f"{agreed} of {pairs} pairs merge or conflict as published; {bad} pools could not be judged")
    alarms = [pair for check in checks for pair in check.pairs if _GAMED in pair.reason]
    print(f"{len(alarms)} of {sum(len(check.pairs) for check in checks)} pairs met a wrong expectation")
    print(f"{time.monotonic() - started - built:.0f} s without, {time.monotonic() - started:.0f} s with environments")
    return int(bad > 0 or agreed < pairs or bool(alarms))


async def _check(params: Any, name: str, options: argparse.Namespace) -> PoolCheck:
    return await validate_pool(params, name, jobs=options.jobs, cache=options.cache, sandbox=options.sandbox)


def _tell(check: PoolCheck) -> None:
    print(f"{check.name}: environment {check.prepare_s:.1f} s, features {check.features_s:.1f} s", end=", ")
    print(
        f"pairs {check.pairs_s:.1f} s, in {check.sandbox}: {check.naive_clean} of {len(check.pairs)} clean", end=", "
    )
    print(f"{check.naive_pass} pass, {check.union_pass} more with union")
    for problem in check.problems:
        print(f"  {problem}")
    for pair in check.pairs:
        if pair.kind in ("semantic", "unknown"):
            print(f"  {'+'.join(pair.features)}: {pair.kind}: {pair.reason}")


def merges(params: Any, cache: Path | None) -> dict[tuple[str, ...], bool]:
    """Every pair of references of a pool, and whether it merges cleanly.

    A mirror that lacks objects of the base serves as well, where no reference touches what is lacking.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            seed = seed_of(params, cache or cache_folder())
            store = Store.create(Path(folder, "store.git"), seed.path, seed.commit)
        except SetupError:
            with opened(params.folder / params.base.repository) as repository:
                store = Store.create(Path(folder, "store.git"), Path(repository.common_dir), params.base.commit)
        tree = store.tree(store.base)
        commits: dict[str, str] = {}
        for feature in params.features:
            try:
                commits[feature.id] = store.commit(store.apply(tree, params.reference(feature)))
            except GitError as error:
                print(f"  {feature.id}: its reference does not apply: {error}", file=sys.stderr)
        groups = [pair for pair in params.groups() if all(name in commits for name in pair)]
        return {pair: check_merge(store, [commits[name] for name in pair]).clean for pair in groups}


def published_by(dataset: Path) -> list[dict[str, Any]]:
    """Every pair of the dataset's own report on conflicts; empty where the checkout has none."""
    root = dataset / "dataset" if (dataset / "dataset").is_dir() else dataset
    path = root / "gold_conflict_report.json"
    found: list[dict[str, Any]] = json.loads(path.read_text())["all_results"] if path.is_file() else []
    return found


def of_pool(published: list[dict[str, Any]], pool: CooperPool) -> Clean:
    """What the dataset's report says of one pool."""
    return {
        (f"f{min(one['f1'], one['f2'])}", f"f{max(one['f1'], one['f2'])}"): (
            None if one["patch1_apply_failed"] or one["patch2_apply_failed"] else not one["has_conflict"]
        )
        for one in published
        if (one["repo"], one["task_id"]) == (pool.group, pool.number)
    }


if __name__ == "__main__":
    raise SystemExit(main())
