"""When the place is open."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Iterable, Mapping, Tuple

from slotbook.interval import Interval
from slotbook.spans import Spans

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = timedelta(days=1)

#: Opening and closing time, as "09:00" and "17:00".
Range = Tuple[str, str]


class WeeklyHours:
    """The same opening hours every week.

    ``week`` maps ``"mon"`` ... ``"sun"`` to the ranges of that day; on days that it leaves out the place is closed. Raises
    ``ValueError`` for other names, for what is no time of day, and for ranges that end before they begin.
    """

    def __init__(self, week: Mapping[str, Iterable[Range]]) -> None:
        self._ranges: dict[int, list[tuple[timedelta, timedelta]]] = {}
        for name, ranges in week.items():
            if name not in WEEKDAYS:
                raise ValueError(f"{name!r} is no day of the week: write one of {', '.join(WEEKDAYS)}")
            self._ranges[WEEKDAYS.index(name)] = [_parse(opening, closing) for opening, closing in ranges]

    def spans(self, first: date, last: date) -> Spans:
        """The opening hours of the days from ``first`` to ``last``, both included."""
        intervals: list[Interval] = []
        day = first
        while day <= last:
            midnight = datetime.combine(day, time())
            for opening, closing in self._ranges.get(day.weekday(), []):
                intervals.append(Interval(midnight + opening, midnight + closing))
            day += DAY
        return Spans(intervals)


def _parse(opening: str, closing: str) -> tuple[timedelta, timedelta]:
    since, until = _time_of_day(opening), _time_of_day(closing)
    if until <= since:
        raise ValueError(f"{closing} does not come after {opening}")
    return since, until


def _time_of_day(text: str) -> timedelta:
    found = re.fullmatch(r"(\d\d):(\d\d)", text)
    if found is None or int(found[2]) > 59 or not timedelta() <= (moment := _duration(*found.groups())) <= DAY:
        raise ValueError(f"{text!r} is no time of day: write it as '09:00'")
    return moment


def _duration(hours: str, minutes: str) -> timedelta:
    return timedelta(hours=int(hours), minutes=int(minutes))
