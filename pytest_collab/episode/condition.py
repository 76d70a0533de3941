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
            TaskError: the argument is missing, or `relay` has no positive whole number.
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
