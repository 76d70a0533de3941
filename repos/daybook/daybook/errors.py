"""Everything that a ledger refuses."""

from __future__ import annotations


class DaybookError(Exception):
    """Base of all errors of this library."""


class InvalidAmount(DaybookError):
    """Not an amount of money: a float, no number, or more than two decimals."""


class UnknownAccount(DaybookError):
    """The account has not been opened, or not yet on that day."""


class DuplicateAccount(DaybookError):
    """An account of this name is open already."""


class Unbalanced(DaybookError):
    """The lines of the entry do not add up to zero.

    ``difference`` is what they do add up to.
    """

    def __init__(self, message: str, difference: object) -> None:
        super().__init__(message)
        self.difference = difference


class UnknownEntry(DaybookError):
    """No entry has this number."""
