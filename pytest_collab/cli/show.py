"""`collab show`: a run, or one episode of it, in the terminal."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_collab.episode.executor import Finished
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunDirectory
from pytest_collab.episode.text import counted
from pytest_collab.errors import UsageError

if TYPE_CHECKING:
    from pytest_collab.measure.frame import Frame


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="a run directory")
    parser.add_argument("episode", nargs="?", help="an episode's id, or a part that only one has")
    parser.add_argument("--tables", action="store_true", help="all tables of the run, however long")
    parser.add_argument("--failed", action="store_true", help="list the unsuccessful episodes")


def run(args: argparse.Namespace) -> int:
    directory = RunDirectory.open(args.run)
    if args.episode is not None:
        from pytest_collab.report.story import tell

        episode = find(directory.mentioning(args.episode), args.episode)
        print(tell(Finished(episode, directory.transcript(episode)), directory.path / episode.transcript, whole=True))
        return 0
    from pytest_collab.measure.reader import read_frame

    frame = read_frame(directory.path)
    for line in failed_lines(directory, frame) if args.failed else summed_up(directory, frame, tables=args.tables):
        print(line)
    return 0


def failed_lines(directory: RunDirectory, frame: Frame) -> Iterator[str]:
    """A line for each unsuccessful episode: id, outcome as it was settled, and why."""
    from pytest_collab.measure.frame import OUTCOMES
    from pytest_collab.measure.records import Records
    from pytest_collab.measure.settling import settle
    from pytest_collab.report.story import headline_of

    outcomes = settle(frame).outcomes
    for row, raw in Records(directory, frame).raw((~frame.success).nonzero()[0].tolist()):
        outcome = OUTCOMES[outcomes[row]]
        yield f"{frame.id[row]}  {outcome}  {headline_of(outcome, next(iter(raw.get('failures') or ()), None))}"


def summed_up(directory: RunDirectory, frame: Frame, *, tables: bool) -> list[str]:
    """The run's summary, as its session has told it: worse or not first, then figures, changes and gates."""
    from pytest_collab.measure.judging import summarise_run
    from pytest_collab.report import changes, gates
    from pytest_collab.report.lead import lead_lines
    from pytest_collab.report.reading import read_report
    from pytest_collab.report.terminal import run_lines

    report = read_report(directory)
    comparison = None if report.baseline is None else report.baseline.comparison
    lines = []
    if comparison is not None and report.baseline is not None:
        name = Path(report.baseline.path).name
        lines += ["", f"since {name}", *changes.brief_lines(comparison, name)]
    if report.gates is not None:
        lines += ["", *gates.brief_lines(report.gates), gates.verdict_line(report.gates)]
    summary = summarise_run(directory.path, frame)
    figures = run_lines(directory.path, frame, summary, tables=tables, brief=bool(lines))
    return [*lead_lines(report, directory.path), "", *figures, *lines]


def find(plays: Iterable[Episode], name: str) -> Episode:
    """The play of that id, or the only one that has `name` in its id. Raises UsageError where it is not one."""
    found = [play for play in plays if name in play.id]
    found = [play for play in found if play.id == name] or found
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"no episode of this run has {name!r} in its id; `collab show RUN --failed` lists some")
    some = "\n  ".join(play.id for play in found[:10])
    raise UsageError(f"{counted(len(found), 'episode')} have {name!r} in their ids; name one:\n  {some}")
