"""Who plays which role, and what the role may: see the specification, change the tree, vouch for it.

Roles are those of TeamBench (arXiv 2605.07073): no role may read the whole specification, change the tree and vouch
for what was done. Other papers' roles have the same three kinds of rights under their own names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pytest_collab.episode.condition import Condition

Right = Literal["plan", "build", "verify"]

RIGHTS: Final[Mapping[str, Right]] = {
    "planner": "plan",
    "analyst": "plan",
    "manager": "plan",
    "researcher": "plan",
    "executor": "build",
    "coder": "build",
    "engineer": "build",
    "verifier": "verify",
    "tester": "verify",
    "reviewer": "verify",
}
"""`plan` reads the specification and the base's tree, and talks. `build` has the brief alone, and changes the tree.
`verify` reads the specification and what was built, tries it out in a copy, and says whether it passes."""

PRESETS: Final[Mapping[str, tuple[str, ...]]] = {
    "teambench": ("planner", "executor", "verifier"),
    "self_collaboration": ("analyst", "coder", "tester"),
    "agyn": ("manager", "researcher", "engineer", "reviewer"),
}
"""TeamBench (arXiv 2605.07073), Self-collaboration code generation (arXiv 2304.07590), Agyn (arXiv 2602.01465)."""

RETURNS: Final = 3
"""How often work goes back to who built it, unless the task or a preset says otherwise."""

PRESET_RETURNS: Final[Mapping[str, int]] = {"self_collaboration": 4}

LEAVING_OUT: Final[Mapping[str, tuple[Right, ...]]] = {
    "no_plan": ("plan",),
    "no_verify": ("verify",),
    "brief": ("plan", "verify"),
}
"""Conditions under which seats with these rights do not play."""


@dataclass(frozen=True, slots=True)
class Casting:
    """The roles of one episode.

    Attributes:
        seats: every role, in the order in which they act; seats are named after them.
        absent: seats that do not play under the episode's condition.
        returns: how often a verifier may send work back.
        told_all: who builds is shown the specification, too (`shared`).
        muted: nothing that one says reaches another (`mute`).
    """

    seats: tuple[str, ...]
    absent: frozenset[str] = frozenset()
    returns: int = RETURNS
    told_all: bool = False
    muted: bool = False

    def right(self, seat: str) -> Right:
        """What the seat may."""
        return RIGHTS[seat]

    @property
    def playing(self) -> tuple[str, ...]:
        """Seats that play."""
        return tuple(seat for seat in self.seats if seat not in self.absent)

    @property
    def planners(self) -> tuple[str, ...]:
        """Seats that play and plan, in order."""
        return tuple(seat for seat in self.playing if self.right(seat) == "plan")

    @property
    def builder(self) -> str:
        """The seat whose tree counts."""
        return next(seat for seat in self.seats if self.right(seat) == "build")

    @property
    def verifier(self) -> str | None:
        """The seat that vouches for the tree, where one plays."""
        return next((seat for seat in self.playing if self.right(seat) == "verify"), None)

    def informed(self, seat: str) -> bool:
        """Whether the seat is shown the specification."""
        return self.told_all or self.right(seat) != "build"


def cast(seats: Sequence[str], returns: int, condition: Condition) -> Casting:
    """The casting of a condition."""
    left_out = LEAVING_OUT.get(condition.kind, ())
    absent = frozenset(seat for seat in seats if RIGHTS[seat] in left_out)
    return Casting(tuple(seats), absent, returns, condition.shared, condition.muted)


def mistake(seats: Sequence[str]) -> str | None:
    """What is wrong with a list of roles, with the remedy; None when it can be played."""
    known = ", ".join(RIGHTS)
    unknown = next((seat for seat in seats if seat not in RIGHTS), None)
    if unknown is not None:
        return f"there is no role {unknown!r}; roles are {known}, presets {', '.join(PRESETS)}"
    if len(set(seats)) != len(seats):
        return "a role is named twice; seats are named after their roles, so take another name for the second"
    rights = [RIGHTS[seat] for seat in seats]
    if rights.count("build") != 1:
        names = ", ".join(role for role, right in RIGHTS.items() if right == "build")
        return f"one role changes the tree, so exactly one of {names} is needed, not {rights.count('build')}"
    if rights.count("verify") > 1:
        return "one role vouches for the tree; leave all but one of verifier, tester and reviewer out"
    if len(seats) < 2:
        return "a single role is no team; add one that plans or verifies"
    if rights != sorted(rights, key=("plan", "build", "verify").index):
        return "roles act in the order in which they stand: those who plan, who builds, who verifies"
    return None
