"""The reference scale of a dinner: what taking turns, chance and doing nothing come to."""

from __future__ import annotations

from statistics import fmean

from pytest_collab.families.philosophers import rules
from pytest_collab.families.philosophers.params import Philosophers
from pytest_collab.families.philosophers.reward import POLICIES, rollout
from pytest_collab.families.rounds import fairness


def reference_scale(params: Philosophers, dinners: int = 10_000, seed: int = 0) -> dict[str, dict[str, float]]:
    """Mean figures by player when it sits on every seat.

    `partner` and `nop` are deterministic and played once by the plain rules; `random` is a mean over `dinners`,
    played in one batch. Scores are those of tasks without a reward of their own. The first call compiles for seconds.
    """
    from pytest_collab.core.games import philosophers as twin

    sequential = params.protocol == "sequential"
    terminal = params.deadlock == "terminal"
    rounds = -(-params.timesteps // params.seats) if sequential else params.timesteps
    batch = twin.play_many(
        twin.random_policy, seed, dinners, params.seats, rounds, sequential=sequential, terminal=terminal
    )
    steps, deadlocks = batch.steps.tolist(), batch.deadlocks.tolist()
    played = [
        (tuple(meals), taken, stuck > 0)
        for meals, taken, stuck in zip(batch.meals.tolist(), steps, deadlocks, strict=True)
    ]
    scale = {}
    for name, policy in (("partner", "taking turns"), ("random", ""), ("nop", "nothing")):
        if policy:
            one = rollout(POLICIES[policy], params.seats, params.timesteps, params.protocol, terminal)
            played_ = [(one.meals, rounds * (params.seats if sequential else 1), one.deadlocked)]
        else:
            played_ = played
        rows = [_figures(params, *dinner) for dinner in played_]
        scale[name] = {figure: fmean(row[figure] for row in rows) for figure in rows[0]}
    return scale


def _figures(params: Philosophers, meals: tuple[int, ...], steps: int, deadlocked: bool) -> dict[str, float]:
    total, fair = sum(meals), fairness(meals)
    capacity = rules.capacity(params.seats, params.timesteps, params.protocol)
    return {
        "score": min(1.0, total / capacity) * fair,
        "success": float(min(meals) >= params.enough and not deadlocked),
        "deadlock": float(deadlocked),
        "meals": float(total),
        "throughput": total / steps,
        "fairness": fair,
        "starvation": float(meals.count(0)),
    }
