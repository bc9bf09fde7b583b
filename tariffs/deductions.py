"""What is taken from a purchase before it buys units: channel fee, debts, fixed charges.

Charges fall due when somebody buys, for all that has passed since the last purchase, so
a new month costs nothing until then. Each deduction takes what it may of what is left,
in the order of the tariff, and what it could not take stays owed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from tariffs.errors import NoVersion
from tariffs.price import price_list
from tariffs.rounding import ceiling, half_up
from tariffs.tariff import MOST_DECIMALS, Every, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from decimal import Decimal

    from tariffs.account import Account, Debt
    from tariffs.price import ChargePrice, PriceList
    from tariffs.tariff import ChannelFee, Tariff, Version

CARRIED: Final = "from the last purchase"
_SHARE_DECIMALS: Final = MOST_DECIMALS
_PARTS: Final = 100 * 10**_SHARE_DECIMALS
"""Shares are counted in these parts of a minor unit, so that they are whole numbers."""
_MONTHS_A_YEAR: Final = 12


class Due(NamedTuple):
    """A fixed charge with all that is owed of it, levies and taxes included."""

    name: str
    amount_minor: int
    price: ChargePrice | None
    """None if the version in force no longer has the charge."""
    periods: int
    """How many months or days have fallen due with this purchase."""


class Taken(NamedTuple):
    """What one deduction takes of a purchase, and what it leaves owed."""

    step: Step
    name: str
    amount_minor: int
    balance_minor: int
    due: Due | None = None

    @property
    def price(self) -> ChargePrice | None:
        """How a fixed charge splits; None for all else, and for charges that were dropped."""
        return None if self.due is None else self.due.price


def month_of(day: date) -> int:
    """Return a number that counts calendar months."""
    return day.year * _MONTHS_A_YEAR + day.month - 1


def is_new_month(account: Account, day: date) -> bool:
    """Return whether the account has bought nothing yet in the month of `day`."""
    last = account.last_purchase_on
    return last is None or month_of(last) < month_of(day)


def charges_due(
    tariff: Tariff,
    prices: PriceList,
    account: Account,
    day: date,
    rate_of_the_day: Decimal | None,
) -> tuple[Due, ...]:
    """Return every fixed charge with what is owed of it on `day`, before this purchase.

    `prices` are those of the version in force.
    """
    owed = {one.name: one.amount_minor for one in account.owed}
    dues = []
    for price in prices.charges:
        name = price.charge.name
        periods, fallen_due_minor = _fallen_due(tariff, account, day, price, rate_of_the_day)
        amount = owed.pop(name, 0) + fallen_due_minor
        if amount:
            dues.append(Due(name=name, amount_minor=amount, price=price, periods=periods))
    dues += [
        Due(name=name, amount_minor=amount, price=None, periods=0) for name, amount in owed.items()
    ]
    return tuple(dues)


def take(
    version: Version, dues: Sequence[Due], account: Account, amount_minor: int
) -> tuple[Taken, ...]:
    """Return what is taken of a purchase, in the order of the tariff.

    A share is a share of the whole purchase. Fractions of a minor unit are rounded down
    in the sum of all deductions, so that more money never leaves less for units. Money
    carried from the last purchase comes last, as a deduction below 0.
    """
    left = amount_minor * _PARTS
    taken: list[Taken] = []
    before = 0
    for wanted in _wanted(version, dues, account, amount_minor):
        left -= min(wanted.most, wanted.owed_minor * _PARTS, left)
        after = amount_minor - ceiling(left, _PARTS)
        amount = after - before
        before = after
        taken.append(
            Taken(
                step=wanted.step,
                name=wanted.name,
                amount_minor=amount,
                balance_minor=wanted.owed_minor - amount,
                due=wanted.due,
            )
        )
    if account.carried_minor > 0:
        taken.append(
            Taken(
                step=Step.ENERGY, name=CARRIED, amount_minor=-account.carried_minor, balance_minor=0
            )
        )
    return tuple(taken)


def debts_after(debts: Sequence[Debt], taken: Sequence[Taken]) -> tuple[Debt, ...]:
    """Return the debts that remain."""
    paid = (one for one in taken if one.step is Step.DEBT)
    left = (
        replace(debt, balance_minor=one.balance_minor)
        for debt, one in zip(debts, paid, strict=True)
    )
    return tuple(debt for debt in left if debt.balance_minor > 0)


class _Wanted(NamedTuple):
    step: Step
    name: str
    owed_minor: int
    most: int
    """The most that this purchase may give to it, in parts of a minor unit."""
    due: Due | None = None


def _wanted(
    version: Version, dues: Sequence[Due], account: Account, amount_minor: int
) -> Iterator[_Wanted]:
    for step in version.order:
        if step is Step.CHANNEL_FEE and version.channel_fee is not None:
            fee = _fee(version.channel_fee, amount_minor)
            yield _Wanted(step, version.channel_fee.name, ceiling(fee, _PARTS), fee)
        elif step is Step.DEBT:
            yield from _wanted_debts(version, account.debts, amount_minor)
        elif step is Step.CHARGES:
            for due in dues:
                share = None if due.price is None else due.price.charge.share_percent
                most = _share_of(share, amount_minor)
                yield _Wanted(step, due.name, due.amount_minor, most, due)
        elif step is Step.ENERGY and account.carried_minor < 0:
            missing = -account.carried_minor
            yield _Wanted(step, CARRIED, missing, missing * _PARTS)


def _wanted_debts(version: Version, debts: Sequence[Debt], amount_minor: int) -> Iterator[_Wanted]:
    rule = version.debt
    left = 0
    if rule is not None:
        left = _share_of(rule.share_percent, amount_minor)
        if rule.fixed_minor is not None:
            left = min(left, rule.fixed_minor * _PARTS)
    for debt in debts:
        yield _Wanted(Step.DEBT, debt.name, debt.balance_minor, left)
        left -= min(left, debt.balance_minor * _PARTS)


def _fee(fee: ChannelFee, amount_minor: int) -> int:
    exact = fee.flat_minor * _PARTS + _share_of(fee.percent, amount_minor)
    exact = max(exact, fee.minimum_minor * _PARTS)
    return exact if fee.maximum_minor is None else min(exact, fee.maximum_minor * _PARTS)


def _share_of(percent: Decimal | None, amount_minor: int) -> int:
    """Return a share of a purchase in parts of a minor unit; None is all of it."""
    if percent is None:
        return amount_minor * _PARTS
    return int(percent.scaleb(_SHARE_DECIMALS)) * amount_minor


def _fallen_due(
    tariff: Tariff,
    account: Account,
    day: date,
    price: ChargePrice,
    rate_of_the_day: Decimal | None,
) -> tuple[int, int]:
    """Return for how many months or days a charge has fallen due, and how much in all."""
    last = account.last_purchase_on
    if price.charge.every is Every.DAY:
        days = 0 if last is None else max(0, (day - last).days)
        return days, _nearest(price.gross_minor * days)
    if not is_new_month(account, day):
        return 0, 0
    if last is None or not price.charge.accrues:
        return 1, price.once_minor
    silent = range(month_of(last) + 1, month_of(day))
    amounts = [
        _gross_in(tariff, account, month, price.charge.name, rate_of_the_day) for month in silent
    ]
    charged = 1 + sum(amount > 0 for amount in amounts)
    return charged, _nearest(price.gross_minor + sum(amounts))


def _nearest(number: Fraction) -> int:
    return half_up(number.numerator, number.denominator)


def _gross_in(
    tariff: Tariff, account: Account, month: int, name: str, rate_of_the_day: Decimal | None
) -> Fraction:
    """Return what a charge came to in a month gone by, under the version of its first day."""
    first_day = date(month // _MONTHS_A_YEAR, month % _MONTHS_A_YEAR + 1, 1)
    try:
        version = tariff.version_on(first_day)
    except NoVersion:
        return Fraction(0)
    prices = price_list(version, account.customer_class, account.is_exempt, rate_of_the_day)
    amounts = (one.gross_minor for one in prices.charges if one.charge.name == name)
    return next(amounts, Fraction(0))
