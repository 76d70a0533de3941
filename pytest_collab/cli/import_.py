"""`collab import`: make tasks of other projects' datasets, from the user's own copy of them, or of a history."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pytest_collab.episode.text import counted

NAME: Final = "import"
HELP: Final = "make tasks of other projects' datasets, or of a repository's history"


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
    bench = sources.add_parser("teambench", help="tasks with roles of TeamBench (arXiv 2605.07073)")
    bench.add_argument("checkout", type=Path, metavar="DIR", help="a checkout of ybkim95/TeamBench; it is only read")
    bench.add_argument("--tasks", default="", metavar="A,B", help="only these, e.g. GH10_retry_backoff (default all)")
    bench.add_argument("--out", type=Path, default=Path("teambench"), metavar="DIR", help="where tasks go")
    bench.add_argument("--sandbox", default="auto", help="where graders are tried (auto, bubblewrap, docker)")
    history = sources.add_parser("history", help="features from the history of a git repository of your own")
    history.add_argument("repository", type=Path, metavar="REPO", help="a clone or a bare mirror; it is only read")
    history.add_argument("--out", type=Path, metavar="DIR", help="where the pool goes (default: REPO's name-pool)")
    history.add_argument("--ref", default="HEAD", help="the branch, tag or commit to look back from (default HEAD)")
    history.add_argument("--since", metavar="DATE", help="no commit before it, e.g. 2024-01-01 or '2 years ago'")
    history.add_argument("--paths", default="", metavar="A,B", help="only what lies in these files and folders")
    history.add_argument(
        "--test-command", metavar="COMMAND", help="how tests are run: {tests} for files, {report} for a report"
    )
    history.add_argument("--parser", help="the form of its results: junit, pytest, tap, spec, jest, go, cargo")
    history.add_argument("--setup", action="append", metavar="COMMAND", help="what installs it ('' for nothing)")
    history.add_argument("--language", help="python, javascript, typescript, go, rust (default: what most files are)")
    history.add_argument("--features", type=int, default=6, metavar="N", help="how many, at most (default 6)")
    history.add_argument("--budget", type=float, default=10, metavar="MINUTES", help="of the clock (default 10)")
    history.add_argument("--jobs", type=int, default=2, metavar="N", help="test runs at a time (default 2)")
    history.add_argument("--sandbox", default="auto", help="where tests run (auto, bubblewrap, docker, kubernetes)")


def run(args: argparse.Namespace) -> int:
    """0 when there is a task for every pool asked for (of TeamBench's folders: for any), 1 when some cannot be."""
    if args.source == "history":
        return _history(args)
    if args.source == "teambench":
        return _teambench(args)
    names = [name for name in args.pools.split(",") if name]
    if args.list:
        return _listing(args.dataset, args.repos, names, args.subset)
    from pytest_collab.families.coding.cooperbench import write_tasks

    written, refused = write_tasks(args.dataset, args.repos, args.out, names, args.subset)
    for path in written:
        print(path)
    for name, reason in refused.items():
        print(f"{name}: no task: {reason}")
    print(
        f"{counted(len(written), 'task')} in {args.out}; check them with: collab validate --allow-vacuous {args.out}"
    )
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
        print(
            f"{pool.name}: {params['language']}, {counted(len(pool.features), 'feature')}, {counted(pairs, 'pair')}"
        )
        print(f"  base   {params['base']['commit'][:12]} of {params['base']['repository']}")
        if pool.image:
            print(f"  image  {pool.image} (with --collab-sandbox=docker)")
        for command in params["setup"]:
            print(f"  setup  {command}")
        print(f"  test   {params['test']}")
    return 1 if refused else 0


def _history(args: argparse.Namespace) -> int:
    from typing import get_args

    import anyio

    from pytest_collab.errors import UsageError
    from pytest_collab.families.coding.history.choosing import Wanted
    from pytest_collab.families.coding.history.importing import import_history
    from pytest_collab.families.coding.history.report import REPORT, terminal
    from pytest_collab.families.coding.pool.pool import Language, Parser

    for name, value, known in (("language", args.language, Language), ("parser", args.parser, Parser)):
        if value is not None and value not in get_args(known):
            raise UsageError(f"--{name}={value} is not known; choose one of {', '.join(get_args(known))}")
    for name, number, least in (("features", args.features, 2), ("jobs", args.jobs, 1)):
        if number < least:
            raise UsageError(f"--{name}={number} must be {least} or more")
    if not args.budget > 0:
        raise UsageError(f"--budget={args.budget:g} must be more than 0 minutes")
    wanted = Wanted(
        repository=args.repository,
        out=args.out or Path(f"{args.repository.resolve().name.removesuffix('.git')}-pool"),
        ref=args.ref,
        since=args.since,
        paths=tuple(path for path in args.paths.split(",") if path),
        test=args.test_command,
        parser=args.parser,
        setup=None if args.setup is None else tuple(args.setup),
        language=args.language,
        features=args.features,
        minutes=args.budget,
        jobs=args.jobs,
        sandbox=args.sandbox,
    )
    history = anyio.run(import_history, wanted, lambda line: print(line, file=sys.stderr, flush=True))
    print(terminal(history))
    if history.file is None:
        print(f"no pool: it needs two sound features, and there {'is 1' if history.kept else 'are 0'}")
        return 1
    print(f"{counted(len(history.kept), 'feature')} in {wanted.out}; {REPORT} there says the same of every commit")
    print(f"play it: pytest {wanted.out} --agents=oracle,partner")
    return 0


def _teambench(args: argparse.Namespace) -> int:
    import anyio

    from pytest_collab.families.coding.teambench.importing import import_teambench

    names = [name for name in args.tasks.split(",") if name]
    found = anyio.run(
        import_teambench,
        args.checkout,
        args.out,
        names,
        args.sandbox,
        lambda line: print(line, file=sys.stderr, flush=True),
    )
    width = max(len(one.name) for one in found)
    for one in found:
        print(f"{one.name:{width}}  {f'-> {one.file}' if one.file is not None else f'no task: {one.reason}'}")
    made = sum(one.file is not None for one in found)
    print(f"{made} of {len(found)} folders are tasks in {args.out}, each graded by its own script")
    return 0 if made else 1
