"""The reference scale of a donor game: what giving everything, chance and giving nothing come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_collab.families.donor import rules

if TYPE_CHECKING:
    from pytest_collab.families.donor.params import Donor


def reference_scale(params: Donor, games: int = 10_000, seed: int = 0) -> dict[str, dict[str, float]]:
    """Mean figures by player when it sits on every seat.

    `partner` and `nop` do the same in every game and are played once by the plain rules; `random` is a mean over
    `games`, played in one batch.
    """
    import numpy as np

    from pytest_collab.core.games import donor as twin

    finals, shares = twin.give_at_random(
        seed,
        games,
        params.generations,
        params.games,
        params.seats,
        params.length,
        params.endowment,
        params.multiplier,
    )
    played = {
        "partner": (np.asarray([[_plainly(params, 1.0)]]), np.ones(1)),
        "random": (np.asarray(finals, float), np.asarray(shares, float)),
        "nop": (np.asarray([[_plainly(params, 0.0)]]), np.zeros(1)),
    }
    return {name: _figures(params, *one) for name, one in played.items()}


def _plainly(params: Donor, share: float) -> tuple[float, ...]:
    """What each seat has after a generation in which everyone gives the share."""
    state = rules.begin(params.seats, params.endowment)
    while not state.finals:
        for pairs in rules.schedule(params.seats, 0, 0, state.game)[: params.length]:
            acts = {donor: ("give", share * state.resources[donor]) for donor, _ in pairs}
            state = rules.play(state, pairs, acts, params.multiplier, params.punishment)
        state = rules.next_game(state, params.games, params.endowment)
    return state.finals[0]


def _figures(params: Donor, finals: Any, shares: Any) -> dict[str, float]:
    import numpy as np

    start = params.seats * params.endowment
    best = rules.optimum(params.seats, params.length, params.endowment, params.multiplier)
    totals = finals.sum(axis=2)
    scores = np.clip(np.log(np.maximum(totals, 1e-9) / start) / np.log(best / start), 0.0, 1.0).mean(axis=1)
    return {
        "score": float(scores.mean()),
        "success": float((scores >= params.target).mean()),
        "resources_last": float(totals[:, -1].mean()) / params.seats,
        "donated_share": float(shares.mean()),
    }
