"""What the built-in players reach in alem, and whether planted faults come back under their own names.

python benchmarks/alem_cast.py --steps 150 --seeds 10
python benchmarks/alem_cast.py --steps 300 --seeds 5 --difficulty hard --teams partner,nop

Figures are shares (percent) of the maximum reward: base, coordination, total, as mean and 95 % interval over seeds
9999, 10000, ... of the world that the published protocol plays.
"""

from __future__ import annotations

import argparse
import time
from math import sqrt
from statistics import fmean, stdev

from scipy.stats import t as student

from pytest_collab.families.alem import Alem
from pytest_collab.testing import Played, play_episode

FIRST = 9999
TEAMS = ("partner", "random", "nop", "silent", "promise_breaker")
FAULTS = {"promise_breaker": "broken_commitment", "silent": "unresponsive"}
"""By player with a planted fault, the code under which it must come back."""

SHARES = ("base_reward_pct_of_max", "coordination_reward_pct_of_max", "reward_pct_of_max")


def interval(values: list[float]) -> str:
    """Mean and half the width of its interval, in percent."""
    n = len(values)
    half = student.ppf(0.975, n - 1) * stdev(values) / sqrt(n) if n > 1 else float("nan")
    return f"{100 * fmean(values):5.1f} ± {100 * half:4.1f}"


def row(name: str, played: list[Played]) -> str:
    """One line of the table."""
    metrics = [one.episode.metrics for one in played]
    shares = "  ".join(interval([each[share] for each in metrics]) for share in SHARES)
    won = sum(one.episode.success for one in played)
    return f"{name:<28} {shares}   {won:>2}/{len(played)} success"


def attributed(fault: str, seats: set[str], played: list[Played]) -> tuple[int, int]:
    """(failed episodes whose headline is the fault's own code at one of its seats, failed episodes)."""
    failed = [one.episode for one in played if not one.episode.success]
    heads = [episode.headline for episode in failed]
    right = [head is not None and head.code == FAULTS[fault] and set(head.seats) <= seats for head in heads]
    return sum(right), len(failed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--difficulty", default="easy")
    parser.add_argument("--teams", default=",".join(TEAMS), help="players that take all seats")
    parser.add_argument("--faults", action=argparse.BooleanOptionalAction, default=True)
    asked = parser.parse_args()
    params = Alem(difficulty=asked.difficulty, max_steps=asked.steps, target=0.03, coordination_target=0.05)
    seeds = range(FIRST, FIRST + asked.seeds)
    began = time.monotonic()

    def play(team: list[str]) -> list[Played]:
        return [play_episode(params, team, seed=seed) for seed in seeds]

    print(
        f"{asked.difficulty}, {asked.steps} steps, {asked.seeds} seeds: base, coordination, total (% of the reward)"
    )
    for name in filter(None, asked.teams.split(",")):
        print(row(name, play([name] * 3)), flush=True)
    right = all_ = 0
    for fault in FAULTS if asked.faults else ():
        for team, seats in (([fault, "partner"], {"a"}), (["partner", fault], {"b", "c"})):
            played = play(team)
            named, failed = attributed(fault, seats, played)
            right, all_ = right + named, all_ + failed
            print(f"{row('+'.join(team), played)}, {named} of {failed} failures named {FAULTS[fault]}", flush=True)
    if all_:
        print(f"planted faults attributed in {right} of {all_} failed episodes")
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
