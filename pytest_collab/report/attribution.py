"""What failures of teams are due to, in a few lines."""

from __future__ import annotations

import math

from pytest_collab.measure.attribution import (
    Decomposition,
    WeakerPartner,
    decompose,
    decompose_by_partner,
    weaker_partners,
)
from pytest_collab.measure.frame import Frame
from pytest_collab.measure.interval import Estimate

_WORDS = {"own_cooperation": "own cooperation"}


def attribution_lines(frame: Frame) -> list[str]:
    """Shares of failures by cause, for all teams and per agent, and who is the weaker partner.

    Returns:
        Nothing where the conditions that tell it (`solo` and `shared`, or `solo` and `with:partner`) were not played.
    """
    agents = sorted({agent for team in frame.team.values if len(team) > 1 for agent in team})
    found = [decompose(frame), *(decompose(frame, agent) for agent in agents if len(agents) > 1)]
    lines = _table("why teams fail: share of failures due to (95 % interval)", found)
    lines += _table(
        "beside a flawless partner: share of failures due to (95 % interval)",
        [decompose_by_partner(frame, agent) for agent in agents],
    )
    weaker = [_weaker(found) for found in weaker_partners(frame)]
    return [*lines, *weaker, *([""] if weaker else [])]


def cause_lines(frame: Frame) -> list[str]:
    """All teams' shares in one line, without intervals; nothing as above."""
    found = decompose(frame)
    if found is None or found.failure_rate.value <= 0.0:
        return []
    shares = ", ".join(f"{part.cause} {part.share.value:.0%}" for part in found.parts)
    return [f"why teams fail ({found.failure_rate.value:.0%} do): {shares}"]


def _table(title: str, found: list[Decomposition | None]) -> list[str]:
    rows = [one for one in found if one is not None and one.failure_rate.value > 0.0]
    if not rows:
        return []
    names = [one.agent or "all teams" for one in rows]
    wide = max(len("agent"), *(len(name) for name in names))
    causes = [_WORDS.get(part.cause, part.cause) for part in rows[0].parts]
    lines = [title, f"  {'agent':<{wide}}  {'fails':>5}  " + "  ".join(f"{cause:<20}" for cause in causes)]
    for name, row in zip(names, rows, strict=True):
        shares = "  ".join(f"{_share(part.share):<20}" for part in row.parts)
        lines.append(f"  {name:<{wide}}  {row.failure_rate.value:>5.0%}  {shares}".rstrip())
    return [*lines, ""]


def _share(share: Estimate) -> str:
    if not (math.isfinite(share.low) and math.isfinite(share.high)):
        return f"{share.value:.0%}"
    return f"{share.value:.0%} ({share.low:.0%} .. {share.high:.0%})"


def _weaker(found: WeakerPartner) -> str:
    first, second = found.agents
    ends = f"{found.difference.low:+.2f} .. {found.difference.high:+.2f}"
    verdict = "neither is shown to be weaker" if found.weaker is None else f"the weaker partner is {found.weaker}"
    return f"{first} and {second} under {found.condition}: {found.difference.value:+.2f} ({ends}); {verdict}"
