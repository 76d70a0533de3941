"""`collab show`: a run, or one episode of it, in the terminal."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_collab.episode.executor import Finished
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunDirectory
from pytest_collab.errors import UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="a run directory")
    parser.add_argument("episode", nargs="?", help="an episode's id, or a part that only one has")
    parser.add_argument("--tables", action="store_true", help="all tables of the run, however long")
    parser.add_argument("--failed", action="store_true", help="list the unsuccessful episodes")


def run(args: argparse.Namespace) -> int:
    from pytest_collab.measure.judging import summarise_run
    from pytest_collab.measure.reader import read_frame
    from pytest_collab.measure.settling import as_settled
    from pytest_collab.report.story import headline, tell
    from pytest_collab.report.terminal import run_lines

    directory = RunDirectory.open(args.run)
    record = directory.record()
    if args.episode is not None:
        episode = find(record.plays, args.episode)
        print(tell(Finished(episode, directory.transcript(episode)), directory.path / episode.transcript, whole=True))
        return 0
    if args.failed:
        for episode in as_settled(record.episodes()):
            if not episode.success:
                print(f"{episode.id}  {episode.outcome}  {headline(episode)}")
        return 0
    frame = read_frame(directory.path)
    summary = summarise_run(directory.path, frame)
    for line in run_lines(directory.path, frame, summary, tables=args.tables):
        print(line)
    return 0


def find(plays: tuple[Episode, ...], name: str) -> Episode:
    """The play of that id, or the only one that has `name` in its id. Raises UsageError where it is not one."""
    exact = [play for play in plays if play.id == name]
    found = exact or [play for play in plays if name in play.id]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"no episode of this run has {name!r} in its id; `collab show RUN --failed` lists some")
    some = "\n  ".join(play.id for play in found[:10])
    raise UsageError(f"{len(found)} episodes have {name!r} in their ids; name one:\n  {some}")
