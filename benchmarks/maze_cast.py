"""What the maze's built-in cast does: headline codes per planted fault, and success per condition, in Markdown.

python benchmarks/maze_cast.py             # 200 seeds, a minute or two
python benchmarks/maze_cast.py --seeds 20
"""

from __future__ import annotations

import argparse
from collections import Counter

from pytest_collab import families
from pytest_collab.agents.registry import Registry
from pytest_collab.families.maze import Maze, MazeFamily
from pytest_collab.testing import play_episode

CONDITIONS = ("solo", "solo:views", "shared", "team", "with:partner", "mute")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=200)
    seeds = range(parser.parse_args().seeds)
    params = Maze()
    families.get("maze").prepare([(params, seeds)])
    registry = Registry(cast=MazeFamily.cast)

    def success(condition: str, team: list[str]) -> float:
        played = (play_episode(params, team, condition, seed, registry=registry).episode for seed in seeds)
        return sum(episode.success for episode in played) / len(seeds)

    print(f"Success over {len(seeds)} seeds of {params!r}:\n")
    print("| condition | " + " | ".join(("partner", "oracle")) + " |")
    print("|---|---:|---:|")
    for condition in CONDITIONS:
        alone = condition.startswith(("solo", "with"))
        rates = [success(condition, [name] if alone else [name, name]) for name in ("partner", "oracle")]
        print(f"| `{condition}` | " + " | ".join(f"{rate:.3f}" for rate in rates) + " |")
    print(f"\nBeside `partner`, first on even seeds and second on odd ones, {len(seeds)} seeds:\n")
    print("| player | success | headlines of the failed episodes |")
    print("|---|---:|---|")
    for name in MazeFamily.cast:
        codes: Counter[str] = Counter()
        for seed in seeds:
            team = [name, "partner"] if seed % 2 == 0 else ["partner", name]
            headline = play_episode(params, team, seed=seed, registry=registry).episode.headline
            codes[headline.code if headline else "success"] += 1
        solved = codes.pop("success", 0)
        told = ", ".join(f"`{code}` {count}" for code, count in codes.most_common()) or "none"
        print(f"| `{name}` | {solved / len(seeds):.3f} | {told} |")


if __name__ == "__main__":
    main()
