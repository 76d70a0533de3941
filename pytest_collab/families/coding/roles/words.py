"""What seats with roles are told: what they may, what the others do, and what there is to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pytest_collab.episode.text import counted
from pytest_collab.families.coding.casting import Casting
from pytest_collab.families.coding.pool.brief import TOOLS
from pytest_collab.families.coding.workspace.roles import SCRATCH, SPECIFICATION

_JOBS: Final = {
    "plan": "reads the specification and plans",
    "build": "builds, and has only a brief of the specification",
    "verify": "reads the specification and what was built, and accepts it or sends it back",
}


def standing(seat: str, casting: Casting, language: str, test: str) -> str:
    """The seat's standing instructions."""
    mine = {"plan": _planner, "build": _builder, "verify": _verifier}[casting.right(seat)]
    parts = [
        f"You are the {seat} of a team that builds one thing in a {language} repository. You work with the tools "
        f"you are given. {TOOLS.work}",
        _team(seat, casting),
        mine(seat, casting),
        "What counts is the working tree of the "
        f"{casting.builder} as it is left: committed, changed and untracked files alike; ignored files do not. "
        f"Hidden tests then decide, beside the tests that are there now. Tests run like this: {test}",
        "An answer that calls no tool does nothing, and three of them in a row end your work.",
    ]
    return "\n\n".join(part for part in parts if part)


def _team(seat: str, casting: Casting) -> str:
    if len(casting.playing) == 1:
        return "You work alone."
    lines = [f"- {name}{' (you)' * (name == seat)}: {_JOBS[casting.right(name)]}" for name in casting.playing]
    talk = (
        "You cannot talk to each other: messages are not delivered."
        if casting.muted
        else "You talk with `send_message`; a message that is sent before its reader begins is read then. Who has "
        "finished is not reached any more."
    )
    return "\n".join(["The team, in the order in which you act, one after the other:", *lines, talk])


def _planner(seat: str, casting: Casting) -> str:
    return (
        f"You see the whole specification (below, and in {SPECIFICATION}) and the tree, which you cannot change. The "
        f"{casting.builder} has a brief only, and knows nothing else but what you say: send it a plan that holds all "
        "that the specification asks for. Call `finish` when your plan is complete."
    )


def _builder(seat: str, casting: Casting) -> str:
    known = (
        f"You see the whole specification (below, and in {SPECIFICATION}), as everybody does here. "
        if casting.told_all
        else "You are given a brief. The specification says more, and is not in your sandbox. "
    )
    if casting.verifier is None:
        return f"{known}Your tree is the only one that anybody changes. Call `finish` when your work is complete."
    again = casting.returns
    return (
        f"{known}Your tree is the only one that anybody changes. Call `finish` to hand it in to the "
        f"{casting.verifier}, who accepts it or sends it back, at most {counted(again, 'time')}."
    )


def _verifier(seat: str, casting: Casting) -> str:
    return (
        f"You see the whole specification (below, and in {SPECIFICATION}) and, as your tree, what the "
        f"{casting.builder} has handed in; you cannot change it. In {SCRATCH} lies a copy that you can change: run "
        "tests and try things out there. Then call `attest` with `pass` or `fail` and your reason. What you fail "
        f"goes back, at most {counted(casting.returns, 'time')}."
    )


def assignment(seat: str, deal: Mapping[str, str], casting: Casting) -> str:
    """The specification, or the brief.

    Args:
        deal: what the seat may know of each feature.
    """
    what = "specification" if casting.informed(seat) else "brief"
    head = {
        "plan": "This is to be built.",
        "build": "Build this.",
        "verify": "This was to be built.",
    }[casting.right(seat)]
    parts = [
        f"--- {what} of {name} ---\n{text.strip()}\n--- end of {what} of {name} ---" for name, text in deal.items()
    ]
    return "\n\n".join([head, *parts])
