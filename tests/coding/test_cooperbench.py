"""The real CooperBench, where a checkout of it is at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_collab.families.coding.cooperbench import read_dataset, write_tasks
from pytest_collab.families.coding.git import Store
from pytest_collab.families.coding.merge import check_merge
from pytest_collab.families.coding.pool import load
from pytest_collab.families.coding.seed import seed_of

CHECKOUT = os.environ.get("COLLAB_COOPERBENCH", "")
REPOS = os.environ.get("COLLAB_COOPERBENCH_REPOS", "")
pytestmark = pytest.mark.skipif(
    not CHECKOUT,
    reason="set COLLAB_COOPERBENCH to a checkout (git clone https://github.com/cooperbench/CooperBench) and "
    "COLLAB_COOPERBENCH_REPOS to a folder with mirrors of click, jinja and dirty-equals",
)
CLEAN = {
    "click/2068": (66, 0),
    "click/2800": (21, 9),
    "click/2956": (28, 11),
    "jinja/1465": (45, 0),
    "jinja/1559": (45, 37),
    "jinja/1621": (45, 27),
    "dirty-equals/43": (36, 0),
}


def test_all_pools_are_read() -> None:
    pools = read_dataset(Path(CHECKOUT))
    assert (len(pools), sum(len(pool.features) for pool in pools)) == (30, 199)
    assert sum(len(pool.features) * (len(pool.features) - 1) // 2 for pool in pools) == 652


@pytest.mark.slow
@pytest.mark.parametrize("name", CLEAN)
def test_references_conflict_as_published(name: str, tmp_path: Path, cache: Path) -> None:
    if not REPOS:
        pytest.skip("set COLLAB_COOPERBENCH_REPOS to a folder with mirrors of click, jinja and dirty-equals")
    (path,), _ = write_tasks(Path(CHECKOUT), Path(REPOS), tmp_path, [name])
    pool = load(path)
    seed = seed_of(pool, cache)
    store = Store.create(tmp_path / "store.git", seed.path, seed.commit)
    commits = {
        feature.id: store.commit(store.apply(seed.tree, pool.reference(feature) or b"")) for feature in pool.features
    }
    checks = [check_merge(store, [commits[one] for one in pair]) for pair in pool.groups()]
    assert (len(checks), sum(check.clean for check in checks)) == CLEAN[name]
    assert {check.status for check in checks} <= {"clean", "conflicts"}
