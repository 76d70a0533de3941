"""`collab regrade`: compute every outcome of a run again from its transcripts."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from pytest_collab import families
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.judge import judge, record
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import BadLine, RunDirectory
from pytest_collab.episode.text import counted, told
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import CollabError


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="a run directory")
    parser.add_argument(
        "--write", action="store_true", help="write the new outcomes to episodes.jsonl (the old stay in .bak)"
    )


def run(args: argparse.Namespace) -> int:
    """0 when every outcome is the same as before, 1 when some differ."""
    directory = RunDirectory.open(args.run)
    again: list[str] = []
    played = changed = failed = 0
    for old in directory.plays():
        if isinstance(old, BadLine):
            continue
        played += 1
        try:
            new = regraded(old, directory.transcript(old))
        except Exception as error:  # of a foreign transcript: it costs no other episode
            why = str(error) if isinstance(error, CollabError) else told(error)
            print(f"{old.id}: cannot be graded again: {why}")
            failed += 1
            again.append(old.json_line())
            continue
        if not same(old, new):
            changed += 1
            print(f"{old.id}: {_told(old)} -> {_told(new)}")
        again.append(new.model_copy(update={"transcript": old.transcript}).json_line())
    print(
        f"{counted(played - failed, 'episode')} graded again, {changed} changed, {failed} could not be graded again"
    )
    if args.write and changed:
        path = directory.path / "episodes.jsonl"
        shutil.copyfile(path, path.with_suffix(".jsonl.bak"))
        directory.write("episodes.jsonl", "".join(f"{line}\n" for line in again))
        (directory.path / "gates.json").unlink(missing_ok=True)  # of the outcomes before
    return 1 if changed or failed else 0


def regraded(old: Episode, transcript: Transcript) -> Episode:
    """The episode as today's rules judge its transcript.

    Raises:
        TaskError: the family is not known here.
        RunError: the transcript is of another version of the family's rules.
    """
    start = transcript.start
    family = families.get(start["family"])
    params = family.params_type.model_validate(start["params"])
    condition = Condition.parse(start["condition"])
    family.prepare_to_judge([(params, [start["seed"]])])
    verdict = judge(family, params, start["seed"], condition, transcript)
    return record(transcript, verdict, episode_id=old.id, attempt=old.attempt, worker=old.worker)


def same(old: Episode, new: Episode) -> bool:
    """Equal in everything that is judged."""
    judged = ("outcome", "score", "failures", "metrics", "usage", "turns", "settled", "error")
    return all(getattr(old, field) == getattr(new, field) for field in judged)


def _told(episode: Episode) -> str:
    codes = ", ".join(failure.code for failure in episode.failures) or "no failures"
    return f"{episode.outcome} {episode.score:.3f} ({codes})"
