"""The reference scale of a public good: what giving everything, chance and giving nothing come to."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from pytest_collab.families.rounds import fairness

if TYPE_CHECKING:
    from pytest_collab.families.public_goods.params import PublicGoods


def reference_scale(params: PublicGoods, groups: int = 10_000, seed: int = 0) -> dict[str, dict[str, float]]:
    """Mean figures by player when it sits on every seat; `random` is a mean over `groups`, played in one batch."""
    import jax.numpy as jnp
    import numpy as np

    from pytest_collab.core.games import public_goods as twin

    good, size = params.good, (1, params.rounds, params.seats)
    played = {
        "partner": jnp.full(size, params.endowment),
        "random": twin.contribute_at_random(
            seed, groups, params.seats, params.rounds, params.endowment, params.lowest
        ),
        "nop": jnp.full(size, params.lowest),
    }
    scale = {}
    for name, contributions in played.items():
        paid = twin.pay(
            contributions,
            endowment=good.endowment,
            multiplier=good.multiplier,
            bonus=good.bonus,
            penalty=good.penalty,
            threshold=good.threshold,
            convexity=good.convexity,
        )
        totals = np.asarray(paid.sum(axis=1)).tolist()
        shares = np.asarray(contributions.mean(axis=(1, 2)) / params.endowment).tolist()
        scale[name] = {
            "score": fmean(shares),
            "success": fmean(float(share >= params.target) for share in shares),
            "payoff": fmean(sum(own) for own in totals),
            "fairness": fmean(fairness([max(0.0, total) for total in own]) for own in totals),
        }
    return scale
