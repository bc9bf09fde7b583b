"""From money to units and back, over the blocks of a price list, in whole numbers."""

from __future__ import annotations

from bisect import bisect_right
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from tariffs.rounding import ceiling, half_up, quanta_of
from tariffs.tariff import Direction

if TYPE_CHECKING:
    from tariffs.price import BlockPrice, PriceList
    from tariffs.tariff import Rounding

_END_QUANTA: Final = attrgetter("end_quanta")
_START_GROSS: Final = attrgetter("start_gross")


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
    into_first = start_quanta - at.start_quanta
    before = at.start_gross + into_first * at.gross
    after = before + money_minor * prices.denominator
    last = prices.blocks[bisect_right(prices.blocks, after, key=_START_GROSS) - 1]
    into_last = after - last.start_gross
    numerator = (last.start_quanta - start_quanta) * last.gross + into_last
    taxes = [
        (up_to_last - up_to_first - into_first * in_first) * last.gross + into_last * in_last
        for up_to_last, up_to_first, in_first, in_last in zip(
            last.start_taxes, at.start_taxes, at.taxes, last.taxes, strict=True
        )
    ]
    return ExactUnits(numerator, last.gross, tuple(taxes), last.gross * prices.denominator)


def _block_with(prices: PriceList, quanta: int) -> BlockPrice:
    """Return the block in which a month goes on after so many quanta."""
    return prices.blocks[bisect_right(prices.blocks, quanta, key=_END_QUANTA)]


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
