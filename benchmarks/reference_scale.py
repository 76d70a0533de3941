"""The reference scale of tasks: what a flawless team, chance and doing nothing come to.

python benchmarks/reference_scale.py tasks/philosophers/study_five.collab.yaml tasks/market/quick.collab.yaml
python benchmarks/reference_scale.py --episodes 200 tasks/market/*.collab.yaml

Families with batched rules are played 10,000 times; experts, kitchen and network go through the engine.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path
from statistics import fmean

from pytest_collab.families.taskfile import read_task
from pytest_collab.testing import play_episode

PLAYERS = ("partner", "random", "nop")
BATCHED = ("philosophers", "commons", "public_goods", "market", "donor")
UNBATCHED = ("reward", "newcomer", "backoff_after")
"""Params that the batched rules do not know."""


def scale_of(path: Path, episodes: int, dinners: int) -> dict[str, dict[str, float]]:
    """Mean figures by player, `team` condition, the player on every seat."""
    params = read_task(path).params
    if params.family in BATCHED and not any(getattr(params, name, None) for name in UNBATCHED):
        module = import_module(f"pytest_collab.families.{params.family}.scale")
        batched: dict[str, dict[str, float]] = module.reference_scale(params, dinners)
        return batched
    scale = {}
    for player in PLAYERS:
        played = [play_episode(params, [player], "team", seed).episode for seed in range(episodes)]
        names = sorted(set.intersection(*(set(one.metrics) for one in played)))
        scale[player] = {
            "score": fmean(one.score for one in played),
            "success": fmean(one.success for one in played),
            **{name: fmean(one.metrics[name] for one in played) for name in names},
        }
    return scale


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="+", type=Path)
    parser.add_argument("--episodes", type=int, default=20, help="seeds for families without batched rules")
    parser.add_argument("--dinners", type=int, default=10_000, help="batch size for families with batched rules")
    arguments = parser.parse_args()
    for path in arguments.tasks:
        scale = scale_of(path, arguments.episodes, arguments.dinners)
        print(path)
        for figure in scale["partner"]:
            row = "  ".join(f"{player} {scale[player].get(figure, float('nan')):>11.3f}" for player in PLAYERS)
            print(f"  {figure:<26} {row}")


if __name__ == "__main__":
    main()
