"""The scale that a result stands on: our own players, and what was published.

Published figures are shares (0..1) of the maximum reward of base achievements, of coordination achievements and of
all: Team/normal_reward_pct_of_max, Team/coord_reward_pct_of_max and Team/reward_pct_of_max at the standard protocol
(20 episodes, 10,000 steps). Source: Alem, arXiv 2606.08340, and the tables of its site (alem-world.github.io).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pytest_collab.families.alem.params import Alem

SOURCE: Final = "arXiv 2606.08340; 20 episodes of up to 10,000 steps"

Figures = tuple[float, float, float]

PUBLISHED: Final[Mapping[str, Mapping[str, Figures]]] = {
    "easy": {
        "Gemini 3.1 Pro": (0.181, 0.180, 0.181),
        "GPT-5.4": (0.141, 0.070, 0.111),
        "mean of 13 models": (0.057, 0.066, 0.061),
        "Llama 3.1 8B": (0.014, 0.000, 0.008),
        "HyperMARL, 1e9 steps": (0.198, 0.236, 0.214),
        "MAPPO": (0.132, 0.290, 0.198),
        "IPPO": (0.210, 0.220, 0.214),
    },
    "medium": {
        "Gemini 3.1 Pro": (0.151, 0.234, 0.186),
        "GPT-5.4": (0.100, 0.040, 0.074),
        "mean of 13 models": (0.055, 0.070, 0.061),
        "Llama 3.1 8B": (0.014, 0.000, 0.008),
        "HyperMARL, 1e9 steps": (0.170, 0.234, 0.197),
        "MAPPO": (0.120, 0.265, 0.181),
        "IPPO": (0.201, 0.198, 0.199),
    },
    "hard": {
        "Gemini 3.1 Pro": (0.138, 0.175, 0.154),
        "GPT-5.4": (0.118, 0.042, 0.086),
        "mean of 13 models": (0.056, 0.069, 0.062),
        "Llama 3.1 8B": (0.013, 0.003, 0.009),
        "HyperMARL, 1e9 steps": (0.136, 0.176, 0.153),
        "MAPPO": (0.112, 0.183, 0.142),
        "IPPO": (0.187, 0.013, 0.113),
    },
}
"""(base, coordination, total) by difficulty."""

CAST: Final[Mapping[str, Mapping[str, Figures]]] = {
    "easy": {
        "partner on all seats": (0.064, 0.171, 0.109),
        "random on all seats": (0.025, 0.0, 0.014),
        "nop on all seats": (0.0, 0.0, 0.0),
    },
    "medium": {
        "partner on all seats": (0.062, 0.164, 0.105),
        "random on all seats": (0.024, 0.0, 0.014),
        "nop on all seats": (0.0, 0.0, 0.0),
    },
    "hard": {
        "partner on all seats": (0.068, 0.157, 0.105),
        "random on all seats": (0.024, 0.0, 0.014),
        "nop on all seats": (0.0, 0.0, 0.0),
    },
}
"""Our own players on all seats at the same protocol, to the end: `python benchmarks/alem_protocol.py`."""

ABLATION: Final[Mapping[str, Mapping[str, float]]] = {
    "Gemini 3.1 Pro": {"team": 0.175, "no_communication": 0.053},
    "Gemma 31B": {"team": 0.088, "no_communication": 0.038},
}
"""Published coordination shares on hard, whole and without communication; no figures are given for the other two
ablations (without reasoning costs next most, without the scratchpad least)."""


def beside(params: Alem, score: Mapping[str, Any] | None) -> Iterator[str]:
    """Published figures and our players' for a difficulty, the result among them; nothing where there are none."""
    rows = {**PUBLISHED.get(str(params.difficulty), {}), **CAST.get(str(params.difficulty), {})}
    if not rows:
        return
    yield f"share of the reward: base, coordination, total (published: {SOURCE})"
    if score is not None:
        base, together, total = score["reward"]
        rows[f"this episode, up to {params.max_steps} steps"] = (base, together, total)
    for name, figures in sorted(rows.items(), key=lambda row: -row[1][2]):
        yield "  " + "  ".join(f"{figure:6.1%}" for figure in figures) + f"  {name}"
