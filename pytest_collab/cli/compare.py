"""`collab compare`: what got better or worse between runs, beyond noise."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_collab.episode.run import RunDirectory
from pytest_collab.errors import UsageError

if TYPE_CHECKING:
    from pytest_collab.measure.comparison import RunComparison
    from pytest_collab.measure.gate import Where


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", type=Path, nargs="+", help="run directories, the oldest first")
    parser.add_argument("--series", action="store_true", help="follow every metric over all runs; name the best one")
    parser.add_argument("--metric", default="success_rate", help="what to compare (default success_rate)")
    parser.add_argument("--confidence", type=_share, default=0.95, help="of intervals and tests (default 0.95)")
    parser.add_argument("--lower-is-better", action="store_true", help="for metrics.NAME: less of it is better")
    parser.add_argument(
        "--margin",
        type=_margin,
        metavar="X",
        help="the loss that must be noticed, in the metric's unit (default 0.1)",
    )
    parser.add_argument(
        "--as",
        dest="stand_ins",
        action="append",
        default=[],
        metavar="NEW=OLD",
        help="the agent NEW of the later runs stands in for OLD of the first",
    )
    parser.add_argument(
        "--where",
        type=_where,
        action="append",
        default=[],
        metavar="KEY=NAME",
        help="only these: family, task, condition, team or agent, as in a gates file; more than one of a key are "
        "alternatives",
    )
    parser.add_argument(
        "--unpaired",
        action="store_true",
        help="the runs played other seeds on purpose: hold them against each other as two groups",
    )
    parser.add_argument("--json", action="store_true", help="print JSON (docs/schemas)")
    parser.epilog = (
        "Every later run is compared with the first. Exit status: 0 a loss of the margin is ruled out, for all tasks "
        "together and for every family; 1 something got worse beyond noise (with --series: the last run is not the "
        "best somewhere); 2 it cannot be told (with --series: the last run is void somewhere), or the runs cannot be "
        "compared."
    )


def run(args: argparse.Namespace) -> int:
    """0 when a loss is ruled out, 1 when something got worse, 2 when it cannot be told."""
    from pytest_collab.measure.reader import read_frame

    if len(args.runs) < 2:
        raise UsageError(f"compare needs at least two runs, not {len(args.runs)}")
    names = _names(args.runs)
    frames = {name: read_frame(path) for name, path in zip(names, args.runs, strict=True)}
    _refuse_copies(names, args.runs)
    differences = _differences(names, args.runs)
    options: dict[str, Any] = {
        "metric": args.metric,
        "confidence": args.confidence,
        "lower_is_better": args.lower_is_better,
    }
    if args.series and (args.stand_ins or args.margin is not None or args.where or args.unpaired):
        raise UsageError(
            "--as, --margin, --where and --unpaired are for two runs, not for a --series: it names the best, whoever "
            "played it"
        )
    if args.series:
        from pytest_collab.measure.series import follow_series
        from pytest_collab.report.changes import series_lines

        report = follow_series(frames, **options)
        if args.json:
            print(report.model_dump_json(indent=2))
        else:
            _print([*series_lines(report), *_told(differences)])
        if any(series.warning is not None for series in report.series):
            return 1
        return 2 if any(series.points[-1].void for series in report.series) else 0
    from pytest_collab.measure.change import compare_runs
    from pytest_collab.measure.standin import parse_stand_ins

    first, *later = names
    options |= {
        "margin": args.margin,
        "given": parse_stand_ins(args.stand_ins, "--as"),
        "where": _selection(args.where),
        "unpaired": args.unpaired,
    }
    comparisons = {name: compare_runs(frames[first], frames[name], **options) for name in later}
    if args.json:
        print(_as_json(first, comparisons, differences))
    else:
        _print(_lines(first, comparisons, differences))
    found = {comparison.conclusion for comparison in comparisons.values()}
    return 1 if "worse" in found else 2 if "cannot tell" in found else 0


def _names(paths: Sequence[Path]) -> list[str]:
    """Directory names, or whole paths where two have the same name. Raises UsageError for the same run twice."""
    short = [path.resolve().name for path in paths]
    names = short if len(set(short)) == len(short) else [str(path) for path in paths]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"{twice} is named twice; name each run once")
    return names


def _refuse_copies(names: Sequence[str], paths: Sequence[Path]) -> None:
    from itertools import combinations

    from pytest_collab.measure.circumstances import same_run

    for one, other in combinations(range(len(paths)), 2):
        if same_run(paths[one], paths[other]):
            raise UsageError(f"{names[other]} is the same run as {names[one]}; name each run once")


def _differences(names: Sequence[str], paths: Sequence[Path]) -> dict[str, list[str]]:
    """What was different about the circumstances of each run, against the first."""
    from pytest_collab.measure.circumstances import circumstances_changed

    infos = [RunDirectory(path).info() for path in paths]
    return {name: circumstances_changed(infos[0], info) for name, info in zip(names[1:], infos[1:], strict=True)}


def _lines(
    first: str, comparisons: Mapping[str, RunComparison], differences: Mapping[str, Sequence[str]]
) -> list[str]:
    from pytest_collab.report.changes import change_lines

    lines = []
    for name, comparison in comparisons.items():
        lines += [f"{first} -> {name}", *(f"  {line}" for line in change_lines(comparison, first, name, every=True))]
    return [*lines, *_told(differences)]


def _told(differences: Mapping[str, Sequence[str]]) -> list[str]:
    return [f"note: {name} was played otherwise: {one}" for name, found in differences.items() for one in found]


def _as_json(first: str, comparisons: Mapping[str, RunComparison], differences: Mapping[str, Sequence[str]]) -> str:
    from pytest_collab.measure.comparison import Comparisons, NamedComparison

    found = tuple(
        NamedComparison(before=first, after=name, circumstances=tuple(differences[name]), **comparison.model_dump())
        for name, comparison in comparisons.items()
    )
    return Comparisons(comparisons=found).model_dump_json(indent=2)


def _print(lines: Sequence[str]) -> None:
    for line in lines:
        print(line)


def _where(text: str) -> tuple[str, str]:
    key, equals, name = text.partition("=")
    keys = ("family", "task", "condition", "team", "agent")
    if key not in keys or not equals or not name:
        raise argparse.ArgumentTypeError(f"{text}: write KEY=NAME, with one of {', '.join(keys)}")
    return key, name


def _selection(given: Sequence[tuple[str, str]]) -> Where:
    from pytest_collab.measure.gate import Where

    names: dict[str, list[str]] = {}
    for key, name in given:
        names.setdefault(key, []).append(name)
    return Where.model_validate(names)


def _margin(text: str) -> float:
    value = float(text)
    if not (value > 0.0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"{text}: give a number above 0, e.g. 0.1 for ten points")
    return value


def _share(text: str) -> float:
    value = float(text)
    if not 0.5 < value < 1.0:
        raise argparse.ArgumentTypeError(f"{text}: give a number between 0.5 and 1, e.g. 0.95")
    return value
