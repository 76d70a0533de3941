"""`collab import`: make tasks of other projects' datasets, from the user's own copy of them."""

from __future__ import annotations

import argparse
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
        "--repos", type=Path, metavar="DIR", help="clones or mirrors of the repositories; fetched where it has none"
    )
    cooper.add_argument("--pools", default="", metavar="A,B", help="only these, e.g. click/2068,jinja (default all)")
    cooper.add_argument("--out", type=Path, default=Path("cooperbench"), metavar="DIR", help="where task files go")


def run(args: argparse.Namespace) -> int:
    """0 when a task was written for every pool asked for, 1 when some could not be."""
    from pytest_collab.families.coding.cooperbench import write_tasks

    names = [name for name in args.pools.split(",") if name]
    written, refused = write_tasks(args.dataset, args.repos, args.out, names)
    for path in written:
        print(path)
    for name, reason in refused.items():
        print(f"{name}: no task: {reason}")
    print(f"{len(written)} tasks in {args.out}; check them with: collab validate --allow-vacuous {args.out}")
    return 1 if refused else 0
