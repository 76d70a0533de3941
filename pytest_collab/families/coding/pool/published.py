"""What seats are told with `prompts: as_published`: what CooperBench tells its agents, in other words.

arXiv 2601.13295; its repository at 328e7e0, and the logs of its runs: a section on working together and one's own
feature; alone, and where nobody can be written to, features and rules of conduct. Nobody is told another's feature,
of hidden tests, or how tests are run. A `lead` is told what CAID tells (`caid`). How tools and handing in work is our
own to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pytest_collab.episode.condition import Condition
from pytest_collab.families.coding.pool.brief import TOOLS, Means, feature
from pytest_collab.families.coding.rules import Deal

REFUSED: Final = {
    "git": "its later harness has a remote to look at, where merging spoils the patch",
    "shared": "nobody is told another's feature",
    "sequential": "agents work side by side",
    "teams": "it has one team",
    "protocol": "how to talk is part of what it tells",
}
"""Conditions that neither CooperBench nor CAID has, and what it has in their place."""

_CONDUCT: Final = (
    "Build what is asked for, and change nothing that has no part in it. Use no git commands at all. Before you "
    "finish, remove test scripts, debug files and experiments of yours: what stays is the feature."
)


def standing(seat: str, deal: Deal, condition: Condition, language: str, test: str, means: Means = TOOLS) -> str:
    """The seat's standing instructions."""
    place = f"You are {seat!r}. You work on a {language} repository, in a working tree of your own. {means.work}"
    if len(deal.seats) == 1:
        told = ""
    elif condition.muted:
        told = f"{_merged(deal)} You cannot talk to each other: messages are not delivered."
    else:
        told = _side_by_side(deal, means)
    return "\n\n".join(part for part in (place, told, means.finish) if part)


def _merged(deal: Deal) -> str:
    several = len(deal.seats) > 2
    merge = "a merge of all branches" if several else "a two-way merge of both branches"
    return (
        f"You {'all' if several else 'both'} work on branches of your own, on different features; what you build is "
        f"tested after {merge} into main. There must be no merge conflict: prevent every one."
    )


def _side_by_side(deal: Deal, means: Means) -> str:
    several = len(deal.seats) > 2
    other, others = ("another agent", "the other agents") if several else ("the other agent", "the other agent")
    return "\n".join(
        [
            _merged(deal),
            f"- {means.talk.strip()} What {others} write{'s' * (not several)} comes to you by itself.",
            f"- Before you change a file, tell {others} exactly which file and which lines you are about to change "
            "(such as: I change src/form/control.ts, lines 1100-1140).",
            "- Tell early how you will go about it, with ranges of lines, so that all can arrange themselves.",
            f"- If {other} works on the same file, settle who changes which lines of it.",
            "- Never leave marks or comments in the code where somebody else is to insert something: they conflict.",
            "- Divide a file into ranges of lines that do not overlap instead.",
            f"- Before you finish you must write to {others} once more, and sum up what you have built.",
            "Think of developers on separate branches that will be merged: any changes to the same lines conflict. "
            "So coordinate line by line, until nothing overlaps.",
        ]
    )


def assignment(seat: str, deal: Deal, texts: Mapping[str, str], condition: Condition) -> str:
    """What the seat is to build, and what it is told with it."""
    owned = [feature(name, texts[name]) for name in deal.features[seat]]
    if len(deal.seats) == 1 or condition.muted:
        parts = [*owned, _CONDUCT]
    else:
        beside = f"{len(deal.seats) - 1} other agents" if len(deal.seats) > 2 else "another agent"
        parts = [
            f"You build this feature while {beside} build{'s' * (len(deal.seats) == 2)} something else.",
            *owned,
            "Build all of it, and prevent conflicts by naming exact paths and line numbers to each other.",
        ]
    return "\n\n".join(parts)
