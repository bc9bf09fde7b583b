"""The shipped tariffs against what their utilities, and receipts, say they come to.

Where a figure is not official it was worked out by hand from official rates, and says so.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from tariffs.account import Account, Owed
from tariffs.document import parse_tariff
from tariffs.errors import NoVersion, RateOfTheDayMissing
from tariffs.lines import Line, LineKind
from tariffs.quote import Quote, quote, quote_units
from tests.tariffs.examples import FOLDER, NAMES, noon, shipped, text_of

if TYPE_CHECKING:
    from tariffs.tariff import Tariff

EMPTY = Account()


def _line(quoted: Quote, name: str) -> Line:
    (line,) = (line for line in quoted.lines if line.name == name)
    return line


def _to_four_decimals(units: Decimal) -> Decimal:
    return units.quantize(Decimal("0.0001"))


def test_seven_tariffs_are_shipped() -> None:
    assert tuple(sorted(path.stem for path in FOLDER.glob("*"))) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_tariff_names_its_source_and_adds_up(name: str) -> None:
    tariff = shipped(name)
    assert tariff.source
    for version in tariff.versions:
        at = noon(version.valid_from.isoformat())
        bought = quote(tariff, EMPTY, 100_000, at)
        assert sum(line.amount_minor + line.tax_minor for line in bought.lines) == 100_000
        assert bought.units > 0


# zetdc-2024-03: the notice of 5 March 2024, first purchase of a month.

NOTICE = [
    (50, 424),
    (100, 901),
    (250, 3816),
    (350, 6360),
    (500, 10441),
    (700, 15953),
    (1000, 24221),
]


@pytest.mark.parametrize(("units", "cents"), NOTICE)
def test_zetdc_units_cost_what_the_notice_says(units: int, cents: int) -> None:
    bought = quote_units(shipped("zetdc-2024-03"), EMPTY, Decimal(units), noon("2024-03-05"))
    assert (bought.amount_minor, bought.units, bought.tax_minor) == (cents, Decimal(units), 0)


@pytest.mark.parametrize(("units", "cents"), NOTICE)
def test_zetdc_that_money_buys_the_units_of_the_notice(units: int, cents: int) -> None:
    bought = quote(shipped("zetdc-2024-03"), EMPTY, cents, noon("2024-03-05"))
    assert abs(bought.units - units) <= Decimal("0.1")  # the notice rounds its cents


def test_zetdc_levy_is_six_percent_of_energy() -> None:
    bought = quote_units(shipped("zetdc-2024-03"), EMPTY, Decimal(100), noon("2024-03-05"))
    assert _line(bought, "REA levy").amount_minor == 51  # 6 % of 8.50


def test_zetdc_in_local_money_needs_the_rate_of_the_day() -> None:
    text = text_of("zetdc-2024-03").replace(
        '# payment_currency = "ZWG"', 'payment_currency = "ZWG"'
    )
    tariff = parse_tariff(text, document="zwg")
    with pytest.raises(RateOfTheDayMissing):
        quote_units(tariff, EMPTY, Decimal(50), noon("2024-05-01"))
    bought = quote_units(
        tariff, EMPTY, Decimal(50), noon("2024-05-01"), rate_of_the_day=Decimal("13.5")
    )
    assert bought.amount_minor == 5724  # 4.24 at 13.5


# tshwane-2022: official rates; the units were worked out from them.


@pytest.mark.parametrize(
    ("cents", "exact", "carried"),
    [(24_116, "100.0018", "100.1"), (100_000, "368.8828", "368.9")],
)
def test_tshwane_money_buys_in_blocks(cents: int, exact: str, carried: str) -> None:
    bought = quote(shipped("tshwane-2022"), EMPTY, cents, noon("2022-07-01"))
    assert _to_four_decimals(bought.units_exact) == Decimal(exact)
    assert bought.units == Decimal(carried)


def test_tshwane_blocks_go_on_within_the_month_and_begin_anew_on_the_first() -> None:
    tariff = shipped("tshwane-2022")
    first = quote(tariff, EMPTY, 24_116, noon("2022-07-10"))
    later = quote(tariff, first.account, 10_000, noon("2022-07-20"))
    anew = quote(tariff, first.account, 10_000, noon("2022-08-01"))
    assert later.units == Decimal("35.5")  # 100 / (2.4541 * 1.15) = 35.43
    assert anew.units == Decimal("41.5")  # 100 / (2.0970 * 1.15) = 41.47


# eskom-homelight-2025


def test_homelight_r100_buys_40_3_units() -> None:
    bought = quote(shipped("eskom-homelight-2025"), EMPTY, 10_000, noon("2025-04-01"))
    assert _to_four_decimals(bought.units_exact) == Decimal("40.2372")
    assert bought.units == Decimal("40.3")
    assert bought.tax_minor == 1304


# citypower-2024: the cases that City Power explained to the press.


@pytest.mark.parametrize(
    ("paid", "charged", "owed"),
    [(50_000, 23_000, 0), (20_000, 10_000, 13_000), (40_000, 20_000, 3_000), (46_000, 23_000, 0)],
)
def test_citypower_takes_its_charge_but_never_more_than_half(
    paid: int, charged: int, owed: int
) -> None:
    bought = quote(shipped("citypower-2024"), EMPTY, paid, noon("2024-07-01"))
    charge = _line(bought, "service charge")
    assert charge.amount_minor + charge.tax_minor == charged
    assert charge.balance_minor == owed
    rest = sum(one.amount_minor + one.tax_minor for one in bought.lines if one is not charge)
    assert rest == paid - charged


def test_citypower_takes_what_is_owed_with_the_next_purchase() -> None:
    tariff = shipped("citypower-2024")
    first = quote(tariff, EMPTY, 20_000, noon("2024-07-01"))
    assert first.account.owed == (Owed(name="service charge", amount_minor=13_000),)
    second = quote(tariff, first.account, 50_000, noon("2024-07-02"))
    charge = _line(second, "service charge")
    assert charge.amount_minor + charge.tax_minor == 13_000
    assert second.account.owed == ()


def test_citypower_charges_for_two_silent_months() -> None:
    tariff = shipped("citypower-2024")
    paid_up = Account(last_purchase_on=date(2024, 7, 15))
    after = {
        month: quote(tariff, paid_up, 200_000, noon(f"2024-{month}-15")) for month in ("08", "10")
    }
    taken = {
        month: sum(
            line.amount_minor + line.tax_minor
            for line in bought.lines
            if line.kind is LineKind.CHARGE
        )
        for month, bought in after.items()
    }
    assert taken["10"] - taken["08"] == 46_000


def test_citypower_backdated_r1200_is_taken_half_by_half() -> None:
    owes = Account(
        last_purchase_on=date(2024, 12, 1),
        owed=(Owed(name="service charge", amount_minor=120_000),),
    )
    bought = quote(shipped("citypower-2024"), owes, 100_000, noon("2024-12-02"))
    assert _line(bought, "service charge").balance_minor == 70_000


def test_citypower_indigent_households_pay_vat_but_no_charge() -> None:
    bought = quote(shipped("citypower-2024"), Account(is_exempt=True), 50_000, noon("2024-07-01"))
    assert all(line.kind is not LineKind.CHARGE for line in bought.lines)
    assert bought.tax_minor == 6522  # 500 * 15 / 115


# kenya-2018: the worked example.


def _first_of_august_2018() -> Quote:
    return quote(shipped("kenya-2018"), EMPTY, 50_000, noon("2018-08-05"))


def test_kenya_2018_first_500_shillings_of_the_month_buy_32_3_units() -> None:
    bought = _first_of_august_2018()
    assert bought.units == Decimal("32.3")
    charge = _line(bought, "fixed charge")
    assert charge.amount_minor == 15_000
    assert charge.tax_minor == 2_400


def test_kenya_2018_second_500_shillings_of_the_month_buy_31_3_units() -> None:
    first = _first_of_august_2018()
    second = quote(shipped("kenya-2018"), first.account, 50_000, noon("2018-08-20"))
    assert second.units == Decimal("31.3")
    quantities = [line.quantity for line in second.lines if line.kind is LineKind.ENERGY]
    assert quantities == [Decimal("17.7"), Decimal("13.6")]


def test_kenya_2018_units_cost_what_the_example_says() -> None:
    tariff = shipped("kenya-2018")
    first = quote_units(tariff, EMPTY, Decimal("32.3"), noon("2018-08-05"))
    assert abs(first.amount_minor - 50_042) <= 1
    second = quote_units(tariff, first.account, Decimal("31.3"), noon("2018-08-20"))
    assert abs(second.amount_minor - 50_029) <= 1


def test_kenya_2018_silent_months_cost_nothing() -> None:
    tariff = shipped("kenya-2018")
    since_august = EMPTY._replace(last_purchase_on=date(2018, 8, 5))
    bought = quote(tariff, since_august, 50_000, noon("2018-12-05"))
    assert _line(bought, "fixed charge").amount_minor == 15_000


# kenya-2024: receipts over KSh 250.


def test_kenya_2024_receipt_of_3_january() -> None:
    bought = quote(shipped("kenya-2024"), EMPTY, 25_000, noon("2024-01-03"))
    assert bought.units == Decimal("8.87")
    assert bought.tax_minor == 2918
    printed = {"fuel": 3531, "forex": 2811, "EPRA": 71, "WRA": 14, "REP": 735}  # EPRA: 0.7096
    assert {name: _line(bought, name).amount_minor for name in printed} == printed


def test_kenya_2024_units_of_the_receipt_cost_250_shillings() -> None:
    bought = quote_units(shipped("kenya-2024"), EMPTY, Decimal("8.87"), noon("2024-01-03"))
    assert (bought.amount_minor, bought.tax_minor) == (25_000, 2918)


# By their units, the sums on the other receipts give these cents per unit; inflation is what
# remains of the KSh 250, and WRA, as good as nothing, is that of the first.
RECEIPTS = [
    ("2024-01-11", "7.82", {"fuel": "432.86", "forex": "646.16", "inflation": "33.0"}, 3385, 2615),
    ("2024-02-07", "8.77", {"fuel": "413.91", "forex": "321.78", "inflation": "33.0"}, 3630, 2907),
]


@pytest.mark.parametrize(("day", "units", "per_unit", "fuel", "vat"), RECEIPTS)
def test_kenya_2024_other_receipts_fit_with_their_own_prices_per_unit(
    day: str, units: str, per_unit: dict[str, str], fuel: int, vat: int
) -> None:
    tariff = _with_version(day, per_unit)
    bought = quote(tariff, EMPTY, 25_000, noon(day))
    assert bought.units == Decimal(units)
    assert abs(bought.tax_minor - vat) <= 1
    assert _line(bought, "fuel").amount_minor == fuel
    before = quote(tariff, EMPTY, 25_000, noon("2024-01-03"))
    assert before.tax_minor == 2918


def _with_version(day: str, per_unit: dict[str, str]) -> Tariff:
    """Return the shipped tariff with a second version, which differs in these prices per unit."""
    text = text_of("kenya-2024")
    version = text[text.index("\n[[version]]\n") :].replace("2024-01-01", day)
    for name, rate in per_unit.items():
        version = re.sub(rf'(?<=name = "{name}"\nrate = )"[0-9.]+"', f'"{rate}"', version)
    return parse_tariff(text + version, document=day)


# nigeria-band-a-2024


@pytest.mark.parametrize(
    ("day", "exact"),
    [
        ("2024-04-03", "41.3437"),
        ("2024-04-10", "41.3437"),
        ("2024-05-05", "41.3437"),
        ("2024-05-06", "44.9822"),  # 10,000 / 1.075 / 206.80
    ],
)
def test_nigeria_uses_the_rate_in_force(day: str, exact: str) -> None:
    bought = quote(shipped("nigeria-band-a-2024"), EMPTY, 1_000_000, noon(day))
    expected = _to_four_decimals(Decimal(exact))
    assert _to_four_decimals(bought.units_exact) == expected


def test_nigeria_changes_rate_at_its_own_midnight() -> None:
    tariff = shipped("nigeria-band-a-2024")
    before = quote(tariff, EMPTY, 1_000_000, datetime(2024, 5, 5, 22, 59, tzinfo=UTC))
    after = quote(tariff, EMPTY, 1_000_000, datetime(2024, 5, 5, 23, 0, tzinfo=UTC))
    assert before.version.valid_from == date(2024, 4, 3)
    assert after.version.valid_from == date(2024, 5, 6)
    assert Fraction(before.units_exact) < Fraction(after.units_exact)


def test_nigeria_has_no_price_before_its_first_version() -> None:
    with pytest.raises(NoVersion):
        quote(shipped("nigeria-band-a-2024"), EMPTY, 1_000_000, noon("2024-04-02"))
