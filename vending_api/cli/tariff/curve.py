"""What sums of money buy under a tariff, and what one more unit costs at each point.

The points are real quotes. The line through them is straight between the corners that
blocks, charges and shares make, so the price of one more unit is found by walking along
it: a stretch goes on as long as its points lie on one line.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple

from tariffs.errors import OutsideLimits
from tariffs.quote import quote, quote_units

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from tariffs.account import Account
    from tariffs.tariff import Tariff

_INTERVALS: Final = 4000
_FLAT_UNITS: Final = Decimal(200)
_BEYOND_THE_LAST_BLOCK: Final = Decimal("1.4")
_SHORTEST: Final = 3
"""Intervals; a shorter stretch is the corner between two."""


class Point(NamedTuple):
    """What a sum buys, before rounding."""

    amount_minor: int
    units: float


class Stretch(NamedTuple):
    """A range of units that cost the same, each so many minor units."""

    start: float
    end: float
    price_minor: float


class Buyer(NamedTuple):
    """Who buys, when and at what rate of the day."""

    tariff: Tariff
    account: Account
    at: datetime
    rate_of_the_day: Decimal | None


def curve(buyer: Buyer, to_minor: int | None) -> list[Point]:
    """Return what sums up to `to_minor` buy, or up to beyond the last block.

    Sums that the tariff's limits refuse are left out. Raises PurchaseRefused.
    """
    top = _sum_beyond_all_blocks(buyer) if to_minor is None else to_minor
    sums = sorted({top * number // _INTERVALS for number in range(_INTERVALS + 1)})
    points = []
    for amount_minor in sums:
        try:
            points.append(_point(buyer, amount_minor))
        except OutsideLimits:
            if amount_minor == top and not points:
                raise
    return points


def stretches(points: Sequence[Point], noise_minor: float) -> list[Stretch]:
    """Return the price of one more unit, from the first one that money buys.

    `noise_minor` is by how much a point may be off the line: see `noise`.
    """
    buying = [here for here, after in pairwise(points) if after.units > here.units]
    buying += [point for point in points[-1:] if point.units > 0]
    parts = [
        buying[first : last + 1]
        for first, last in _straight_parts(buying, noise_minor)
        if last - first >= min(_SHORTEST, len(buying) - 1)
    ]
    corners = [(one[-1].units + other[0].units) / 2 for one, other in pairwise(parts)]
    bounds = [buying[0].units, *corners, buying[-1].units] if parts else []
    return [
        Stretch(start, end, _price(part))
        for (start, end), part in zip(pairwise(bounds), parts, strict=True)
    ]


def noise(buyer: Buyer, points: Sequence[Point]) -> float:
    """Return by how many minor units points are off the line.

    Deductions are whole minor units; without them only the float's last digits are off.
    """
    version = buyer.tariff.version_on(buyer.tariff.local_date(buyer.at))
    rounds = version.charges or version.channel_fee is not None
    return 1.0 if rounds else points[-1].amount_minor * 1e-9


def _straight_parts(points: Sequence[Point], noise_minor: float) -> Iterator[tuple[int, int]]:
    """Yield first and last position of each part that is straight but for the noise."""
    anchor, least, most = 0, 0.0, inf
    for position in range(1, len(points)):
        low, high = _slopes(points[anchor], points[position], noise_minor)
        if max(least, low) > min(most, high):
            yield anchor, position - 1
            anchor, least, most = position - 1, 0.0, inf
            low, high = _slopes(points[anchor], points[position], noise_minor)
        least, most = max(least, low), min(most, high)
    if len(points) > 1:
        yield anchor, len(points) - 1


def _slopes(anchor: Point, point: Point, noise_minor: float) -> tuple[float, float]:
    rise, run = point.amount_minor - anchor.amount_minor, point.units - anchor.units
    return (rise - noise_minor) / run, (rise + noise_minor) / run


def _price(part: Sequence[Point]) -> float:
    margin = len(part) // 8  # its ends may reach around the corner, within the noise
    first, last = part[margin], part[-1 - margin]
    return (last.amount_minor - first.amount_minor) / (last.units - first.units)


def _point(buyer: Buyer, amount_minor: int) -> Point:
    tariff, account, at, rate_of_the_day = buyer
    bought = quote(tariff, account, amount_minor, at, rate_of_the_day=rate_of_the_day)
    return Point(amount_minor, float(bought.units_exact))


def _sum_beyond_all_blocks(buyer: Buyer) -> int:
    tariff, account, at, rate_of_the_day = buyer
    version = tariff.version_on(tariff.local_date(at))
    blocks = version.blocks.get(account.customer_class, ())
    last = max((block.up_to for block in blocks if block.up_to is not None), default=None)
    units = _FLAT_UNITS if last is None else last * _BEYOND_THE_LAST_BLOCK
    try:
        return quote_units(tariff, account, units, at, rate_of_the_day=rate_of_the_day).amount_minor
    except OutsideLimits as refused:
        within = refused.minimum_minor * 2
        return within if refused.maximum_minor is None else refused.maximum_minor
