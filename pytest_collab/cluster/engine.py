"""Engines: where players come from, and what the driver needs of each. Others add theirs by an entry point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from pytest_collab.cluster.bank import Desk
from pytest_collab.cluster.hello import About, Batch, Hello, Played
from pytest_collab.cluster.spec import EpisodeSpec
from pytest_collab.errors import CollabError, InfrastructureError, UsageError

ENTRY_POINTS: Final = "pytest_collab.executors"
"""The group: each a callable that takes a `Session` and returns an `Engine`."""


class PlayerLost(CollabError):
    """A player is no more, or does not answer any more: what it played was lost with it."""


class WorkerLost(InfrastructureError):
    """An episode was lost with its player, too often to go on."""

    code = "worker_lost"


class CannotStart(UsageError):
    """A player did not come up. Another one would fare no better: it is told once, with its last words."""


@dataclass(frozen=True, slots=True)
class Session:
    """What an engine is made with.

    Attributes:
        hello: what players are told, but for their names.
        shared: a folder of the driver's that lasts as long as the session.
        root: pytest's rootdir.
        agents_file: None where there is none.
        max_cost_usd: the session's budget.
        most: players that the user asked for at most; None to leave it to the engine.
        in_flight: episodes of the whole session at the same time.
        notice: leaves a line for whoever sits at the terminal; first what the same notice is known by.
    """

    hello: Hello
    shared: Path
    root: Path
    agents_file: Path | None
    max_cost_usd: float | None
    most: int | None
    in_flight: int
    notice: Callable[[str, str], None]


class Player(Protocol):
    """A player as the driver sees it. Whatever is asked of it raises `PlayerLost` when it is no more."""

    name: str

    async def ready(self) -> About:
        """Wait until it has come up.

        Raises:
            CannotStart: it did not.
        """

    async def lost(self) -> str:
        """Wait until it has to be taken for lost, though its pipe or its call is still open; why.

        What it plays then goes to others. Should it come back after all, the first result of an episode counts.
        """

    async def prepare(self, batch: Batch) -> None:
        """Let it make a task ready; raises as `Performer.prepare`."""

    async def play(self, spec: EpisodeSpec, lease: str) -> Played:
        """Let it play; raises as `Performer.play`."""

    def break_off(self, lease: str) -> None:
        """End a play; what waits for `play` gets what there is of it."""

    async def close(self, patience: float) -> None:
        """Let it clean up for so many seconds at most, then end it."""


class Engine(Protocol):
    """A kind of place that players run in. All methods are called on one event loop.

    Attributes:
        desk: the bank that its players deal with.
    """

    desk: Desk

    async def open(self) -> int:
        """Connect, or whatever it takes.

        Returns:
            How many players there may be at most.

        Raises:
            UsageError: it cannot be had; says what to do.
        """

    def hire(self, name: str, needs: frozenset[str]) -> Player:
        """Start a player.

        Args:
            needs: what tasks need of its machine, such as `docker`.
        """

    def room(self, needs: frozenset[str]) -> int:
        """How many players there can be on machines that have this; as many as there may be where none is lacking."""

    async def close(self) -> None:
        """All players are closed: close the rest."""
