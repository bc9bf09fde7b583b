"""The roundings that tariffs use, on whole numbers: a quotient in, a whole number out."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Final

QUANTA_PER_UNIT: Final = 100_000
"""Units are counted in quanta of 0.00001, the finest step that a token can carry."""
_FRACTIONS: Final = (
    (10_000, Decimal("0.1")),
    (1_000, Decimal("0.01")),
    (100, Decimal("0.001")),
    (10, Decimal("0.0001")),
)
"""Parts of a unit above the quantum: how many quanta they are, and as units."""
_QUANTUM: Final = Decimal("0.00001")
_TO_QUANTA: Final = Decimal("1E+5")
_SHOWN: Final = Context(prec=28)


def half_up(numerator: int, denominator: int) -> int:
    """Return the nearest whole number, a half going up; the denominator is above 0."""
    return (2 * numerator + denominator) // (2 * denominator)


def ceiling(numerator: int, denominator: int) -> int:
    """Return the smallest whole number not below a quotient; its denominator is above 0."""
    return -(-numerator // denominator)


def quanta_of(units: Decimal) -> int:
    """Return units as quanta; what lies below a quantum is dropped."""
    return int(units * _TO_QUANTA)


def units_of(quanta: int) -> Decimal:
    """Return quanta as units, with as many decimals as they need."""
    if quanta % QUANTA_PER_UNIT == 0:
        return Decimal(quanta // QUANTA_PER_UNIT)
    for part, units in _FRACTIONS:
        if quanta % part == 0:
            return quanta // part * units
    return quanta * _QUANTUM


def exact_units(numerator: int, denominator: int) -> Decimal:
    """Return a quotient of quanta as units, to 28 digits."""
    return _SHOWN.divide(Decimal(numerator), Decimal(denominator * QUANTA_PER_UNIT))
