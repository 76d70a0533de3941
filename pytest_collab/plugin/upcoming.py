"""Which items this process will run next, with xdist and without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


class Upcoming:
    """Looks ahead in the order in which this process runs its items.

    Without xdist that is the session's order; an xdist worker only knows the items that it has been handed.
    Nothing is looked up once the session is about to stop (`-x`, `--maxfail`), so that no episode starts in vain.

    Args:
        reach: how many items ahead may be looked; None for all.
    """

    def __init__(self, config: pytest.Config, reach: int | None = None) -> None:
        self._config = config
        self._reach = reach
        self._given: set[int] = set()
        self._first = 0
        self._items: list[pytest.Item] = []
        self._places: dict[pytest.Item, int] = {}
        self._session: pytest.Session | None = None

    def know(self, items: list[pytest.Item]) -> None:
        """The collected items, in order."""
        self._items = items
        self._places = {item: place for place, item in enumerate(items)}
        if items:
            self._session = items[0].session

    def stop(self, reason: str) -> None:
        """End the session after the present item."""
        if self._session is not None:
            self._session.shouldstop = reason

    def after(self, item: pytest.Item) -> Iterator[pytest.Item]:
        """The items after `item`, in order, each of them once: whoever takes the next one decides about it."""
        place = self._places.get(item)
        if place is None:
            return
        for index in self._indices(place):
            if self._stopping():
                return
            if index not in self._given:
                self._given.add(index)
                yield self._items[index]

    def _indices(self, place: int) -> Iterator[int]:
        handed = self._handed()
        if handed is not None:
            yield from handed
            return
        self._first = max(self._first, place + 1)
        end = len(self._items) if self._reach is None else min(len(self._items), place + 1 + self._reach)
        while self._first < end:
            self._first += 1
            yield self._first - 1

    def _handed(self) -> list[int] | None:
        """Indices of the items that xdist has handed to this worker; None without xdist.

        Under `--dist worksteal` an item may be taken away again: none is begun ahead of its time there.
        """
        if not hasattr(self._config, "workerinput"):
            return None
        if getattr(self._config.option, "dist", "") == "worksteal":
            return []
        interactor: Any = next(
            (p for p in self._config.pluginmanager.get_plugins() if type(p).__name__ == "WorkerInteractor"), None
        )
        queue = getattr(interactor, "torun", None)
        if queue is None or not hasattr(queue, "lock"):
            return []
        with queue.lock() as waiting:
            ahead = [interactor.nextitem_index, *waiting]
        return [index for index in ahead if isinstance(index, int)]

    def _stopping(self) -> bool:
        session = self._session
        return session is not None and bool(session.shouldfail or session.shouldstop)
