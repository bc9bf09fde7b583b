"""An account is kept to the last digit, and costs a sale two statements."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tariffs.account import Account, Debt, Owed
from tests.support.selling import (
    EVERYTHING,
    account,
    count,
    meter_key,
    sell,
    set_account,
    use_tariff,
)
from tests.support.service import purchase, writing
from tests.support.statements import recorded
from vending_api.domain.accounts import service
from vending_api.domain.accounts.tables import ACCOUNT, ARREARS
from vending_api.kit.entries import EntryInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

FULL = Account(
    customer_class="DL",
    is_exempt=True,
    gets_free_units=True,
    last_purchase_on=date(2026, 2, 28),
    units_this_month=Decimal("1820162.40001"),
    paid_this_month_minor=10**15,
    free_units_on=date(2026, 2, 1),
    owed=(Owed(name="Network", amount_minor=10**15), Owed(name="Service", amount_minor=1)),
    debts=(Debt(name="Rates", balance_minor=10**15), Debt(name="Arrears", balance_minor=1)),
    carried_minor=-(10**15),
)


def _set_debts(engine: Engine, debts: Sequence[Debt]) -> None:
    with writing(engine) as connection, connection.begin():
        service.set_debts(connection, meter_key(connection), debts)


def test_a_meter_that_never_bought_has_a_fresh_account(engine: Engine) -> None:
    assert account(engine) == Account()
    with engine.connect() as connection:
        assert service.account_of(connection, 4711) == Account()


def test_an_account_comes_back_as_it_was_stored(engine: Engine) -> None:
    set_account(engine, FULL)
    assert account(engine) == FULL
    assert account(engine, "TST003").owed == ()
    set_account(engine, FULL._replace(owed=(), debts=FULL.debts[1:], last_purchase_on=None))
    assert account(engine) == FULL._replace(owed=(), debts=FULL.debts[1:], last_purchase_on=None)
    set_account(engine, Account())
    assert account(engine) == Account()


def test_an_account_has_one_row_for_each_thing_that_it_owes(engine: Engine) -> None:
    accounts, arrears = count(engine, ACCOUNT), count(engine, ARREARS)
    for _ in range(2):
        set_account(engine, FULL)
        assert (count(engine, ACCOUNT), count(engine, ARREARS)) == (accounts + 1, arrears + 4)


def test_a_customer_is_described_and_the_account_kept(engine: Engine) -> None:
    set_account(engine, FULL)
    with writing(engine) as connection, connection.begin():
        service.set_customer(connection, meter_key(connection), customer_class="DO1")
    described = FULL._replace(customer_class="DO1", is_exempt=False, gets_free_units=False)
    assert account(engine) == described


def test_debts_are_replaced_and_the_account_kept(engine: Engine) -> None:
    set_account(engine, FULL)
    new = (Debt(name="D" * 40, balance_minor=1),)
    _set_debts(engine, new)
    assert account(engine) == FULL._replace(debts=new)
    _set_debts(engine, ())
    assert account(engine) == FULL._replace(debts=())


@pytest.mark.parametrize(
    ("debt", "field"),
    [
        (Debt(name="", balance_minor=1), "debt.name"),
        (Debt(name="D" * 41, balance_minor=1), "arrears.name"),
        (Debt(name="D", balance_minor=0), "debt.balance_minor"),
        (Debt(name="D", balance_minor=-1), "debt.balance_minor"),
    ],
)
def test_a_debt_that_makes_no_sense_is_refused(engine: Engine, debt: Debt, field: str) -> None:
    with pytest.raises(EntryInvalid) as refused:
        _set_debts(engine, (Debt(name="good", balance_minor=1), debt))
    assert refused.value.field == field
    assert account(engine) == Account()


@pytest.mark.parametrize("length", [40, 41])
def test_a_class_has_at_most_40_characters(engine: Engine, length: int) -> None:
    with writing(engine) as connection, connection.begin():
        key = meter_key(connection)
        if length == 41:
            with pytest.raises(EntryInvalid, match=r"account\.customer_class: 41 characters"):
                service.set_customer(connection, key, customer_class="C" * length)
        else:
            service.set_customer(connection, key, customer_class="C" * length)


def test_a_sale_reads_and_writes_its_account_in_one_statement_each(engine: Engine) -> None:
    sell(engine, purchase())
    with recorded(engine) as sent:
        sell(engine, purchase())
    assert len([one for one in sent if "account" in one]) == 2
    assert not [one for one in sent if one.startswith(("DELETE", "INSERT INTO arrears"))]


def test_what_is_owed_is_written_only_when_it_changes(engine: Engine) -> None:
    use_tariff(engine, EVERYTHING)
    set_account(engine, Account(debts=(Debt(name="Rates", balance_minor=1_000),)))
    sell(engine, purchase(amount_minor=100_000))  # pays the debt and the charges of the month
    left = account(engine)
    assert (left.debts, left.owed) == ((), ())
    with recorded(engine) as sent:
        sell(engine, purchase())
    assert not [one for one in sent if one.startswith(("DELETE", "INSERT INTO arrears"))]
