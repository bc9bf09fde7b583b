"""A flat tariff with one tax: what a sum buys, and what a wrong document is told."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffs.errors import TariffInvalid
from tariffs.quote import quote
from tariffs.tariff import FlatTariff, parse_tariff

HOMELIGHT = """
name = "Homelight 20A"
[energy]
rate_minor = "216.11"
[tax]
name = "VAT"
rate_percent = "15"
"""
"""Eskom Homelight 20A, 2025/26, in cents per kWh without VAT."""


def _tariff(rate: str, tax: str) -> FlatTariff:
    return FlatTariff("t", Decimal(rate), "VAT", Decimal(tax))


def test_a_document_is_read() -> None:
    assert parse_tariff(HOMELIGHT, document="homelight") == FlatTariff(
        "Homelight 20A", Decimal("216.11"), "VAT", Decimal(15)
    )


def test_r100_on_homelight_buys_40_3_units() -> None:
    bought = quote(parse_tariff(HOMELIGHT, document="homelight"), 10_000)
    assert (bought.units_tenths, bought.net_minor, bought.tax_minor) == (403, 8_696, 1_304)


def test_an_exact_tenth_is_not_rounded() -> None:
    assert quote(_tariff("100", "0"), 1_010).units_tenths == 101
    assert quote(_tariff("100", "0"), 1_011).units_tenths == 102


def test_tax_is_rounded_half_up() -> None:
    assert quote(_tariff("1", "100"), 3).tax_minor == 2  # exactly 1.5
    assert quote(_tariff("1", "15"), 3).tax_minor == 0  # 0.39


def test_nothing_buys_nothing() -> None:
    bought = quote(_tariff("1", "15"), 0)
    assert (bought.units_tenths, bought.net_minor, bought.tax_minor) == (0, 0, 0)


def test_a_negative_sum_is_refused() -> None:
    with pytest.raises(ValueError, match="-1 is negative"):
        quote(_tariff("1", "15"), -1)


rates = st.decimals("0.01", "9999.99", places=2)
percents = st.decimals("0", "100", places=2)


@given(rates, percents, st.integers(0, 10**12))
def test_the_parts_add_up_and_the_customer_never_loses(
    rate: Decimal, percent: Decimal, amount_minor: int
) -> None:
    bought = quote(FlatTariff("t", rate, "VAT", percent), amount_minor)
    assert bought.net_minor + bought.tax_minor == amount_minor
    price_of_a_tenth = Fraction(rate) * (1 + Fraction(percent) / 100) / 10
    assert bought.units_tenths * price_of_a_tenth >= amount_minor
    assert bought.units_tenths == 0 or (bought.units_tenths - 1) * price_of_a_tenth < amount_minor


@given(rates, percents, st.integers(0, 10**12))
def test_more_money_never_buys_less(rate: Decimal, percent: Decimal, amount_minor: int) -> None:
    tariff = FlatTariff("t", rate, "VAT", percent)
    assert quote(tariff, amount_minor).units_tenths <= quote(tariff, amount_minor + 1).units_tenths


@pytest.mark.parametrize(
    ("old", "new", "key", "problem"),
    [
        ("name = ", "name ", "document", "not TOML"),
        ('name = "Homelight 20A"', "", "name", "missing"),
        ('"Homelight 20A"', '""', "name", "1 to 64"),
        ('"Homelight 20A"', f'"{"x" * 65}"', "name", "1 to 64"),
        ('"Homelight 20A"', "20", "name", "a text"),
        ("[energy]", "[energie]", "energy", "write a table [energy]"),
        ("[tax]", "[[tax]]", "tax", "write a table [tax]"),
        ('"216.11"', "216.11", "energy.rate_minor", "decimal in quotes"),
        ('"216.11"', '"much"', "energy.rate_minor", "decimal in quotes"),
        ('"216.11"', '"NaN"', "energy.rate_minor", "decimal in quotes"),
        ('"216.11"', '"0"', "energy.rate_minor", "above 0"),
        ('"15"', '"-0.01"', "tax.rate_percent", "0 to 100"),
        ('"15"', '"100.01"', "tax.rate_percent", "0 to 100"),
        ('"VAT"', '"ELEVENCHARS"', "tax.name", "1 to 10"),
        ('rate_percent = "15"', 'rate = "15"', "tax.rate", "unknown; known are"),
        ('rate_percent = "15"', "", "tax.rate_percent", "missing"),
    ],
)
def test_a_wrong_document_is_told_the_key_and_the_mend(
    old: str, new: str, key: str, problem: str
) -> None:
    with pytest.raises(TariffInvalid) as refused:
        parse_tariff(HOMELIGHT.replace(old, new), document="home.toml")
    assert refused.value.key == key
    assert problem in str(refused.value)
    assert str(refused.value).startswith("home.toml: ")


@pytest.mark.parametrize(
    ("old", "new"), [('"216.11"', '"0.0001"'), ('"15"', '"0"'), ('"15"', '"100"')]
)
def test_the_values_at_the_border_are_accepted(old: str, new: str) -> None:
    parse_tariff(HOMELIGHT.replace(old, new), document="home.toml")
