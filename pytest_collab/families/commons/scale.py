"""The reference scale of a commons: what fair shares, chance and doing nothing come to."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Any

from pytest_collab.families.commons import rules
from pytest_collab.families.rounds import gini

if TYPE_CHECKING:
    from pytest_collab.families.commons.params import Commons


def reference_scale(params: Commons, seasons: int = 10_000, seed: int = 0) -> dict[str, dict[str, float]]:
    """Mean figures by player when it sits on every seat.

    `partner` and `nop` leave nothing to chance and are played once by the plain rules; `random` is a mean over
    `seasons`, played in one batch. The first call compiles for seconds.

    Raises:
        ValueError: the last seat joins late, which the batched rules do not know.
    """
    if params.newcomer is not None:
        raise ValueError("the batched rules know no newcomer; play this task through the engine")
    rows = {
        "partner": [_once(params, fair=True)],
        "random": _by_chance(params, seasons, seed),
        "nop": [_once(params, fair=False)],
    }
    return {
        name: {figure: fmean(row[figure] for row in played) for figure in played[0]} for name, played in rows.items()
    }


def _once(params: Commons, *, fair: bool) -> dict[str, float]:
    nature, n = params.nature, params.seats
    state, over = rules.State(params.first, 0, (0,) * n), 0
    while state.round < params.rounds and not state.collapsed:
        share = rules.share(state.pool, n, nature)
        state = rules.harvest(state, [share if fair else 0] * n, (), nature)
        over += sum((take < share) if nature.harmful else (take > share) for take in state.takes)
    return _figures(params, state.gains, state.round, over)


def _by_chance(params: Commons, seasons: int, seed: int) -> list[dict[str, float]]:
    import jax
    import jax.numpy as jnp

    from pytest_collab.core.games import commons as twin

    nature, n = params.nature, params.seats

    def chance(pool: Any, share: Any, key: Any) -> Any:
        limit = jnp.minimum(nature.effort, pool) if nature.harmful else pool
        return jax.random.randint(key, (n,), 0, limit + 1)

    batch = twin.play_many(
        chance,
        seed,
        seasons,
        seats=n,
        rounds=params.rounds,
        start=params.first,
        capacity=nature.capacity,
        growth=nature.growth,
        threshold=nature.threshold,
        effort=nature.effort,
        floor=nature.floor,
        increment=nature.increment,
    )
    played = zip(batch.gains.tolist(), batch.months.tolist(), batch.over.tolist(), strict=True)
    return [_figures(params, tuple(gains), months, over) for gains, months, over in played]


def _figures(params: Commons, gains: tuple[int, ...], months: int, over: int) -> dict[str, float]:
    best = params.rounds * rules.sustainable(params.first, params.seats, params.nature)
    efficiency = max(0.0, min(1.0, sum(gains) / best))
    survived = months >= params.rounds
    return {
        "score": efficiency,
        "success": float(survived and efficiency >= params.target),
        "survived": float(survived),
        "survival_time": float(months),
        "gain": float(sum(gains)),
        "efficiency": efficiency,
        "equality": 1 - gini([max(0, gain) for gain in gains]),
        "over_usage": over / (months * params.seats) if months else 0.0,
    }
