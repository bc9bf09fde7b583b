"""What a purchase buys and costs, worked out by the meter's tariff; nothing is changed."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING, Final, NamedTuple

from sts.errors import InvalidField
from sts.units import TransferAmount
from tariffs.errors import NoVersion, OutsideLimits, PurchaseRefused
from tariffs.lines import CHARGE_LINE, DEBT_LINE, ENERGY_LINE, Line, LineKind
from tariffs.price import price_list
from tariffs.quote import free_units_due, quote
from tariffs.rounding import QUANTA_PER_UNIT, half_up
from tariffs.tariff import ENERGY
from tariffs.undo import undone
from vending_api.domain.pricing.errors import (
    AmountOutsideLimits,
    AmountTooLarge,
    AmountTooSmall,
    NoPrice,
)
from vending_api.domain.pricing.types import Bill, BillLine, Priced, TaxedAmount

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import date, datetime

    from tariffs.account import Account
    from tariffs.quote import Quote
    from tariffs.tariff import Tariff, Tax, Version
    from vending_api.domain.meters.types import Meter, PurchaseLimits

_SEVERAL_TAXES: Final = "TAX"
_PRICE_DECIMALS: Final = 6
_TENTHS_PER_UNIT: Final = Decimal(10)
_TENTH: Final = Decimal("0.1")


def price(tariff: Tariff, account: Account, amount_minor: int, at: datetime) -> Priced:
    """Return what a sum of 0 or more buys at a moment, in what tokens can carry.

    Raises AmountOutsideLimits, AmountTooLarge, AmountTooSmall, NoPrice.
    """
    try:
        bought = quote(tariff, account, amount_minor, at, as_carried=_as_carried)
        free_units = _as_carried(bought.free_units) if bought.free_units else bought.free_units
    except OutsideLimits as reason:
        raise AmountOutsideLimits(
            amount_minor, reason.minimum_minor, reason.maximum_minor
        ) from reason
    except PurchaseRefused as reason:
        raise NoPrice(str(reason)) from reason
    except InvalidField as reason:
        raise AmountTooLarge(amount_minor) from reason
    if amount_minor and not bought.units:
        raise AmountTooSmall(amount_minor)
    return Priced(
        units_tenths=_tenths(bought.units),
        free_units_tenths=_tenths(free_units),
        bill=Bill(_lines(bought, account)),
        account=bought.account,
    )


def limits_of(meter: Meter, at: datetime) -> PurchaseLimits:
    """Return what a meter may buy for at a moment, by its own limits and those of its tariff.

    What it has bought this month does not count here. Before its tariff is in force, its
    own limits are all there is.
    """
    own = meter.limits
    try:
        stated = meter.tariff.version_on(meter.tariff.local_date(at)).limits
    except NoVersion:
        return own
    most = (own.maximum_minor, stated.maximum_minor, stated.month_maximum_minor)
    return own._replace(
        minimum_minor=max(own.minimum_minor, stated.minimum_minor or 0),
        maximum_minor=min(one for one in most if one is not None),
    )


def arrears_of(account: Account) -> int:
    """Return what an account owes: debts, and what earlier purchases left of fixed charges."""
    debts = sum(debt.balance_minor for debt in account.debts)
    return debts + sum(charge.amount_minor for charge in account.owed)


def are_free_units_due(tariff: Tariff, account: Account, at: datetime) -> bool:
    """Return whether a purchase at a moment, even one of nothing, would bring free units."""
    try:
        return bool(free_units_due(tariff, account, at))
    except PurchaseRefused:
        return False


def undo(account: Account, bill: Bill, amount_minor: int, day: date) -> Account:
    """Return an account as if the purchase of a bill had not been made; see `tariffs.undo`."""
    lines = [
        Line(
            line.kind,
            line.name,
            line.charge.net_minor,
            line.reason,
            quantity=line.units,
            taken_minor=line.taken_minor,
        )
        for line in bill.lines
    ]
    return undone(account, lines, amount_minor, day)


def _as_carried(units: Decimal) -> Decimal:
    """Return the units of the smallest token that holds so many; raises InvalidField."""
    return TransferAmount.covering(_tenths(units)).tenths * _TENTH


def _tenths(units: Decimal) -> int:
    return ceil(units * _TENTHS_PER_UNIT)


def _lines(bought: Quote, account: Account) -> tuple[BillLine, ...]:
    shown = _shown(bought.version, account.customer_class, account.is_exempt)
    lines = []
    for line in bought.lines:
        label, price_minor = shown.on_units, None
        if line.kind is ENERGY_LINE:
            price_minor = shown.unit_prices.get(line.rate)
        elif line.kind is CHARGE_LINE:
            label = shown.on_parts.get(line.name, _UNTAXED)
        elif line.kind in _NEVER_TAXED:
            label = _UNTAXED
        charge = TaxedAmount(line.amount_minor, line.tax_minor, label.name, label.percent)
        lines.append(
            BillLine(
                line.kind,
                line.name,
                line.reason,
                charge,
                units=line.quantity,
                rate_minor=line.rate,
                price_minor=price_minor,
                balance_minor=line.balance_minor,
                taken_minor=line.taken_minor,
            )
        )
    return tuple(lines)


class _TaxLabel(NamedTuple):
    """What to call the taxes on something, and their rates together."""

    name: str
    percent: Decimal


_UNTAXED: Final = _TaxLabel("", Decimal(0))
_NEVER_TAXED: Final = (LineKind.CHANNEL_FEE, DEBT_LINE)


class _Shown(NamedTuple):
    """What bills under one version show beside the figures of the purchase itself."""

    on_units: _TaxLabel
    """The taxes on energy, prices per unit and levies."""
    on_parts: Mapping[str, _TaxLabel]
    """The taxes on each part that has any, by its name."""
    unit_prices: Mapping[Decimal | None, Decimal]
    """By the rate that the tariff states, what a unit costs with all that is on it."""


@lru_cache(maxsize=1024)
def _shown(
    version: Version,
    customer_class: str,
    is_exempt: bool,  # noqa: FBT001 (a cached function's arguments are its key)
) -> _Shown:
    """Return what does not change from one bill to the next of the same kind of customer."""
    prices = price_list(version, customer_class, is_exempt, None)
    per_unit = (one.name for one in version.per_unit)
    levies = (one.name for one in version.levies)
    return _Shown(
        on_units=_tax_on({ENERGY, *per_unit, *levies}, prices.taxes),
        on_parts={part: _tax_on({part}, prices.taxes) for tax in prices.taxes for part in tax.on},
        unit_prices={
            block.rate: _to_decimal(block.gross * QUANTA_PER_UNIT, prices.denominator)
            for block in prices.blocks
        },
    )


def _tax_on(parts: AbstractSet[str], taxes: Sequence[Tax]) -> _TaxLabel:
    """Return the label of those of the taxes that are on any of the parts."""
    on = [tax for tax in taxes if not parts.isdisjoint(tax.on)]
    if not on:
        return _UNTAXED
    name = on[0].name if len(on) == 1 else _SEVERAL_TAXES
    return _TaxLabel(name, sum((tax.percent for tax in on), start=Decimal(0)))


def _to_decimal(numerator: int, denominator: int) -> Decimal:
    """Return a quotient to six decimals, without the zeros at its end."""
    millionths = half_up(numerator * 10**_PRICE_DECIMALS, denominator)
    places = _PRICE_DECIMALS
    while places and millionths % 10 == 0:
        millionths //= 10
        places -= 1
    return Decimal(millionths).scaleb(-places)
