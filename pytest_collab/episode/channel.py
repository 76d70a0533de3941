"""The channel: who said what to whom, and whether it got there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import anyio

from pytest_collab.episode.text import MESSAGE_LIMIT, bounded, valid
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import UsageError

MESSAGES_PER_TURN: Final = 32


@dataclass(frozen=True, slots=True)
class Message:
    """A message that reached somebody.

    Attributes:
        seq: the transcript's `message` event.
        sender: seat.
        to: the seats it was meant for.
    """

    seq: int
    sender: str
    to: tuple[str, ...]
    text: str


class Channel:
    """Delivers messages between the seats of one episode, and knows what became of each.

    A message is *delivered* when it is put in a seat's inbox and *received* when that seat is next asked.
    Dropped messages keep their reason: `mute` (the condition), `left` (the seat has finished), `self`,
    `nobody` (no such seat), `flood` (more than 32 in one turn), `empty`.
    """

    def __init__(self, seats: Iterable[str], transcript: Transcript, *, muted: bool = False) -> None:
        self._seats = tuple(seats)
        self._transcript = transcript
        self._muted = muted
        self._inbox: dict[str, list[Message]] = {seat: [] for seat in self._seats}
        self._left: set[str] = set()
        self._news = anyio.Event()
        self._sent_this_turn: dict[str, int] = {}
        self.sent: dict[str, int] = dict.fromkeys(self._seats, 0)

    def send(self, sender: str, text: str, to: Iterable[str] | None = None) -> dict[str, str]:
        """Send `text` to the seats in `to`, or to all others.

        Returns:
            What became of it, by recipient: `delivered` or the reason why not.
        """
        everyone = tuple(seat for seat in self._seats if seat != sender)
        targets = everyone if to is None else tuple(dict.fromkeys(to))
        text = bounded(valid(text), MESSAGE_LIMIT)
        count = self._sent_this_turn.get(sender, 0) + 1
        self._sent_this_turn[sender] = count
        fate = {target: self._fate(sender, target, text, count) for target in targets}
        delivered = [target for target, what in fate.items() if what == "delivered"]
        if count > MESSAGES_PER_TURN + 1:  # one event tells of the flood; the rest is only counted
            return fate
        dropped = {target: what for target, what in fate.items() if what != "delivered"}
        event = self._transcript.add(
            "message", sender, to=list(targets), text=text, delivered=delivered, dropped=dropped
        )
        if text.strip() and count <= MESSAGES_PER_TURN:
            self.sent[sender] += 1
        for target in delivered:
            self._inbox[target].append(Message(event.seq, sender, targets, text))
        if delivered:
            self._tell()
        return fate

    def overheard(self, sender: str, text: str, to: Iterable[str] | None = None) -> None:
        """Keep a message that went past this channel: of agents that talk by a channel of their own.

        Raises:
            UsageError: messages are not to be delivered, which nobody can see to on a channel of the agents' own.
        """
        if self._muted:
            raise UsageError(
                f"seat {sender!r} talks by a channel of its own, where condition mute cannot hold. "
                "Leave mute out of --collab-conditions for this team."
            )
        others = [seat for seat in self._seats if seat != sender]
        targets = others if to is None else [seat for seat in dict.fromkeys(to) if seat in others]
        text = bounded(valid(text), MESSAGE_LIMIT)
        self._transcript.add("message", sender, to=targets, text=text, delivered=targets, dropped={}, overheard=True)
        if text.strip():
            self.sent[sender] += 1

    def _fate(self, sender: str, target: str, text: str, count: int) -> str:
        if target not in self._inbox:
            return "nobody"
        if target == sender:
            return "self"
        if not text.strip():
            return "empty"
        if count > MESSAGES_PER_TURN:
            return "flood"
        if self._muted:
            return "mute"
        return "left" if target in self._left else "delivered"

    def collect(self, seat: str) -> tuple[Message, ...]:
        """Hand over and empty the seat's inbox; the seat may send again."""
        self._sent_this_turn.pop(seat, None)
        inbox, self._inbox[seat] = tuple(self._inbox[seat]), []
        return inbox

    def leave(self, seat: str) -> None:
        """The seat has finished: messages to it are dropped from now on, and say so."""
        self._left.add(seat)
        self._tell()

    def gone(self, seat: str) -> bool:
        """Whether the seat has finished."""
        return seat in self._left

    async def wait(self, seat: str) -> None:
        """Return when a message waits for the seat, or when nobody is left who could send one."""
        while not self._inbox[seat] and not all(other in self._left for other in self._seats if other != seat):
            await self._news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news = anyio.Event()

    def waiting(self, seat: str) -> int:
        """How many messages the seat has not received yet."""
        return len(self._inbox[seat])
