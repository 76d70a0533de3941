"""`collab import`: make tasks of other projects' datasets, from the user's own copy of them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

NAME: Final = "import"
HELP: Final = "make tasks of other projects' datasets"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    sources = parser.add_subparsers(dest="source", required=True, metavar="SOURCE")
    cooper = sources.add_parser("cooperbench", help="pairs of features of CooperBench (arXiv 2601.13295)")
    cooper.add_argument(
        "--dataset", type=Path, required=True, metavar="DIR", help="a checkout of cooperbench/CooperBench"
    )
    cooper.add_argument(
        "--repos", type=Path, metavar="DIR", help="clones or mirrors of the repositories (default: fetch upstream's)"
    )
    cooper.add_argument("--pools", default="", metavar="A,B", help="only these, e.g. click/2068,jinja (default all)")
    cooper.add_argument("--subset", metavar="NAME", help="only the pairs of this subset of the dataset, e.g. lite")
    cooper.add_argument("--out", type=Path, default=Path("cooperbench"), metavar="DIR", help="where task files go")
    cooper.add_argument("--list", action="store_true", help="write nothing: say what would become of every pool")


def run(args: argparse.Namespace) -> int:
    """0 when there is a task for every pool asked for, 1 when some cannot be."""
    names = [name for name in args.pools.split(",") if name]
    if args.list:
        return _listing(args.dataset, args.repos, names, args.subset)
    from pytest_collab.families.coding.cooperbench import write_tasks

    written, refused = write_tasks(args.dataset, args.repos, args.out, names, args.subset)
    for path in written:
        print(path)
    for name, reason in refused.items():
        print(f"{name}: no task: {reason}")
    print(f"{len(written)} tasks in {args.out}; check them with: collab validate --allow-vacuous {args.out}")
    return 1 if refused else 0


def _listing(dataset: Path, repos: Path | None, names: Sequence[str], subset: str | None) -> int:
    from pytest_collab.errors import CollabError
    from pytest_collab.families.coding.cooperbench import choose, task_of

    refused = 0
    for pool in choose(dataset, names, subset):
        try:
            task = task_of(pool, repos)
        except CollabError as error:
            refused += 1
            print(f"{pool.name}: no task: {error}")
            continue
        params = task.params.model_dump()
        pairs = len(task.seed_list())
        print(f"{pool.name}: {params['language']}, {len(pool.features)} features, {pairs} pair{'s' * (pairs != 1)}")
        print(f"  base   {params['base']['commit'][:12]} of {params['base']['repository']}")
        if pool.image:
            print(f"  image  {pool.image} (with --collab-sandbox=docker)")
        for command in params["setup"]:
            print(f"  setup  {command}")
        print(f"  test   {params['test']}")
    return 1 if refused else 0
