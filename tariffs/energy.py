"""From money to units and back, over the blocks of a price list, in whole numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tariffs.rounding import ceiling, half_up, quanta_of
from tariffs.tariff import Direction

if TYPE_CHECKING:
    from tariffs.price import BlockPrice, PriceList
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
    at = _block_with(prices, start_quanta)
    # What the month has cost so far, had it all been bought at these prices, and will have cost.
    before = at.start_gross + (start_quanta - at.start_quanta) * at.gross
    after = before + money_minor * prices.denominator
    last = next(block for block in reversed(prices.blocks) if block.start_gross <= after)
    into_last = after - last.start_gross
    return ExactUnits(
        numerator=(last.start_quanta - start_quanta) * last.gross + into_last,
        denominator=last.gross,
        taxes=tuple(
            (last.start_taxes[number] - at.start_taxes[number]) * last.gross
            - (start_quanta - at.start_quanta) * at.taxes[number] * last.gross
            + into_last * last.taxes[number]
            for number in range(len(prices.taxes))
        ),
        tax_denominator=last.gross * prices.denominator,
    )


def _block_with(prices: PriceList, quanta: int) -> BlockPrice:
    """Return the block in which a month goes on after so many quanta."""
    return next(block for block in prices.blocks if quanta < block.end_quanta)


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
    return half_up(numerator, denominator) * step
