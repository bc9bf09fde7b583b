"""The roundings that tariffs use, on whole numbers: a quotient in, a whole number out."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Final

QUANTA_PER_UNIT: Final = 100_000
"""Units are counted in quanta of 0.00001, the finest step that a token can carry."""
_DECIMAL_PLACES: Final = 5
_SHOWN: Final = Context(prec=28)


def half_up(numerator: int, denominator: int) -> int:
    """Return the nearest whole number, a half going up; the denominator is above 0."""
    return (2 * numerator + denominator) // (2 * denominator)


def ceiling(numerator: int, denominator: int) -> int:
    """Return the smallest whole number not below a quotient; its denominator is above 0."""
    return -(-numerator // denominator)


def quanta_of(units: Decimal) -> int:
    """Return units as quanta; what lies below a quantum is dropped."""
    return int(units.scaleb(_DECIMAL_PLACES))


def units_of(quanta: int) -> Decimal:
    """Return quanta as units, with as many decimals as they need."""
    # Nearly every number is of whole units or tenths; those take one step.
    if quanta % QUANTA_PER_UNIT == 0:
        return Decimal(quanta // QUANTA_PER_UNIT)
    places = 1
    while quanta % 10 ** (_DECIMAL_PLACES - places):
        places += 1
    return Decimal(quanta // 10 ** (_DECIMAL_PLACES - places)).scaleb(-places)


def exact_units(numerator: int, denominator: int) -> Decimal:
    """Return a quotient of quanta as units, to 28 digits."""
    return _SHOWN.divide(Decimal(numerator), Decimal(denominator * QUANTA_PER_UNIT))
