"""What the critic is told: its job, what it may look at, the feature, the patch."""

from __future__ import annotations

from typing import Final

from pytest_collab.episode import text as texts
from pytest_collab.families.coding.rules import IDLE_ANSWERS
from pytest_collab.families.coding.tools import RESULT_LIMIT

PATCH_LIMIT: Final = 48 * 1024
"""Characters of a patch that are put before the critic; the middle of a longer one is read at the desk."""

_JOB: Final = (
    "You review one patch of a {language} repository before it is merged. Somebody built the feature below; the "
    "patch is either right or wrong in one place. Wrong means: tests of the feature that you do not have fail with "
    "it. About half of the patches are right, and to turn a right one away is as bad as to let a wrong one through. "
    "You judge only: nothing that you change counts."
)
_DESK: Final = (
    "Your working tree is a git repository in which the patch is the last commit (`git show`). You can run commands "
    "there, the tests that are in the repository and tests of your own among them. There is no network. Tests run "
    "like this: {test}"
)
_TEXT: Final = "You have the patch and nothing else: you can run nothing."
_TOOLS: Final = (
    f"Of what a tool gives back, the middle is left out beyond {RESULT_LIMIT:,} characters. Call `decide` once, with "
    "accept or reject, how sure you are, and the place where it is wrong. An answer that calls no tool does nothing, "
    f"and {IDLE_ANSWERS} of them in a row end your work."
)
_PROGRAM: Final = "Decide once, with `collab-decide`; to end without it is no verdict."

REPROACH: Final = "You called no tool. Look at the patch with the tools, and call `decide`."


def standing(language: str, test: str, *, desk: bool, program: bool = False) -> str:
    """The critic's standing instructions.

    Args:
        desk: it has a tree and a sandbox.
        program: it is an agent with tools of its own, started in its tree.
    """
    parts = [_JOB.format(language=language), _DESK.format(test=test) if desk else _TEXT]
    return "\n\n".join([*parts, _PROGRAM if program else _TOOLS])


def assignment(feature: str, description: str, patch: str) -> str:
    """The feature, and the patch that is to be judged."""
    shown = texts.bounded(texts.printable(patch), PATCH_LIMIT)
    return (
        f"--- feature {feature} ---\n{description.strip()}\n--- end of feature {feature} ---\n\n"
        f"--- patch ---\n{shown.rstrip()}\n--- end of patch ---"
    )
