"""Intervals, sets of them, and opening hours."""

from datetime import date, datetime, timedelta, timezone

import pytest

from slotbook import Interval, Spans, WeeklyHours


def at(hour, day=8):
    return datetime(2024, 1, day, hour)


def span(start, end):
    return Interval(at(start), at(end))


def test_an_interval_leaves_out_its_end():
    assert span(9, 10).contains(at(9))
    assert not span(9, 10).contains(at(10))
    assert not span(9, 10).overlaps(span(10, 11))
    assert span(9, 11).overlaps(span(10, 12))
    assert span(9, 12).covers(span(9, 12))
    assert not span(9, 12).covers(span(8, 10))


def test_intervals_go_forward_in_the_local_zone():
    with pytest.raises(ValueError):
        span(10, 10)
    with pytest.raises(ValueError):
        Interval(at(9).replace(tzinfo=timezone.utc), at(10).replace(tzinfo=timezone.utc))


def test_shifting_keeps_the_length():
    assert span(9, 10).shifted(timedelta(hours=2)) == span(11, 12)


def test_spans_are_merged():
    assert list(Spans([span(13, 14), span(9, 10), span(10, 11), span(9, 10)])) == [span(9, 11), span(13, 14)]
    assert Spans([span(9, 12), span(10, 11)]).duration == timedelta(hours=3)


def test_set_operations():
    morning, noon = Spans([span(8, 12)]), Spans([span(11, 13)])
    assert morning | noon == Spans([span(8, 13)])
    assert morning & noon == Spans([span(11, 12)])
    assert morning - noon == Spans([span(8, 11)])
    assert morning - Spans([span(9, 10), span(11, 12)]) == Spans([span(8, 9), span(10, 11)])
    assert morning - morning == Spans()
    assert not morning.covers(span(11, 13))
    assert morning.overlaps(span(11, 13))


def test_weekly_hours():
    hours = WeeklyHours({"mon": [("09:00", "12:00"), ("13:00", "17:30")], "sun": [("22:00", "24:00")]})
    assert list(hours.spans(date(2024, 1, 7), date(2024, 1, 9))) == [
        Interval(datetime(2024, 1, 7, 22), datetime(2024, 1, 8)),
        span(9, 12),
        Interval(at(13), datetime(2024, 1, 8, 17, 30)),
    ]
    assert len(hours.spans(date(2024, 1, 9), date(2024, 1, 8))) == 0


@pytest.mark.parametrize(
    "week", [{"monday": []}, {"mon": [("9:00", "12:00")]}, {"mon": [("09:60", "12:00")]}, {"mon": [("12:00", "09:00")]}, {"mon": [("09:00", "24:01")]}]
)
def test_what_are_no_hours_is_refused(week):
    with pytest.raises(ValueError):
        WeeklyHours(week)
