"""`collab export`: a run in other tools' formats."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_collab.episode.run import RunDirectory
from pytest_collab.episode.text import counted
from pytest_collab.errors import UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="a run directory")
    parser.add_argument(
        "--format",
        choices=("csv", "parquet", "inspect", "cooperbench", "otel"),
        required=True,
        help="a table of episodes (csv, parquet), logs for inspect_ai, one per task, condition and team, "
        "the result.json, eval.json and patches of CooperBench, or OpenTelemetry spans, sent to where the OTEL_* "
        "variables point",
    )
    parser.add_argument(
        "--out", type=Path, help="the file (csv, parquet) or the folder to write (inspect, cooperbench)"
    )
    parser.add_argument(
        "--content", action="store_true", help="otel: also what agents were told, answered and did (default: not)"
    )


def run(args: argparse.Namespace) -> int:
    """Write the files and name them, or send the spans."""
    if (args.format == "otel") == (args.out is not None):
        raise UsageError(
            "--format=otel sends spans and writes no file: leave --out away, and set OTEL_* variables"
            if args.out is not None
            else f"--format={args.format} needs --out=PATH"
        )
    if args.content and args.format != "otel":
        raise UsageError(f"--content is for --format=otel; --format={args.format} has always the same contents")
    directory = RunDirectory.open(args.run)
    if args.format == "otel":
        return _send(directory, args.content)
    out = Path(args.out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if args.format == "inspect":
            from pytest_collab.measure.settling import as_settled
            from pytest_collab.report.inspect import write_logs

            episodes = as_settled(directory.record().episodes())
            written = write_logs(episodes, directory.transcript, directory.info(), out)
            print(
                f"wrote {counted(len(written), 'log')}, {counted(len(episodes), 'episode')}: inspect "
                f"view --log-dir {out}"
            )
            return 0
        if args.format == "cooperbench":
            return _cooperbench(directory, out)
        count = _table(directory, args.format, out)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror or error}") from error
    print(f"wrote {out}: {counted(count, 'episode')}")
    return 0


def _table(directory: RunDirectory, kind: str, out: Path) -> int:
    """One play of each episode, with the outcome that it was settled to."""
    from pytest_collab.measure.reader import read_frame
    from pytest_collab.measure.records import Records
    from pytest_collab.report.table import write_csv, write_parquet

    frame = read_frame(directory.path)
    write = write_csv if kind == "csv" else write_parquet
    return write(Records(directory, frame), sorted(frame.metrics), out)


def _cooperbench(directory: RunDirectory, out: Path) -> int:
    from pytest_collab.families.coding.cooperbench.results import write_run

    name, started = directory.path.resolve().name, directory.info().started
    written, left_out = write_run(directory.record().episodes(), directory.transcript, name, started, out)
    for folder, count in written.items():
        print(f"wrote {out / folder}: {counted(count, 'pair')}")
    for reason, count in left_out.items():
        print(f"left out: {counted(count, 'episode')}: {reason}")
    if not written:
        raise UsageError(f"{directory.path} has no episode of CooperBench's; play some with --collab-cooperbench=DIR")
    return 0


def _send(directory: RunDirectory, content: bool) -> int:
    """Every play is a trace: a re-run that was needed is as much worth a look as what it replaced."""
    import sys

    from pytest_collab.measure.settling import as_settled
    from pytest_collab.report.otel import export, wants_content

    plays = as_settled(directory.record().plays)
    sent = export(plays, directory.transcript, directory.info(), content=content or wants_content())
    # stdout may be the console exporter's
    print(f"sent {counted(sent, 'span')} of {counted(len(plays), 'episode')}", file=sys.stderr)
    return 0
