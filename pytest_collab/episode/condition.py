"""Conditions: how a team is put together and what flows between its seats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_collab.errors import TaskError

GENERAL: Final = ("solo", "team", "mute", "shared", "with", "relay")
"""The conditions that every family supports, or gives a reason why not."""

_ARGUMENT: Final = {
    "with": "an agent, as in with:partner",
    "relay": "how many messages the first agent sends, as in relay:2",
    "primer": "how many turns of all seats the first agent's seat is its own, as in primer:4",
    "recovery": "how many turns of all seats come before the first agent, as in recovery:4",
    "teams": "how many teams work on the same problem, as in teams:3",
    "protocol": "a protocol of the family, as in protocol:plan_first",
    "memory": "what is remembered: memory:shared or memory:list",
    "incentive": "an incentive of the family, as in incentive:bonus",
}


RELAYS: Final = ("relay", "primer", "recovery")
"""Two different agents, one of which takes the first seat over from the other."""

CONFEDERATES: Final = "confederates"
"""One agent among confederates: built-in players who all say the same, whatever they know."""

MEMORY: Final = "memory"
"""Seats that share a memory (`memory:shared`), or are given lessons of teams before them (`memory:list`)."""

TEAMS: Final = "teams"
"""Several teams of the same make at the same problem, which show each other what they propose; the best counts."""

MOST_TEAMS: Final = 4
"""So many teams at most: each has a tree and a sandbox for every seat."""

APART: Final = "apart"
"""What follows the number of teams where none is shown what the others propose."""

GUIDE: Final = "guide"
"""The condition with one more seat, which sees everything and can only tell; and that seat's name."""

SETTLING: Final = "solo:settle"
"""`solo`, played because a team's failure was left open (`--collab-settle`): the same game under a name of its own.
These seeds are chosen by how a team fared, so no success rate and no gap of `solo` may count them."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed condition, e.g. `relay:2` is kind `relay` with argument `2`.

    Attributes:
        kind: the word before the colon.
        argument: the text after it; empty when there is none.
    """

    kind: str
    argument: str = ""

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read a condition.

        Raises:
            TaskError: the argument is missing, `relay` has no positive whole number, or `teams` none from 2 to 4.
        """
        kind, _, argument = str(text).strip().partition(":")
        if kind in _ARGUMENT and not argument:
            raise TaskError(f"condition {text!r} needs {_ARGUMENT[kind]}")
        if kind in RELAYS and (not argument.isdecimal() or int(argument) < 1):
            what = "messages" if kind == "relay" else "turns"
            raise TaskError(
                f"condition {text!r}: {argument!r} is not a positive whole number",
                remedy=f"Write {kind}:K with K >= 1, the number of {what} before the take-over.",
            )
        if kind == TEAMS and not _counts_teams(argument):
            raise TaskError(
                f"condition {text!r}: {argument!r} does not say how many teams there are",
                remedy=f"Write teams:K with K from 2 to {MOST_TEAMS}, or teams:K:{APART} for the same teams without "
                "exchange.",
            )
        if not kind:
            raise TaskError(f"condition {text!r} is empty", remedy="Write one of solo, team, mute, shared, ...")
        return cls(kind, argument)

    def __str__(self) -> str:
        return f"{self.kind}:{self.argument}" if self.argument else self.kind

    @property
    def solo(self) -> bool:
        """One agent holds every seat's information and job."""
        return self.kind == "solo"

    @property
    def muted(self) -> bool:
        """Messages are not delivered."""
        return self.kind == "mute"

    @property
    def shared(self) -> bool:
        """All seats' private information is shown to all."""
        return self.kind == "shared"

    @property
    def takes_one_agent(self) -> bool:
        """One item per agent rather than per team."""
        return self.kind in ("solo", "with", CONFEDERATES)

    @property
    def others(self) -> str | None:
        """Who takes all seats but the first, by name; None where the team's own agents do."""
        if self.kind == CONFEDERATES:
            return "builtin/confederate"
        return self.argument if self.kind == "with" else None

    def at_table(self, team: Sequence[str]) -> tuple[str, ...]:
        """The names of all agents that play: the team's, and who takes the other seats."""
        return tuple(team) if self.others is None else (*team, self.others)

    @property
    def teams(self) -> int | None:
        """How many teams work on the same problem; None where there is one."""
        return int(self.argument.partition(":")[0]) if self.kind == TEAMS else None

    @property
    def apart(self) -> bool:
        """Several teams, and none is shown what the others propose."""
        return self.kind == TEAMS and self.argument.endswith(APART)

    def by_team(self, seats: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        """The seats of every team, where a single one has `seats`: `a1`, `b1` for the first of several."""
        if self.teams is None:
            return (tuple(seats),)
        return tuple(tuple(f"{seat}{number}" for seat in seats) for number in range(1, self.teams + 1))

    @property
    def relay_after(self) -> int | None:
        """Messages by the first agent before the second takes its seat over; None without relay."""
        return int(self.argument) if self.kind == "relay" else None

    @property
    def relay_after_turns(self) -> int | None:
        """Turns of all seats before the first seat is taken over; None without such a relay."""
        return int(self.argument) if self.kind in ("primer", "recovery") else None

    @property
    def recovers(self) -> bool:
        """The second agent has every seat at first, and the first agent takes the first seat over."""
        return self.kind == "recovery"


def _counts_teams(argument: str) -> bool:
    number, colon, rest = argument.partition(":")
    return number in map(str, range(2, MOST_TEAMS + 1)) and rest == (APART if colon else "")
