"""Free units, limits, currencies, roundings, and the other way: from units to money."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tariffs.account import Account, Debt
from tariffs.errors import (
    NoVersion,
    OutsideLimits,
    RateOfTheDayMissing,
    UnitsOutOfReach,
)
from tariffs.lines import LineKind
from tariffs.quote import free_units_due, quote, quote_units
from tariffs.tariff import (
    Block,
    ChannelFee,
    DebtRule,
    Direction,
    FreeUnits,
    Levy,
    Limits,
    PerUnit,
    Remainder,
    Rounding,
)
from tests.support.tariffs import (
    AT,
    MONTHLY,
    NEW,
    TODAY,
    TWO_BLOCKS,
    VAT,
    names_of,
    paid_for,
    tariff,
    version,
)

# Free units, limits, currencies


def test_free_units_come_once_a_month_to_those_who_get_them() -> None:
    for counts, units in ((True, 1), (False, 2)):
        free = FreeUnits(units=Decimal(10), counts_towards_blocks=counts)
        one = tariff(version(free_units=free, blocks={"": TWO_BLOCKS}))
        sold = quote(one, Account(gets_free_units=True), 200, AT)
        assert sold.free_units == 10
        assert sold.units == units
        assert sold.account.free_units_on == TODAY
        again = quote(one, sold.account, 200, AT)
        assert again.free_units == 0
        august = datetime(2024, 8, 1, 12, tzinfo=UTC)
        assert quote(one, again.account, 0, august).free_units == 10
        assert quote(one, NEW, 200, AT).free_units == 0


def test_limits_hold_for_a_purchase_and_for_a_month() -> None:
    limits = Limits(minimum_minor=100, maximum_minor=1_000, month_maximum_minor=1_500)
    limited = tariff(version(limits=limits))
    for amount_minor in (100, 1_000):
        quote(limited, NEW, amount_minor, AT)
    for amount_minor in (0, 99, 1_001):
        with pytest.raises(OutsideLimits, match="buy for 100 to 1000"):
            quote(limited, NEW, amount_minor, AT)
    first = quote(limited, NEW, 1_000, AT)
    quote(limited, first.account, 500, AT)
    with pytest.raises(OutsideLimits, match="buy for 100 to 500"):
        quote(limited, first.account, 501, AT)
    quote(limited, first.account, 1_000, datetime(2024, 8, 1, 12, tzinfo=UTC))
    only_least = tariff(version(limits=Limits(minimum_minor=100)))
    with pytest.raises(OutsideLimits, match="without limit"):
        quote(only_least, NEW, 99, AT)


def test_free_units_alone_need_no_minimum() -> None:
    free = FreeUnits(units=Decimal(10), counts_towards_blocks=True)
    limited = tariff(version(limits=Limits(minimum_minor=100), free_units=free))
    assert quote(limited, Account(gets_free_units=True), 0, AT).free_units == 10


def test_prices_in_another_currency_need_the_rate_of_the_day() -> None:
    foreign = tariff(version(charges=(MONTHLY,)), price_currency="USD", payment_currency="ZWG")
    with pytest.raises(RateOfTheDayMissing, match="in ZWG for one USD"):
        quote(foreign, NEW, 1_000, AT)
    sold = quote(foreign, NEW, 30_000, AT, rate_of_the_day=Decimal("12.5"))
    assert paid_for(sold, "Service") == 12_500
    assert sold.units == 7  # 17500 / (200 * 12.5)
    assert sold.lines[1].rate == 2_500


def test_the_rate_of_the_day_knows_the_decimals_of_both_currencies() -> None:
    shillings = tariff(price_currency="USD", payment_currency="UGX")  # 2 decimals, and none
    sold = quote(shillings, NEW, 74_000, AT, rate_of_the_day=Decimal(3_700))
    assert sold.units == 10  # at 2.00 dollars
    dinars = tariff(price_currency="USD", payment_currency="KWD")  # three decimals
    assert quote(dinars, NEW, 6_000, AT, rate_of_the_day=Decimal("0.3")).units == 10


# Rounding


@pytest.mark.parametrize(
    ("direction", "amount_minor", "units"),
    [
        (Direction.UP, 21, "0.2"),
        (Direction.DOWN, 39, "0.1"),
        (Direction.NEAREST, 29, "0.1"),
        (Direction.NEAREST, 30, "0.2"),
    ],
)
def test_units_are_rounded_the_tariffs_way(
    direction: Direction, amount_minor: int, units: str
) -> None:
    one = tariff(version(rounding=Rounding(direction=direction)))
    assert quote(one, NEW, amount_minor, AT).units == Decimal(units)


@pytest.mark.parametrize("step", ["1", "0.1", "0.01", "0.001", "0.0001", "0.00001"])
def test_units_have_as_many_decimals_as_a_step(step: str) -> None:
    one = tariff(version(rounding=Rounding(step=Decimal(step), direction=Direction.UP)))
    assert str(quote_units(one, NEW, Decimal(step), AT).units) == step


def test_a_remainder_in_the_customers_favour_is_one_line_named_rounding() -> None:
    sold = quote(tariff(), NEW, 21, AT)
    assert names_of(sold) == ["energy", "rounding"]
    assert (paid_for(sold, "rounding"), sold.change_minor) == (-19, 0)


def test_a_remainder_that_is_carried_counts_in_the_next_purchase() -> None:
    down = Rounding(direction=Direction.DOWN, remainder=Remainder.CARRY)
    carrying = tariff(version(rounding=down, taxes=(VAT,)))
    first = quote(carrying, NEW, 40, AT)  # 0.1 unit is 23
    assert (first.units, first.change_minor, first.account.carried_minor) == (
        Decimal("0.1"),
        17,
        17,
    )
    assert first.tax_minor == 3  # on the 23, not on what is carried
    second = quote(carrying, first.account, 6, AT)
    assert second.units == Decimal("0.1")
    assert second.change_minor == 0
    assert paid_for(second, "from the last purchase") == -17


def test_a_gain_that_is_carried_is_paid_by_the_next_purchase() -> None:
    up = Rounding(remainder=Remainder.CARRY)
    carrying = tariff(version(rounding=up))
    first = quote(carrying, NEW, 21, AT)
    assert first.units == Decimal("0.2")
    assert first.account.carried_minor == -19
    second = quote(carrying, first.account, 10, AT)
    assert second.units == 0
    assert second.account.carried_minor == -9
    assert quote(carrying, second.account, 29, AT).units == Decimal("0.1")


def test_tax_on_money_that_bought_no_step_stands_on_the_rounding_line() -> None:
    down = tariff(version(rounding=Rounding(direction=Direction.DOWN), taxes=(VAT,)))
    sold = quote(down, NEW, 20, AT)
    assert sold.units == 0
    assert sold.tax_minor == 3
    assert [(line.name, line.amount_minor, line.tax_minor) for line in sold.lines] == [
        ("rounding", 17, 3)
    ]


def test_the_lines_show_what_the_token_truly_carries() -> None:
    sold = quote(tariff(), NEW, 400_001, AT, as_carried=lambda units: units + Decimal("0.9"))
    assert sold.units == 2_001
    assert sold.account.units_this_month == 2_001


# The other way


def test_units_are_priced_to_the_nearest_minor_unit() -> None:
    third = tariff(version(blocks={"": (Block(rate=Decimal("33.333")),)}))
    assert quote_units(third, NEW, Decimal(1), AT).amount_minor == 33
    down = Rounding(direction=Direction.DOWN)
    third = tariff(version(blocks={"": (Block(rate=Decimal("33.333")),)}, rounding=down))
    assert quote_units(third, NEW, Decimal(1), AT).amount_minor == 34


def test_units_between_two_steps_are_rounded_up() -> None:
    assert quote_units(tariff(), NEW, Decimal("1.01"), AT).units == Decimal("1.1")
    assert quote_units(tariff(), NEW, Decimal("1.1"), AT).units == Decimal("1.1")


def test_the_price_of_units_includes_all_that_is_deducted() -> None:
    fee = ChannelFee(name="Fee", percent=Decimal(5))
    both = tariff(version(channel_fee=fee, charges=(MONTHLY,)))
    sold = quote_units(both, NEW, Decimal(5), AT)
    assert sold.amount_minor == 2_105  # 5 % of it leaves 2000
    assert quote(both, NEW, sold.amount_minor, AT).units == 5


def test_units_that_no_sum_can_buy_are_refused() -> None:
    everything = ChannelFee(name="Fee", percent=Decimal(100))
    with pytest.raises(UnitsOutOfReach, match="no sum of money buys 1 units"):
        quote_units(tariff(version(channel_fee=everything)), NEW, Decimal(1), AT)


def test_units_beyond_the_limits_are_refused() -> None:
    limited = tariff(version(limits=Limits(maximum_minor=1_000)))
    assert quote_units(limited, NEW, Decimal(5), AT).amount_minor == 1_000
    with pytest.raises(OutsideLimits):
        quote_units(limited, NEW, Decimal("5.1"), AT)


def test_a_line_says_what_it_is_about() -> None:
    fee = ChannelFee(name="Fee", flat_minor=1)
    debt = DebtRule(fixed_minor=1)
    full = version(
        channel_fee=fee,
        debt=debt,
        charges=(MONTHLY,),
        per_unit=(PerUnit(name="Fuel", rate=Decimal(1)),),
        levies=(Levy(name="Fund", percent=Decimal(5), on=("energy",)),),
    )
    account = Account(debts=(Debt(name="debt", balance_minor=1),), carried_minor=7)
    sold = quote(tariff(full), account, 2_003, AT)
    assert [line.kind for line in sold.lines] == [
        LineKind.CHANNEL_FEE,
        LineKind.DEBT,
        LineKind.CHARGE,
        LineKind.CARRIED,
        LineKind.ENERGY,
        LineKind.PER_UNIT,
        LineKind.LEVY,
        LineKind.ROUNDING,
    ]


def test_what_comes_to_nothing_has_no_line() -> None:
    one = version(
        per_unit=(PerUnit(name="Fuel", rate=Decimal("0.01")),),
        levies=(Levy(name="Fund", percent=Decimal("0.01"), on=("energy",)),),
    )
    assert names_of(quote(tariff(one), NEW, 200, AT)) == ["energy"]
    assert names_of(quote(tariff(one), NEW, 20_000, AT)) == ["energy", "Fuel", "Fund", "rounding"]


def test_free_units_are_due_until_they_are_given_and_again_next_month() -> None:
    free = FreeUnits(units=Decimal(50), counts_towards_blocks=False)
    gives = tariff(version(free_units=free))
    eligible = Account(gets_free_units=True)
    assert free_units_due(gives, eligible, AT) == 50
    assert free_units_due(gives, NEW, AT) == 0
    given = eligible._replace(free_units_on=TODAY)
    assert free_units_due(gives, given, AT) == 0
    assert free_units_due(gives, given, AT + timedelta(days=31)) == 50
    assert free_units_due(tariff(), eligible, AT) == 0
    with pytest.raises(NoVersion):
        free_units_due(gives, eligible, datetime(2017, 12, 31, tzinfo=UTC))
