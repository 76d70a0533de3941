"""`collab history`: every gate and family over the nights."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pytest_collab.errors import UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", type=Path, nargs="+", metavar="DIR", help="run directories, or folders of them")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with a chart for each line")
    parser.add_argument("--condition", default="team", help="of the families' lines (default team)")
    parser.add_argument("--last", type=int, metavar="N", help="only the N newest")
    parser.add_argument("--tables", action="store_true", help="every night's figure, too")
    parser.epilog = (
        "Of a run, summary.json, gates.json and run.json suffice. Nights that say nothing, or cannot be read, are "
        "named. Exit status: 0; 2 when no run can be read."
    )


def run(args: argparse.Namespace) -> int:
    from pytest_collab.measure.history import read_history
    from pytest_collab.report.history import BLOCKS, history_lines, write_history

    if args.last is not None and args.last < 1:
        raise UsageError(f"--last={args.last}: give 1 or more")
    history = read_history(args.runs, args.condition, args.last)
    for line in history_lines(history, blocks=_has(BLOCKS), tables=args.tables):
        print(line)
    if args.html is not None:
        try:
            write_history(history, args.html)
        except OSError as error:
            raise UsageError(f"{args.html} cannot be written: {error.strerror or error}") from error
        print(f"page: {args.html}")
    return 0


def _has(letters: str) -> bool:
    """Whether the terminal can show some letters."""
    try:
        letters.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
