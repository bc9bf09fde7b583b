"""From money to units and back, over the blocks of a price list, in whole numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tariffs.rounding import ceiling, quanta_of
from tariffs.tariff import Direction

if TYPE_CHECKING:
    from tariffs.price import PriceList
    from tariffs.tariff import Rounding


class ExactUnits(NamedTuple):
    """Units before rounding, in quanta, as a quotient; and the taxes in the money for them."""

    numerator: int
    denominator: int
    taxes: tuple[int, ...]
    """Each is over `tax_denominator`, in minor units."""
    tax_denominator: int


def units_for(prices: PriceList, start_quanta: int, money_minor: int) -> ExactUnits:
    """Return what money buys after `start_quanta` of the month."""
    money = money_minor * prices.denominator
    quanta = 0
    taxes = [0] * len(prices.taxes)
    last = prices.blocks[-1]
    for block in prices.blocks[:-1]:
        room = max(0, block.end_quanta - max(start_quanta, block.start_quanta))
        if money < room * block.gross:
            last = block
            break
        money -= room * block.gross
        quanta += room
        taxes = [tax + room * own for tax, own in zip(taxes, block.taxes, strict=True)]
    return ExactUnits(
        numerator=quanta * last.gross + money,
        denominator=last.gross,
        taxes=tuple(
            tax * last.gross + money * own for tax, own in zip(taxes, last.taxes, strict=True)
        ),
        tax_denominator=last.gross * prices.denominator,
    )


def price_of(prices: PriceList, start_quanta: int, quanta: int) -> int:
    """Return what quanta cost, all included, over the list's denominator."""
    return sum(block.gross * count for block, count in prices.span(start_quanta, quanta))


def rounded(exact: ExactUnits, rounding: Rounding) -> int:
    """Return the quanta that a token carries: whole steps in the tariff's direction."""
    step = quanta_of(rounding.step)
    numerator, denominator = exact.numerator, exact.denominator * step
    if rounding.direction is Direction.UP:
        return ceiling(numerator, denominator) * step
    if rounding.direction is Direction.DOWN:
        return numerator // denominator * step
    return (2 * numerator + denominator) // (2 * denominator) * step
