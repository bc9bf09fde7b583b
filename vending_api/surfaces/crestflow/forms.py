"""The forms of the contract: sums in the currency's unit, moments as texts, tokens in groups."""

from __future__ import annotations

from datetime import UTC
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from tariffs.currencies import minor_decimals
from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.meters.types import ServiceType
from vending_api.kit.currencies import letters_of

if TYPE_CHECKING:
    from datetime import datetime

    from vending_api.surfaces.crestflow.wire import Number

_GROUP: Final = 4
_CENT: Final = Decimal("0.01")
_WITH_UNITS: Final = frozenset({TokenKind.STANDARD, TokenKind.FREE, TokenKind.REFUND})

UNITS: Final = {
    ServiceType.ELECTRICITY: "kWh",
    ServiceType.WATER: "m³",
    ServiceType.GAS: "m³",
    ServiceType.TIME: "min",
}
"""What is bought, by what a meter measures."""


def decimals_of(currency: str) -> int:
    """Return how many decimals a currency has that is given by its number."""
    return minor_decimals(letters_of(currency))


def money(amount_minor: int, currency: str) -> Number:
    """Return a sum in the unit of its currency: 30050 kobo as 300.5, 30000 as 300."""
    return plain(Decimal(amount_minor).scaleb(-decimals_of(currency)))


def price(price_minor: Decimal, currency: str) -> Number:
    """Return a price for a unit to two decimals, rounded half up."""
    exact = price_minor.scaleb(-decimals_of(currency))
    return plain(exact.quantize(_CENT, rounding=ROUND_HALF_UP))


def rate(rate_minor: Decimal, currency: str) -> Number:
    """Return a price for a unit with all the decimals that the tariff gives it."""
    return plain(rate_minor.scaleb(-decimals_of(currency)))


def units(tenths: int) -> Number:
    """Return units of supply: 403 tenths as 40.3."""
    return plain(Decimal(tenths).scaleb(-1))


def units_of(kind: TokenKind, tenths: int) -> Number | None:
    """Return what a token carries; None for one that carries no credit."""
    return units(tenths) if kind in _WITH_UNITS else None


def plain(number: Decimal) -> Number:
    """Return a whole number as such, and any other as it is."""
    return int(number) if number == number.to_integral_value() else number


def moment(at: datetime) -> str:
    """Return `YYYY-MM-DD HH:MM:SS` in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def moment_or_none(at: datetime | None) -> str | None:
    """Return a moment in UTC, or None."""
    return None if at is None else moment(at)


def local_moment(at: datetime, time_zone: str) -> str:
    """Return `YYYY/M/D HH:MM:SS` in a time zone, month and day without zeros before them."""
    local = at.astimezone(ZoneInfo(time_zone))
    return f"{local.year}/{local.month}/{local.day} {local:%H:%M:%S}"


def local_iso(at: datetime, time_zone: str) -> str:
    """Return `YYYY-MM-DDTHH:MM:SS.mmm` in a time zone, which it does not name."""
    local = at.astimezone(ZoneInfo(time_zone))
    return local.replace(tzinfo=None).isoformat(timespec="milliseconds")


def grouped(digits: str) -> str:
    """Return the digits of a token in groups of four, with blanks between."""
    return " ".join(digits[start : start + _GROUP] for start in range(0, len(digits), _GROUP))
