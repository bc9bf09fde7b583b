"""The options of `vending tariff`, and the customer and the moment that they describe."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, NoReturn
from zoneinfo import ZoneInfo

import typer

from tariffs.account import Account, Debt, Owed
from tariffs.deductions import month_of
from tariffs.tariff import Tariff, Version

_NOON: Final = time(12)
_MINOR: Final = re.compile(r"[0-9]{1,15}")
_DECIMAL: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,10})?")
_CUSTOMER_PANEL: Final = "The customer"


def minor(text: str) -> int:
    """Return a sum in minor units, as "12500"; raises BadParameter."""
    if not _MINOR.fullmatch(text):
        raise typer.BadParameter(f"{text[:40]!r} is not a whole number of cents such as 12500")
    return int(text)


def positive_minor(text: str) -> int:
    """Return a sum above 0 in minor units; raises BadParameter."""
    return minor(text) or _refuse_zero()


def decimal(text: str) -> Decimal:
    """Return a number of 0 or more in plain digits, as "12.5"; raises BadParameter."""
    if not _DECIMAL.fullmatch(text):
        raise typer.BadParameter(f"{text[:40]!r} is not a number such as 12.5")
    return Decimal(text)


def positive_decimal(text: str) -> Decimal:
    """Return a number above 0 in plain digits; raises BadParameter."""
    return decimal(text) or _refuse_zero()


def day(text: str) -> date:
    """Return a day, as "2026-03-31"; raises BadParameter."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text[:40]!r} is not a day such as 2026-03-31") from None


def _refuse_zero() -> NoReturn:
    raise typer.BadParameter("0 is not enough; give a number above it")


FileArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", exists=True, dir_okay=False, readable=True, help="The tariff (TOML)."
    ),
]
AmountOption = Annotated[
    int | None,
    typer.Option(
        metavar="MINOR",
        parser=minor,
        help="Money to pay, in cents (minor units of the currency).",
    ),
]
UnitsOption = Annotated[
    Decimal | None,
    typer.Option(
        metavar="N", parser=positive_decimal, help="Units to buy, as in 12.5, instead of --amount."
    ),
]
AtOption = Annotated[
    str | None,
    typer.Option(
        metavar="ISO-DATE",
        help="Day of the sale (then at noon), or its date and time, in the tariff's time zone "
        "unless it names another; now if not given.",
    ),
]
RateOption = Annotated[
    Decimal | None,
    typer.Option(
        "--fx",
        metavar="RATE",
        parser=positive_decimal,
        help="The day's rate: what one unit of the price currency costs in the payment currency.",
    ),
]
BoughtOption = Annotated[
    Decimal | None,
    typer.Option(
        metavar="UNITS",
        parser=decimal,
        rich_help_panel=_CUSTOMER_PANEL,
        help="Units bought before, this month. Above 0 the month's charges are settled.",
    ),
]
DebtOption = Annotated[
    int | None,
    typer.Option(
        metavar="MINOR",
        parser=minor,
        rich_help_panel=_CUSTOMER_PANEL,
        help="An old debt, in cents.",
    ),
]
OwedOption = Annotated[
    int | None,
    typer.Option(
        metavar="MINOR",
        parser=minor,
        rich_help_panel=_CUSTOMER_PANEL,
        help="What is still owed of the tariff's first charge, tax included, in cents.",
    ),
]
LastPurchaseOption = Annotated[
    date | None,
    typer.Option(
        metavar="ISO-DATE",
        parser=day,
        rich_help_panel=_CUSTOMER_PANEL,
        help="The day of the last purchase: charges have fallen due since.",
    ),
]
ExemptOption = Annotated[
    bool,
    typer.Option(
        "--exempt",
        show_default=False,
        rich_help_panel=_CUSTOMER_PANEL,
        help="Exempt from the taxes and charges that the tariff says.",
    ),
]
FreeUnitsOption = Annotated[
    bool,
    typer.Option(
        "--free-units",
        show_default=False,
        rich_help_panel=_CUSTOMER_PANEL,
        help="Gets the free units of the tariff.",
    ),
]
ClassOption = Annotated[
    str | None,
    typer.Option(
        "--class",
        metavar="NAME",
        rich_help_panel=_CUSTOMER_PANEL,
        help="The customer's class, in a tariff that has classes.",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", show_default=False, help="Print one JSON object, for programs.")
]


@dataclass(frozen=True, kw_only=True)
class Customer:
    """What the options say of the customer."""

    bought: Decimal | None
    last_purchase: date | None
    debt_minor: int | None
    owed_minor: int | None
    is_exempt: bool
    gets_free_units: bool
    customer_class: str | None

    def account(self, version: Version, today: date) -> Account:
        """Return the customer as the tariff sees one; raises BadParameter."""
        last_purchase_on = self._last_purchase_on(today)
        settled = last_purchase_on is not None and month_of(last_purchase_on) == month_of(today)
        return Account(
            customer_class=class_in(version, self.customer_class),
            is_exempt=self.is_exempt,
            gets_free_units=self.gets_free_units,
            # Who has bought this month has had the month's free units.
            free_units_on=last_purchase_on if settled else None,
            last_purchase_on=last_purchase_on,
            units_this_month=self.bought or Decimal(0),
            owed=self._owed(version),
            debts=(Debt(name="debt", balance_minor=self.debt_minor),) if self.debt_minor else (),
        )

    def _last_purchase_on(self, today: date) -> date | None:
        if self.last_purchase is None:
            return today if self.bought else None
        if self.last_purchase > today:
            raise typer.BadParameter(
                f"{self.last_purchase} is after the sale, which is on {today}",
                param_hint="--last-purchase",
            )
        if self.bought and month_of(self.last_purchase) != month_of(today):
            raise typer.BadParameter(
                f"nothing can have been bought in {today:%Y-%m} if the last purchase "
                f"was on {self.last_purchase}",
                param_hint="--bought",
            )
        return self.last_purchase

    def _owed(self, version: Version) -> tuple[Owed, ...]:
        if not self.owed_minor:
            return ()
        if not version.charges:
            raise typer.BadParameter(
                f"the prices from {version.valid_from} have no charge that could be owed",
                param_hint="--owed",
            )
        return (Owed(name=version.charges[0].name, amount_minor=self.owed_minor),)


def class_in(version: Version, wanted: str | None) -> str:
    """Return the customer's class; raises BadParameter if one must be named and is not."""
    if wanted is None and "" not in version.blocks:
        raise typer.BadParameter(
            f"the tariff has classes; give one of {', '.join(version.blocks)}",
            param_hint="--class",
        )
    return wanted or ""


def moment(tariff: Tariff, text: str | None) -> datetime:
    """Return the moment of `--at` in the tariff's time zone; raises BadParameter."""
    zone = ZoneInfo(tariff.time_zone)
    if text is None:
        return datetime.now(zone)
    try:
        return _date_or_time(text, zone).astimezone(zone)
    except (ValueError, OverflowError):  # the second for the ends of the calendar
        raise typer.BadParameter(
            f"{text[:40]!r} is not a day such as 2026-03-31 or a time such as 2026-03-31T18:00",
            param_hint="--at",
        ) from None


def rate_for(tariff: Tariff, rate: Decimal | None) -> Decimal | None:
    """Return the rate of the day; raises BadParameter if the tariff needs none."""
    if tariff.price_currency == tariff.payment_currency and rate not in {None, 1}:
        raise typer.BadParameter(
            f"priced and paid in {tariff.payment_currency}; there is nothing to exchange",
            param_hint="--fx",
        )
    return rate


def _date_or_time(text: str, zone: ZoneInfo) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), _NOON, zone)
    except ValueError:
        at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=zone)
