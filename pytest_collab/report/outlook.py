"""`collab gate --simulate`: what to expect of a gates file, in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_collab.episode.text import counted
from pytest_collab.measure.simulation import POINTS, Outlook, kind_of


def outlook_lines(outlooks: Sequence[Outlook], runs: int) -> list[str]:
    """A block for each gate: chances by where the truth lies, and the seeds that would decide it."""
    lines = []
    for one in outlooks:
        design = one.design
        each = f" of {counted(design.each, 'episode')}, alike by {design.alike:g}" if design.each > 1 else ""
        lines += [
            f"{one.gate.title}: {counted(design.seeds, 'seed')}{each}",
            f"  {'truth':<22} {'passes':>8} {'fails':>8} {'undecided':>10}   seeds to decide (4 of 5 times)",
        ]
        relative = kind_of(one.gate) == "cost"
        for away in POINTS:
            found = one.chances[away]
            if found is None:
                continue
            seeds = one.seeds.get(away)
            needed = "-" if not away else "more than can be said" if seeds is None else str(seeds)
            lines.append(
                f"  {_where(away, relative):<22} {found.passes:>8.1%} {found.fails:>8.1%} {found.undecided:>10.1%}   "
                f"{needed}"
            )
        lines.append("")
    return [*lines, f"simulated: {counted(runs, 'run')} of each; rates of one episode a seed are exact"]


def _where(away: float, relative: bool) -> str:
    if not away:
        return "at the threshold"
    side = "better" if away > 0 else "worse"
    return f"{abs(100 * away):.0f} {'%' if relative else 'points'} {side}"
