"""Who has booked what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from slotbook.errors import Closed, Taken, UnknownBooking
from slotbook.hours import WeeklyHours
from slotbook.interval import Interval
from slotbook.spans import Spans

#: How far ahead a free time is looked for where nobody says.
HORIZON = timedelta(days=90)


@dataclass(frozen=True)
class Booking:
    """A booking; numbers count from one and are never used again."""

    number: int
    interval: Interval
    title: str


class Agenda:
    """The bookings of one place; none overlap, and all lie within opening hours."""

    def __init__(self, hours: WeeklyHours) -> None:
        self._hours = hours
        self._bookings: dict[int, Booking] = {}
        self._busy = Spans()
        self._last = 0

    def book(self, interval: Interval, title: str) -> Booking:
        """Book ``interval``; raises ``Closed`` outside opening hours and ``Taken`` where a booking is in the way."""
        self._require_open(interval)
        if self._busy.overlaps(interval):
            raise Taken(f"{interval} is taken")
        booking = self._add(interval, title)
        self._busy |= Spans([interval])
        return booking

    def cancel(self, number: int) -> Booking:
        """Take a booking back and return it; raises ``UnknownBooking``."""
        booking = self.booking(number)
        del self._bookings[number]
        self._busy -= Spans([booking.interval])
        return booking

    @property
    def bookings(self) -> list[Booking]:
        """All bookings, by time."""
        return sorted(self._bookings.values(), key=lambda booking: (booking.interval, booking.number))

    def booking(self, number: int) -> Booking:
        """Return the booking of this number; raises ``UnknownBooking``."""
        if number not in self._bookings:
            raise UnknownBooking(f"there is no booking {number}")
        return self._bookings[number]

    def free(self, within: Interval) -> Spans:
        """The opening hours within ``within`` that nobody has booked."""
        return self._open(within) - self._busy

    def first_free(self, duration: timedelta, after: datetime, before: datetime | None = None) -> Interval | None:
        """The earliest free interval of ``duration`` that starts at ``after`` or later and ends by ``before``.

        Where ``before`` is not given, it is looked for during ``HORIZON``. Returns None where there is none; raises
        ``ValueError`` for a duration of nothing or less.
        """
        if duration <= timedelta():
            raise ValueError("a duration has to be longer than nothing")
        for interval in self.free(Interval(after, before or after + HORIZON)):
            if interval.duration >= duration:
                return Interval(interval.start, interval.start + duration)
        return None

    def _open(self, within: Interval) -> Spans:
        return self._hours.spans(within.start.date(), within.end.date()) & Spans([within])

    def _require_open(self, interval: Interval) -> None:
        if not self._open(interval).covers(interval):
            raise Closed(f"{interval} is not within opening hours")

    def _add(self, interval: Interval, title: str) -> Booking:
        self._last += 1
        booking = Booking(self._last, interval, title)
        self._bookings[booking.number] = booking
        return booking
