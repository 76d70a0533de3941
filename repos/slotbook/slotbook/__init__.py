"""Bookings within opening hours, and the time that is left."""

from slotbook.agenda import Agenda, Booking
from slotbook.errors import Closed, SlotbookError, Taken, UnknownBooking
from slotbook.hours import WeeklyHours
from slotbook.interval import Interval
from slotbook.spans import Spans

__all__ = ["Agenda", "Booking", "Closed", "Interval", "SlotbookError", "Spans", "Taken", "UnknownBooking", "WeeklyHours"]
