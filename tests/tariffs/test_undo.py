"""A purchase whose money is given back leaves the account as if it had not been made."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from tariffs.account import Account, Debt, Owed
from tariffs.quote import quote
from tariffs.tariff import Charge, DebtRule, Every
from tariffs.undo import undone
from tests.support.tariffs import AT, TODAY, TWO_BLOCKS, accounts, any_tariff, tariff, version

if TYPE_CHECKING:
    from tariffs.quote import Quote
    from tariffs.tariff import Tariff

SERVICE = Charge(name="Service", every=Every.MONTH, amount_minor=Decimal(600))
FULL = tariff(
    version(blocks={"": TWO_BLOCKS}, charges=(SERVICE,), debt=DebtRule(share_percent=Decimal(50)))
)
OWING = Account(
    debts=(Debt(name="rates", balance_minor=300), Debt(name="water", balance_minor=900))
)


def _undone(sold: Quote, now: Account, day: date = TODAY) -> Account:
    return undone(now, sold.lines, sold.amount_minor, day)


def test_the_same_purchase_made_again_buys_the_same() -> None:
    first = quote(FULL, OWING, 2_000, AT)
    assert first.account.debts == (Debt(name="water", balance_minor=200),)
    back = _undone(first, first.account)
    assert back.debts == OWING.debts
    assert back.owed == (Owed(name="Service", amount_minor=600),)
    assert back.units_this_month == 0
    assert back.paid_this_month_minor == 0
    again = quote(FULL, back, 2_000, AT)
    assert (again.units, again.account) == (first.units, first.account)


def test_what_was_bought_since_stays_bought() -> None:
    first = quote(FULL, Account(), 1_600, AT)
    second = quote(FULL, first.account, 400, AT)
    back = _undone(first, second.account)
    assert back.units_this_month == second.units
    assert back.paid_this_month_minor == 400
    assert back.owed == (Owed(name="Service", amount_minor=600),)


def test_in_a_later_month_its_units_no_longer_count() -> None:
    first = quote(FULL, Account(), 1_600, AT)
    august = quote(FULL, first.account, 1_000, datetime(2024, 8, 5, 12, tzinfo=UTC))
    back = _undone(first, august.account)
    assert back.units_this_month == august.account.units_this_month
    assert back.paid_this_month_minor == august.account.paid_this_month_minor


def test_an_account_that_never_bought_gives_nothing_back_of_a_month() -> None:
    sold = quote(FULL, Account(), 1_600, AT)
    assert _undone(sold, Account()).units_this_month == 0


@given(any_tariff(), accounts(), st.integers(0, 1_000_000))
def test_undoing_and_buying_again_is_the_same_for_every_tariff(
    any_one: Tariff, account: Account, amount_minor: int
) -> None:
    # Free units stay given, and what they count towards the blocks with them.
    account = account._replace(last_purchase_on=TODAY, gets_free_units=False)
    debts = tuple(replace(one, name=f"debt {n}") for n, one in enumerate(account.debts))
    account = account._replace(debts=debts)
    sold = quote(any_one, account, amount_minor, AT)
    back = _undone(sold, sold.account)
    assert back.units_this_month == account.units_this_month
    assert back.carried_minor == account.carried_minor
    assert back.debts == account.debts
    assert {one.name: one.amount_minor for one in back.owed} == {
        one.name: one.amount_minor for one in account.owed
    }
    assert quote(any_one, back, amount_minor, AT).units == sold.units
