"""Simulated meters tell what the tokens of the database and their household make of them."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pytest
from sqlalchemy import update

from sts.tokens.credit import Resource
from sts.tokens.digits import grouped
from sts.virtual_meter import Accepted
from tests.support.residents import METER, OTHER_METER, add_estate, done, purchase_of
from tests.support.selling import sell
from tests.support.service import NOON, purchase
from vending_api.domain.meters.tables import METER as METER_TABLE
from vending_api.domain.readings.items import ITEMS, item_by_label
from vending_api.domain.readings.types import LONGEST_VALUE, ReadingRefused
from vending_api.sandbox.demo_data import UTILITY
from vending_api.sandbox.meter_gateway import SimulatedMeters
from vending_api.sandbox.virtual_meters import estate_virtual_meter

if TYPE_CHECKING:
    from sqlalchemy import Engine

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
NO_TOKEN: Final = "0000 0000 0000 0000 0000"
_TOKEN = "[0-9]{4}( [0-9]{4}){4}"
_TIME = r"[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}"
_ENERGY = r"[0-9]+(\.[0-9]{1,2})? kWh"
FORMS: Final = {
    1: _ENERGY,
    **dict.fromkeys(range(2, 14), _ENERGY),
    14: "[0-9]+",
    **dict.fromkeys(range(15, 25), _TIME),
    25: "[0-9]+",
    **dict.fromkeys(range(26, 36), _TIME),
    36: r"2[0-9]{2}(\.[0-9]{1,4})? V",
    37: r"[0-9]+(\.[0-9]{1,2})? A",
    38: r"[0-9]+(\.[0-9]{1,4})? kW",
    39: r"[0-9]{2}-[0-9]{2}-[0-9]{2} 0[1-7]",
    40: "[0-9]{2}:[0-9]{2}:[0-9]{2}",
    41: "[0-9]+",
    42: _ENERGY + ",(ON|OFF)",
    **dict.fromkeys(range(43, 53), r"[0-9]+(\.[0-9])? kWh"),
    **dict.fromkeys(range(53, 73), _TOKEN),
    74: "[0-9]+,[0-9]+",
}
"""Of each item that is told, by its number."""


def _read(
    engine: Engine, label: str, *, at: datetime = NOON + HOUR, meter_number: str = METER
) -> str:
    item = item_by_label(label)
    assert item is not None
    return asyncio.run(SimulatedMeters(engine, now=lambda: at).read(meter_number, item))


def _kwh(text: str) -> Decimal:
    number, _, unit = text.partition(" ")
    assert unit.startswith("kWh")
    return Decimal(number)


def _sell(engine: Engine, at: datetime = NOON, meter_number: str = METER) -> str:
    """Sell to a meter and return the digits of its credit token."""
    sale = sell(engine, purchase_of(meter_number, received_at=at))
    return sale.tokens[0].digits


def test_every_item_is_told_in_its_form_but_those_that_have_no_value(engine: Engine) -> None:
    add_estate(engine)
    _sell(engine)
    for item in ITEMS:
        if item.id in FORMS:
            value = _read(engine, item.label)
            assert re.fullmatch(FORMS[item.id], value), (item, value)
            assert len(value) <= LONGEST_VALUE
        else:
            with pytest.raises(ReadingRefused):
                _read(engine, item.label)
    assert {item.id for item in ITEMS} - set(FORMS) == {73, 75, 76}


def test_the_credit_register_is_the_virtual_meters_less_the_consumption(engine: Engine) -> None:
    add_estate(engine)
    meter = estate_virtual_meter(101)
    for at in (NOON, NOON + DAY, NOON + 2 * DAY):
        assert isinstance(meter.enter(_sell(engine, at)), Accepted)
        later = at + HOUR
        register = _read(engine, "Current Credit Register", at=later)
        consumed = _kwh(_read(engine, "Cumulative kWh consumption", at=later))
        loaded = Decimal(meter.credit_tenths[Resource.ELECTRICITY]) / 10
        assert register.endswith(" kWh,ON")
        assert consumed > 0
        assert _kwh(register) == loaded - consumed


def test_credit_runs_out_and_the_relay_opens(engine: Engine) -> None:
    add_estate(engine)
    assert _read(engine, "Current Credit Register") == "0 kWh,OFF"
    _sell(engine)
    at = NOON + 90 * DAY
    assert _read(engine, "Current Credit Register", at=at) == "0 kWh,OFF"
    assert _read(engine, "Power", at=at) == "0 kW"
    assert _read(engine, "Current", at=at) == "0 A"
    assert _read(engine, "Cumulative kWh consumption", at=at) == "22.5 kWh"


def test_current_and_power_agree_at_a_plausible_voltage(engine: Engine) -> None:
    add_estate(engine)
    _sell(engine)
    for minutes in range(0, 180, 45):
        at = NOON + timedelta(minutes=minutes)
        volts, amperes, kilowatts = (
            Decimal(_read(engine, label, at=at).split()[0])
            for label in ("Voltage", "Current", "Power")
        )
        assert 220 <= volts <= 240
        assert kilowatts > 0
        assert 0 <= kilowatts * 1000 - volts * amperes < volts / 100


def test_the_last_credits_are_those_that_were_sold_the_newest_first(engine: Engine) -> None:
    add_estate(engine)
    sold = [_sell(engine, NOON + hours * HOUR) for hours in range(12)]
    _sell(engine, meter_number=OTHER_METER)
    at = NOON + DAY
    assert _read(engine, "The number of credit", at=at) == "12"
    assert _read(engine, "The last credit token", at=at) == grouped(sold[-1])
    assert _read(engine, "The last 10th credit token", at=at) == grouped(sold[2])
    assert _read(engine, "The last credit amount", at=at) == "22.5 kWh"
    assert _read(engine, "The last management token", at=at) == NO_TOKEN


def test_what_there_was_not_is_told_as_nothing(engine: Engine) -> None:
    add_estate(engine)
    _sell(engine)
    assert _read(engine, "The last 2nd credit token") == NO_TOKEN
    assert _read(engine, "The last 2nd credit amount") == "0 kWh"


def test_a_token_is_keyed_in_when_it_was_sold_and_not_before(engine: Engine) -> None:
    add_estate(engine)
    _sell(engine)
    assert _read(engine, "The number of credit", at=NOON - timedelta(seconds=1)) == "0"
    assert _read(engine, "The number of credit", at=NOON) == "1"


def test_months_are_those_of_the_estates_time_zone(engine: Engine) -> None:
    add_estate(engine)
    _sell(engine)
    # Lagos is an hour ahead: its December begins at 23:00 UTC, and all was drawn in November.
    last = NOON.replace(day=30, hour=22, minute=59, second=59)
    first = NOON.replace(day=30, hour=23)
    label, older = (f"Power consumption of last {one}month" for one in ("", "2nd "))
    assert _read(engine, label, at=last) == "0 kWh"
    drawn = _read(engine, label, at=first)
    assert drawn == _read(engine, "Cumulative kWh consumption", at=first) != "0 kWh"
    assert _read(engine, older, at=first + 31 * DAY) == drawn


def test_date_and_time_are_local(engine: Engine) -> None:
    add_estate(engine)
    at = NOON.replace(hour=23, minute=5, second=7)  # a Saturday; in Lagos it is Sunday
    assert _read(engine, "Date", at=at) == "26-11-22 07"
    assert _read(engine, "Time", at=at) == "00:05:07"


def test_what_is_past_belongs_to_the_meter_and_stays(engine: Engine) -> None:
    add_estate(engine)
    labels = [item.label for item in ITEMS if 14 <= item.id <= 35]
    first = [_read(engine, label) for label in labels]
    assert [_read(engine, label, at=NOON + 100 * DAY) for label in labels] == first
    assert [_read(engine, label, meter_number=OTHER_METER) for label in labels] != first
    opened = [time for time in first[1:11] if time != "00-00-00 00:00"]
    assert str(len(opened)) == first[0]
    assert opened == sorted(opened, reverse=True)
    assert first[12:] == sorted(first[12:], reverse=True)


def test_key_change_tokens_are_followed_and_listed(engine: Engine) -> None:
    sale = sell(engine, purchase(external_meter_id="TST006"))
    first, second, credit = (grouped(token.digits) for token in sale.tokens)
    seen = [
        _read(engine, f"The last {which}", meter_number="TST006")
        for which in ("management token", "2nd management token", "credit token")
    ]
    assert seen == [second, first, credit]
    assert UTILITY.time_zone == "Africa/Johannesburg"
    assert _read(engine, "Time", meter_number="TST006") == "15:00:00"


@pytest.mark.parametrize(
    "spoilt",
    [{"service_type": "Water"}, {"supply_group_code": "000001", "key_revision_number": 9}],
)
def test_a_meter_that_cannot_be_simulated_tells_nothing(
    engine: Engine, spoilt: dict[str, object]
) -> None:
    add_estate(engine)
    assert _read(engine, "Voltage")
    of_meter = update(METER_TABLE).where(METER_TABLE.c.external_id == METER)
    done(engine, lambda connection: connection.execute(of_meter.values(spoilt)))
    with pytest.raises(ReadingRefused):
        _read(engine, "Voltage")
    with pytest.raises(ReadingRefused):
        _read(engine, "Voltage", meter_number="nobody's")
