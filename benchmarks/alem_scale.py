"""What chance and doing nothing come to in alem: the lower end of the scale that every result stands on.

python benchmarks/alem_scale.py                            # 1,000 episodes per difficulty and policy, to the end
python benchmarks/alem_scale.py --difficulty easy --episodes 64 --max-steps 200

Episodes are played in batches on whatever device JAX finds. Figures are means with 95 % intervals, as shares of the
maximum reward and of the maximum number of achievements: base game, coordination, both.
"""

from __future__ import annotations

import argparse

from pytest_collab.core.alem.package import versions
from pytest_collab.core.alem.policies import METRICS, rollouts
from pytest_collab.core.alem.rules import DIFFICULTIES, WorldRules
from pytest_collab.measure.interval import mean_interval

FIRST_SEED = 9999


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--difficulty", nargs="+", default=list(DIFFICULTIES), help="names, or alpha")
    parser.add_argument("--policy", nargs="+", default=["random", "nop"], choices=["random", "nop"])
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--max-steps", type=int, default=10_000)
    parser.add_argument("--lanes", type=int, default=64, help="episodes at once")
    parser.add_argument("--agents", type=int, default=3)
    arguments = parser.parse_args()
    print(" ".join(f"{name} {value}" for name, value in versions().items()))
    for name in arguments.difficulty:
        rules = WorldRules(
            difficulty=name if name in DIFFICULTIES else float(name),  # type: ignore[arg-type]
            agents=arguments.agents,
            max_steps=arguments.max_steps,
        )
        for policy in arguments.policy:
            seeds = range(FIRST_SEED, FIRST_SEED + arguments.episodes)
            played = rollouts(rules, policy, seeds, lanes=arguments.lanes)
            print(
                f"{name} {policy}: {arguments.episodes} episodes of up to {arguments.max_steps} steps, "
                f"mean length {played.steps.mean():.0f} (longest {played.steps.max()}), "
                f"{played.steps_per_second:.0f} steps/s on {played.device}",
                flush=True,
            )
            for figure in METRICS:
                mean = mean_interval(played.scores[figure], bounds=(0.0, 1.0))
                print(f"    {figure:<26} {mean.value:7.3%}  [{mean.low:.3%}, {mean.high:.3%}]", flush=True)


if __name__ == "__main__":
    main()
