"""What `collab validate` finds out about a probe: which mutants each feature gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from pytest_collab.errors import TaskError
from pytest_collab.families.coding.grading.grading import Grader
from pytest_collab.families.coding.interception.mutants.making import kinds_of, mutants_of
from pytest_collab.families.coding.interception.params import Interception


async def vetted(params: Interception, settings: Mapping[str, str]) -> list[str]:
    """Make every feature's mutants, and tell of them.

    Raises:
        TaskError: a feature gives none of the class that is asked for.
        SetupError: tests cannot be run.
    """
    params.check()
    lines, without = [], []
    async with Grader(params.coding, sandbox=settings.get("sandbox", "auto")) as grader:
        for name in params.shown:
            found = await mutants_of(grader, params.coding.feature(name), params.mutants, params.caught_by)
            usable = found.of(params.caught_by)
            if found.problem or not usable:
                without.append(name)
            few = (
                f"only {len(usable)} of {params.mutants}, which come again: " if len(usable) < params.mutants else ""
            )
            seen = Counter(one.seen for one in found.mutants)
            kinds = ", ".join(f"{kind} {count}" for kind, count in kinds_of(found).items())
            told = (
                f"{few}{found.tried} tried: {seen['hidden']} shown by hidden tests alone, {seen['visible']} by "
                f"visible ones too, {found.old_alone} by visible ones alone, {found.passed} by none, "
                f"{found.broken} do not run ({kinds or 'no mutants'})"
            )
            lines.append(f"{name}: {found.problem or told}")
    if without:
        told = "; ".join(line for line in lines if line.partition(":")[0] in without)
        raise TaskError(
            f"no mutants shown by {params.caught_by} tests of {', '.join(without)}: {told}",
            remedy="Leave these out of `features`, or take others with `caught_by`.",
            key="params.features",
        )
    return lines
