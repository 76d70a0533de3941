"""Sets of moments."""

from __future__ import annotations

from datetime import timedelta
from typing import Iterable, Iterator

from slotbook.interval import Interval


class Spans:
    """A set of moments, kept as sorted intervals that neither overlap nor touch. Immutable."""

    __slots__ = ("_intervals",)

    def __init__(self, intervals: Iterable[Interval] = ()) -> None:
        merged: list[Interval] = []
        for interval in sorted(intervals):
            if merged and interval.start <= merged[-1].end:
                if interval.end > merged[-1].end:
                    merged[-1] = Interval(merged[-1].start, interval.end)
            else:
                merged.append(interval)
        self._intervals = tuple(merged)

    def __or__(self, other: Spans) -> Spans:
        return Spans((*self, *other))

    def __and__(self, other: Spans) -> Spans:
        return Spans(
            Interval(max(ours.start, theirs.start), min(ours.end, theirs.end))
            for ours in self
            for theirs in other
            if ours.overlaps(theirs)
        )

    def __sub__(self, other: Spans) -> Spans:
        left: list[Interval] = []
        for interval in self:
            start = interval.start
            for hole in other:
                if not hole.overlaps(interval):
                    continue
                if start < hole.start:
                    left.append(Interval(start, hole.start))
                start = max(start, hole.end)
            if start < interval.end:
                left.append(Interval(start, interval.end))
        return Spans(left)

    def covers(self, interval: Interval) -> bool:
        """Whether every moment of ``interval`` is in the set."""
        return any(ours.covers(interval) for ours in self)

    def overlaps(self, interval: Interval) -> bool:
        """Whether any moment of ``interval`` is in the set."""
        return any(ours.overlaps(interval) for ours in self)

    @property
    def duration(self) -> timedelta:
        return sum((interval.duration for interval in self), timedelta())

    def __iter__(self) -> Iterator[Interval]:
        return iter(self._intervals)

    def __len__(self) -> int:
        return len(self._intervals)

    def __eq__(self, other: object) -> bool:
        return self._intervals == other._intervals if isinstance(other, Spans) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._intervals)

    def __repr__(self) -> str:
        return f"Spans({list(self._intervals)!r})"
