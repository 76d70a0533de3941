"""`collab lessons`: the lessons that the teams of a run wrote into their memories, as a list for `memory:list`."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_collab.episode.text import counted
from pytest_collab.errors import UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="a run directory with episodes under memory:shared")
    parser.add_argument("--family", help="only episodes of this family")
    parser.add_argument("--most", type=int, default=50, metavar="N", help="the first N (default, and most: 50)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the list there; it is printed if left out")
    parser.epilog = (
        "Each lesson once, in the order of the episodes; those that were erased or replaced are left out. "
        "Name the file in a task's `lessons`, and play it with other seeds than these."
    )


def run(args: argparse.Namespace) -> int:
    from pytest_collab.episode.run import RunDirectory
    from pytest_collab.families.rounds.lessons import MOST

    if not 1 <= args.most <= MOST:
        raise UsageError(f"--most={args.most}: give 1 to {MOST}; a list holds no more")
    directory = RunDirectory.open(args.run)
    found: dict[str, None] = {}
    seeds: dict[str, None] = {}
    shared = 0
    for episode in directory.record().episodes():
        if args.family in (None, episode.family):
            shared += episode.condition == "memory:shared"
            seeds[f"{episode.task} {episode.seed}"] = None
            standing: dict[str, str] = {}
            for event in directory.transcript(episode).of("memory"):
                if event.data.get("topic") == "lesson":
                    standing[event.data["name"]] = event.data["text"]
            found |= dict.fromkeys(" ".join(text.split()) for text in standing.values() if text)
    if not found:
        whose = f" of {args.family}" if args.family else ""
        if not shared:
            remedy = "play some with --collab-conditions=memory:shared"
            raise UsageError(f"{args.run} holds no lesson: it has no episode{whose} under memory:shared; {remedy}")
        why = (
            f"nobody wrote any in its {counted(shared, 'episode')}{whose} under memory:shared "
            "(built-in players never do)"
        )
        raise UsageError(f"{args.run} holds no lesson: {why}")
    lines = [f"# from {', '.join(seeds)}", *list(found)[: args.most]]
    if args.output is None:
        print("\n".join(lines))
    else:
        args.output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0
