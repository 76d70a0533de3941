"""What seats are told of other teams."""

from __future__ import annotations

from pytest_collab.families.coding.pool.brief import TOOLS, Means
from pytest_collab.families.coding.rules import Deal


def standing(deal: Deal, means: Means) -> str:
    """How a seat's team stands to the others.

    Args:
        deal: of all teams.
    """
    others = len(deal.teams) - 1
    finish = "`finish`" if means is TOOLS else "`collab-finish`"
    who = "Another team builds" if others == 1 else f"{others} other teams build"
    parts = [f"{who} the same features from the same base, apart from yours: nobody can write to another team. "]
    if deal.apart:
        parts.append(
            f"When your work is complete, call {finish}. Once all teams are that far you are told what your own "
            "team's work comes to, and can go on. "
        )
    else:
        parts.append(
            f"When your work is complete, propose it with {finish}. Once all teams have proposed you are shown what "
            "the others propose, and can go on, with what you have read in it or with one of theirs. "
        )
    parts.append(
        "What your trees merge to when all have finished a second time is your team's result, and the best of all "
        "teams' results counts."
    )
    return "".join(parts)
