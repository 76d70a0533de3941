"""The pools of a checkout of CooperBench.

The layout that is read (repository cooperbench/CooperBench): `dataset/<repository>_task/task<ID>/` with `Dockerfile`,
`setup.sh`, `runner.sh` and `feature<N>/{feature.md,feature.patch,tests.patch}`, and `dataset/subsets/<name>.json`.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from pytest_collab.errors import UsageError

_COMMIT = re.compile(r"\bBASE_COMMIT=[\"']?([0-9a-f]{40})|git checkout (?:-q )?([0-9a-f]{40})")
_CLONE = re.compile(r"git clone (?:-\S+ )*[\"']?((?:https?|ssh|git|file)://[^\s\"']+?)(?:\.git)?/?[\"']?(?:\s|$)")
_FROM = re.compile(r"^FROM (\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CooperPool:
    """One pool of a checkout.

    Attributes:
        name: `click/2068`.
        slug: `click2068`, what its task is called.
        group: `pallets_click_task`, the folder of its repository's pools.
        number: what CooperBench calls the task's id.
        repository: where upstream's repository is; empty where no script names it.
        commit: the base commit.
        features: numbers of its features, ascending.
        pairs: only these pairs of features; None for all.
    """

    name: str
    slug: str
    group: str
    number: int
    folder: Path
    repository: str
    commit: str
    features: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...] | None = None

    @property
    def upstream(self) -> tuple[str, str]:
        """Owner and name of the repository."""
        *_, owner, name = ("", "", *self.repository.rstrip("/").split("/"))
        return owner, name

    @property
    def group_names(self) -> frozenset[str]:
        """What all pools of its repository are called: `click`, `pallets_click_task`, `pallets_click`, `chi`."""
        short = self.name.partition("/")[0]
        return frozenset((short, self.group, self.group.removesuffix("_task"), self.upstream[1].lower())) - {""}

    @property
    def image(self) -> str:
        """What its Dockerfile begins with; empty where it has none."""
        found = _FROM.search(self.script("Dockerfile"))
        return found[1] if found else ""

    def script(self, name: str) -> str:
        """One of the pool's scripts, with continued lines joined; empty where it has none."""
        path = self.folder / name
        text = path.read_text(errors="replace") if path.is_file() else ""
        return re.sub(r"\\\r?\n", " ", text)


def read_dataset(dataset: Path) -> list[CooperPool]:
    """All pools of a checkout (of its root, or of its `dataset` folder), in order.

    Raises:
        UsageError: there is no dataset, or a pool is incomplete.
    """
    if not dataset.is_dir():
        raise UsageError(
            f"{dataset} is no folder; give a checkout: git clone https://github.com/cooperbench/CooperBench"
        )
    folders = sorted(_root(dataset).glob("*_task/task*/"), key=lambda path: (path.parent.name, _number(path)))
    if not folders:
        raise UsageError(
            f"{dataset} holds no CooperBench dataset (no *_task/task* folder in it or in its dataset folder); "
            "give a checkout: git clone https://github.com/cooperbench/CooperBench"
        )
    return [_read_pool(folder) for folder in folders]


def _root(dataset: Path) -> Path:
    return dataset / "dataset" if (dataset / "dataset").is_dir() else dataset


def _number(folder: Path) -> int:
    digits = folder.name.removeprefix("task")
    if not digits.isdecimal():
        raise UsageError(f"{folder} is not called task<NUMBER>; is this a CooperBench dataset?")
    return int(digits)


def _read_pool(folder: Path) -> CooperPool:
    text = "\n".join(
        (folder / name).read_text(errors="replace")
        for name in ("Dockerfile", "setup.sh", "runner.sh")
        if (folder / name).is_file()
    )
    commit, clone = _COMMIT.search(text), _CLONE.search(text)
    if commit is None:
        raise UsageError(f"{folder} names no base commit in its Dockerfile or setup.sh; is the checkout complete?")
    features = sorted(
        int(part.name.removeprefix("feature"))
        for part in folder.glob("feature[0-9]*")
        if part.name.removeprefix("feature").isdecimal()
    )
    if len(features) < 2:
        raise UsageError(f"{folder} has {len(features)} feature<N> folders; a pair needs two. Is it complete?")
    number, group = _number(folder), folder.parent.name
    short = group.removesuffix("_task").replace("pallets_", "").replace("samuelcolvin_", "").replace("_", "-")
    return CooperPool(
        name=f"{short}/{number}",
        slug=f"{short}{number}",
        group=group,
        number=number,
        folder=folder.resolve(),
        repository=clone[1] if clone else "",
        commit=commit[1] or commit[2],
        features=tuple(features),
    )


def select(pools: Sequence[CooperPool], names: Iterable[str]) -> list[CooperPool]:
    """The pools that are named: `click/2068`, `click2068`, `pallets_click_task/task2068`, or `click` for all of it.

    Raises:
        UsageError: one is unknown; suggests the nearest.
    """
    chosen: dict[str, CooperPool] = {}
    for name in names:
        found = [pool for pool in pools if name in _names(pool)]
        if not found:
            known = sorted({pool.name for pool in pools} | {one for pool in pools for one in pool.group_names})
            close = get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(p.name for p in pools)}"
            raise UsageError(f"the dataset has no pool {name!r}; {hint}")
        chosen.update((pool.name, pool) for pool in found)
    return list(chosen.values())


def _names(pool: CooperPool) -> set[str]:
    return {pool.name, pool.slug, f"{pool.group}/{pool.folder.name}", *pool.group_names} | {
        f"{name}/{pool.number}" for name in pool.group_names
    }


def choose(dataset: Path, names: Sequence[str] = (), subset: str | None = None) -> list[CooperPool]:
    """Pools of a checkout, as a user asks for them.

    Args:
        names: only these (see `select`); all where none is given.
        subset: only the pairs of one of the dataset's own subsets (`lite`, `flash`).

    Raises:
        UsageError: no dataset, an unknown pool or subset, or nothing of the subset is left.
    """
    pools = read_dataset(dataset)
    if names:
        pools = select(pools, names)
    return pools if subset is None else _in_subset(pools, _root(dataset) / "subsets", subset)


def _in_subset(pools: Sequence[CooperPool], folder: Path, name: str) -> list[CooperPool]:
    known = sorted(path.stem for path in folder.glob("*.json"))
    if name not in known:
        close = get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known) or 'none'}"
        raise UsageError(f"the dataset has no subset {name!r}; {hint}")
    try:
        listed = {
            (str(task["repo"]), int(task["task_id"])): task.get("pairs")
            for task in json.loads((folder / f"{name}.json").read_text())["tasks"]
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{folder / name}.json is no list of tasks and pairs: {error}") from None
    found = []
    for pool in pools:
        if (pool.group, pool.number) in listed:
            pairs = listed[pool.group, pool.number]
            found.append(pool if pairs is None else dataclasses.replace(pool, pairs=_pairs(pool, pairs)))
    if not found:
        raise UsageError(f"subset {name!r} has no pair of {', '.join(pool.name for pool in pools)}")
    return found


def _pairs(pool: CooperPool, listed: Iterable[Sequence[int]]) -> tuple[tuple[int, int], ...]:
    pairs = tuple((min(pair), max(pair)) for pair in listed)
    for pair in pairs:
        if not set(pair) <= set(pool.features):
            raise UsageError(f"a subset names features {pair} of {pool.name}, which has {list(pool.features)}")
    return tuple(dict.fromkeys(pairs))
