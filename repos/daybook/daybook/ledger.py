"""What the events of a journal add up to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Mapping

from daybook import errors
from daybook.events import Event, Line, Opened, Posted
from daybook.journal import Journal
from daybook.money import ZERO, Amount, amount


@dataclass(frozen=True)
class Entry:
    """An entry as it stands in the books."""

    number: int
    date: date
    memo: str
    lines: tuple[Line, ...]

    def change(self, account: str) -> Decimal:
        """What the entry adds to ``account``."""
        return sum((line.amount for line in self.lines if line.account == account), ZERO)


@dataclass(frozen=True)
class StatementLine:
    """One line of an account's statement; ``balance`` is what the account holds after it."""

    entry: Entry
    change: Decimal
    balance: Decimal


class Ledger:
    """Accounts and entries; every change is an event in ``journal``, and every event of the journal counts."""

    def __init__(self, journal: Journal | None = None) -> None:
        self.journal = journal if journal is not None else Journal()
        self._opened: dict[str, date] = {}
        self._entries: list[Entry] = []
        self.journal.subscribe(self._apply)

    # -- changes

    def open(self, account: str, on: date) -> None:
        """Open ``account`` for entries dated ``on`` or later; raises ``DuplicateAccount``."""
        if account in self._opened:
            raise errors.DuplicateAccount(f"account {account!r} is open already")
        self.journal.append(Opened(account, on))

    def post(self, on: date, memo: str, lines: Mapping[str, Amount]) -> int:
        """Make an entry and return its number.

        ``lines`` maps accounts to amounts, debits positive and credits negative. Raises ``UnknownAccount``,
        ``InvalidAmount`` or ``Unbalanced``.
        """
        checked = tuple(Line(account, amount(value)) for account, value in lines.items())
        for line in checked:
            self._require_open(line.account, on)
        difference = sum((line.amount for line in checked), ZERO)
        if difference != ZERO:
            raise errors.Unbalanced(f"{memo!r} is out of balance by {difference}", difference)
        number = len(self._entries) + 1
        self.journal.append(Posted(number, on, memo, checked))
        return number

    # -- questions

    @property
    def accounts(self) -> tuple[str, ...]:
        """The names of all accounts, in the order in which they were opened."""
        return tuple(self._opened)

    def entry(self, number: int) -> Entry:
        """Return the entry with this number; raises ``UnknownEntry``."""
        if not 1 <= number <= len(self._entries):
            raise errors.UnknownEntry(f"there is no entry {number}; the last is {len(self._entries)}")
        return self._entries[number - 1]

    def balance(self, account: str, on: date | None = None) -> Decimal:
        """What ``account`` holds, at the end of day ``on`` where one is given; raises ``UnknownAccount``."""
        self._require_open(account, None)
        return sum((entry.change(account) for entry in self._until(on)), ZERO)

    def statement(self, account: str, on: date | None = None) -> list[StatementLine]:
        """The entries that touch ``account`` by date, then number, with a running balance; raises ``UnknownAccount``."""
        self._require_open(account, None)
        lines: list[StatementLine] = []
        balance = ZERO
        for entry in sorted(self._until(on), key=lambda entry: (entry.date, entry.number)):
            if any(line.account == account for line in entry.lines):
                change = entry.change(account)
                balance += change
                lines.append(StatementLine(entry, change, balance))
        return lines

    def trial_balance(self, on: date | None = None) -> dict[str, Decimal]:
        """The balance of every account that does not hold zero; the values add up to zero."""
        balances = {account: self.balance(account, on) for account in self._opened}
        return {account: balance for account, balance in balances.items() if balance != ZERO}

    # -- inside

    def _until(self, on: date | None) -> list[Entry]:
        return [entry for entry in self._entries if on is None or entry.date <= on]

    def _require_open(self, account: str, on: date | None) -> None:
        opened = self._opened.get(account)
        if opened is None:
            raise errors.UnknownAccount(f"account {account!r} is not open")
        if on is not None and on < opened:
            raise errors.UnknownAccount(f"account {account!r} is open from {opened} on, not on {on}")

    def _apply(self, event: Event) -> None:
        if isinstance(event, Opened):
            self._opened[event.account] = event.date
        elif isinstance(event, Posted):
            self._entries.append(Entry(event.number, event.date, event.memo, event.lines))
        else:
            raise TypeError(f"a ledger knows no event {type(event).__name__}")
