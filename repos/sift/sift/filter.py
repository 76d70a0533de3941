"""The class that users of the library meet."""

from __future__ import annotations

from typing import Iterable, Iterator

from sift.evaluate import Record, evaluate
from sift.parser import parse


class Filter:
    """An expression, parsed once and ready to be tried on any number of records.

    Raises ``ParseError`` where ``text`` is no expression.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = parse(text)

    def matches(self, record: Record) -> bool:
        """Whether the expression is true of ``record``; raises ``EvaluationError`` where it makes no sense."""
        return bool(evaluate(self.tree, record))

    def select(self, records: Iterable[Record]) -> Iterator[Record]:
        """Yield the records that match, in the order given."""
        return (record for record in records if self.matches(record))

    def __repr__(self) -> str:
        return f"Filter({self.text!r})"
