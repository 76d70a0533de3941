"""`collab export`: a run in other tools' formats."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_collab.episode.run import RunDirectory
from pytest_collab.errors import UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="a run directory")
    parser.add_argument(
        "--format",
        choices=("csv", "parquet", "inspect"),
        required=True,
        help="a table of episodes (csv, parquet), or logs for inspect_ai, one per task, condition and team",
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="the file to write (csv, parquet) or the folder (inspect)"
    )


def run(args: argparse.Namespace) -> int:
    """Write the files and name them."""
    directory = RunDirectory.open(args.run)
    episodes = directory.record().episodes()
    out = Path(args.out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if args.format == "inspect":
            from pytest_collab.report.inspect import write_logs

            written = write_logs(episodes, directory.transcript, directory.info(), out)
            print(f"wrote {len(written)} logs, {len(episodes)} episodes: inspect view --log-dir {out}")
            return 0
        from pytest_collab.report.table import write_csv, write_parquet

        (write_csv if args.format == "csv" else write_parquet)(episodes, out)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror or error}") from error
    print(f"wrote {out}: {len(episodes)} episodes")
    return 0
