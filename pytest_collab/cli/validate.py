"""`collab validate`: are tasks well-formed, solvable and not vacuous?"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_collab.episode.text import counted
from pytest_collab.errors import CollabError, UsageError

if TYPE_CHECKING:
    from pytest_collab.families.coding.validation.validate import PoolCheck

NAME: Final = "validate"
HELP: Final = "check tasks: solvable, not vacuous, well-formed"
_SUFFIX: Final = ".collab.yaml"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("paths", nargs="*", type=Path, default=[Path("tasks")], help="task files, or folders of them")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="test runs at a time (default 2)")
    parser.add_argument("--no-pairs", action="store_true", help="coding: leave out what pairs of references give")
    parser.add_argument(
        "--sandbox", default="auto", help="where tests of code run (auto, docker, bubblewrap, kubernetes, process)"
    )
    parser.add_argument("--allow-vacuous", action="store_true", help="coding: tests that prove nothing are only told")
    parser.add_argument("--json", type=Path, metavar="FILE", help="coding: also write every result there")


def run(args: argparse.Namespace) -> int:
    """0 when every task is fit to be played, 1 when one is not.

    A pool whose toolchain is missing here is skipped, and says what to install.
    """
    if args.jobs < 1:
        raise UsageError(f"--jobs={args.jobs} must be 1 or more")
    bad = 0
    skipped = 0
    checks: list[PoolCheck] = []
    pools: dict[tuple[str, str], Path] = {}
    files = task_files(args.paths)
    for path in files:
        try:
            outcome = _coding(path, args, pools) if _family(path) == "coding" else _plain(path, args)
        except CollabError as error:
            print(f"{path}: NOT VALID\n  {str(error).replace(chr(10), chr(10) + '  ')}")
            bad += 1
            continue
        if isinstance(outcome, str):
            print(f"{path}: {outcome}")
            skipped += outcome.startswith("skipped")
            continue
        checks.append(outcome)
        problems = [
            problem
            for problem in outcome.problems
            if not (args.allow_vacuous and problem.partition(": ")[2].startswith("vacuous"))
        ]
        print(f"{path}: {'NOT VALID' if problems else 'valid'}")
        for problem in outcome.problems:
            print(f"  {problem}")
        if outcome.uncountered:
            names = ", ".join(outcome.uncountered)
            print(f"  no counter-tests for {names}: no expectation of the hidden tests can be changed")
        for pair in outcome.pairs:
            print(f"  {' + '.join(pair.features)}: {pair.kind}" + (f" ({pair.reason})" if pair.reason else ""))
        bad += bool(problems)
    if checks:
        from pytest_collab.families.coding.validation.validate import table

        print(table(checks))
    if args.json:
        args.json.write_text(json.dumps([check.model_dump(mode="json") for check in checks], indent=1) + "\n")
    print(f"{counted(len(files), 'task')}, {bad} not valid, {skipped} skipped")
    return 1 if bad else 0


def task_files(paths: Iterable[Path]) -> list[Path]:
    """Task files among and below `paths`, sorted.

    Raises:
        UsageError: a path does not exist, or there is no task file at all.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path} does not exist; give task files (*{_SUFFIX}) or folders of them")
        found.update(dict.fromkeys(sorted(path.rglob(f"*{_SUFFIX}")) if path.is_dir() else [path]))
    if not found:
        raise UsageError(f"there is no *{_SUFFIX} file in {', '.join(map(str, paths))}")
    return list(found)


def _family(path: Path) -> str:
    from pytest_collab.families.taskfile import read_content

    data, _, _ = read_content(path)
    return str(data.get("family")) if isinstance(data, dict) else ""


def _plain(path: Path, args: argparse.Namespace) -> str:
    from pytest_collab.families.taskfile import read_task

    task = read_task(path)
    if lacking := task.family.missing(task.params):
        return f"skipped: {lacking}"
    seeds = task.seed_list(min(len(task.seed_list()), 3))
    told = task.family.vet(task.params, seeds, {"sandbox": args.sandbox})
    return "\n  ".join(["valid", *told])


def _coding(path: Path, args: argparse.Namespace, seen: dict[tuple[str, str], Path]) -> PoolCheck | str:
    """Check a pool, unless a task that was checked before sets the same one (under other conditions, say)."""
    import anyio

    from pytest_collab import families
    from pytest_collab.families.coding.environment.environment import missing_toolchain
    from pytest_collab.families.coding.pool.pool import load
    from pytest_collab.families.coding.validation.validate import validate_pool
    from pytest_collab.families.taskfile import read_task

    pairs = not args.no_pairs
    if "coding" in families.names():
        params: Any = read_task(path).params  # what only the family knows: conditions, pairs, roles
        params.check()
        first = seen.setdefault((params.model_dump_json(), params.content()), path)
        if first != path:
            return f"the same features and pairs as {first}"
        pairs = pairs and params.roles is None  # where seats have roles nothing is merged
    pool = load(path)
    if missing := missing_toolchain(pool):
        return f"skipped: {missing}"

    async def check() -> PoolCheck:
        return await validate_pool(
            pool,
            path.name.removesuffix(_SUFFIX),
            jobs=args.jobs,
            pairs=pairs,
            sandbox=args.sandbox,
            progress=lambda line: print(line, file=sys.stderr, flush=True),
        )

    return anyio.run(check)
