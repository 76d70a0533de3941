"""What seats are told: the standing instructions and the task, for every condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_collab.episode.condition import Condition
from pytest_collab.families.coding.rules import IDLE_ANSWERS, RETURNS, Deal
from pytest_collab.families.coding.tools import RESULT_LIMIT

PLAN_FIRST = (
    "Before you change anything, agree on a plan: say which files and lines you will change and which you will leave "
    "alone, read what your teammates plan, and settle overlaps. Keep to what you said, or say so when it changes."
)


@dataclass(frozen=True, slots=True)
class Means:
    """By what a seat does things, in words: the tools of the game, or programs of the agent's own."""

    work: str
    talk: str
    watch: str
    integrate: str
    hand_in: str
    finish: str


TOOLS: Final = Means(
    work=(
        "You can run commands, read and change files. There is no network, and commands see an empty standard input. "
        f"Of what a tool gives back, the middle is left out beyond {RESULT_LIMIT:,} characters."
    ),
    talk="You can talk to each other with `send_message`. ",
    watch="`partner_diff` shows what they have changed so far",
    integrate="with `integrate`",
    hand_in="hand it in with `finish`",
    finish=(
        "Call `finish` when your work is complete. An answer that calls no tool does nothing, and "
        f"{IDLE_ANSWERS} of them in a row end your work."
    ),
)
"""An agent that has the game's tools."""

DESK: Final = Means(
    work=(
        "It is the folder that you were started in: read and change files there by whatever means you have of your "
        "own, and nothing outside it. Commands of the project belong in its sandbox; you are told below how to run "
        "them there."
    ),
    talk="You can talk to each other; you are told below how. ",
    watch="`collab-partner-diff` shows what they have changed so far",
    integrate="with `collab-integrate`",
    hand_in="hand it in with `collab-finish`",
    finish="When your work is complete, end: what you have then is taken, and nobody can reach you any more.",
)
"""An agent that was started as a program in its tree."""


def standing(seat: str, deal: Deal, condition: Condition, language: str, test: str, means: Means = TOOLS) -> str:
    """The seat's standing instructions: its role, what it may see and do, how the work is judged."""
    hands = "the tools you are given" if means is TOOLS else "tools of your own"
    parts = [
        f"You are engineer {seat!r}. You work on a {language} repository with {hands}. Your working "
        f"tree is a git repository with one commit, the base, checked out on branch {seat!r}. {means.work}",
        _together(seat, deal, condition, means),
        "What counts is your working tree as you leave it: committed, changed and untracked files alike; ignored "
        "files do not. Hidden tests then decide, one suite for each feature, beside the tests that are there now. "
        f"Tests run like this: {test}",
        means.finish,
    ]
    return "\n\n".join(part for part in parts if part)


def _together(seat: str, deal: Deal, condition: Condition, means: Means) -> str:
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
        parts.append(_led(seat, deal, means))
    if deal.remote:
        parts.append(
            "All share the remote repository `origin`: push your branch to it, fetch the others' from it. What you "
            "merged from there counts as merged. "
        )
    if deal.watched:
        parts.append(f"You are told the others' features, and {means.watch}. ")
    if condition.muted:
        parts.append("You cannot talk to each other: messages are not delivered. ")
    else:
        parts.append(f"{means.talk}Who has finished is not reached any more, and the others are told. ")
    if condition.kind == "protocol":
        parts.append(PLAN_FIRST)
    return "".join(parts).strip()


def _led(seat: str, deal: Deal, means: Means) -> str:
    lead = deal.seats[0]
    if seat == lead:
        return (
            "and you are the lead. Plan who changes what and tell the members; build your own feature; then bring "
            f"each member's work into your tree {means.integrate}. Your tree is the team's result. Work that "
            f"conflicts goes back to the member who handed it in (at most {RETURNS} times); see to it that all fits "
            "together, and only then finish. "
        )
    return (
        f"and {lead!r} is the lead, who plans and integrates everybody's work into one tree, the team's result. "
        f"Follow the plan, build your feature, {means.hand_in}. If it conflicts with what has been "
        "integrated before, you get it back: resolve the conflicts and hand it in again. "
    )


def assignment(seat: str, deal: Deal, texts: Mapping[str, str], condition: Condition) -> str:
    """What the seat is to build; where all is shared, what the others build too."""
    owned = deal.features[seat]
    parts = []
    if len(owned) > 1:
        parts.append(f"Build these {len(owned)} features, so that they work together.")
    else:
        parts.append("Build this feature.")
    parts += [feature(name, texts[name]) for name in owned]
    if deal.watched:
        for other in deal.seats:
            if other != seat:
                parts.append(f"For your information: {other!r} builds this.")
                parts += [feature(name, texts[name]) for name in deal.features[other]]
    return "\n\n".join(parts)


def feature(name: str, text: str) -> str:
    """A feature's text, with its beginning and end marked."""
    return f"--- feature {name} ---\n{text.strip()}\n--- end of feature {name} ---"


def news(messages: Sequence[tuple[str, str]], gone: Sequence[str]) -> str:
    """What has happened since the seat's last answer."""
    parts = [f"Message from {sender}: {text}" for sender, text in messages]
    parts += [f"({seat!r} has finished.)" for seat in gone]
    return "\n\n".join(parts)
