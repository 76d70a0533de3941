"""Whether a faultless player is ever blamed for another one: who is named beside `partner` in mazes of many kinds.

python benchmarks/maze_blame.py                  # 200 episodes a row
python benchmarks/maze_blame.py --episodes 20
python benchmarks/maze_blame.py --show           # and every failure that names the partner, with its dialogue
"""

from __future__ import annotations

import argparse
from collections import Counter

from pytest_collab import families
from pytest_collab.agents.registry import Registry
from pytest_collab.episode.agent import Agent, Reply, Request
from pytest_collab.families.maze import Maze, MazeFamily
from pytest_collab.testing import Played, play_episode

MAZES = tuple(
    Maze(size=size, walls=walls, path=path)
    for size, path in ((4, (4, 8)), (5, (4, 9)), (9, (8, 18)), (14, (13, 30)))
    for walls in (0.15, 0.30, 0.40)
)


class Crashed(Agent):
    """A program that ends with an error each time it is asked."""

    def __init__(self) -> None:
        self.name = "crashed"

    async def reply(self, request: Request) -> Reply:
        raise RuntimeError("exit status 1")


def played(params: Maze, name: str, seed: int, registry: Registry) -> tuple[Played, str]:
    """The episode, and the partner's seat: the second on even seeds."""
    other = Crashed() if name == "crashed" else name
    team = [other, "partner"] if seed % 2 == 0 else ["partner", other]
    return play_episode(params, team, seed=seed, registry=registry), "b" if seed % 2 == 0 else "a"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=200)
    parser.add_argument("--show", action="store_true")
    args = parser.parse_args()
    seeds = range(args.episodes)
    registry = Registry(cast=MazeFamily.cast)
    families.get("maze").prepare([(params, seeds) for params in MAZES])
    print("| maze | beside | failed | headline on it | on nobody | partner named | headlines |")
    print("|---|---|---:|---:|---:|---:|---|")
    for params in MAZES:
        for name in ("random", "silent", "crashed"):
            failed = on_it = on_nobody = named = 0
            codes: Counter[str] = Counter()
            for seed in seeds:
                one, partner = played(params, name, seed, registry)
                if one.episode.success:
                    continue
                headline = one.episode.failures[0]
                failed += 1
                codes[headline.code] += 1
                on_it += bool(headline.seats) and partner not in headline.seats
                on_nobody += not headline.seats
                blamed = [failure for failure in one.episode.failures if partner in failure.seats]
                named += bool(blamed)
                if blamed and args.show:
                    print(f"seed {seed}, partner is {partner}: {blamed}")
                    print(*(f"  #{e.seq} {e.seat}: {e.data['text']}" for e in one.transcript.of("message")), sep="\n")
            told = ", ".join(f"`{code}` {count}" for code, count in codes.most_common())
            row = (f"{params.size}x{params.size}, {params.walls:.2f}", f"`{name}`", failed, on_it, on_nobody, named)
            print("| " + " | ".join(map(str, row)) + f" | {told} |", flush=True)


if __name__ == "__main__":
    main()
