"""What must hold for every tariff, every customer and every sum."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from tariffs.lines import LineKind
from tariffs.quote import quote, quote_units
from tariffs.tariff import Direction, Remainder
from tests.support.tariffs import AT, TODAY, accounts, any_tariff

if TYPE_CHECKING:
    from tariffs.account import Account
    from tariffs.quote import Quote
    from tariffs.tariff import Tariff

amounts = st.integers(0, 1_000_000)


def _bill_of(sold: Quote) -> int:
    return sum(line.amount_minor + line.tax_minor for line in sold.lines)


@given(any_tariff(), accounts(), amounts)
def test_the_lines_add_up_to_the_money_paid(
    tariff: Tariff, account: Account, amount_minor: int
) -> None:
    sold = quote(tariff, account, amount_minor, AT)
    assert _bill_of(sold) == sold.amount_minor == amount_minor
    assert sum(line.tax_minor for line in sold.lines) == sold.tax_minor
    assert sold.tax_minor == sum(tax.amount_minor for tax in sold.taxes)


@given(any_tariff(), accounts(), amounts, st.integers(1, 10_000))
def test_more_money_never_buys_fewer_units(
    tariff: Tariff, account: Account, amount_minor: int, more_minor: int
) -> None:
    less = quote(tariff, account, amount_minor, AT)
    more = quote(tariff, account, amount_minor + more_minor, AT)
    assert less.units <= more.units
    assert less.units_exact <= more.units_exact


@given(any_tariff(), accounts(), amounts, amounts)
def test_splitting_a_purchase_gains_no_more_than_the_rounding(
    tariff: Tariff, account: Account, first_minor: int, second_minor: int
) -> None:
    account = account._replace(carried_minor=0, last_purchase_on=TODAY)
    whole = quote(tariff, account, first_minor + second_minor, AT)
    first = quote(tariff, account, first_minor, AT)
    second = quote(tariff, first.account, second_minor, AT)
    # Each purchase may gain a step, and the cents that a deduction rounds away buy a little more.
    version = tariff.versions[0]
    cheapest = min(block.rate for block in version.blocks[""])
    cents = len(first.lines) + len(second.lines) + len(whole.lines)
    slack = 2 * version.rounding.step + cents * 2 / cheapest
    # A fee takes no more than what debts leave, and what it cannot take is not owed: who pays debts
    # alone first is spared a part of it, and then the two ways do not cost the same.
    spared = _fees(whole) - _fees(first) - _fees(second)
    if _still_due(whole) == _still_due(second) and spared <= cents:
        assert first.units + second.units <= whole.units + slack


def _fees(sold: Quote) -> int:
    fees = (line for line in sold.lines if line.kind is LineKind.CHANNEL_FEE)
    return sum(line.amount_minor + line.tax_minor for line in fees)


def _still_due(sold: Quote) -> object:
    return sold.account.debts, sold.account.owed


@given(any_tariff(), accounts(), amounts)
def test_a_quote_changes_nothing_and_quoting_twice_is_the_same(
    tariff: Tariff, account: Account, amount_minor: int
) -> None:
    before = repr((tariff, account))
    assert quote(tariff, account, amount_minor, AT) == quote(tariff, account, amount_minor, AT)
    assert repr((tariff, account)) == before


@given(any_tariff(), accounts(), amounts)
def test_what_is_carried_is_within_a_step_of_what_was_paid_for(
    tariff: Tariff, account: Account, amount_minor: int
) -> None:
    sold = quote(tariff, account, amount_minor, AT)
    step = tariff.versions[0].rounding.step
    direction = tariff.versions[0].rounding.direction
    gain = sold.units - sold.units_exact
    tolerance = Decimal("1e-15")
    least = -step if direction is Direction.DOWN else -step / 2
    most = step if direction is Direction.UP else step / 2
    least = Decimal(0) if direction is Direction.UP else least
    most = Decimal(0) if direction is Direction.DOWN else most
    assert least - tolerance <= gain <= most + tolerance
    assert sold.units % step == 0


@given(any_tariff(), accounts(), amounts)
def test_nothing_owed_is_lost(tariff: Tariff, account: Account, amount_minor: int) -> None:
    sold = quote(tariff, account, amount_minor, AT)
    paid = sum(line.amount_minor for line in sold.lines if line.kind == "debt")
    before = sum(debt.balance_minor for debt in account.debts)
    assert sum(debt.balance_minor for debt in sold.account.debts) == before - paid
    assert all(one.amount_minor > 0 for one in sold.account.owed)


@given(any_tariff(), accounts(), st.integers(0, 100_000).map(lambda n: Decimal(n).scaleb(-2)))
def test_the_money_for_units_buys_them(tariff: Tariff, account: Account, units: Decimal) -> None:
    version = tariff.versions[0]
    account = account._replace(carried_minor=0)
    sold = quote_units(tariff, account, units, AT)
    assert sold.units >= units
    assert sold.units - units < version.rounding.step
    assert _bill_of(sold) == sold.amount_minor
    forward = quote(tariff, account, sold.amount_minor, AT)
    assert abs(forward.units - sold.units) <= version.rounding.step + 1 / min(
        block.rate for block in version.blocks[""]
    )


@given(any_tariff(), accounts(), amounts)
def test_money_carried_forward_is_the_price_of_what_was_not_carried(
    tariff: Tariff, account: Account, amount_minor: int
) -> None:
    carrying = replace(tariff.versions[0].rounding, remainder=Remainder.CARRY)
    version = replace(tariff.versions[0], rounding=carrying)
    sold = quote(replace(tariff, versions=(version,)), account, amount_minor, AT)
    assert _bill_of(sold) == amount_minor
    rounding = [line for line in sold.lines if line.kind == "rounding"]
    # What is left to round are the cents of the lines, never a step of units.
    assert all(abs(line.amount_minor + line.tax_minor) <= len(sold.lines) for line in rounding)
