"""The sums on a slip are what was paid, and its prices explain them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tariffs.account import Account
from tariffs.lines import LineKind
from tests.domain.slips.made import (
    AT,
    BLOCKS_WITH_TAX,
    FLAT,
    WATER,
    meter,
    purchase,
    sums,
    texts,
)
from tests.support.tariffs import accounts, any_tariff
from vending_api.domain.pricing.service import price
from vending_api.domain.pricing.types import Bill, BillLine, TaxedAmount
from vending_api.domain.slips.bill import price_text, units_text
from vending_api.domain.slips.service import slip_of_sale
from vending_api.kit.errors import DomainError
from vending_api.sandbox.demo_data import UTILITY

if TYPE_CHECKING:
    from vending_api.domain.sales.types import Sale

WIDTHS: Final = st.sampled_from([32, 40, 48])


@st.composite
def sales(draw: st.DrawFn) -> Sale:
    """Draw a purchase of any sum under any tariff by a customer with any past."""
    tariff = draw(any_tariff())
    amount_minor = draw(st.integers(0, 200_000))
    try:
        bought = price(tariff, draw(accounts()), amount_minor, AT.replace(year=2024, month=7))
    except DomainError:
        assume(False)  # noqa: FBT003 (it takes no keyword)
    sale = purchase(FLAT, 10_000)
    return sale._replace(
        amount_minor=amount_minor, bill=bought.bill, meter=meter(tariff), tokens=()
    )


@given(sales(), WIDTHS)
def test_what_the_money_went_to_is_what_was_paid(sale: Sale, columns: int) -> None:
    slip = slip_of_sale(sale, columns=columns)
    shown = sum(amount for _, amount in sums(slip, "Where the money went"))
    assert shown == sale.amount_minor
    assert sums(slip, "Paid ZAR")[0] == ("Paid ZAR", sale.amount_minor)


@given(sales(), WIDTHS)
def test_the_taxes_are_all_the_tax_that_was_paid(sale: Sale, columns: int) -> None:
    slip = slip_of_sale(sale, columns=columns)
    lines = sums(slip, "Where the money went") + sums(slip, "Paid ZAR")
    taxes = [amount for name, amount in lines if re.match(r"(?:tax [01]|TAX) [0-9.]+ %", name)]
    paid = sum(line.charge.tax_minor for line in sale.bill.lines)
    assert sum(taxes) == paid
    in_all = [amount for name, amount in lines if name == "Tax in all"]
    assert in_all == ([paid] if len(taxes) > 1 else [])


@given(sales(), WIDTHS)
def test_what_is_still_owed_is_told(sale: Sale, columns: int) -> None:
    owed = sum(
        line.balance_minor or 0
        for line in sale.bill.lines
        if line.kind in {LineKind.DEBT, LineKind.CHARGE}
    )
    slip = slip_of_sale(sale, columns=columns)
    if owed:
        assert sum(amount for _, amount in sums(slip, "Still owed")) == owed
    else:
        assert not any(text.startswith("Still owed") for text in texts(slip))


def test_prices_without_tax_have_their_taxes_among_the_sums_and_others_below() -> None:
    without = slip_of_sale(purchase(FLAT, 10_000), columns=40)
    assert ("VAT 15 %", 1_304) in sums(without, "Where")
    inside = slip_of_sale(purchase(BLOCKS_WITH_TAX, 10_000), columns=40)
    assert sums(inside, "Where") == [
        ("50.0 kWh at 1.1730", 5_865),
        ("23.8 kWh at 1.7374", 4_135),
    ]
    assert ("VAT 15 % included", 1_304) in sums(inside, "Paid")


def test_who_is_exempt_from_a_tax_inside_a_price_sees_what_a_unit_came_to() -> None:
    account = Account(is_exempt=True)
    slip = slip_of_sale(purchase(BLOCKS_WITH_TAX, 5_000, account=account), columns=40)
    (name, amount), *_ = sums(slip, "Where")
    units, unit_price = re.fullmatch(r"([\d.]+) kWh at ([\d.]+)", name).groups()  # type: ignore[union-attr]  # fails if not
    assert unit_price == "1.0200"
    assert abs(Decimal(units) * Decimal(unit_price) * 100 - amount) < 2


def test_rounding_of_a_tax_that_units_do_not_bear_is_part_of_that_tax() -> None:
    lines = (
        _line(LineKind.CHARGE, 1_000, tax_minor=150, tax_name="VAT"),
        _line(LineKind.ROUNDING, 0, tax_minor=-1),
    )
    sale = purchase(FLAT, 1_149)._replace(bill=Bill(lines), tokens=())
    shown = sums(slip_of_sale(sale, columns=40), "Where")
    assert shown == [("Charge, why", 1_000), ("VAT 15 %", 149)]
    unnamed = sale._replace(bill=Bill((_line(LineKind.ROUNDING, 0, tax_minor=1),)))
    assert sums(slip_of_sale(unnamed, columns=40), "Where") == [("Tax", 1)]


def _line(kind: LineKind, net_minor: int, *, tax_minor: int, tax_name: str = "") -> BillLine:
    percent = Decimal(15) if tax_name else Decimal(0)
    return BillLine(
        kind=kind,
        name=kind.value,
        reason="why",
        charge=TaxedAmount(
            net_minor=net_minor, tax_minor=tax_minor, tax_name=tax_name, tax_rate_percent=percent
        ),
    )


@pytest.mark.parametrize(
    ("minor", "letters", "shown"),
    [
        ("216.11", "ZAR", "2.1611"),
        ("200", "ZAR", "2.0000"),
        ("1.58000", "KES", "0.0158"),
        ("0.123456", "ZAR", "0.00123456"),
        ("123456.7", "ZAR", "1,234.5670"),
        ("4820", "UGX", "4,820.00"),
        ("775.7", "UGX", "775.70"),
        ("25", "KWD", "0.02500"),
    ],
)
def test_a_price_has_all_its_decimals(minor: str, letters: str, shown: str) -> None:
    assert price_text(Decimal(minor), letters) == shown


@pytest.mark.parametrize(
    ("units", "shown"),
    [
        ("40.2", "40.2"),
        ("50", "50.0"),
        ("999.9", "999.9"),
        ("1000", "1,000.0"),
        ("1234.50000", "1,234.5"),
        ("0.00001", "0.00001"),
        ("0.0000001", "0.0000001"),
        ("1E+2", "100.0"),
        ("1.5E+3", "1,500.0"),
        ("-1.5", "-1.5"),
    ],
)
def test_units_have_a_decimal_at_least(units: str, shown: str) -> None:
    assert units_text(Decimal(units)) == shown


def test_a_currency_without_decimals_has_none() -> None:
    sale = purchase(WATER, 5_000_000, utility=UTILITY._replace(currency="800"))
    lines = texts(slip_of_sale(sale, columns=40))
    assert f"Paid UGX{'5,000,000':>32}" in lines
