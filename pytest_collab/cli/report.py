"""`collab report`: write a run's report page."""

from __future__ import annotations

import argparse
import webbrowser
from pathlib import Path

from pytest_collab.episode.run import RunDirectory


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="a run directory")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write (default: report.html in the run)")
    parser.add_argument("--baseline", type=Path, metavar="DIR", help="an earlier run to compare with")
    parser.add_argument(
        "--all",
        action="store_true",
        dest="everything",
        help="every transcript and picture, however large",
    )
    parser.add_argument("--open", action="store_true", help="open it in the browser")


def run(args: argparse.Namespace) -> int:
    from pytest_collab.report.html import write_report

    directory = RunDirectory.open(args.run)
    if args.baseline is not None:
        RunDirectory.open(args.baseline)  # a baseline named by hand must be there
    path = write_report(directory, args.out, baseline=args.baseline, everything=args.everything)
    print(path)
    if args.open:
        webbrowser.open(path.absolute().as_uri())
    return 0
