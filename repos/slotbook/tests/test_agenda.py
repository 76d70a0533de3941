"""Booking, cancelling, and what is left."""

from datetime import datetime, timedelta

import pytest

from slotbook import Agenda, Closed, Interval, Spans, Taken, UnknownBooking, WeeklyHours

HOUR = timedelta(hours=1)


def at(hour, day=8):
    return datetime(2024, 1, day, hour)


def span(start, end, day=8):
    return Interval(at(start, day), at(end, day))


@pytest.fixture
def agenda():
    return Agenda(WeeklyHours({day: [("09:00", "12:00"), ("13:00", "17:00")] for day in ("mon", "tue")}))


def test_bookings_are_numbered_and_sorted_by_time(agenda):
    assert agenda.book(span(10, 11), "late").number == 1
    assert agenda.book(span(9, 10), "early").number == 2
    assert [booking.title for booking in agenda.bookings] == ["early", "late"]


@pytest.mark.parametrize("interval", [span(9, 11), span(10, 12), span(9, 12), span(10, 11)])
def test_what_is_taken_is_refused(agenda, interval):
    agenda.book(span(10, 11), "Ann")
    with pytest.raises(Taken):
        agenda.book(interval, "Bob")
    assert len(agenda.bookings) == 1


@pytest.mark.parametrize("interval", [span(8, 10), span(12, 13), span(11, 14), span(9, 10, day=10)])
def test_what_is_closed_is_refused(agenda, interval):
    with pytest.raises(Closed):
        agenda.book(interval, "Ann")


def test_cancelling_frees_the_time(agenda):
    agenda.book(span(9, 10), "Ann")
    agenda.book(span(10, 11), "Bob")
    assert agenda.cancel(1).title == "Ann"
    assert agenda.book(span(9, 10), "Cid").number == 3
    with pytest.raises(Taken):
        agenda.book(span(10, 11), "Dan")
    with pytest.raises(UnknownBooking):
        agenda.cancel(1)


def test_free_time(agenda):
    agenda.book(span(10, 11), "Ann")
    assert agenda.free(span(8, 14)) == Spans([span(9, 10), span(11, 12), span(13, 14)])


def test_first_free(agenda):
    agenda.book(span(9, 11), "Ann")
    assert agenda.first_free(HOUR, after=at(8)) == span(11, 12)
    assert agenda.first_free(2 * HOUR, after=at(8)) == span(13, 15)
    assert agenda.first_free(2 * HOUR, after=at(8), before=at(14)) is None
    assert agenda.first_free(4 * HOUR, after=at(14)) == span(13, 17, day=9)
    assert agenda.first_free(5 * HOUR, after=at(8)) is None
    with pytest.raises(ValueError):
        agenda.first_free(timedelta(), after=at(8))
