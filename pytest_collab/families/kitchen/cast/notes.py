"""Cooks that share a memory: they write down what they would have said, and read entries as messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pytest_collab.episode.agent import Request, Seat
from pytest_collab.episode.channel import Message
from pytest_collab.families.kitchen import talk
from pytest_collab.families.kitchen.memory import sentence
from pytest_collab.families.rounds import Changed, Entry, Player, Say


class NoteTaker(Changed):
    """Any cook of the cast, by way of the memory alone: it sends no messages."""

    def __init__(self, seat: Seat, player: Player) -> None:
        super().__init__(seat, player)
        self.read: set[Entry] = set()
        self.goals = 0

    def say(self, request: Request) -> Say:
        new = [entry for entry in request.view["memory"] if entry.seat != self.seat.name and entry not in self.read]
        self.read.update(new)
        words = ((entry.seat, sentence(entry.seat, entry.topic, entry.name, entry.text)) for entry in new)
        inbox = tuple(Message(-1, seat, (self.seat.name,), text) for seat, text in words if text)
        return super().say(replace(request, inbox=(*request.inbox, *inbox)))

    def change(self, say: Say, request: Request) -> Say:
        kitchen = request.view["kitchen"]
        lines = [f"MEMORY: {entry}" for _, text in say.messages for entry in self._entries(kitchen, text)]
        return Say((*say.lines, *lines))

    def _entries(self, kitchen: Any, text: str) -> Iterator[str]:
        me = self.seat.name
        promised = [one for _, one in talk.promised(kitchen, text)]
        claimed = [claim.sentence for claim in talk.claimed(kitchen, text)]
        yield from (f"doing/{me} = {one}" for one in promised)
        yield from (f"fact/{me} = {one}" for one in claimed)
        asked = [] if promised or claimed else talk.wanted(kitchen, text)
        for item in asked:
            self.goals += 1
            yield f"goal/{self.goals} = 1 {item}"
        if not (promised or claimed or asked):
            yield f"goal/{me} = {text}"
