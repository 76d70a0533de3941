"""The money of a session, counted exactly over all its processes."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pytest_collab.episode.limits import BudgetSpent

_NANO: Final = 1_000_000_000
_SPENT: Final = struct.Struct("<q")
_PROMISED: Final = struct.Struct("<qq")
"""A process, and what the episodes that it has in play are still likely to cost."""


class SessionPurse:
    """What all workers of a session have spent together; implements `episode.limits.Purse`.

    The sums are whole numbers of nano-dollars in one small file, changed under a lock, so that they are the same
    whatever the order of the bookings. An episode is admitted when what is left, after what the episodes in play are
    likely to cost, covers its own likely cost; once begun it is finished. The overshoot is what those episodes cost
    beyond what was likely.

    Args:
        shared: a directory that all processes of the session can write to.
        max_cost_usd: when to stop; None only counts.
    """

    def __init__(self, shared: Path, max_cost_usd: float | None) -> None:
        self.max_cost_usd = max_cost_usd
        shared.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(shared / "purse", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @property
    def spent(self) -> float:
        """Dollars spent so far, by all workers."""
        return self._read() / _NANO

    def check(self) -> None:
        """Raises BudgetSpent when nothing is left."""
        if self.max_cost_usd is not None and self._read() >= round(self.max_cost_usd * _NANO):
            raise BudgetSpent(
                f"the session has spent ${self.spent:.4f} of --collab-max-cost={self.max_cost_usd:g}; "
                "raise it, or finish the run later with --collab-resume"
            )

    @contextmanager
    def admit(self, likely_usd: float) -> Iterator[_Episode]:
        """Around an episode that is likely to cost so much; its calls are booked with what this gives.

        Raises:
            BudgetSpent: what is left does not cover it.
        """
        self.check()
        likely = round(max(likely_usd, 0.0) * _NANO)
        with self._locked():
            mine, promised = self._promises()
            left = None if self.max_cost_usd is None else round(self.max_cost_usd * _NANO) - self._read() - promised
            if left is not None and likely > left:
                raise BudgetSpent(
                    f"what is left of --collab-max-cost={self.max_cost_usd:g} (${max(left, 0) / _NANO:.4f}, after "
                    f"what is in play) does not cover an episode like this (about ${likely_usd:.4f}); raise it, or "
                    "finish the run later with --collab-resume"
                )
            self._promise(mine, likely)
        episode = _Episode(self, likely)
        try:
            yield episode
        finally:
            self._book(0, episode.likely)

    def add(self, usd: float) -> None:
        """Book what a call has cost."""
        self._book(round(usd * _NANO), 0)

    def _book(self, spent: int, expected: int) -> None:
        """Add to what is spent, and take from what this process's episodes are likely to cost still."""
        with self._locked():
            if spent:
                os.pwrite(self._fd, _SPENT.pack(self._read() + spent), 0)
            if expected:
                mine, _ = self._promises()
                self._promise(mine, -expected)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _read(self) -> int:
        raw = os.pread(self._fd, _SPENT.size, 0)
        return int(_SPENT.unpack(raw)[0]) if len(raw) == _SPENT.size else 0

    def _promises(self) -> tuple[int, int]:
        """This process's place in the file, and what all living processes have in play."""
        place, mine, total = _SPENT.size, None, 0
        while len(raw := os.pread(self._fd, _PROMISED.size, place)) == _PROMISED.size:
            pid, promised = _PROMISED.unpack(raw)
            if pid == os.getpid():
                mine = place
            if pid == os.getpid() or Path(f"/proc/{pid}").exists():  # a worker that died plays nothing any more
                total += promised
            place += _PROMISED.size
        return place if mine is None else mine, total

    def _promise(self, place: int, more: int) -> None:
        raw = os.pread(self._fd, _PROMISED.size, place)
        before = int(_PROMISED.unpack(raw)[1]) if len(raw) == _PROMISED.size else 0
        if os.fstat(self._fd).st_size < _SPENT.size:
            os.pwrite(self._fd, _SPENT.pack(0), 0)
        os.pwrite(self._fd, _PROMISED.pack(os.getpid(), max(before + more, 0)), place)


class _Episode:
    """Where an episode in play books its calls: what they have cost is not expected a second time.

    Attributes:
        likely: nano-dollars that it is likely to cost still.
    """

    __slots__ = ("_purse", "likely")

    def __init__(self, purse: SessionPurse, likely: int) -> None:
        self._purse = purse
        self.likely = likely

    def add(self, usd: float) -> None:
        """Book what a call has cost."""
        spent = round(usd * _NANO)
        expected = min(spent, self.likely)
        self.likely -= expected
        self._purse._book(spent, expected)
