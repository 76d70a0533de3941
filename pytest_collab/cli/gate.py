"""`collab gate`: judge a run that was played before, e.g. one merged from the shards of a CI matrix."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_collab.episode.run import RunDirectory
from pytest_collab.errors import UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, nargs="?", help="a run directory")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--gate", type=Path, metavar="FILE", help="the gates file")
    what.add_argument(
        "--simulate",
        type=Path,
        metavar="FILE",
        help="judge nothing: say how often this gates file would pass teams of known quality, and with how many "
        "seeds it would decide; played as RUN was, or as the next options say",
    )
    parser.add_argument("--seeds", type=int, metavar="N", help="with --simulate: seeds of each gate (default 20)")
    parser.add_argument("--each", type=int, metavar="N", help="with --simulate: episodes of a seed (default 1)")
    parser.add_argument(
        "--alike",
        type=float,
        default=0.3,
        metavar="X",
        help="with --simulate: how much these correlate (default 0.3)",
    )
    parser.add_argument("--runs", type=int, default=400, metavar="N", help="with --simulate: synthetic runs each")
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
    if args.simulate is not None:
        return _simulate(args)
    if args.run is None:
        raise UsageError("name the run to judge: collab gate RUN --gate FILE")
    from pytest_collab.measure.judging import GATES_JSON, judge_directory, read_baselines, read_gates_file
    from pytest_collab.measure.standin import parse_stand_ins
    from pytest_collab.report import github
    from pytest_collab.report.gates import gate_lines, verdict_line
    from pytest_collab.report.reading import read_report

    directory = RunDirectory.open(args.run)
    file = read_gates_file(args.gate, option="--gate")
    given = parse_stand_ins(args.stand_ins, "--as")
    file = file.model_copy(update={"stand_ins": {**file.stand_ins, **given}})
    report = judge_directory(file, args.run, read_baselines(file, args.baseline, Path.cwd(), args.run))
    if args.junitxml is not None:
        from pytest_collab.report.junit import write_gates_xml

        write_gates_xml(args.junitxml, report, args.gate.name)
    for line in [*gate_lines(report), verdict_line(report)]:
        print(line)
    directory.write(GATES_JSON, report)  # after the verdict is told: a run may lie where nothing can be written
    told = read_report(directory, args.baseline) if github.wanted() else None
    for line in github.publish(args.run, report, report=told):
        print(line)
    return 2 if report.verdict == "error" else int(not report.ok)


def _simulate(args: argparse.Namespace) -> int:
    from pytest_collab.measure.judging import read_gates_file
    from pytest_collab.measure.reader import read_frame
    from pytest_collab.measure.simulation import Design, designs_of, outlooks
    from pytest_collab.report.outlook import outlook_lines

    for option in ("seeds", "each", "runs"):
        given = getattr(args, option)
        if given is not None and given < 1:
            raise UsageError(f"--{option}={given}: give 1 or more")
    if not 0.0 <= args.alike <= 1.0:
        raise UsageError(f"--alike={args.alike:g}: a correlation lies within 0..1")
    if args.run is not None and (args.seeds or args.each):
        raise UsageError("--seeds and --each say what a run would say: give them, or a run")
    file = read_gates_file(args.simulate, option="--simulate")
    if args.run is None:
        designs = [Design(args.seeds or 20, args.each or 1, args.alike)] * len(file.gates)
    else:
        designs = designs_of(file, read_frame(args.run), args.alike)
    for line in outlook_lines(outlooks(file, designs, runs=args.runs), args.runs):
        print(line)
    return 0
