"""Norms that a group has stated: how far takes are from them, and whom punishment hits.

After "The Role of Social Learning and Collective Norm Formation" (Gupta et al., arXiv 2510.14401); for the two kinds
of punishment, Herrmann, Thoeni and Gaechter 2008 (Science 319, "Antisocial punishment across societies").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean, median_low

from pytest_collab.families.commons import rules
from pytest_collab.families.rounds import Step


def stated(norms: Sequence[int | None]) -> int | None:
    """The group's norm: the median of what seats last proposed (the lower of two); None without proposals."""
    proposals = [norm for norm in norms if norm is not None]
    return median_low(proposals) if proposals else None


def figures(
    steps: Sequence[Step], seats: Sequence[str], fair: Callable[[Step], int], *, harmful: bool, punishable: bool
) -> dict[str, float]:
    """What a season says of norms and of punishment.

    Args:
        steps: of the whole season, in order.
        fair: by which a take is judged in months before any norm was stated.
        punishable: whether seats can punish at all.
        harmful: there is something to remove: taking less than the norm breaks it.

    Returns:
        `norm`, the last one stated; `norm_gap`, the mean take minus the norm that stood then, over seats and months
        with one; `norm_kept`, the share of takes that kept it; where anybody was punished `prosocial_punishment`, the
        share of punishments that hit who had broken the norm (or taken more than the sustainable share, without one)
        in the last harvest, and `antisocial_punishment`, the share that hit who had kept it; where anybody broke it
        and could be punished, `violators_punished`: the share of breaches that somebody punished.
    """
    gaps: list[float] = []
    kept: list[bool] = []
    hits: list[bool] = []
    broken: list[frozenset[int]] = []
    caught: list[set[int]] = []
    norm: int | None = None
    for step in steps:
        if step.phase == "harvest":
            norm = stated(step.before.norms)
            pool: rules.State = step.after.pool
            takes = {i: pool.takes[i] for i in map(seats.index, step.moves)}
            bound = fair(step) if norm is None else norm
            broken.append(frozenset(i for i, took in takes.items() if (took < bound if harmful else took > bound)))
            caught.append(set())
            if norm is not None:
                gaps += [took - norm for took in takes.values()]
                kept += [i not in broken[-1] for i in takes]
        elif broken:
            fresh = [other for fine in step.after.fined if fine not in step.before.fined for other in fine[1:]]
            hits += [other in broken[-1] for other in fresh]
            caught[-1].update(fresh)
    found = {} if norm is None else {"norm": float(norm)}
    if gaps:
        found |= {"norm_gap": fmean(gaps), "norm_kept": fmean(kept)}
    if hits:
        found |= {"prosocial_punishment": fmean(hits), "antisocial_punishment": 1 - fmean(hits)}
    violations = sum(map(len, broken))
    if punishable and violations:
        found["violators_punished"] = sum(len(b & c) for b, c in zip(broken, caught, strict=True)) / violations
    return found
