"""`collab merge`: put the shards of one run together."""

from __future__ import annotations

import argparse
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pytest_collab.episode.appending import append_line
from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.planned import PlannedCell, planned_counts, played_counts
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import FLAT, SUPERSEDED, BadLine, RunDirectory, RunInfo, TaskInfo
from pytest_collab.episode.text import counted, plural
from pytest_collab.errors import RunError
from pytest_collab.measure.circumstances import unlike
from pytest_collab.measure.played import Key


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", type=Path, nargs="+", help="run directories of the shards")
    parser.add_argument("--out", type=Path, required=True, help="the new run directory")


def run(args: argparse.Namespace) -> int:
    """Merge; refuses shards that were not played alike."""
    from pytest_collab.measure.judging import merged_plan, summarise_run
    from pytest_collab.measure.reader import PLAN_JSON, read_frame
    from pytest_collab.report.terminal import run_lines

    shards = [RunDirectory.open(path) for path in args.runs]
    infos = [shard.info() for shard in shards]
    refuse_unlike(infos, args.runs)
    merged = RunDirectory.create(args.out)
    merged.spread = sum(shard.size() for shard in shards) > FLAT
    bad: list[BadLine] = []
    chosen: dict[str, tuple[Episode, RunDirectory]] = {}
    second: list[Episode] = []
    played: list[set[Key]] = []
    for shard in shards:
        keys: set[Key] = set()
        for play in shard.plays():
            if isinstance(play, BadLine):
                bad.append(play)
                continue
            keys.add(play.key)
            known, _ = chosen.setdefault(play.id, (play, shard))
            if known is play or known == play:
                continue
            # Two shards played the same episode: the first stands, but for one that says nothing of the agents.
            lost = known.outcome is Outcome.INFRASTRUCTURE and play.outcome is not Outcome.INFRASTRUCTURE
            if lost:
                chosen[play.id] = play, shard
            second.append(known if lost else play)
        played.append(keys)
    lines = [f"{_moved(play, shard, merged).json_line()}\n" for play, shard in chosen.values()]
    merged.write("episodes.jsonl", "".join(lines))
    for play in [*second, *(play for shard in shards for play in shard.superseded())]:
        append_line(merged.path / SUPERSEDED, play.json_line())
    info = merged_info(infos, played)
    if second:
        were = plural(len(second), "was", "were")
        note = (
            f"{counted(len(second), 'episode')} {were} played in more than one shard: "
            "the first that is evidence counts"
        )
        info = info.model_copy(update={"notes": [*info.notes, note]})
        print(note)
    for one in info.missing_shards:
        print(f"shard {one} is missing: gates on this run stay undecided until it is merged, too")
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


def refuse_unlike(infos: list[RunInfo], paths: list[Path]) -> None:
    """See that shards belong together.

    Raises:
        RunError: two are one directory, or were not played alike; names what differs.
    """
    twice = [str(path) for path, count in Counter(path.resolve() for path in paths).items() if count > 1]
    if twice:
        raise RunError(f"{', '.join(twice)} is named twice: name each shard once")
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


def merged_info(infos: list[RunInfo], played: Sequence[set[Key]]) -> RunInfo:
    """One run.json for all shards.

    Args:
        played: the episodes of each; what it planned beyond them is missing.
    """
    tasks: dict[tuple[str, str], TaskInfo] = {}
    for info in infos:
        for task in info.tasks:
            tasks.setdefault((task.family, task.name), task)
    agents = {str(agent.get("name")): agent for info in infos for agent in info.agents}
    statuses = [info.exit_status for info in infos]
    return infos[0].model_copy(
        update={
            "options": {**infos[0].options, "shard": None},
            "tasks": sorted(tasks.values(), key=lambda task: (task.family, task.name)),
            "planned": planned_counts(_planned(infos, played)),
            "missing_shards": _missing_shards(infos),
            "agents": list(agents.values()),
            "started": min(info.started for info in infos),
            "finished": max((info.finished or "" for info in infos), default="") or None,
            "exit_status": None if None in statuses else max(status or 0 for status in statuses),
            "notes": [*infos[0].notes, f"merged from {counted(len(infos), 'shard')}"],
        }
    )


def _planned(infos: Sequence[RunInfo], played: Sequence[set[Key]]) -> Counter[PlannedCell]:
    """How many episodes there were to play: those that were, and what each shard left out of its own.

    A shard that was played twice has left out what both have left out.
    """
    wanted = [Counter({one.cell: one.episodes for one in info.planned}) for info in infos]
    missing: dict[object, Counter[PlannedCell]] = {}
    for place, (info, plan, keys) in enumerate(zip(infos, wanted, played, strict=True)):
        left = plan - played_counts(keys)
        shard = info.options.get("shard") or place
        missing[shard] = missing.get(shard, left) & left
    there = played_counts(set().union(*played))
    return sum(missing.values(), Counter({cell: there[cell] for plan in wanted for cell in plan}))


def _missing_shards(infos: Sequence[RunInfo]) -> list[str]:
    """Which of N shards are not among those that are merged; what was merged before names those that it lacks."""
    there = {name for info in infos if (name := info.options.get("shard"))}
    for info in infos:
        there |= {name for of in map(_of, info.missing_shards) for name in _parts(of)} - set(info.missing_shards)
    return [name for of in sorted({*map(_of, there)}) for name in _parts(of) if name not in there]


def _of(shard: str) -> int:
    return int(shard.partition("/")[2])


def _parts(of: int) -> list[str]:
    return [f"{part}/{of}" for part in range(1, of + 1)]
