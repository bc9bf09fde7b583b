"""What a sum of money buys under a tariff."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

    from tariffs.tariff import FlatTariff


@dataclass(frozen=True, slots=True)
class Quote:
    """The split of a sum, in minor units, and the units it buys, in tenths."""

    units_tenths: int
    """Rounded up to a tenth of a unit, in the customer's favour."""
    net_minor: int
    tax_minor: int
    tax_name: str
    tax_rate_percent: Decimal


def quote(tariff: FlatTariff, amount_minor: int) -> Quote:
    """Return what `amount_minor`, tax included, buys.

    The tax is taken out of the sum once and rounded half up to the minor unit;
    the units come from the exact quotient and are rounded up once.

    Raises ValueError for a negative sum.
    """
    if amount_minor < 0:
        raise ValueError(f"amount_minor: {amount_minor} is negative")
    gross_share = 1 + Fraction(tariff.tax_rate_percent) / 100
    net_exact = Fraction(amount_minor) / gross_share
    tax_minor = floor(amount_minor - net_exact + Fraction(1, 2))
    return Quote(
        units_tenths=ceil(net_exact * 10 / Fraction(tariff.rate_minor)),
        net_minor=amount_minor - tax_minor,
        tax_minor=tax_minor,
        tax_name=tariff.tax_name,
        tax_rate_percent=tariff.tax_rate_percent,
    )
