"""Everything that can go wrong, in one small hierarchy."""

from __future__ import annotations


class SiftError(Exception):
    """Base of all errors of this library."""


class ParseError(SiftError):
    """The text is no expression.

    ``position`` is the offset of the first character that does not fit, counted from zero; ``text`` is the whole
    expression.
    """

    def __init__(self, message: str, text: str, position: int) -> None:
        super().__init__(message, text, position)
        self.message = message
        self.text = text
        self.position = position

    def __str__(self) -> str:
        return f"{self.message} at {self.position}\n  {self.text}\n  {' ' * self.position}^"


class EvaluationError(SiftError):
    """The expression makes no sense for this record, as in ``3 < 'x'``."""
