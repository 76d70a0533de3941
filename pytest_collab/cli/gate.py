"""`collab gate`: judge a run that was played before, e.g. one merged from the shards of a CI matrix."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_collab.episode.run import RunDirectory


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="a run directory")
    parser.add_argument("--gate", type=Path, required=True, metavar="FILE", help="the gates file")
    parser.add_argument("--baseline", type=Path, metavar="DIR", help="the run that gates call `baseline`")
    parser.add_argument(
        "--as",
        dest="stand_ins",
        action="append",
        default=[],
        metavar="NEW=OLD",
        help="the run's agent NEW stands in for the baseline's agent OLD",
    )
    parser.add_argument("--junitxml", type=Path, metavar="FILE", help="write the gates as JUnit test cases, too")
    parser.epilog = (
        "Writes gates.json into the run. Exit status: 0 every gate passes; 1 one does not, or the run is void; "
        "2 a gate cannot be judged, or something is wrong with the file or the run."
    )


def run(args: argparse.Namespace) -> int:
    """0 when the gates pass, 1 when not, 2 when one cannot be judged."""
    from pytest_collab.measure.judging import GATES_JSON, judge_directory, read_baselines, read_gates_file
    from pytest_collab.measure.standin import parse_stand_ins
    from pytest_collab.report import github
    from pytest_collab.report.gates import gate_lines, verdict_line

    directory = RunDirectory.open(args.run)
    file = read_gates_file(args.gate, option="--gate")
    given = parse_stand_ins(args.stand_ins, "--as")
    file = file.model_copy(update={"stand_ins": {**file.stand_ins, **given}})
    report = judge_directory(file, args.run, read_baselines(file, args.baseline, Path.cwd(), args.run))
    directory.write(GATES_JSON, report)
    if args.junitxml is not None:
        from pytest_collab.report.junit import write_gates_xml

        write_gates_xml(args.junitxml, report, args.gate.name)
    for line in [*gate_lines(report), verdict_line(report)]:
        print(line)
    for line in github.publish(args.run, report):
        print(line)
    return 2 if report.verdict == "error" else int(not report.ok)
