"""What is taken from a purchase before it buys units: channel fee, debts, fixed charges.

Charges fall due when somebody buys, for all that has passed since the last purchase, so
a new month costs nothing until then. Each deduction takes what it may of what is left,
in the order of the tariff, and what it could not take stays owed.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from tariffs.errors import NoVersion
from tariffs.price import price_list
from tariffs.rounding import ceiling, half_up
from tariffs.tariff import MOST_DECIMALS, Every, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tariffs.account import Account, Debt
    from tariffs.price import ChargePrice, PriceList
    from tariffs.tariff import ChannelFee, DebtRule, Tariff, Version

CARRIED: Final = "from the last purchase"
_PARTS: Final = 100 * 10**MOST_DECIMALS
"""Shares are counted in these parts of a minor unit, so that they are whole numbers."""
_PARTS_A_PERCENT: Final = Decimal(1).scaleb(MOST_DECIMALS)
_MONTHS_A_YEAR: Final = 12
_CHARGES: Final = Step.CHARGES
"""By a name of its own, as kinds of lines are (`lines`): each step of each purchase is compared."""


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
            dues.append(Due(name, amount, price, periods))
    dues += [Due(name, amount, price=None, periods=0) for name, amount in owed.items()]
    return tuple(dues)


def take(
    version: Version, dues: Sequence[Due], account: Account, amount_minor: int
) -> tuple[Taken, ...]:
    """Return what is taken of a purchase, in the order of the tariff.

    A share is a share of the whole purchase. Fractions of a minor unit are rounded down
    in the sum of all deductions, so that more money never leaves less for units. Money
    carried from the last purchase comes last, as a deduction below 0.
    """
    purse, fee = _Purse(amount_minor), version.channel_fee
    for step in version.order:
        if dues and step is _CHARGES:
            for due in dues:
                share = None if due.price is None else due.price.charge.share_percent
                purse.give(step, due.name, due.amount_minor, _share_of(share, amount_minor), due)
        elif account.debts and step is Step.DEBT:
            _give_to_debts(purse, version.debt, account.debts)
        elif fee is not None and step is Step.CHANNEL_FEE:
            parts = _parts_of(fee, amount_minor)
            purse.give(step, fee.name, ceiling(parts, _PARTS), parts)
    carried_minor = account.carried_minor
    if carried_minor < 0:  # energy is the last step of every order
        purse.give(Step.ENERGY, CARRIED, -carried_minor, -carried_minor * _PARTS)
    elif carried_minor > 0:
        purse.taken.append(Taken(Step.ENERGY, CARRIED, -carried_minor, 0))
    return tuple(purse.taken)


class _Purse:
    """The money of a purchase, from which one deduction after the other takes."""

    def __init__(self, amount_minor: int) -> None:
        self.amount_minor = amount_minor
        self.taken: list[Taken] = []
        self._left = amount_minor * _PARTS
        self._gone_minor = 0

    def give(
        self, step: Step, name: str, owed_minor: int, most: int, due: Due | None = None
    ) -> None:
        """Give to a deduction what it may have; `most` is in parts of a minor unit."""
        self._left -= min(most, owed_minor * _PARTS, self._left)
        gone_minor = self.amount_minor - ceiling(self._left, _PARTS)
        given_minor = gone_minor - self._gone_minor
        self._gone_minor = gone_minor
        self.taken.append(Taken(step, name, given_minor, owed_minor - given_minor, due))


def _give_to_debts(purse: _Purse, rule: DebtRule | None, debts: Sequence[Debt]) -> None:
    """Give the debts their share of the purchase; the first takes all that it needs of it."""
    left = 0
    if rule is not None:
        left = _share_of(rule.share_percent, purse.amount_minor)
        if rule.fixed_minor is not None:
            left = min(left, rule.fixed_minor * _PARTS)
    for debt in debts:
        purse.give(Step.DEBT, debt.name, debt.balance_minor, left)
        left -= min(left, debt.balance_minor * _PARTS)


def _parts_of(fee: ChannelFee, amount_minor: int) -> int:
    """Return a channel fee in parts of a minor unit."""
    exact = fee.flat_minor * _PARTS + _share_of(fee.percent, amount_minor)
    exact = max(exact, fee.minimum_minor * _PARTS)
    return exact if fee.maximum_minor is None else min(exact, fee.maximum_minor * _PARTS)


def _share_of(percent: Decimal | None, amount_minor: int) -> int:
    """Return a share of a purchase in parts of a minor unit; None is all of it."""
    if percent is None:
        return amount_minor * _PARTS
    return int(percent * _PARTS_A_PERCENT) * amount_minor


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
