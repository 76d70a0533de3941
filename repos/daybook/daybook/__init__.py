"""A double-entry ledger, kept as a journal of events."""

from daybook import errors, events
from daybook.journal import Journal
from daybook.ledger import Ledger

__all__ = ["Journal", "Ledger", "errors", "events"]
