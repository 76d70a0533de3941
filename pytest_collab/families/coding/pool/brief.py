"""What seats are told: the standing instructions and the task, for every condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_collab.episode.condition import Condition
from pytest_collab.families.coding.rules import RETURNS, Deal

PLAN_FIRST = (
    "Before you change anything, agree on a plan: say which files and lines you will change and which you will leave "
    "alone, read what your teammates plan, and settle overlaps. Keep to what you said, or say so when it changes."
)


def standing(seat: str, deal: Deal, condition: Condition, language: str, test: str) -> str:
    """The seat's standing instructions: its role, what it may see and do, how the work is judged."""
    parts = [
        f"You are engineer {seat!r}. You work on a {language} repository with the tools you are given. Your working "
        f"tree is a git repository with one commit, the base, checked out on branch {seat!r}. You can run commands, "
        "read and change files. There is no network, and commands see an empty standard input.",
        _together(seat, deal, condition),
        "What counts is your working tree as you leave it: committed, changed and untracked files alike; ignored "
        "files do not. Hidden tests then decide, one suite for each feature, beside the tests that are there now. "
        f"Tests run like this: {test}",
        "Call `finish` when your work is complete.",
    ]
    return "\n\n".join(part for part in parts if part)


def _together(seat: str, deal: Deal, condition: Condition) -> str:
    others = [other for other in deal.seats if other != seat]
    if not others:
        return "You work alone and build everything that is asked for in this one tree."
    names = " and ".join(repr(other) for other in others)
    parts = [f"Your teammate{'s' * (len(others) > 1)} {names} work{'s' * (len(others) == 1)} on the same base, "]
    if deal.joining == "merge":
        parts.append(
            "in a tree of their own, on another feature. When all have finished, the trees are merged by git without "
            "anybody's help. A conflict, or features that do not work together, means that the team has failed: so "
            "know what the others change, and make your changes fit theirs. "
        )
    elif deal.joining == "last":
        parts[0] = f"You work one after the other, in the order {', '.join(deal.seats)}. "
        parts.append("Each begins with what the one before has left, and the last tree is the team's result. ")
    else:
        parts.append(_led(seat, deal))
    if deal.remote:
        parts.append(
            "All share the remote repository `origin`: push your branch to it, fetch the others' from it. What you "
            "merged from there counts as merged. "
        )
    if deal.watched:
        parts.append("You are told the others' features, and `partner_diff` shows what they have changed so far. ")
    if condition.muted:
        parts.append("You cannot talk to each other: messages are not delivered. ")
    else:
        parts.append("You can talk to each other with `send_message`. ")
    if condition.kind == "protocol":
        parts.append(PLAN_FIRST)
    return "".join(parts).strip()


def _led(seat: str, deal: Deal) -> str:
    lead = deal.seats[0]
    if seat == lead:
        return (
            "and you are the lead. Plan who changes what and tell the members; build your own feature; then bring "
            "each member's work into your tree with `integrate`. Your tree is the team's result. Work that conflicts "
            f"goes back to the member who handed it in (at most {RETURNS} times); see to it that all fits together, "
            "and only then finish. "
        )
    return (
        f"and {lead!r} is the lead, who plans and integrates everybody's work into one tree, the team's result. "
        "Follow the plan, build your feature, hand it in with `finish`. If it conflicts with what has been "
        "integrated before, you get it back: resolve the conflicts and hand it in again. "
    )


def assignment(seat: str, deal: Deal, texts: Mapping[str, str]) -> str:
    """What the seat is to build; where all is shared, what the others build too."""
    owned = deal.features[seat]
    parts = []
    if len(owned) > 1:
        parts.append(f"Build these {len(owned)} features, so that they work together.")
    else:
        parts.append("Build this feature.")
    parts += [_feature(name, texts[name]) for name in owned]
    if deal.watched:
        for other in deal.seats:
            if other != seat:
                parts.append(f"For your information: {other!r} builds this.")
                parts += [_feature(name, texts[name]) for name in deal.features[other]]
    return "\n\n".join(parts)


def _feature(name: str, text: str) -> str:
    return f"--- feature {name} ---\n{text.strip()}\n--- end of feature {name} ---"


def news(messages: Sequence[tuple[str, str]], gone: Sequence[str]) -> str:
    """What has happened since the seat's last answer."""
    parts = [f"Message from {sender}: {text}" for sender, text in messages]
    parts += [f"({seat!r} has finished.)" for seat in gone]
    return "\n\n".join(parts)
