"""The split into cooperation and competence for built-in agents, on a small market.

python benchmarks/market_split.py            10 seeds, every second seat taken by the agent, partners on the others
"""

from __future__ import annotations

import argparse

from pytest_collab.families.market import Market, decompose
from pytest_collab.testing import play_episode

AGENTS = ("partner", "stubborn", "free_rider", "promise_breaker", "vague", "silent", "random")
CONDITIONS = ("team", "auto:answers", "auto:requests")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    seeds = parser.parse_args().seeds
    params = Market(agents=4, pieces=16, rounds=8, needs=2)
    print(f"{'agent':<16} {'team':>5} {'auto:answers':>13} {'auto:requests':>14}   cooperation share, 95 % interval")
    for agent in AGENTS:
        team = [agent, "partner", agent, "partner"]
        episodes = [
            play_episode(params, team, condition, seed).episode for condition in CONDITIONS for seed in range(seeds)
        ]
        split = decompose(episodes)
        assert split is not None
        share = "nothing is lost" if split.cooperation_share is None else f"{split.cooperation_share:.2f}"
        low, high = split.cooperation_share_interval
        interval = "" if split.cooperation_share is None else f"  {low:.2f} .. {high:.2f}"
        answers, requests = 1 - split.competence_loss, 1 - split.cooperation_loss
        print(f"{agent:<16} {split.team or 0:>5.2f} {answers:>13.2f} {requests:>14.2f}   {share}{interval}")


if __name__ == "__main__":
    main()
