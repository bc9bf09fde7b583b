"""Each rule of a tariff by itself, with figures that can be checked by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tariffs.account import Account, Debt, Owed
from tariffs.errors import (
    NoVersion,
    UnknownClass,
)
from tariffs.quote import quote, quote_units
from tariffs.tariff import (
    Block,
    ChannelFee,
    Charge,
    DebtRule,
    Every,
    FreeUnits,
    Levy,
    PerUnit,
    Step,
    Tax,
)
from tests.support.tariffs import (
    AT,
    FLAT,
    MONTHLY,
    NEW,
    TODAY,
    VAT,
    names_of,
    paid_for,
    tariff,
    version,
)


def test_a_negative_sum_or_number_of_units_is_refused() -> None:
    with pytest.raises(ValueError, match="-1 is negative"):
        quote(tariff(), NEW, -1, AT)
    with pytest.raises(ValueError, match=r"-0\.1 is negative"):
        quote_units(tariff(), NEW, Decimal("-0.1"), AT)


def test_nothing_buys_nothing_and_costs_nothing() -> None:
    assert quote(tariff(), NEW, 0, AT).units == 0
    assert quote_units(tariff(), NEW, Decimal(0), AT).amount_minor == 0


# Versions, classes and the zone


def test_the_version_in_force_in_the_tariffs_zone_is_used() -> None:
    old = version()
    new = version(valid_from=date(2024, 7, 10), blocks={"": (Block(rate=Decimal(400)),)})
    both = tariff(old, new)  # midnight in Johannesburg is 22:00 UTC
    assert quote(both, NEW, 400, datetime(2024, 7, 9, 21, 59, tzinfo=UTC)).units == 2
    assert quote(both, NEW, 400, datetime(2024, 7, 9, 22, 0, tzinfo=UTC)).units == 1


def test_a_day_before_the_first_version_is_refused() -> None:
    with pytest.raises(NoVersion, match="valid from 2018-01-01, not yet on 2017-12-31"):
        quote(tariff(), NEW, 100, datetime(2017, 12, 31, 12, tzinfo=UTC))
    quote(tariff(), NEW, 100, datetime(2017, 12, 31, 22, tzinfo=UTC))


def test_a_class_has_its_own_blocks() -> None:
    classes = version(blocks={"lifeline": FLAT, "normal": (Block(rate=Decimal(400)),)})
    assert quote(tariff(classes), Account(customer_class="lifeline"), 400, AT).units == 2
    assert quote(tariff(classes), Account(customer_class="normal"), 400, AT).units == 1
    with pytest.raises(UnknownClass, match="expected one of lifeline, normal"):
        quote(tariff(classes), NEW, 400, AT)
    with pytest.raises(UnknownClass, match="expected no class"):
        quote(tariff(), Account(customer_class="lifeline"), 400, AT)


# Blocks


def test_blocks_count_the_units_of_the_month_and_start_again_on_the_first() -> None:
    blocks = version(
        blocks={"": (Block(rate=Decimal(100), up_to=Decimal(10)), Block(rate=Decimal(200)))}
    )
    first = quote(tariff(blocks), NEW, 1_200, AT)
    assert first.units == 11
    second = quote(tariff(blocks), first.account, 400, AT)
    assert second.units == 2
    assert second.account.units_this_month == 13
    august = datetime(2024, 7, 31, 22, 0, tzinfo=UTC)
    third = quote(tariff(blocks), second.account, 400, august)
    assert third.units == 4
    assert third.account.units_this_month == 4
    last_of_july = datetime(2024, 7, 31, 21, 59, tzinfo=UTC)
    assert quote(tariff(blocks), second.account, 400, last_of_july).units == 2


def test_a_purchase_may_end_exactly_at_a_bound_and_go_on_from_there() -> None:
    blocks = version(
        blocks={"": (Block(rate=Decimal(100), up_to=Decimal(10)), Block(rate=Decimal(200)))}
    )
    first = quote(tariff(blocks), NEW, 1_000, AT)
    assert [line.reason for line in first.lines] == ["first 10 this month"]
    second = quote(tariff(blocks), first.account, 200, AT)
    assert [line.reason for line in second.lines] == ["units above 10 this month"]


def test_every_block_of_a_purchase_has_its_line() -> None:
    bounds = [(100, "10"), (200, "20.5"), (300, None)]
    blocks = tuple(
        Block(rate=Decimal(rate), up_to=None if up_to is None else Decimal(up_to))
        for rate, up_to in bounds
    )
    sold = quote(tariff(version(blocks={"": blocks})), NEW, 3_400, AT)
    assert [(line.quantity, line.rate, line.reason) for line in sold.lines] == [
        (Decimal(10), Decimal(100), "first 10 this month"),
        (Decimal("10.5"), Decimal(200), "units 10 to 20.5 this month"),
        (Decimal(1), Decimal(300), "units above 20.5 this month"),
    ]


# Taxes, levies and prices per unit


def test_a_tax_is_worked_out_once_from_the_money() -> None:
    sold = quote(tariff(version(taxes=(VAT,))), NEW, 10_000, AT)
    assert sold.tax_minor == 1_304  # 10000 * 15 / 115 = 1304.35
    assert sold.units == Decimal("43.5")  # 43.478


def test_a_tax_of_exactly_half_a_minor_unit_goes_up() -> None:
    whole = Tax(name="T", percent=Decimal(100), on=("energy",))
    assert quote(tariff(version(taxes=(whole,))), NEW, 3, AT).tax_minor == 2


def test_prices_with_tax_inside_are_the_same_as_those_without() -> None:
    inside = version(blocks={"": (Block(rate=Decimal(230)),)}, taxes=(VAT,), tax_inclusive=True)
    outside = version(taxes=(VAT,))
    for amount_minor in (1, 999, 23_000):
        one, other = (quote(tariff(v), NEW, amount_minor, AT) for v in (inside, outside))
        assert one.units_exact == other.units_exact
        assert one.tax_minor == other.tax_minor


def test_an_exempt_customer_pays_no_tax_also_where_prices_include_it() -> None:
    exempt = Account(is_exempt=True)
    inside = version(blocks={"": (Block(rate=Decimal(230)),)}, taxes=(VAT,), tax_inclusive=True)
    sold = quote(tariff(inside), exempt, 20_000, AT)
    assert sold.units == 100
    assert sold.tax_minor == 0


def test_a_tax_that_everybody_pays_is_paid_by_exempt_customers() -> None:
    everybody = replace(VAT, exempt_customers_pay=True)
    sold = quote(tariff(version(taxes=(everybody,))), Account(is_exempt=True), 23_000, AT)
    assert sold.units == 100
    assert sold.tax_minor == 3_000
    assert sold.energy_tax_percent == 15


def test_a_levy_may_rest_on_another_and_be_taxed() -> None:
    levies = (
        Levy(name="A", percent=Decimal(10), on=("energy", "Fuel")),
        Levy(name="B", percent=Decimal(50), on=("A",)),
    )
    taxes = (Tax(name="VAT", percent=Decimal(20), on=("B", "Fuel")),)
    fuel = (PerUnit(name="Fuel", rate=Decimal(100)),)
    all_of_it = tariff(version(levies=levies, taxes=taxes, per_unit=fuel))
    sold = quote_units(all_of_it, NEW, Decimal(10), AT)
    # energy 2000, fuel 1000, A 300, B 150, tax 20 % of 1150
    assert sold.amount_minor == 2_000 + 1_000 + 300 + 150 + 230
    assert {line.name: line.tax_minor for line in sold.lines} == {
        "energy": 0, "Fuel": 200, "A": 0, "B": 30
    }  # fmt: skip


# Fixed charges


def test_a_monthly_charge_is_due_once_a_month() -> None:
    monthly = tariff(version(charges=(MONTHLY,)))
    first = quote(monthly, NEW, 1_200, AT)
    assert first.units == 1
    assert paid_for(first, "Service") == 1_000
    second = quote(monthly, first.account, 200, AT)
    assert second.units == 1
    assert names_of(second) == ["energy"]


def test_silent_months_accrue_unless_the_charge_says_not() -> None:
    account = Account(last_purchase_on=date(2024, 4, 30))
    every_month = quote(tariff(version(charges=(MONTHLY,))), account, 10_000, AT)
    assert paid_for(every_month, "Service") == 3_000
    assert every_month.lines[0].reason == "for 3 months"
    silent_free = replace(MONTHLY, accrues=False)
    assert (
        paid_for(quote(tariff(version(charges=(silent_free,))), account, 10_000, AT), "Service")
        == 1_000
    )


def test_silent_months_cost_what_their_own_version_says() -> None:
    dearer = replace(MONTHLY, amount_minor=Decimal(5_000))
    old = version(valid_from=date(2024, 5, 1), charges=(MONTHLY,))
    new = version(valid_from=date(2024, 7, 1), charges=(dearer,))
    account = Account(last_purchase_on=date(2024, 3, 15))
    sold = quote(tariff(old, new), account, 10_000, AT)
    assert paid_for(sold, "Service") == 1_000 + 1_000 + 5_000  # April was before the tariff
    assert sold.lines[0].reason == "for 3 months"
    without = version(valid_from=date(2024, 5, 1))
    sold = quote(tariff(without, new), account, 10_000, AT)
    assert paid_for(sold, "Service") == 5_000


def test_a_clock_that_goes_back_charges_no_month_twice() -> None:
    free = FreeUnits(units=Decimal(10), counts_towards_blocks=True)
    monthly = tariff(version(charges=(MONTHLY,), free_units=free))
    august, july = (datetime(2024, month, 1, 12, tzinfo=UTC) for month in (8, 7))
    first = quote(monthly, Account(gets_free_units=True), 1_200, august)
    back = quote(monthly, first.account, 200, july)
    again = quote(monthly, back.account, 200, august)
    assert [sold.free_units for sold in (first, back, again)] == [10, 0, 0]
    assert ["Service" in names_of(sold) for sold in (first, back, again)] == [True, False, False]
    assert again.account.units_this_month == 13


def test_a_daily_charge_counts_the_days_since_the_last_purchase() -> None:
    daily = Charge(name="Daily", every=Every.DAY, amount_minor=Decimal("65.8"))
    one = tariff(version(charges=(daily,)))
    assert "Daily" not in names_of(quote(one, NEW, 10_000, AT))
    sold = quote(one, Account(last_purchase_on=date(2024, 6, 30)), 10_000, AT)
    assert paid_for(sold, "Daily") == 658
    assert sold.lines[0].reason == "for 10 days"
    assert "Daily" not in names_of(quote(one, Account(last_purchase_on=TODAY), 10_000, AT))
    assert "Daily" not in names_of(quote(one, Account(last_purchase_on=date(2024, 7, 11)), 9, AT))
    yesterday = Account(last_purchase_on=date(2024, 7, 9))
    assert quote(one, yesterday, 10_000, AT).lines[0].reason == "for 1 day"


def test_a_share_caps_a_charge_and_the_rest_stays_owed() -> None:
    capped = tariff(version(charges=(replace(MONTHLY, share_percent=Decimal(50)),)))
    first = quote(capped, NEW, 800, AT)
    assert paid_for(first, "Service") == 400
    assert first.lines[0].reason == "for 1 month; at most 50 % of a purchase"
    assert first.account.owed == (Owed(name="Service", amount_minor=600),)
    second = quote(capped, first.account, 10_000, AT)
    assert paid_for(second, "Service") == 600
    assert second.lines[0].reason == "still owed; at most 50 % of a purchase"
    assert second.account.owed == ()


def test_a_share_never_passes_its_percentage() -> None:
    capped = tariff(version(charges=(replace(MONTHLY, share_percent=Decimal(50)),)))
    assert paid_for(quote(capped, NEW, 801, AT), "Service") == 400


def test_a_share_is_exact_to_its_last_decimal() -> None:
    dear = replace(MONTHLY, amount_minor=Decimal(10**12), share_percent=Decimal("33.3333333333"))
    sold = quote(tariff(version(charges=(dear,))), NEW, 3 * 10**11, AT)
    assert paid_for(sold, "Service") == 99_999_999_999  # 99,999,999,999.9


def test_a_charge_splits_into_itself_its_levy_and_its_tax() -> None:
    levy = Levy(name="Fund", percent=Decimal(10), on=("Service",))
    tax = Tax(name="VAT", percent=Decimal(20), on=("Service", "Fund"))
    sold = quote(tariff(version(charges=(MONTHLY,), levies=(levy,), taxes=(tax,))), NEW, 1_320, AT)
    assert [(line.name, line.amount_minor, line.tax_minor) for line in sold.lines] == [
        ("Service", 1_000, 220),
        ("Fund", 100, 0),
    ]
    assert sold.tax_minor == 220


def test_exempt_customers_are_spared_the_charges_that_say_so() -> None:
    spared = replace(MONTHLY, exempt_customers_pay=False)
    both = tariff(version(charges=(spared, replace(MONTHLY, name="For all"))))
    assert names_of(quote(both, Account(is_exempt=True), 1_000, AT)) == ["For all"]
    assert names_of(quote(both, NEW, 2_000, AT)) == ["Service", "For all"]


def test_a_charge_that_the_tariff_dropped_is_still_owed() -> None:
    account = Account(owed=(Owed(name="Old", amount_minor=300),), last_purchase_on=TODAY)
    sold = quote(tariff(), account, 500, AT)
    assert paid_for(sold, "Old") == 300
    assert sold.units == 1
    assert sold.lines[0].reason == "still owed"


# Channel fee, debts, order


@pytest.mark.parametrize(
    ("amount_minor", "fee_minor"),
    [(1_000, 60), (400, 60), (100, 60), (50, 50), (5_000, 200), (100_000, 200)],
)
def test_a_channel_fee_is_flat_and_percentage_within_its_bounds(
    amount_minor: int, fee_minor: int
) -> None:
    fee = ChannelFee(
        name="Fee", flat_minor=10, percent=Decimal(5), minimum_minor=60, maximum_minor=200
    )
    assert (
        paid_for(quote(tariff(version(channel_fee=fee)), NEW, amount_minor, AT), "Fee") == fee_minor
    )


def test_a_channel_fee_without_a_maximum_grows() -> None:
    fee = ChannelFee(name="Fee", percent=Decimal(5))
    assert paid_for(quote(tariff(version(channel_fee=fee)), NEW, 100_000, AT), "Fee") == 5_000


def test_debts_are_paid_in_their_order_within_the_rule() -> None:
    debts = (Debt(name="rates", balance_minor=100), Debt(name="water", balance_minor=900))
    account = Account(debts=debts)
    shared = tariff(version(debt=DebtRule(share_percent=Decimal(30))))
    sold = quote(shared, account, 1_000, AT)
    assert (paid_for(sold, "rates"), paid_for(sold, "water")) == (100, 200)
    assert sold.account.debts == (Debt(name="water", balance_minor=700),)
    assert [line.balance_minor for line in sold.lines[:2]] == [0, 700]
    fixed = tariff(version(debt=DebtRule(fixed_minor=150)))
    assert paid_for(quote(fixed, account, 1_000, AT), "water") == 50
    capped = tariff(version(debt=DebtRule(share_percent=Decimal(10), fixed_minor=150)))
    assert paid_for(quote(capped, account, 1_000, AT), "rates") == 100
    untouched = quote(tariff(), account, 1_000, AT)
    assert untouched.units == 5
    assert untouched.account.debts == debts


def test_what_comes_first_is_paid_first() -> None:
    rules = {"charges": (MONTHLY,), "debt": DebtRule(fixed_minor=1_000)}
    account = Account(debts=(Debt(name="debt", balance_minor=1_000),))
    debt_first = (Step.CHANNEL_FEE, Step.DEBT, Step.TAX, Step.CHARGES, Step.ENERGY)
    charges_first = (Step.TAX, Step.CHARGES, Step.DEBT, Step.CHANNEL_FEE, Step.ENERGY)
    for order, names in ((debt_first, "debt Service"), (charges_first, "Service debt")):
        sold = quote(tariff(version(order=order, **rules)), account, 1_500, AT)
        first, second = names.split()
        assert (paid_for(sold, first), paid_for(sold, second)) == (1_000, 500)
