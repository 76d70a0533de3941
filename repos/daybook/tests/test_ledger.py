"""Accounts, entries and what they add up to."""

from datetime import date
from decimal import Decimal

import pytest

from daybook import Journal, Ledger, errors
from daybook.events import Line, Opened, Posted

JAN, FEB, MAR = date(2024, 1, 10), date(2024, 2, 10), date(2024, 3, 10)


@pytest.fixture
def ledger():
    ledger = Ledger()
    for account in ("cash", "sales", "rent"):
        ledger.open(account, JAN)
    return ledger


def test_an_entry_changes_balances(ledger):
    assert ledger.post(JAN, "sale", {"cash": "40.00", "sales": "-40"}) == 1
    assert ledger.post(FEB, "rent", {"rent": 15, "cash": -15}) == 2
    assert ledger.balance("cash") == Decimal("25.00")
    assert ledger.balance("sales") == Decimal("-40.00")


def test_balances_at_the_end_of_a_day(ledger):
    ledger.post(FEB, "rent", {"rent": 15, "cash": -15})
    ledger.post(JAN, "sale", {"cash": 40, "sales": -40})
    assert ledger.balance("cash", on=JAN) == 40
    assert ledger.balance("cash", on=FEB) == 25
    assert ledger.balance("cash", on=date(2023, 1, 1)) == 0


def test_statements_run_by_date(ledger):
    ledger.post(MAR, "late", {"cash": 1, "sales": -1})
    ledger.post(JAN, "early", {"cash": 2, "sales": -2})
    ledger.post(FEB, "other", {"rent": 3, "sales": -3})
    lines = ledger.statement("cash")
    assert [(line.entry.memo, line.change, line.balance) for line in lines] == [("early", 2, 2), ("late", 1, 3)]


def test_trial_balance_leaves_out_zeros_and_adds_up(ledger):
    ledger.post(JAN, "sale", {"cash": 40, "sales": -40})
    assert ledger.trial_balance() == {"cash": 40, "sales": -40}
    assert sum(ledger.trial_balance().values()) == 0


def test_entries_can_be_looked_up(ledger):
    ledger.post(JAN, "sale", {"cash": 40, "sales": -40})
    assert ledger.entry(1).memo == "sale"
    for number in (0, 2, -1):
        with pytest.raises(errors.UnknownEntry):
            ledger.entry(number)


def test_what_is_out_of_balance_is_refused(ledger):
    with pytest.raises(errors.Unbalanced) as caught:
        ledger.post(JAN, "sale", {"cash": 40, "sales": "-39.99"})
    assert caught.value.difference == Decimal("0.01")
    assert len(ledger.journal) == 3


def test_accounts_have_to_be_open(ledger):
    with pytest.raises(errors.UnknownAccount):
        ledger.post(JAN, "gift", {"cash": 1, "gifts": -1})
    with pytest.raises(errors.UnknownAccount):
        ledger.post(date(2024, 1, 9), "early", {"cash": 1, "sales": -1})
    with pytest.raises(errors.UnknownAccount):
        ledger.balance("gifts")
    with pytest.raises(errors.DuplicateAccount):
        ledger.open("cash", FEB)
    assert ledger.accounts == ("cash", "sales", "rent")


@pytest.mark.parametrize("value", [1.5, "ten", "1.005", True, Decimal("NaN"), None])
def test_what_is_no_amount_is_refused(ledger, value):
    with pytest.raises(errors.InvalidAmount):
        ledger.post(JAN, "sale", {"cash": value, "sales": -1})


def test_the_journal_makes_the_same_ledger_again(ledger):
    ledger.post(JAN, "sale", {"cash": 40, "sales": -40})
    again = Ledger(Journal(ledger.journal))
    assert again.trial_balance() == ledger.trial_balance()
    assert again.entry(1) == ledger.entry(1)


def test_events_record_what_happened():
    ledger = Ledger()
    ledger.open("cash", JAN)
    ledger.open("sales", JAN)
    ledger.post(FEB, "sale", {"cash": "1", "sales": "-1"})
    assert list(ledger.journal) == [
        Opened("cash", JAN),
        Opened("sales", JAN),
        Posted(1, FEB, "sale", (Line("cash", Decimal("1.00")), Line("sales", Decimal("-1.00")))),
    ]


def test_subscribers_hear_of_past_and_future():
    journal = Journal([Opened("cash", JAN)])
    heard = []
    journal.subscribe(heard.append)
    journal.append(Opened("sales", FEB))
    assert heard == [Opened("cash", JAN), Opened("sales", FEB)]


def test_two_ledgers_on_one_journal_agree(ledger):
    other = Ledger(ledger.journal)
    ledger.post(JAN, "sale", {"cash": 40, "sales": -40})
    assert other.balance("cash") == 40


def test_what_is_no_known_event_is_refused(ledger):
    with pytest.raises(TypeError):
        ledger.journal.append("nonsense")
