"""What CAID tells its agents (arXiv 2603.21489; prompts/commit0.yaml), in other words.

Its engineers and its manager, as far as a `lead` has something of the kind, and its single agent. An engineer hears
of conflicts when there is one. How tools and handing in work is our own to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pytest_collab.episode.condition import Condition
from pytest_collab.families.coding.pool.brief import TOOLS, Means, feature
from pytest_collab.families.coding.rules import RETURNS, Deal

_NAMES: Final = (
    "Rename no function, class or variable that there is, since other code may refer to it, and comment no code out."
)


def standing(seat: str, deal: Deal, condition: Condition, language: str, test: str, means: Means = TOOLS) -> str:
    """The seat's standing instructions."""
    place = f"You are {seat!r}. You work on a {language} repository, in a working tree of your own. {means.work}"
    if len(deal.seats) == 1:
        told = _alone(test)
    else:
        told = _manager(seat, deal, test, means) if seat == deal.seats[0] else _engineer(deal, test, means)
    return "\n\n".join((place, told, means.finish))


def _alone(test: str) -> str:
    return (
        "You are a software engineer, and all that is asked for is yours to build, until the tests pass. "
        f"{_NAMES} Begin by looking at the repository, to understand what is to be built: what it imports, what its "
        "code uses, and what its tests expect; add what turns out to be missing. The tests run like this: "
        f"{test}. Run them after each part, and mend what fails before you go on. In the end see to it that nothing "
        "can hang (loops without end, waiting for input)."
    )


def _engineer(deal: Deal, test: str, means: Means) -> str:
    return (
        f"You are a software engineer in a group that works on this repository; {deal.seats[0]!r} is your manager. "
        f"Build what is assigned to you. {_NAMES} Leave alone what is not assigned to you. If you need more than "
        f"that to pass the tests, ask the manager first. {means.talk.strip()} When you have built it, you may run "
        f"the tests once, to see that you broke nothing ({test}). Failures outside your part are not yours to mend "
        "or to work around: tell the manager of them. See to it that nothing can hang, and "
        f"{means.hand_in}; then wait for what the manager has to say."
    )


def _manager(seat: str, deal: Deal, test: str, means: Means) -> str:
    names = ", ".join(repr(other) for other in deal.seats if other != seat)
    return (
        f"You are the manager of software engineers, each of whom works in a tree of its own: {names}. It is for you "
        "to make the most of them, so that all tests pass. Tell each how the repository is laid out, what its work "
        "is for, what is expected of it and on what it depends, so that it need not explore that again, but give no "
        f"code. {means.talk.strip()} {_NAMES} The tests run like this: {test}. The engineers see to the quality of "
        "their own work before they hand it in: you need neither review it nor run its tests. Bring what is handed "
        f"in into your tree {means.integrate}; what conflicts goes back to its engineer (at most {RETURNS} times). "
        "Your tree is the team's result. When all is there, look whether anything can hang (loops without end, "
        "waiting for input) and whether imports and names of the parts fit together, and mend that; write nothing "
        "new then. Your time counts, too: do not check again and again."
    )


def assignment(seat: str, deal: Deal, texts: Mapping[str, str], condition: Condition) -> str:
    """What the seat is to build, and, for a manager, what the others are."""
    owned = [feature(name, texts[name]) for name in deal.features[seat]]
    if len(deal.seats) == 1:
        return "\n\n".join(owned)
    manager = seat == deal.seats[0]
    parts = ["This feature is yours to build." if manager else "This is assigned to you.", *owned]
    for other in deal.seats[1:] if manager else ():
        parts += [
            f"This is assigned to {other!r}.",
            *(feature(name, texts[name]) for name in deal.features[other]),
        ]
    return "\n\n".join(parts)
