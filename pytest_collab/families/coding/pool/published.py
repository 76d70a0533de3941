"""What seats are told with `prompts: as_published`: what CooperBench and CAID tell their agents, in other words.

CooperBench (arXiv 2601.13295; its repository at 328e7e0, and the logs of its runs): a section on working together and
one's own feature; alone, and where nobody can be written to, features and rules of conduct. Nobody is told another's
feature, of hidden tests, or how tests are run. CAID (arXiv 2603.21489; prompts/commit0.yaml): what its engineers and
its manager are told, as far as a `lead` has something of the kind. How tools and handing in work is our own to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pytest_collab.episode.condition import Condition
from pytest_collab.families.coding.pool.brief import TOOLS, Means, feature
from pytest_collab.families.coding.rules import RETURNS, Deal

REFUSED: Final = {
    "git": "its later harness has a remote to look at, where merging spoils the patch",
    "shared": "nobody is told another's feature",
    "sequential": "agents work side by side",
    "protocol": "how to talk is part of what it tells",
}
"""Conditions that neither study has, and what it has in their place."""

_CONDUCT: Final = (
    "Build what is asked for, and change nothing that has no part in it. Use no git commands at all. Before you "
    "finish, remove test scripts, debug files and experiments of yours: what stays is the feature."
)


def standing(seat: str, deal: Deal, condition: Condition, language: str, test: str, means: Means = TOOLS) -> str:
    """The seat's standing instructions."""
    place = f"You are {seat!r}. You work on a {language} repository, in a working tree of your own. {means.work}"
    if deal.joining == "lead":
        told = _manager(seat, deal, means) if seat == deal.seats[0] else _engineer(deal, test, means)
    elif len(deal.seats) == 1:
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


def _engineer(deal: Deal, test: str, means: Means) -> str:
    return (
        f"You are a software engineer in a group that works on this repository; {deal.seats[0]!r} is your manager. "
        "Build what is assigned to you. Rename no function, class or variable that there is, since other code may "
        "refer to it; comment no code out; leave alone what is not assigned to you. If you need more than that to "
        f"pass the tests, ask the manager first. {means.talk.strip()} When you have built it, you may run the tests "
        f"once, to see that you broke nothing ({test}). Failures outside your part are not yours to mend or to work "
        f"around: tell the manager of them. See to it that nothing can hang, and {means.hand_in}. If it conflicts "
        "with what has been merged before, you get it back: resolve the conflicts so that the right code of both "
        "sides is kept, delete nothing that others wrote, and hand it in again."
    )


def _manager(seat: str, deal: Deal, means: Means) -> str:
    names = ", ".join(repr(other) for other in deal.seats if other != seat)
    return (
        f"You are the manager of software engineers, each of whom works in a tree of its own: {names}. It is for you "
        "to make the most of them. Tell each how the repository is laid out, what its work is for, what is expected "
        "of it and on what it depends, so that it need not explore that again, but give no code. "
        f"{means.talk.strip()} They see to the quality of their own work before they hand it in: you need neither "
        f"review it nor run its tests. Bring what is handed in into your tree {means.integrate}; what conflicts goes "
        f"back to its engineer (at most {RETURNS} times). Your tree is the team's result. When all is there, look "
        "whether anything can hang (loops without end, waiting for input) and whether imports and names of the parts "
        "fit together, and mend that; write nothing new then. Your time counts, too: do not check again and again."
    )


def assignment(seat: str, deal: Deal, texts: Mapping[str, str], condition: Condition) -> str:
    """What the seat is to build, and what it is told with it."""
    owned = [feature(name, texts[name]) for name in deal.features[seat]]
    if deal.joining == "lead":
        parts = ["This feature is yours to build." if seat == deal.seats[0] else "This is assigned to you.", *owned]
        if seat == deal.seats[0]:
            for other in deal.seats[1:]:
                parts += [
                    f"This is assigned to {other!r}.",
                    *(feature(name, texts[name]) for name in deal.features[other]),
                ]
    elif len(deal.seats) == 1 or condition.muted:
        parts = [*owned, _CONDUCT]
    else:
        beside = f"{len(deal.seats) - 1} other agents" if len(deal.seats) > 2 else "another agent"
        parts = [
            f"You build this feature while {beside} build{'s' * (len(deal.seats) == 2)} something else.",
            *owned,
            "Build all of it, and prevent conflicts by naming exact paths and line numbers to each other.",
        ]
    return "\n\n".join(parts)
