"""`collab compare`: what got better or worse between runs, beyond noise."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_collab.episode.run import RunDirectory
from pytest_collab.errors import UsageError

if TYPE_CHECKING:
    from pytest_collab.measure.change import RunComparison


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", type=Path, nargs="+", help="run directories, the oldest first")
    parser.add_argument("--series", action="store_true", help="follow every metric over all runs; name the best one")
    parser.add_argument("--metric", default="success_rate", help="what to compare (default success_rate)")
    parser.add_argument("--confidence", type=_share, default=0.95, help="of intervals and tests (default 0.95)")
    parser.add_argument("--lower-is-better", action="store_true", help="for metrics.NAME: less of it is better")
    parser.add_argument("--json", action="store_true", help="print JSON (docs/schemas)")
    parser.epilog = (
        "Every later run is compared with the first. Exit status: 0 nothing got worse beyond noise; "
        "1 something did (with --series: the last run is not the best somewhere); 2 the runs cannot be compared."
    )


def run(args: argparse.Namespace) -> int:
    """0 when nothing got worse, 1 when something did."""
    from pytest_collab.measure.reader import read_frame

    if len(args.runs) < 2:
        raise UsageError(f"compare needs at least two runs, not {len(args.runs)}")
    names = _names(args.runs)
    frames = {name: read_frame(path) for name, path in zip(names, args.runs, strict=True)}
    differences = _differences(names, args.runs)
    options: dict[str, Any] = {
        "metric": args.metric,
        "confidence": args.confidence,
        "lower_is_better": args.lower_is_better,
    }
    if args.series:
        from pytest_collab.measure.series import follow_series
        from pytest_collab.report.changes import series_lines

        report = follow_series(frames, **options)
        if args.json:
            print(report.model_dump_json(indent=2))
        else:
            _print([*series_lines(report), *_told(differences)])
        return int(any(series.warning is not None for series in report.series))
    from pytest_collab.measure.change import compare_runs

    first, *later = names
    comparisons = {name: compare_runs(frames[first], frames[name], **options) for name in later}
    if args.json:
        print(_as_json(first, comparisons, differences))
    else:
        _print(_lines(first, comparisons, differences))
    return int(any(comparison.regressions for comparison in comparisons.values()))


def _names(paths: Sequence[Path]) -> list[str]:
    """Directory names, or whole paths where two have the same name. Raises UsageError for the same run twice."""
    short = [path.resolve().name for path in paths]
    names = short if len(set(short)) == len(short) else [str(path) for path in paths]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"{twice} is named twice; name each run once")
    return names


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
        lines += [f"{first} -> {name}", *(f"  {line}" for line in change_lines(comparison))]
    return [*lines, *_told(differences)]


def _told(differences: Mapping[str, Sequence[str]]) -> list[str]:
    return [f"note: {name} was played otherwise: {one}" for name, found in differences.items() for one in found]


def _as_json(first: str, comparisons: Mapping[str, RunComparison], differences: Mapping[str, Sequence[str]]) -> str:
    from pytest_collab.measure.change import Comparisons, NamedComparison

    found = tuple(
        NamedComparison(before=first, after=name, circumstances=tuple(differences[name]), **comparison.model_dump())
        for name, comparison in comparisons.items()
    )
    return Comparisons(comparisons=found).model_dump_json(indent=2)


def _print(lines: Sequence[str]) -> None:
    for line in lines:
        print(line)


def _share(text: str) -> float:
    value = float(text)
    if not 0.5 < value < 1.0:
        raise argparse.ArgumentTypeError(f"{text}: give a number between 0.5 and 1, e.g. 0.95")
    return value
