"""`collab merge`: put the shards of one run together."""

from __future__ import annotations

import argparse
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

from pytest_collab.episode.appending import append_line
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import (
    FLAT,
    SUPERSEDED,
    BadLine,
    PlannedCount,
    RunDirectory,
    RunInfo,
    TaskInfo,
)
from pytest_collab.errors import RunError
from pytest_collab.measure.circumstances import unlike


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", type=Path, nargs="+", help="run directories of the shards")
    parser.add_argument("--out", type=Path, required=True, help="the new run directory")


def run(args: argparse.Namespace) -> int:
    """Merge; refuses shards that were not played alike."""
    from pytest_collab.measure.judging import merged_plan, summarise_run
    from pytest_collab.measure.reader import PLAN_JSON, read_frame
    from pytest_collab.report.terminal import run_lines

    shards = [RunDirectory.open(path) for path in args.runs]
    info = merged_info([shard.info() for shard in shards], args.runs)
    merged = RunDirectory.create(args.out)
    merged.spread = sum(shard.size() for shard in shards) > FLAT
    seen: set[str] = set()
    bad: list[BadLine] = []
    lines = []
    for shard in shards:
        for play in shard.plays():
            if isinstance(play, BadLine):
                bad.append(play)
            elif play.id not in seen:  # where two shards played the same episode, the first stands
                seen.add(play.id)
                lines.append(f"{_moved(play, shard, merged).json_line()}\n")
    merged.write("episodes.jsonl", "".join(lines))
    for shard in shards:
        for play in shard.superseded():
            append_line(merged.path / SUPERSEDED, play.json_line())
    merged.write("run.json", info)
    plan = merged_plan([shard.path for shard in shards])
    if plan is not None:
        merged.write(PLAN_JSON, plan)
    frame = read_frame(merged.path)
    summary = summarise_run(merged.path, frame)
    merged.write("summary.json", summary)
    for line in run_lines(merged.path, replace(frame, bad=tuple(bad)), summary):
        print(line)
    return 0


def _moved(play: Episode, shard: RunDirectory, merged: RunDirectory) -> Episode:
    """The play, with its transcript copied to where it belongs in the merged run."""
    source, place = shard.path / play.transcript, merged.place(play.transcript)
    if source.is_file():
        (merged.path / place).parent.mkdir(exist_ok=True)
        shutil.copyfile(source, merged.path / place)
    return play if place == play.transcript else play.model_copy(update={"transcript": place})


def merged_info(infos: list[RunInfo], paths: list[Path]) -> RunInfo:
    """One run.json for all shards.

    Raises:
        RunError: two shards were not played alike; names what differs.
    """
    for place, (info, path) in enumerate(zip(infos, paths, strict=True)):
        for other, elsewhere in zip(infos[place + 1 :], paths[place + 1 :], strict=True):
            found = [one for one in unlike(info, other) if one.kind not in ("task", "family")]
            if found:
                raise RunError(
                    f"{path} and {elsewhere} cannot be merged: {'; '.join(map(str, found))}; "
                    "shards of one run must be played alike"
                )
    tasks: dict[tuple[str, str], TaskInfo] = {}
    origin: dict[tuple[str, str], Path] = {}
    for info, path in zip(infos, paths, strict=True):
        for task in info.tasks:
            name = (task.family, task.name)
            known = tasks.setdefault(name, task)
            if known.hash != task.hash:
                raise RunError(
                    f"task {task.name!r} is not the same in {origin[name]} and {path} "
                    f"(content hashes {known.hash} and {task.hash}); shards of one run must play the same tasks"
                )
            origin.setdefault(name, path)
    agents = {str(agent.get("name")): agent for info in infos for agent in info.agents}
    planned: Counter[tuple[str, str, str]] = Counter()
    for info in infos:
        planned.update({(one.family, one.task, one.condition): one.episodes for one in info.planned})
    statuses = [info.exit_status for info in infos]
    return infos[0].model_copy(
        update={
            "options": {**infos[0].options, "shard": None},
            "tasks": sorted(tasks.values(), key=lambda task: (task.family, task.name)),
            "planned": [
                PlannedCount(family=family, task=task, condition=condition, episodes=count)
                for (family, task, condition), count in sorted(planned.items())
            ],
            "agents": list(agents.values()),
            "started": min(info.started for info in infos),
            "finished": max((info.finished or "" for info in infos), default="") or None,
            "exit_status": None if None in statuses else max(status or 0 for status in statuses),
            "notes": [*infos[0].notes, f"merged from {len(infos)} shards"],
        }
    )
