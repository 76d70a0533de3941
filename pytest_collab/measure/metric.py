"""What can be measured on a run, by name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, Literal

from pytest_collab.episode.condition import APART, MOST_TEAMS
from pytest_collab.episode.outcome import CAUSE_OF, Cause
from pytest_collab.errors import UsageError

Better = Literal["higher", "lower"]

GAPS: Final[dict[str, tuple[str, str]]] = {
    "collaboration_gap": ("solo", "team"),
    "communication_loss": ("shared", "team"),
    "partner_loss": ("with:partner", "team"),
    "value_of_talk": ("team", "mute"),
    "value_of_plan": ("team", "no_plan"),
    "value_of_verification": ("team", "no_verify"),
    "value_of_guide": ("guide", "team"),
    "value_of_memory": ("memory:shared", "team"),
    "value_of_lessons": ("memory:list", "team"),
    "conformity": ("confederates", "confederates:0"),
    **{f"value_of_exchange_{k}": (f"teams:{k}", f"teams:{k}:{APART}") for k in range(2, MOST_TEAMS + 1)},
}
"""Each gap is the success of the first condition minus that of the second."""

FIGURE_OF: Final[dict[str, str]] = {"conformity": "flip_rate"}
"""Gaps of a family's own figure, a share, in the place of success."""


def terms(gap: str) -> str:
    """What a gap subtracts from what: `solo − team`, with the figure where it is not success."""
    first, second = GAPS[gap]
    figure = FIGURE_OF.get(gap)
    return f"{first} − {second}" + (f" ({figure.replace('_', ' ')})" if figure else "")


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure that every episode (or pair of episodes) has a value of.

    Attributes:
        name: as written in a gate.
        kind: `rate` (0/1 values), `mean`, `gap` (a paired difference), or `area` (of all episodes together).
        low: lowest possible mean; -inf when there is no lowest.
        high: highest possible mean; inf when there is no highest.
        better: which direction is better; None when only the author of the metric knows.
    """

    name: str
    kind: Literal["rate", "mean", "gap", "area"]
    low: float
    high: float
    better: Better | None

    @property
    def early(self) -> bool:
        """Whether a gate on it can be decided before all of its episodes were played."""
        return self.bounds is not None and self.kind != "area"

    @property
    def share(self) -> bool:
        """Whether people write it in percent."""
        return self.bounds is not None and self.name not in ("score", "auc")

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The range of its values; None when either end is open."""
        return (self.low, self.high) if math.isfinite(self.low) and math.isfinite(self.high) else None


PLAIN: Final[dict[str, Metric]] = {
    metric.name: metric
    for metric in (
        Metric("success_rate", "rate", 0.0, 1.0, "higher"),
        Metric("score", "mean", 0.0, 1.0, "higher"),
        Metric("auc", "area", 0.0, 1.0, "higher"),
        Metric("coordination_failure_rate", "rate", 0.0, 1.0, "lower"),
        Metric("competence_failure_rate", "rate", 0.0, 1.0, "lower"),
        Metric("limit_rate", "rate", 0.0, 1.0, "lower"),
        Metric("infrastructure_rate", "rate", 0.0, 1.0, "lower"),
        Metric("cost_usd", "mean", 0.0, math.inf, "lower"),
        Metric("duration_s", "mean", 0.0, math.inf, "lower"),
        Metric("turns", "mean", 0.0, math.inf, "lower"),
        Metric("tokens", "mean", 0.0, math.inf, "lower"),
        Metric("collaboration_gap", "gap", -1.0, 1.0, "lower"),
        Metric("communication_loss", "gap", -1.0, 1.0, "lower"),
        Metric("partner_loss", "gap", -1.0, 1.0, "lower"),
        Metric("value_of_talk", "gap", -1.0, 1.0, "higher"),
        Metric("value_of_plan", "gap", -1.0, 1.0, "higher"),
        Metric("value_of_verification", "gap", -1.0, 1.0, "higher"),
        Metric("value_of_guide", "gap", -1.0, 1.0, "higher"),
        Metric("value_of_memory", "gap", -1.0, 1.0, "higher"),
        Metric("value_of_lessons", "gap", -1.0, 1.0, "higher"),
        Metric("conformity", "gap", -1.0, 1.0, "lower"),
        *(Metric(f"value_of_exchange_{k}", "gap", -1.0, 1.0, "higher") for k in range(2, MOST_TEAMS + 1)),
    )
}

FAILURE_RATE: Final = "failure_rate."
FAMILY_METRIC: Final = "metrics."


def parse_metric(name: str) -> Metric:
    """The metric that `name` stands for.

    Args:
        name: one of `PLAIN`, `failure_rate.CODE` (a failure code or a cause of the taxonomy: the share of
            episodes that have it), or `metrics.NAME` (a family's own figure).

    Raises:
        UsageError: there is no such metric; suggests the nearest.
    """
    if name in PLAIN:
        return PLAIN[name]
    if name.startswith(FAMILY_METRIC) and name != FAMILY_METRIC:
        return Metric(name, "mean", -math.inf, math.inf, None)
    codes = [*CAUSE_OF, *Cause]
    if name.startswith(FAILURE_RATE) and name.removeprefix(FAILURE_RATE) in codes:
        return Metric(name, "rate", 0.0, 1.0, "lower")
    known = [*PLAIN, *(FAILURE_RATE + code for code in codes)]
    close = get_close_matches(name, known, n=1) or get_close_matches(FAILURE_RATE + name, known, n=1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    raise UsageError(
        f"unknown metric {name!r}. {hint}Metrics are {', '.join(PLAIN)}, failure_rate.CODE and metrics.NAME."
    )
