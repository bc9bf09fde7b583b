"""Meters that can be read from afar, in software: virtual meters that were keyed their tokens.

Every token that was sold for a meter is taken as keyed in at once, whether from a point of sale
or online. So the credit register is what the virtual meter was credited with, less what its
household has drawn, and grows with purchases alone.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import shake_256
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from sts.errors import VendingKeyNotFound
from sts.tokens.digits import grouped
from vending_api.domain.meters.errors import UnknownMeter
from vending_api.domain.meters.service import find_meter
from vending_api.domain.meters.types import ServiceType
from vending_api.domain.readings.items import MONTHS, PAST, nth_last
from vending_api.domain.readings.types import ReadingRefused
from vending_api.domain.receipts.service import keyed_tokens
from vending_api.sandbox.household import Demand, Household
from vending_api.sandbox.virtual_meters import virtual_meter_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Connection, Engine

    from vending_api.domain.meters.types import Meter
    from vending_api.domain.readings.types import DataItem

_NO_TIME: Final = "00-00-00 00:00"
_NO_TOKEN: Final = grouped("0" * 20)
_RATES: Final = "35,35"
"""Of two sources, which the meters do not have: the same for both."""
_INSTALLED: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Covers were opened and power was cut before, and not since."""


class SimulatedMeters:
    """A MeterGateway for the demo: it reads registered meters out of the database."""

    def __init__(self, engine: Engine, *, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    async def read(self, meter_number: str, item: DataItem) -> str:
        """Return the value with its unit; raises ReadingRefused for what no such meter tells."""
        values = await asyncio.to_thread(self._values, meter_number)
        value = None if item.is_command else values.get(item.label)
        if value is None:
            raise ReadingRefused(f"the meter has no value for {item.label!r}")
        return value

    def _values(self, meter_number: str) -> dict[str, str]:
        at = self._now()
        with self._engine.connect() as connection:
            try:
                meter = find_meter(connection, meter_number)
                household = _household(connection, meter, at)
            except (UnknownMeter, VendingKeyNotFound) as error:
                raise ReadingRefused(str(error)) from error
        return dict(_told(meter, household, at))


def _household(connection: Connection, meter: Meter, at: datetime) -> Household:
    if meter.service_type is not ServiceType.ELECTRICITY:
        raise ReadingRefused("only electricity meters are simulated")
    tokens = [token for token in keyed_tokens(connection, meter.key) if token.sold_at <= at]
    first = tokens[0].configuration if tokens else meter.configuration
    household = Household(virtual_meter_of(first), Demand(meter.external_id))
    for token in tokens:
        household.key_in(token.digits, token.sold_at)
    return household


def _told(meter: Meter, household: Household, at: datetime) -> Iterator[tuple[str, str]]:
    """Yield what the meter tells, by label."""
    local = at.astimezone(ZoneInfo(meter.utility.time_zone))
    yield from _energy(household, local)
    yield from _past(meter.external_id)
    yield from _supply(meter.external_id, household, at)
    yield "Date", f"{local:%y-%m-%d} {local.isoweekday():02}"
    yield "Time", f"{local:%H:%M:%S}"
    yield "Dual-source rate", _RATES
    amounts = [_kwh(tenths, 1) for tenths, _ in household.credits]
    yield from _newest("credit amount", amounts, _kwh(0, 1))
    yield from _newest("credit token", [grouped(one) for _, one in household.credits], _NO_TOKEN)
    yield from _newest("management token", map(grouped, household.settings), _NO_TOKEN)


def _energy(household: Household, local: datetime) -> Iterator[tuple[str, str]]:
    credit = household.credit(local)
    relay = "ON" if credit else "OFF"
    yield "Cumulative kWh consumption", _kwh(household.consumed(local), 2)
    yield "The number of credit", str(len(household.credits))
    yield "Current Credit Register", f"{_kwh(credit, 2)},{relay}"
    end = _month_begins(local)
    for count in range(1, MONTHS + 1):
        begin = _month_begins(end - timedelta(days=1))
        drawn = household.consumed(end) - household.consumed(begin)
        yield f"Power consumption of {nth_last(count)} month", _kwh(drawn, 2)
        end = begin


def _month_begins(local: datetime) -> datetime:
    return local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _supply(number: str, household: Household, at: datetime) -> Iterator[tuple[str, str]]:
    """Yield what is measured now: power is what the household draws, current what that takes."""
    watts = household.watts(at)
    (noise,) = shake_256(f"{number} {at:%Y-%m-%d %H:%M}".encode()).digest(1)
    tenths_of_millivolts = 2_200_000 + noise * 200_000 // 255
    yield "Voltage", f"{_shortest(tenths_of_millivolts, 4)} V"
    yield "Current", f"{_shortest(watts * 1_000_000 // tenths_of_millivolts, 2)} A"
    yield "Power", f"{_shortest(watts, 3)} kW"


def _past(number: str) -> Iterator[tuple[str, str]]:
    """Yield what happened before the meter was installed, as its number has it."""
    openings, cuts, *hours = shake_256(f"{number} past".encode()).digest(2 + 2 * PAST)
    opened, cut = openings % 6, 20 + cuts % 80
    yield "The number of cover meter open", str(opened)
    yield from _newest("cover open time", _times(hours[:opened]), _NO_TIME)
    yield "The number of power down", str(cut)
    yield from _newest("power down time", _times(hours[PAST:]), _NO_TIME)


def _times(hours: list[int]) -> list[str]:
    """Return as many moments before the meter was installed, the oldest first."""
    moment, moments = _INSTALLED, []
    for hour in hours:
        moment -= timedelta(hours=1 + hour, minutes=hour % 60)
        moments.append(f"{moment:%y-%m-%d %H:%M}")
    return moments[::-1]


def _newest(what: str, values: Iterable[str], none: str) -> Iterator[tuple[str, str]]:
    """Yield the ten newest of values, which come the oldest first; those there are not are none."""
    newest = [*list(values)[::-1][:PAST], *PAST * [none]]
    for count in range(1, PAST + 1):
        yield f"The {nth_last(count)} {what}", newest[count - 1]


def _kwh(number: int, places: int) -> str:
    return f"{_shortest(number, places)} kWh"


def _shortest(number: int, places: int) -> str:
    """Return a number of so many decimal places without the zeros at its end."""
    whole, rest = divmod(number, 10**places)
    return f"{whole}.{rest:0{places}}".rstrip("0").rstrip(".")
