"""The built-in players by name: competent ones, and ones with a planted fault each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pytest_collab.agents.builtin import CAST
from pytest_collab.episode.agent import Seat
from pytest_collab.families.coding.cast.faulty import (
    Confabulator,
    Conformist,
    FreeRider,
    Nop,
    Overwriter,
    PromiseBreaker,
    Quitter,
    Random,
    Repeater,
    Silent,
    Vague,
)
from pytest_collab.families.coding.cast.partner import Oracle, Partner
from pytest_collab.families.coding.cast.player import Player
from pytest_collab.families.coding.cast.roles import (
    Pushover,
    Rejecter,
    RoleDeaf,
    RoleHasty,
    RoleNop,
    RolePlayer,
    RoleSilent,
    RoleVague,
    RubberStamper,
    Trespasser,
)

PLAYERS: Final[Mapping[str, Callable[[Seat], Player]]] = {
    "partner": Partner,
    "oracle": Oracle,
    "nop": Nop,
    "random": Random,
    "silent": Silent,
    "repeater": Repeater,
    "vague": Vague,
    "confabulator": Confabulator,
    "conformist": Conformist,
    "quitter": Quitter,
    "free_rider": FreeRider,
    "overwriter": Overwriter,
    "promise_breaker": PromiseBreaker,
}

ROLE_PLAYERS: Final[Mapping[str, Callable[[Seat], Player]]] = {
    "partner": RolePlayer,
    "nop": RoleNop,
    "random": RoleNop,
    "silent": RoleSilent,
    "vague": RoleVague,
    "deaf": RoleDeaf,
    "hasty": RoleHasty,
    "pushover": Pushover,
    "rubber_stamper": RubberStamper,
    "rejecter": Rejecter,
    "trespasser": Trespasser,
}
"""Where seats have roles. Who is not here, or has no fault in the role of its seat, plays as `partner` does."""

SUMMARIES: Final[Mapping[str, str]] = {name: CAST[name] for name in [*PLAYERS, *ROLE_PLAYERS]}

PLANTED: Final[Mapping[str, str]] = {
    "silent": "unresponsive",
    "repeater": "repetition",
    "vague": "vague",
    "confabulator": "false_claim",
    "quitter": "broken_commitment",
    "free_rider": "free_riding",
    "overwriter": "work_overlap",
    "promise_breaker": "broken_commitment",
    "nop": "own_part_failed",
    "random": "own_part_failed",
}
"""Which code each fault must come back under when an episode fails for it."""

PLANTED_IN_TEAMS: Final[Mapping[str, str]] = {**PLANTED, "conformist": "capitulation"}
"""The same where several teams show each other what they propose."""
