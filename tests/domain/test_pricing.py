"""What a sum buys in what tokens can carry, and a bill in which nothing is lost."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffs.account import Account, Debt
from tariffs.document import parse_tariff
from tariffs.lines import LineKind
from tests.support.selling import EVERYTHING, FLAT
from tests.support.service import NOON
from vending_api.domain.pricing.errors import (
    AmountOutsideLimits,
    AmountTooLarge,
    AmountTooSmall,
    NoPrice,
)
from vending_api.domain.pricing.service import price
from vending_api.domain.pricing.types import Bill, Priced, TariffBlock, TaxedAmount

TAX = """
[[version.tax]]
name = "{name}"
percent = "{percent}"
on = {on}
"""


def _price(document: str, amount_minor: int, account: Account | None = None) -> Priced:
    tariff = parse_tariff(document, document="test")
    return price(tariff, account or Account(), amount_minor, NOON)


def _paid(bill: Bill) -> int:
    """Add up a bill as a point of sale shows it."""
    parts = [bill.credit, *(line.charge for line in (*bill.service_charges, *bill.debts_recovered))]
    return sum(part.net_minor + part.tax_minor for part in parts)


@given(amount_minor=st.integers(20_000, 10**8), is_exempt=st.booleans())
def test_credit_service_charges_and_debts_are_what_was_paid(
    *, amount_minor: int, is_exempt: bool
) -> None:
    account = Account(
        is_exempt=is_exempt,
        gets_free_units=True,
        last_purchase_on=NOON.date() - timedelta(days=70),
        debts=(Debt(name="Rates", balance_minor=700), Debt(name="Water", balance_minor=90_000)),
        carried_minor=-3,
    )
    bought = _price(EVERYTHING, amount_minor, account)
    assert _paid(bought.bill) == amount_minor
    lines = [line.charge for line in bought.bill.lines]
    assert sum(one.net_minor + one.tax_minor for one in lines) == amount_minor


def test_a_block_has_the_price_of_a_unit_with_everything_on_it() -> None:
    fuel = '[[version.per_unit]]\nname = "Fuel"\nrate = "20"\n'
    levy = '[[version.levy]]\nname = "Rural"\npercent = "5"\non = ["energy"]\n'
    tax = TAX.format(name="VAT", percent="10", on='["energy", "Fuel"]')
    bought = _price(FLAT + fuel + levy + tax, 13_700)
    # Energy 100, fuel 20, levy 5 on energy, tax 12 on energy and fuel: 137 for a unit.
    assert bought.bill.blocks == (TariffBlock(units=Decimal(100), price_minor=Decimal(137)),)
    assert bought.units_tenths == 1_000
    assert bought.bill.credit == TaxedAmount(
        net_minor=12_500, tax_minor=1_200, tax_name="VAT", tax_rate_percent=Decimal(10)
    )


def test_a_price_that_is_no_decimal_is_shown_to_six_places() -> None:
    tax = TAX.format(name="VAT", percent="15", on='["energy"]')
    inclusive = FLAT.replace("2014-01-01", "2014-01-01\ntax_inclusive = true")
    (shown,) = _price(inclusive + tax, 10_000).bill.blocks
    assert shown.price_minor == 100
    (shown,) = _price(inclusive + tax, 10_000, Account(is_exempt=True)).bill.blocks
    assert shown.price_minor == Decimal("86.956522")  # 100 / 1.15


def test_an_exempt_customer_pays_no_tax_and_none_is_named() -> None:
    tax = TAX.format(name="VAT", percent="15", on='["energy"]')
    bought = _price(FLAT + tax, 11_500, Account(is_exempt=True))
    assert bought.units_tenths == 1_150
    assert bought.bill.credit == TaxedAmount(
        net_minor=11_500, tax_minor=0, tax_name="", tax_rate_percent=Decimal(0)
    )


def test_several_taxes_are_shown_as_one() -> None:
    taxes = TAX.format(name="VAT", percent="15", on='["energy"]')
    taxes += TAX.format(name="Levy tax", percent="2.5", on='["energy"]')
    credit = _price(FLAT + taxes, 11_750).bill.credit
    assert (credit.tax_name, credit.tax_rate_percent) == ("TAX", Decimal("17.5"))
    assert (credit.net_minor, credit.tax_minor) == (10_000, 1_750)


def test_a_charge_shows_the_taxes_that_are_on_it() -> None:
    bought = _price(EVERYTHING, 50_000)
    taxes = {
        line.name: (line.charge.tax_name, line.charge.tax_rate_percent)
        for line in bought.bill.service_charges
    }
    assert taxes == {
        "Cash handling": ("", Decimal(0)),
        "Network": ("VAT", Decimal(15)),
        "Meter rent": ("Stamp", Decimal(2)),
    }
    credit = bought.bill.credit
    assert (credit.tax_name, credit.tax_rate_percent) == ("TAX", Decimal(17))


def test_what_nothing_was_paid_of_is_on_the_bill_and_not_among_the_charges() -> None:
    bought = _price(FLAT, 1_000, Account(debts=(Debt(name="Rates", balance_minor=5),)))
    assert [line.kind for line in bought.bill.lines] == [LineKind.DEBT, LineKind.ENERGY]
    assert bought.bill.debts_recovered == ()
    assert bought.account.debts == (Debt(name="Rates", balance_minor=5),)


def test_units_are_rounded_to_what_a_token_carries() -> None:
    bought = _price(FLAT, 1_638_401)  # 16384.01 units; so large a token carries whole units + 0.4
    assert bought.units_tenths == 163_844
    assert bought.account.units_this_month == Decimal("16384.4")
    assert bought.bill.blocks[0].units == Decimal("16384.4")
    finer = FLAT + '[version.rounding]\nstep = "0.00001"\n'
    assert _price(finer, 1_001).units_tenths == 101


def test_a_sum_that_leaves_nothing_for_units_is_too_small() -> None:
    down = FLAT + '[version.rounding]\ndirection = "down"\n'
    with pytest.raises(AmountTooSmall):
        _price(down, 9)
    assert _price(down, 10).units_tenths == 1
    fee = '[version.channel_fee]\nname = "Fee"\nflat_minor = 200\n'
    with pytest.raises(AmountTooSmall):
        _price(FLAT + fee, 200)
    assert _price(FLAT + fee, 201).units_tenths == 1


def test_nothing_buys_nothing() -> None:
    bought = _price(FLAT, 0)
    assert (bought.units_tenths, bought.free_units_tenths, bought.bill) == (0, 0, Bill())


def test_more_than_a_token_carries_is_too_large() -> None:
    assert _price(FLAT, 182_016_240).units_tenths == 18_201_624
    with pytest.raises(AmountTooLarge):
        _price(FLAT, 182_016_241)


def test_free_units_are_what_a_token_carries() -> None:
    free = FLAT + '[version.free_units]\nunits = "{units}"\ncounts_towards_blocks = false\n'
    eligible = Account(gets_free_units=True)
    assert _price(free.format(units="0.1"), 0, eligible).free_units_tenths == 1
    assert _price(free.format(units="1638.4"), 0, eligible).free_units_tenths == 16_384
    assert _price(free.format(units="1638.5"), 0, eligible).free_units_tenths == 16_394
    with pytest.raises(AmountTooLarge):
        _price(free.format(units="1820162.5"), 0, eligible)


def test_the_limits_of_a_tariff_hold_and_say_what_may_be_bought() -> None:
    limited = FLAT + "[version.limits]\nminimum_minor = 500\nmonth_maximum_minor = 3_000\n"
    spent = Account(last_purchase_on=NOON.date(), paid_this_month_minor=2_000)
    for amount_minor, account, maximum_minor in ((499, Account(), 3_000), (1_001, spent, 1_000)):
        with pytest.raises(AmountOutsideLimits) as refused:
            _price(limited, amount_minor, account)
        assert refused.value.minimum_minor == 500
        assert refused.value.maximum_minor == maximum_minor
    _price(limited, 500)
    _price(limited, 1_000, spent)


def test_a_tariff_without_a_maximum_says_so() -> None:
    with pytest.raises(AmountOutsideLimits, match="499 is not at least 500 minor units"):
        _price(FLAT + "[version.limits]\nminimum_minor = 500\n", 499)


@pytest.mark.parametrize(
    ("old", "new", "customer_class", "reason"),
    [
        ("2014-01-01", "2026-11-22", "", "not yet on 2026-11-21"),
        ("2014-01-01", "2014-01-01", "DL", "class 'DL' is unknown"),
        ('"ZAR"', '"USD"\npayment_currency = "ZWG"', "", "give the day's rate"),
    ],
)
def test_without_a_price_nothing_is_sold(
    old: str, new: str, customer_class: str, reason: str
) -> None:
    with pytest.raises(NoPrice, match=reason):
        _price(FLAT.replace(old, new), 1_000, Account()._replace(customer_class=customer_class))
