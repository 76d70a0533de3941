"""`collab cascades`: how pieces of information spread over the seats of a run."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pytest_collab.errors import UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="a run directory")
    parser.add_argument("--family", help="only episodes of this family")
    parser.add_argument("--condition", default="team", help="only episodes under this condition (default team)")
    parser.add_argument(
        "--words", type=int, default=4, metavar="N", help="words in a row that make a piece (default 4)"
    )
    parser.add_argument(
        "--least", type=int, default=1, metavar="X", help="the power law is that of sizes from X on (default 1)"
    )
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    parser.epilog = (
        "A report, from transcripts alone: nothing gates on it. Figures of few seats are bounded by these. "
        "Exit status: 0; 2 when the run holds no episode to read."
    )


def run(args: argparse.Namespace) -> int:
    from pytest_collab.episode.run import RunDirectory
    from pytest_collab.report.cascades import as_json, lines, read

    if args.words < 1 or args.least < 1:
        key, value = ("--words", args.words) if args.words < 1 else ("--least", args.least)
        raise UsageError(f"{key}={value}: give 1 or more")
    found = read(RunDirectory.open(args.run), args.family, args.condition, args.words, args.least)
    if args.json:
        print(json.dumps([as_json(one) for one in found], indent=2))
        return 0
    for one in found:
        for line in lines(one):
            print(line)
    return 0
