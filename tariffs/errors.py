"""What is wrong with a tariff, and what a tariff does not sell."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal


class TariffError(Exception):
    """Root of every error that `tariffs` raises on purpose."""


class TariffInvalid(TariffError, ValueError):
    """A tariff document that makes no sense; names the document, the key and the mend."""

    def __init__(self, document: str, key: str, problem: str) -> None:
        super().__init__(f"{document}: {key}: {problem}")
        self.document = document
        self.key = key
        self.problem = problem


class PurchaseRefused(TariffError):
    """Root of what a tariff does not sell, however right the tariff is."""


class NoVersion(PurchaseRefused):
    """The tariff was not yet in force."""

    def __init__(self, tariff: str, day: date, valid_from: date) -> None:
        super().__init__(f"tariff {tariff} is valid from {valid_from}, not yet on {day}")
        self.day = day
        self.valid_from = valid_from


class UnknownClass(PurchaseRefused):
    """The tariff has no prices for this class of customer."""

    def __init__(self, customer_class: str, known: tuple[str, ...]) -> None:
        wanted = f"one of {', '.join(known)}" if known != ("",) else "no class"
        super().__init__(f"customer class {customer_class!r} is unknown; expected {wanted}")
        self.customer_class = customer_class


class OutsideLimits(PurchaseRefused):
    """The sum is less than a purchase must be, or more than one or a month may be."""

    def __init__(self, amount_minor: int, minimum_minor: int, maximum_minor: int | None) -> None:
        most = "without limit" if maximum_minor is None else str(maximum_minor)
        super().__init__(f"{amount_minor} minor units: buy for {minimum_minor} to {most}")
        self.amount_minor = amount_minor
        self.minimum_minor = minimum_minor
        self.maximum_minor = maximum_minor


class RateOfTheDayMissing(PurchaseRefused):
    """The tariff is priced in another currency than it is paid in, and no rate was given."""

    def __init__(self, price_currency: str, payment_currency: str) -> None:
        super().__init__(
            f"priced in {price_currency} and paid in {payment_currency}: give the day's rate, "
            f"in {payment_currency} for one {price_currency}"
        )


class UnitsOutOfReach(PurchaseRefused):
    """No sum of money buys so many units: deductions take all of it."""

    def __init__(self, units: Decimal) -> None:
        super().__init__(f"no sum of money buys {units} units under this tariff")
        self.units = units
