"""Why something cannot be booked."""

from __future__ import annotations


class SlotbookError(Exception):
    """Base of all errors of this library."""


class Closed(SlotbookError):
    """The time does not lie within opening hours."""


class Taken(SlotbookError):
    """There is a booking in the way."""


class UnknownBooking(SlotbookError):
    """There is no booking of this number, or it has been cancelled."""
