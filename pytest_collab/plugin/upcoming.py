"""Which items this process will run next, with xdist and without."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest


class Upcoming:
    """Looks ahead in the order in which this process runs its items.

    Without xdist that is the session's order; an xdist worker only knows the items that it has been handed.
    Nothing is looked up once the session is about to stop (`-x`, `--maxfail`), so that no episode starts in vain.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
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

    def after(self, item: pytest.Item, count: int) -> Iterator[pytest.Item]:
        """`item` and the ones after it, `count` in all."""
        if count <= 1 or item not in self._places or self._stopping():
            yield item
            return
        yield from islice(self._following(item), count)

    def _following(self, item: pytest.Item) -> Iterator[pytest.Item]:
        handed = self._handed()
        if handed is None:
            yield from self._items[self._places[item] :]
        else:
            yield item
            for index in handed:
                yield self._items[index]

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
