"""The reference scale of a market: what a flawless team, chance and doing nothing come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_collab.families.market.params import Market
    from pytest_collab.families.market.rules import Order


def reference_scale(params: Market, markets: int = 10_000, seed: int = 0) -> dict[str, dict[str, float]]:
    """Mean figures by player when it sits on every seat, over `markets` deals played in one batch.

    The row of `partner` is play without fault on request, in the order of the task: it asks everybody, sends
    what it was asked for and forgets nothing; the built-in `partner` plays as well wherever the directory tells it
    whom to ask (tested). Nobody alters values. The first call compiles for seconds.
    """
    import numpy as np

    from pytest_collab.core.games import market as twin

    def play(policy: twin.Policy, order: Order = params.order) -> twin.Result:
        batch: twin.Result = twin.play_many(
            policy,
            seed,
            markets,
            seats=params.agents,
            rounds=params.rounds,
            pieces=params.pieces,
            tasks=params.tasks,
            needs=params.needs,
            deadline=params.deadline,
            order=order,
            known="asked",
        )
        return batch

    perfect = play(twin.everything)
    ceiling = play(twin.everything, "in_turn") if params.order == "random" else perfect
    best = np.asarray(ceiling.tasks, float)
    scale = {}
    for name, batch in (("partner", perfect), ("random", play(twin.chance)), ("nop", play(twin.nothing))):
        tasks = np.asarray(batch.tasks, float)
        score = np.minimum(1.0, np.divide(tasks, best, out=np.zeros_like(tasks), where=best > 0))
        scale[name] = {
            "score": float(score.mean()),
            "success": float((score >= params.target).mean()),
            "tasks": float(tasks.mean()),
            "revenue": float(tasks.mean()) * params.revenue,
            "ceiling": float(best.mean()) * params.revenue,
            "pieces_sent": float(np.asarray(batch.sent).mean()),
            "missed_deadlines": float(np.asarray(batch.expired).mean()),
        }
    return scale
