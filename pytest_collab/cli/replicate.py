"""`collab replicate`: play a study's protocol and print its table, with the published rows beside ours."""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", nargs="?", help="which study; all of them are listed without")
    parser.add_argument(
        "--agents", default="", metavar="A,B", help="agents under test, as pytest's --agents has them"
    )
    parser.add_argument(
        "--scale",
        choices=("quick", "paper"),
        default="quick",
        help="quick: the same rules, fewer and shorter episodes (default); paper: the study's own size",
    )
    parser.add_argument("--plan", action="store_true", help="say what it would come to, and play nothing")
    parser.add_argument(
        "--format",
        choices=("terminal", "markdown", "json", "html"),
        default="terminal",
        help="of the table, which goes to standard output; all else goes to standard error",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the table there instead")
    parser.add_argument("--run-dir", type=Path, metavar="DIR", help="where the run goes (default: a new one)")
    parser.add_argument("--resume", action="store_true", help="finish the run in --run-dir: play what is missing")
    parser.add_argument("--from", type=Path, dest="run_from", metavar="RUN", help="play nothing: a run's table")
    parser.add_argument(
        "--pytest",
        default="",
        metavar="OPTIONS",
        help='further options of the session that plays, e.g. --pytest="-n 4 --collab-max-cost=20"',
    )
    parser.epilog = (
        "The plan (episodes, calls, dollars) is shown before anything is played. The built-in cast is played in the "
        "same run and costs nothing. Exit status: 0 the table was printed; 2 it could not be."
    )


def run(args: argparse.Namespace) -> int:
    from pytest_collab.errors import UsageError
    from pytest_collab.replications.study import studies, study_called

    study = study_called(args.study) if args.study is not None else None
    if args.run_from is not None:
        if args.agents or args.plan or args.resume:
            raise UsageError("--from plays nothing: leave --agents, --plan and --resume out")
        _print(args, args.run_from)
        return 0
    if study is None:
        wide = max(map(len, studies()))
        for one in studies().values():
            print(f"{one.name:<{wide}}  {one.summary}")
        return 0
    from pytest_collab.replications.play import plan, play, record_of

    extra = _options(args.pytest)
    record = record_of(study, args.scale, _agents(args.agents))
    with tempfile.TemporaryDirectory(prefix="collab-plan-") as folder:
        told = plan(study, record, Path(folder), extra)
    print(f"{study.name} at {args.scale} scale:\n{told}\n", file=sys.stdout if args.plan else sys.stderr, flush=True)
    if args.plan:
        return 0
    _print(args, play(study, record, args.run_dir, resume=args.resume, extra=extra))
    return 0


def _print(args: argparse.Namespace, run: Path) -> None:
    from pytest_collab.errors import RunError
    from pytest_collab.replications.render import FORMATS
    from pytest_collab.replications.study import study_called
    from pytest_collab.replications.table import replication

    text = FORMATS[args.format](replication(run, study_called(args.study) if args.study else None))
    if args.out is None:
        print(text, end="")
        return
    try:
        args.out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RunError(f"{args.out} cannot be written: {error.strerror or error}") from error
    print(args.out)


def _agents(text: str) -> list[str]:
    from pytest_collab.errors import UsageError

    names = [name.strip() for name in text.split(",")] if text else []
    for name in names:
        if not name or "+" in name:
            raise UsageError(
                f"--agents={text}: write names with commas between; the study says which teams they make"
            )
    return list(dict.fromkeys(names))


def _options(text: str) -> list[str]:
    from pytest_collab.errors import UsageError

    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"--pytest={text}: {error}; write it as in a shell") from None
