"""A stretch of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, order=True)
class Interval:
    """The moments from ``start`` up to, but not including, ``end``.

    Raises ``ValueError`` where ``end`` does not come after ``start``, or where either has a time zone.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is not None or self.end.tzinfo is not None:
            raise ValueError("times have no time zone here: convert them to the place's own")
        if self.end <= self.start:
            raise ValueError(f"{self.end} does not come after {self.start}")

    @property
    def duration(self) -> timedelta:
        return self.end - self.start

    def contains(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def covers(self, other: Interval) -> bool:
        """Whether all of ``other`` lies within."""
        return self.start <= other.start and other.end <= self.end

    def overlaps(self, other: Interval) -> bool:
        """Whether there is a moment in both; intervals that only touch have none."""
        return self.start < other.end and other.start < self.end

    def shifted(self, by: timedelta) -> Interval:
        """Return the interval of the same length that starts ``by`` later."""
        return Interval(self.start + by, self.end + by)

    def __repr__(self) -> str:
        return f"Interval('{self.start:%Y-%m-%d %H:%M}', '{self.end:%Y-%m-%d %H:%M}')"
