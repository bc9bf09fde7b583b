"""How many decimals currencies have: how many minor units are one unit of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from decimal import Decimal

# ISO 4217; all others have two.
_NO_DECIMALS: Final = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI"}
    | {"VND", "VUV", "XAF", "XOF", "XPF"}
)
_THREE_DECIMALS: Final = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})


def minor_decimals(currency: str) -> int:
    """Return how many decimals a currency has."""
    if currency in _NO_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


def minor_rate(rate_of_the_day: Decimal, price_currency: str, payment_currency: str) -> Decimal:
    """Return a rate between two currencies as a rate between their minor units."""
    return rate_of_the_day.scaleb(minor_decimals(payment_currency) - minor_decimals(price_currency))
