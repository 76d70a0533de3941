"""Filter expressions over plain records."""

from sift.errors import EvaluationError, ParseError, SiftError
from sift.filter import Filter

__all__ = ["EvaluationError", "Filter", "ParseError", "SiftError"]
