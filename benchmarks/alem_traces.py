"""Replay the episodes that alem's authors published, and compare every observation and reward with theirs.

python benchmarks/alem_traces.py --site CHECKOUT            # of github.com/alem-world/alem-world.github.io
python benchmarks/alem_traces.py --site CHECKOUT --trace qwen35-27b --steps 200

The site's data/traces hold one episode a file, step by step: action, observation text, in it the reward of the last
step. Only actions and seed go in; all that was shown must come out. Lines that differ are counted by their wording.
CHECKOUT may be a work tree or a bare repository (its HEAD is read).
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_collab.core.alem import package as alem_package
from pytest_collab.families.alem.world.world import World, WorldRules

HARNESS = re.compile(r"^Your (previous (response|output)|communication|scratchpad) .*(empty|could not|did not)")
"""Lines of the authors' harness about the reply before; the world says nothing of the kind."""

FIRST_SEED = 9999
"""Seed of run 0 of the published protocol; run i has FIRST_SEED + i."""


def traces(site: Path, wanted: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, episode) of each published episode that can be read."""
    if (site / "data" / "traces").is_dir():
        for file in sorted((site / "data" / "traces").glob("*.json")):
            if wanted in file.stem:
                yield file.stem, json.loads(file.read_text())
        return
    git = ["git", "-C", str(site)]
    listed = subprocess.run(
        [*git, "ls-tree", "--name-only", "HEAD", "data/traces/"], capture_output=True, text=True, check=True
    )
    for path in listed.stdout.split():
        if wanted not in Path(path).stem or not path.endswith(".json"):
            continue
        shown = subprocess.run([*git, "show", f"HEAD:{path}"], capture_output=True, text=True, check=False)
        if shown.returncode:
            print(f"{Path(path).stem:<14} cannot be read: {shown.stderr.strip().splitlines()[-1]}")
            continue
        yield Path(path).stem, json.loads(shown.stdout)


def differences(ours: str, theirs: str) -> list[str]:
    """Lines in which two observations differ, theirs with -, ours with +, in order.

    Left aside are what the authors' harness adds of its own (that a reply could not be parsed), and what the site cut
    off at the end of long observations, where it put an ellipsis.
    """
    mine = [line for line in ours.splitlines() if line.strip()]
    other = [line for line in theirs.splitlines() if line.strip() and not HARNESS.search(line)]
    if other and other[-1].endswith("\u2026"):
        cut = other.pop().removesuffix("\u2026")
        mine = mine[: len(other) + 1]
        if mine and mine[-1].startswith(cut):
            mine.pop()
    return [line for line in difflib.ndiff(other, mine) if line[:1] in "+-"]


def reward(text: str) -> str:
    return next((line for line in text.splitlines() if line.startswith("Reward:")), "")


def replay(name: str, episode: dict[str, Any], most: int | None) -> bool:
    """Play an episode's actions; print what came of it. True if everything agreed."""
    steps = episode["steps"][:most]
    rules = WorldRules(difficulty=episode["difficulty"], agents=len(steps[0]["ag"]))
    world = World(rules, FIRST_SEED + int(episode["run"]))
    compared = equal = rewards = 0
    apart: Counter[str] = Counter()
    for step in steps:
        if int(step["s"]) != world.step_number:
            print(f"{name:<12} its step {step['s']} is number {world.step_number} here: steps are missing in it")
            return False
        for seat, agent in enumerate(step["ag"]):
            ours = world.observe(seat)
            lines = differences(ours, agent["obs"])
            compared, equal = compared + 1, equal + (not lines)
            rewards += reward(ours) == reward(agent["obs"])
            apart.update(re.sub(r"[-\d.]+|\\(.*?\\)", "#", line)[:60] for line in lines)
        if world.done:
            break
        world.step([world.canonical(agent["act"] or "Noop", seat) for seat, agent in enumerate(step["ag"])])
    print(f"{name:<12} {len(steps):>4} steps: of {compared:>5} observations {equal:>5} equal, rewards {rewards:>5}")
    for line, count in apart.most_common(4):
        print(f"    {count:>4} x {line}")
    return equal == compared


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--site", type=Path, required=True)
    parser.add_argument("--trace", default="", help="only traces whose name contains this")
    parser.add_argument("--steps", type=int, help="only so many steps of each")
    arguments = parser.parse_args()
    print(" ".join(f"{name} {value}" for name, value in alem_package.versions().items()))
    agreed = [replay(name, episode, arguments.steps) for name, episode in traces(arguments.site, arguments.trace)]
    print(f"{sum(agreed)} of {len(agreed)} episodes agree throughout")
    sys.exit(0 if agreed and all(agreed) else 1)


if __name__ == "__main__":
    main()
