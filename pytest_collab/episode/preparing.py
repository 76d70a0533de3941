"""What takes long before an episode can begin or be judged: told to whoever listens, so that nobody waits in vain."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence

Going = tuple[str, float]
"""What goes on, and since when (`time.time()`)."""

_going: dict[int, Going] = {}
_numbers = itertools.count()
_lock = threading.Lock()
_listener: Callable[[Sequence[Going]], None] | None = None


def listen(listener: Callable[[Sequence[Going]], None] | None) -> None:
    """Have this process's preparations told to `listener`, all that go on at a time; None: to nobody any more."""
    global _listener
    _listener = listener
    _change(lambda: None)


@contextlib.contextmanager
def preparing(what: str) -> Iterator[None]:
    """Tell that something goes on, until it has ended: `sift: base and environment`."""
    number = next(_numbers)
    _change(lambda: _going.__setitem__(number, (what, time.time())))
    try:
        yield
    finally:
        _change(lambda: _going.__delitem__(number))


def _change(change: Callable[[], None]) -> None:
    with _lock:
        change()
        if _listener is not None:
            with contextlib.suppress(OSError):  # the session that listened is over
                _listener(list(_going.values()))
