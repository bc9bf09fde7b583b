"""Tariffs for tests: a plain one to vary, and any that could exist."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from tariffs.account import Account, Debt, Owed
from tariffs.tariff import (
    Block,
    ChannelFee,
    Charge,
    DebtRule,
    Direction,
    Every,
    FreeUnits,
    Levy,
    PerUnit,
    Remainder,
    Rounding,
    Step,
    Tariff,
    Tax,
    Version,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tariffs.quote import Quote

AT: Final = datetime(2024, 7, 10, 12, tzinfo=UTC)
TODAY: Final = date(2024, 7, 10)
VAT: Final = Tax(name="VAT", percent=Decimal(15), on=("energy",))
FLAT: Final = (Block(rate=Decimal(200)),)
TWO_BLOCKS: Final = (Block(rate=Decimal(100), up_to=Decimal(10)), Block(rate=Decimal(200)))
MONTHLY: Final = Charge(name="Service", every=Every.MONTH, amount_minor=Decimal(1_000))
NEW: Final = Account()


def paid_for(sold: Quote, name: str) -> int:
    """Return what the one line of this name came to, tax included."""
    (line,) = (line for line in sold.lines if line.name == name)
    return line.amount_minor + line.tax_minor


def names_of(sold: Quote) -> list[str]:
    """Return the names of the lines of a bill."""
    return [line.name for line in sold.lines]


def version(**changes: Any) -> Version:
    """Return a version with one rate of 200 and no tax, with `changes`."""
    plain = Version(valid_from=date(2018, 1, 1), blocks={"": FLAT})
    return replace(plain, **changes)


def tariff(*versions: Version, **changes: Any) -> Tariff:
    """Return a tariff of these versions, or of the plain one, with `changes`."""
    plain = Tariff(
        name="test",
        unit="kWh",
        price_currency="ZAR",
        payment_currency="ZAR",
        time_zone="Africa/Johannesburg",
        source="made for tests",
        versions=versions or (version(),),
    )
    return replace(plain, **changes)


def _decimals(least: str, most: str, places: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(least, most, places=places)


_percents = _decimals("0", "30", 2)
_rates = _decimals("0.01", "999.99", 2)


@st.composite
def _blocks(draw: st.DrawFn) -> tuple[Block, ...]:
    bounds = sorted(draw(st.sets(st.integers(1, 2_000), max_size=4)))
    rates = draw(st.lists(_rates, min_size=len(bounds) + 1, max_size=len(bounds) + 1))
    ends = [*(Decimal(bound) / 2 for bound in bounds), None]
    return tuple(Block(rate=rate, up_to=end) for rate, end in zip(rates, ends, strict=True))


@st.composite
def _charges(draw: st.DrawFn) -> tuple[Charge, ...]:
    return tuple(
        Charge(
            name=f"charge {number}",
            every=draw(st.sampled_from(Every)),
            amount_minor=draw(_decimals("0", "9999", 1)),
            share_percent=draw(st.none() | _decimals("1", "20", 2)),
            accrues=draw(st.booleans()),
            exempt_customers_pay=draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 2)))
    )


@st.composite
def versions(draw: st.DrawFn) -> Version:
    """Draw a version with any of the rules switched on."""
    charges = draw(_charges())
    per_unit = tuple(
        PerUnit(name=f"per unit {number}", rate=draw(_rates))
        for number in range(draw(st.integers(0, 2)))
    )
    parts = ["energy", *(one.name for one in charges), *(one.name for one in per_unit)]
    levies: list[Levy] = []
    for number in range(draw(st.integers(0, 2))):
        on = draw(st.lists(st.sampled_from(parts + [x.name for x in levies]), unique=True))
        levies.append(Levy(name=f"levy {number}", percent=draw(_percents), on=tuple(on)))
    taxable = parts + [levy.name for levy in levies]
    taxes = tuple(
        Tax(
            name=f"tax {number}",
            percent=draw(_percents),
            on=tuple(draw(st.lists(st.sampled_from(taxable), unique=True))),
            exempt_customers_pay=draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 2)))
    )
    order = draw(st.permutations([Step.CHANNEL_FEE, Step.DEBT, Step.TAX, Step.CHARGES]))
    return version(
        blocks={"": draw(_blocks())},
        tax_inclusive=draw(st.booleans()),
        channel_fee=draw(st.none() | _fees()),
        charges=charges,
        per_unit=per_unit,
        levies=tuple(levies),
        taxes=taxes,
        debt=draw(
            st.none()
            | st.builds(
                DebtRule,
                share_percent=st.none() | _decimals("0", "20", 2),
                fixed_minor=st.none() | st.integers(0, 5_000),
            )
        ),
        free_units=draw(
            st.none()
            | st.builds(FreeUnits, units=st.just(Decimal(50)), counts_towards_blocks=st.booleans())
        ),
        rounding=Rounding(
            step=draw(st.sampled_from([Decimal("0.1"), Decimal("0.00001"), Decimal(1)])),
            direction=draw(st.sampled_from(Direction)),
            remainder=draw(st.sampled_from(Remainder)),
        ),
        order=(*order, Step.ENERGY),
    )


def _fees() -> st.SearchStrategy[ChannelFee]:
    return st.builds(
        ChannelFee,
        name=st.just("fee"),
        flat_minor=st.integers(0, 500),
        percent=_decimals("0", "10", 2),
        minimum_minor=st.integers(0, 300),
        maximum_minor=st.none() | st.integers(300, 5_000),
    )


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    """Draw a customer with any past."""
    return Account(
        is_exempt=draw(st.booleans()),
        gets_free_units=draw(st.booleans()),
        last_purchase_on=draw(st.none() | st.dates(date(2023, 6, 1), TODAY)),
        units_this_month=draw(st.integers(0, 20_000).map(lambda n: Decimal(n).scaleb(-1))),
        free_units_on=draw(st.none() | st.dates(date(2024, 5, 1), TODAY)),
        owed=draw(
            st.lists(
                st.builds(
                    Owed,
                    name=st.sampled_from(["charge 0", "charge 1", "an old charge"]),
                    amount_minor=st.integers(1, 50_000),
                ),
                unique_by=lambda one: one.name,
            ).map(tuple)
        ),
        debts=draw(
            st.lists(
                st.builds(Debt, name=st.just("debt"), balance_minor=st.integers(1, 50_000)),
                max_size=2,
            ).map(tuple)
        ),
        carried_minor=draw(st.integers(-300, 300)),
    )


def any_tariff() -> st.SearchStrategy[Tariff]:
    """Draw a tariff of one version."""
    one: Callable[[Version], Tariff] = tariff
    return versions().map(one)
