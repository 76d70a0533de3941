"""The money of a session, counted exactly over all its processes."""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

from pytest_collab.episode.limits import BudgetSpent

_NANO = 1_000_000_000


class SessionPurse:
    """What all workers of a session have spent together; implements `episode.limits.Purse`.

    The sum is a whole number of nano-dollars in one small file, changed under a lock, so that it is the same
    whatever the order of the bookings. A call that is under way when the purse runs empty is still paid: the
    overshoot is at most the price of the calls in flight.

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

    def add(self, usd: float) -> None:
        """Book what a call has cost."""
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            os.pwrite(self._fd, struct.pack("<q", self._read() + round(usd * _NANO)), 0)
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)

    def _read(self) -> int:
        raw = os.pread(self._fd, 8, 0)
        return int(struct.unpack("<q", raw)[0]) if len(raw) == 8 else 0
