"""alem's published protocol with the built-in cast: 20 episodes of up to 10,000 steps for each difficulty.

python benchmarks/alem_protocol.py                    # ten minutes of `partner` for each difficulty, chance in full
python benchmarks/alem_protocol.py --minutes 60

`random` and `nop` are played in batches, on whatever device JAX finds. `partner` goes through the engine, seed after
seed (9999, 10000, ...), round the difficulties, until its time is over: the table says how many of the 20 it came to.
Figures are shares of the greatest reward in percent, with 95 % intervals.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from pytest_collab.core.alem.policies import rollouts
from pytest_collab.core.alem.rules import WorldRules
from pytest_collab.families.alem import Alem
from pytest_collab.measure.interval import mean_interval
from pytest_collab.testing import play_episode

SEEDS = range(9999, 10_019)
DIFFICULTIES = ("easy", "medium", "hard")
SHARES = ("base_reward_pct_of_max", "coordination_reward_pct_of_max", "reward_pct_of_max")
BATCHED = ("reward_base", "reward_coordination", "reward_total")


def cell(values: Sequence[float]) -> str:
    """Mean and interval, in percent; no interval where there is one episode, or all are alike."""
    found = mean_interval([100 * float(value) for value in values])
    interval = f" [{max(0.0, found.low):.1f}, {found.high:.1f}]" if 0 < found.high - found.low < 100 else ""
    return f"{found.value:.1f}{interval}"


def row(difficulty: str, who: str, shares: Sequence[Sequence[float]], steps: Sequence[float], speed: float) -> None:
    """Print one line of the table."""
    told = " | ".join(cell(share) for share in shares)
    mean = sum(steps) / len(steps)
    print(f"| {difficulty} | {who} | {len(steps)} of 20 | {mean:,.0f} | {told} | {speed:,.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="for `partner`, all difficulties together")
    parser.add_argument("--max-steps", type=int, default=10_000)
    asked = parser.parse_args()
    print("| difficulty | on all seats | episodes | steps, mean | base | coordination | total | steps/s |")
    print("|---|---|---|---|---|---|---|---|")
    for difficulty in DIFFICULTIES:
        rules = WorldRules(difficulty=difficulty, max_steps=asked.max_steps)  # type: ignore[arg-type]
        for policy in ("random", "nop"):
            played = rollouts(rules, policy, SEEDS, lanes=len(SEEDS))  # type: ignore[arg-type]
            shares = [played.scores[name].tolist() for name in BATCHED]
            row(difficulty, f"`{policy}`", shares, played.steps.tolist(), played.steps_per_second)
    found: dict[str, list[dict[str, float]]] = {difficulty: [] for difficulty in DIFFICULTIES}
    spent = dict.fromkeys(DIFFICULTIES, 0.0)
    for seed in SEEDS:
        for difficulty in DIFFICULTIES:
            if sum(spent.values()) > 60 * asked.minutes:
                break
            params = Alem(difficulty=difficulty, max_steps=asked.max_steps, frames=False)  # type: ignore[arg-type]
            began = time.monotonic()
            found[difficulty].append(play_episode(params, ["partner"] * 3, seed=seed).episode.metrics)
            spent[difficulty] += time.monotonic() - began
    for difficulty, metrics in found.items():
        if metrics:
            steps = [each["steps"] for each in metrics]
            shares = [[each[name] for each in metrics] for name in SHARES]
            row(difficulty, "`partner`", shares, steps, sum(steps) / spent[difficulty])


if __name__ == "__main__":
    main()
