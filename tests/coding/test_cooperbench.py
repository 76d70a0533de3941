"""The real CooperBench, where a checkout of it is at hand."""

from __future__ import annotations

import json
import os
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from pytest_collab.errors import SetupError, UsageError
from pytest_collab.families.coding.cooperbench import CooperPool, find_mirror, read_dataset, select, task_of
from pytest_collab.families.coding.repository.git import Store
from pytest_collab.families.coding.repository.merge import check_merge
from pytest_collab.families.coding.repository.seed import seed_of
from pytest_collab.families.coding.validation.validate import validate_pool

CHECKOUT = os.environ.get("COLLAB_COOPERBENCH", "")
REPOS = os.environ.get("COLLAB_COOPERBENCH_REPOS", "")
POOLS = read_dataset(Path(CHECKOUT)) if CHECKOUT else []
pytestmark = pytest.mark.skipif(
    not CHECKOUT,
    reason="set COLLAB_COOPERBENCH to a checkout (git clone https://github.com/cooperbench/CooperBench) and "
    "COLLAB_COOPERBENCH_REPOS to a folder with mirrors of its repositories",
)


def mirrored(pool: CooperPool) -> Any:
    """The pool's params; skips where its repository is not at hand."""
    if not REPOS:
        pytest.skip("set COLLAB_COOPERBENCH_REPOS to a folder with mirrors of CooperBench's repositories")
    try:
        find_mirror(pool, Path(REPOS))
    except UsageError as error:
        pytest.skip(str(error))
    return task_of(pool, Path(REPOS)).params


def test_all_pools_are_read_and_become_tasks() -> None:
    assert (len(POOLS), sum(len(pool.features) for pool in POOLS)) == (30, 199)
    assert sum(len(task_of(pool, None).seed_list()) for pool in POOLS) == 652


@pytest.mark.parametrize(("subset", "pairs"), [("lite", 100), ("flash", 50)])
def test_subsets_hold_the_pairs_that_they_say(pytester: pytest.Pytester, subset: str, pairs: int) -> None:
    words = [f"--collab-cooperbench={CHECKOUT}", f"--collab-cooperbench-subset={subset}", "--agents=silent"]
    result = pytester.runpytest_inprocess(*words, "--collab-conditions=team", "--collect-only", "-q")
    result.stdout.fnmatch_lines([f"{pairs} tests collected*"])


def published(pool: CooperPool) -> dict[tuple[str, str], bool]:
    """Pair to whether it merges cleanly, as the dataset says; without pairs of which a patch was not applied."""
    path = pool.folder.parent.parent / "gold_conflict_report.json"
    return {
        (f"f{min(one['f1'], one['f2'])}", f"f{max(one['f1'], one['f2'])}"): not one["has_conflict"]
        for one in json.loads(path.read_text())["all_results"]
        if (one["repo"], one["task_id"]) == (pool.group, pool.number)
        and not (one["patch1_apply_failed"] or one["patch2_apply_failed"])
    }


@pytest.mark.slow
@pytest.mark.parametrize("pool", POOLS, ids=[pool.slug for pool in POOLS])
def test_references_conflict_as_published(pool: CooperPool, tmp_path: Path, cache: Path) -> None:
    params = mirrored(pool)
    try:
        seed = seed_of(params, cache)
    except SetupError as error:
        if "partial or damaged clone" in str(error):
            pytest.skip(str(error))
        raise
    store = Store.create(tmp_path / "store.git", seed.path, seed.commit)
    commits = {
        feature.id: store.commit(store.apply(seed.tree, params.reference(feature))) for feature in params.features
    }
    checks = {pair: check_merge(store, [commits[one] for one in pair]) for pair in combinations(commits, 2)}
    theirs = published(pool)
    assert theirs
    assert {pair: checks[pair].clean for pair in theirs} == theirs
    assert {check.status for check in checks.values()} <= {"clean", "conflicts"}


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_clean_merge_can_fail_and_a_union_can_pass(cache: Path) -> None:
    (pool,) = select(POOLS, ["click/2800"])
    check = await validate_pool(mirrored(pool), pool.slug, cache=cache)
    kinds = {pair.features: pair.kind for pair in check.pairs}
    assert kinds["f1", "f2"] == "semantic"
    assert (len(check.pairs), check.naive_clean, check.naive_pass, check.union_pass) == (21, 9, 8, 7)
    assert not check.problems
