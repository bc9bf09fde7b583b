"""What a sum of money buys, explained to the cent; and what a number of units costs.

    money paid
      - channel fee, debts, fixed charges     in the tariff's order, see `deductions`
      = money for units
      / prices of the blocks                  exact, see `energy` and `price`
      = exact units, rounded once to what a token carries

Each tax is worked out once, from the money, and rounded half up to the minor unit. The
lines show the units that the token carries, so one line named rounding takes the rest:
all lines together, tax included, are the money paid.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from tariffs.account import Account, Debt, Owed
from tariffs.currencies import minor_rate
from tariffs.deductions import Taken, charges_due, is_new_month, month_of, take
from tariffs.energy import ExactUnits, price_of, rounded, units_for
from tariffs.errors import OutsideLimits, RateOfTheDayMissing, UnitsOutOfReach
from tariffs.lines import Bought, Line, TaxTotal, bill
from tariffs.price import price_list
from tariffs.rounding import ceiling, exact_units, half_up, quanta_of, units_of
from tariffs.tariff import Direction, Remainder, Step

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from tariffs.deductions import Due
    from tariffs.price import PriceList
    from tariffs.tariff import Tariff, Version

_MAX_DOUBLINGS: Final = 80


class Quote(NamedTuple):
    """A purchase worked out: nothing is changed by it, and `account` is what it would leave."""

    amount_minor: int
    """The money paid: all lines together, tax included."""
    units: Decimal
    """What the token carries."""
    exact: ExactUnits
    """Before rounding."""
    free_units: Decimal
    """Due with this purchase on a token of their own; 0 if none are."""
    taxes: tuple[TaxTotal, ...]
    energy_tax_percent: Decimal
    """The taxes on energy, added up."""
    lines: tuple[Line, ...]
    change_minor: int
    """Carried to the next purchase; below 0 if the token carries more than was paid for."""
    account: Account
    version: Version

    @property
    def tax_minor(self) -> int:
        """All taxes together."""
        return sum(tax.amount_minor for tax in self.taxes)

    @property
    def units_exact(self) -> Decimal:
        """Units before rounding, to 28 digits."""
        return exact_units(self.exact.numerator, self.exact.denominator)


def quote(
    tariff: Tariff,
    account: Account,
    amount_minor: int,
    at: datetime,
    *,
    rate_of_the_day: Decimal | None = None,
    as_carried: Callable[[Decimal], Decimal] | None = None,
) -> Quote:
    """Return what `amount_minor` buys at a moment; neither tariff nor account changes.

    Money is in minor units of the payment currency, `rate_of_the_day` in that currency for
    one of the price currency. `as_carried` turns rounded units into what a token can carry
    (STS tokens get coarser above 1638.3 units).

    Raises ValueError for a negative sum, and the kinds of PurchaseRefused: NoVersion,
    UnknownClass, RateOfTheDayMissing, OutsideLimits.
    """
    if amount_minor < 0:
        raise ValueError(f"amount_minor: {amount_minor} is negative; write 0 or more")
    purchase = _Purchase(tariff, account, at, rate_of_the_day)
    purchase.require_within_limits(amount_minor)
    taken = purchase.taken(amount_minor)
    exact = units_for(purchase.prices, purchase.start_quanta, _left(amount_minor, taken))
    quanta = rounded(exact, purchase.version.rounding)
    if as_carried is not None:
        quanta = quanta_of(as_carried(units_of(quanta)))
    return purchase.finish(amount_minor, taken, exact, quanta)


def quote_units(
    tariff: Tariff,
    account: Account,
    units: Decimal,
    at: datetime,
    *,
    rate_of_the_day: Decimal | None = None,
) -> Quote:
    """Return the purchase that buys `units`, rounded up to the token's step: the other way.

    The money is the price of those units and all deductions, to the nearest minor unit
    (up, if the tariff rounds units down).

    Raises ValueError for negative units, and the kinds of PurchaseRefused that `quote`
    raises, and UnitsOutOfReach.
    """
    if units < 0:
        raise ValueError(f"units: {units} is negative; write 0 or more")
    purchase = _Purchase(tariff, account, at, rate_of_the_day)
    rounding = purchase.version.rounding
    step = quanta_of(rounding.step)
    quanta = ceiling(int(units.scaleb(10)), step * 10**5) * step
    price = price_of(purchase.prices, purchase.start_quanta, quanta)
    nearest = ceiling if rounding.direction is Direction.DOWN else half_up
    amount_minor = purchase.amount_that_leaves(nearest(price, purchase.prices.denominator), units)
    purchase.require_within_limits(amount_minor)
    taken = purchase.taken(amount_minor)
    exact = units_for(purchase.prices, purchase.start_quanta, _left(amount_minor, taken))
    asked = exact._replace(numerator=quanta, denominator=1)
    return purchase.finish(amount_minor, taken, asked, quanta)


def free_units_due(tariff: Tariff, account: Account, at: datetime) -> Decimal:
    """Return the free units that a purchase at a moment would bring; 0 if none are due.

    Raises NoVersion before the first version of the tariff.
    """
    day = tariff.local_date(at)
    return _free_units_due(tariff.version_on(day), account, day)


class _Purchase:
    """What is known of a purchase before its sum: version, prices, and all that is due."""

    def __init__(
        self, tariff: Tariff, account: Account, at: datetime, rate_of_the_day: Decimal | None
    ) -> None:
        if rate_of_the_day is None and tariff.payment_currency != tariff.price_currency:
            raise RateOfTheDayMissing(tariff.price_currency, tariff.payment_currency)
        if rate_of_the_day is not None:
            rate_of_the_day = minor_rate(
                rate_of_the_day, tariff.price_currency, tariff.payment_currency
            )
        self.day: date = tariff.local_date(at)
        self.version: Version = tariff.version_on(self.day)
        self.prices: PriceList = price_list(
            self.version, account.customer_class, account.is_exempt, rate_of_the_day
        )
        self._account = account
        self._rate_of_the_day = rate_of_the_day
        self._dues: tuple[Due, ...] = charges_due(
            tariff, self.prices, account, self.day, rate_of_the_day
        )
        # What was paid and bought so far in the month.
        self._paid_minor = self.start_quanta = 0
        if not is_new_month(account, self.day):
            self._paid_minor = account.paid_this_month_minor
            self.start_quanta = quanta_of(account.units_this_month)
        self._free_units = _free_units_due(self.version, account, self.day)
        free = self.version.free_units
        if free is not None and free.counts_towards_blocks:
            self.start_quanta += quanta_of(self._free_units)

    def require_within_limits(self, amount_minor: int) -> None:
        """Raise OutsideLimits unless the sum may be paid; nothing may be, for free units."""
        if amount_minor == 0 and self._free_units:
            return
        limits = self.version.limits
        minimum = limits.minimum_minor or 0
        maximum = limits.maximum_minor
        if limits.month_maximum_minor is not None:
            left_minor = max(0, limits.month_maximum_minor - self._paid_minor)
            maximum = left_minor if maximum is None else min(maximum, left_minor)
        if amount_minor < minimum or (maximum is not None and amount_minor > maximum):
            raise OutsideLimits(amount_minor, minimum, maximum)

    def taken(self, amount_minor: int) -> tuple[Taken, ...]:
        """Return what is taken before units are bought."""
        return take(self.version, self._dues, self._account, amount_minor)

    def amount_that_leaves(self, money_minor: int, units: Decimal) -> int:
        """Return the smallest sum of which at least `money_minor` is left for units."""
        high = max(1, money_minor)
        for _ in range(_MAX_DOUBLINGS):
            if _left(high, self.taken(high)) >= money_minor:
                break
            high *= 2
        else:
            raise UnitsOutOfReach(units)
        low = 0
        while low < high:
            middle = (low + high) // 2
            if _left(middle, self.taken(middle)) >= money_minor:
                high = middle
            else:
                low = middle + 1
        return low

    def finish(
        self, amount_minor: int, taken: tuple[Taken, ...], exact: ExactUnits, quanta: int
    ) -> Quote:
        """Return the quote for the units that the token carries."""
        paid_for, change_minor = exact, 0
        if self.version.rounding.remainder is Remainder.CARRY:
            price = half_up(
                price_of(self.prices, self.start_quanta, quanta), self.prices.denominator
            )
            change_minor = _left(amount_minor, taken) - price
            # What is carried buys nothing yet, so there is no tax on it yet.
            paid_for = units_for(self.prices, self.start_quanta, price)
        lines, taxes = bill(
            self.prices,
            taken,
            Bought(self.start_quanta, quanta, paid_for.taxes, paid_for.tax_denominator),
            amount_minor=amount_minor,
            change_minor=change_minor,
            rate_of_the_day=self._rate_of_the_day,
        )
        units = units_of(quanta)
        return Quote(
            amount_minor=amount_minor,
            units=units,
            exact=exact,
            free_units=self._free_units,
            taxes=taxes,
            energy_tax_percent=self.prices.energy_tax_percent,
            lines=lines,
            change_minor=change_minor,
            account=self._account_after(amount_minor, taken, quanta, change_minor),
            version=self.version,
        )

    def _account_after(
        self, amount_minor: int, taken: tuple[Taken, ...], quanta: int, change_minor: int
    ) -> Account:
        account = self._account
        owed, debts, carried_minor = [], [], change_minor
        for step, name, _, balance_minor, _ in taken:
            if balance_minor == 0:
                continue
            if step is Step.CHARGES:
                owed.append(Owed(name=name, amount_minor=balance_minor))
            elif step is Step.DEBT and balance_minor > 0:
                debts.append(Debt(name=name, balance_minor=balance_minor))
            elif step is Step.ENERGY:
                carried_minor -= balance_minor
        return Account(
            customer_class=account.customer_class,
            is_exempt=account.is_exempt,
            gets_free_units=account.gets_free_units,
            # Never back with a clock that was set back: a month would be charged twice.
            last_purchase_on=max(self.day, account.last_purchase_on or self.day),
            units_this_month=units_of(self.start_quanta + quanta),
            paid_this_month_minor=self._paid_minor + amount_minor,
            free_units_on=self.day if self._free_units else account.free_units_on,
            owed=tuple(owed),
            debts=tuple(debts),
            carried_minor=carried_minor,
        )


def _left(amount_minor: int, taken: tuple[Taken, ...]) -> int:
    return amount_minor - sum(one.amount_minor for one in taken)


def _free_units_due(version: Version, account: Account, day: date) -> Decimal:
    free, last = version.free_units, account.free_units_on
    if free is None or not account.gets_free_units:
        return Decimal(0)
    is_given = last is not None and month_of(last) >= month_of(day)
    return Decimal(0) if is_given else free.units
