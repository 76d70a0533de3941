"""The record of all events, in the order in which they happened."""

from __future__ import annotations

from typing import Callable, Iterable, Iterator

from daybook.events import Event

Subscriber = Callable[[Event], None]


class Journal:
    """An append-only list of events; subscribers hear of each as it is added."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._events: list[Event] = []
        self._subscribers: list[Subscriber] = []
        for event in events:
            self.append(event)

    def append(self, event: Event) -> None:
        """Add ``event`` at the end, then tell the subscribers."""
        self._events.append(event)
        for subscriber in self._subscribers:
            subscriber(event)

    def subscribe(self, subscriber: Subscriber) -> None:
        """Call ``subscriber`` with each event so far, and with each that is added from now on."""
        for event in self._events:
            subscriber(event)
        self._subscribers.append(subscriber)

    def __iter__(self) -> Iterator[Event]:
        return iter(tuple(self._events))

    def __len__(self) -> int:
        return len(self._events)
