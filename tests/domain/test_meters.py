"""The register takes only what points of sale can send and receipts can hold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sts.base_date import BaseDate
from tariffs.errors import TariffInvalid
from tests.support.selling import FLAT
from tests.support.service import writing
from vending_api.domain.meters import service
from vending_api.domain.meters.errors import UnknownMeter
from vending_api.domain.meters.types import Customer, NewMeter, PurchaseLimits, ServiceType
from vending_api.kit.entries import EntryInvalid
from vending_api.sandbox.demo_data import UTILITY, demo_meter_configuration

if TYPE_CHECKING:
    from sqlalchemy import Engine

LIMITS = PurchaseLimits(minimum_minor=1, maximum_minor=2)


def _new_meter(**changes: Any) -> NewMeter:
    meter = NewMeter(
        external_id="A2345678901234567890",
        configuration=demo_meter_configuration(77),
        base_date=BaseDate.YEAR_2014,
        service_type=ServiceType.WATER,
        token_technology_code="02",
        limits=None,
        customer=Customer(first_name="F" * 40, last_name="L" * 40, address="A" * 80),
        tariff_key=1,
    )
    return replace(meter, **changes)


def _register(engine: Engine, meter: NewMeter) -> None:
    with writing(engine) as connection, connection.begin():
        service.register_meter(connection, meter)


def test_a_meter_with_the_longest_texts_is_found_as_it_was_registered(engine: Engine) -> None:
    meter = _new_meter()
    _register(engine, meter)
    with engine.connect() as connection:
        found = service.find_meter(connection, meter.external_id)
    assert found.configuration == meter.configuration
    assert found.customer == meter.customer
    assert found.service_type is ServiceType.WATER
    assert found.utility == UTILITY
    assert found.last_token_identifier is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"external_id": "A23456789012345678901"}, "meter.external_id"),
        ({"external_id": ""}, "meter.external_id"),
        ({"external_id": "TST 001"}, "meter.external_id"),
        ({"external_id": "TST\u0661"}, "meter.external_id"),
        ({"token_technology_code": "002"}, "meter.token_technology_code"),
        (
            {"customer": Customer(first_name="F" * 41, last_name="", address="")},
            "customer.first_name",
        ),
        (
            {"customer": Customer(first_name="", last_name="", address="A" * 81)},
            "customer.address",
        ),
    ],
)
def test_a_text_that_cannot_be_sent_or_printed_is_refused(
    engine: Engine, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(EntryInvalid) as refused:
        _register(engine, _new_meter(**changes))
    assert refused.value.field == field
    with engine.connect() as connection, pytest.raises(UnknownMeter):
        service.find_meter(connection, "A2345678901234567890")


@pytest.mark.parametrize("length", [40, 41])
def test_the_name_of_a_utility_has_at_most_40_characters(engine: Engine, length: int) -> None:
    utility = UTILITY._replace(name="U" * length)
    with writing(engine) as connection, connection.begin():
        if length == 41:
            with pytest.raises(EntryInvalid, match="41 characters; write at most 40"):
                service.register_utility(connection, utility, limits=LIMITS, supply_groups=[])
        else:
            service.register_utility(connection, utility, limits=LIMITS, supply_groups=[])
        assert service.is_registered(connection, utility.name) == (length == 40)


def test_a_wrong_tariff_is_refused_when_it_is_registered(engine: Engine) -> None:
    with writing(engine) as connection, pytest.raises(TariffInvalid, match="new: unit: "):
        service.register_tariff(connection, "new", 'name = "new"')


@pytest.mark.parametrize(
    "table",
    [
        '[version.channel_fee]\nname = "{name}"\nflat_minor = 1\n',
        '[[version.charge]]\nname = "{name}"\nevery = "month"\namount_minor = "1"\n',
    ],
)
def test_a_charge_has_a_name_that_receipts_can_hold(engine: Engine, table: str) -> None:
    with writing(engine) as connection, connection.begin():
        service.register_tariff(connection, "new", FLAT + table.format(name="C" * 40))
        with pytest.raises(EntryInvalid, match="41 characters; write at most 40"):
            service.register_tariff(connection, "newer", FLAT + table.format(name="C" * 41))


def test_personal_data_does_not_print(engine: Engine) -> None:
    with engine.connect() as connection:
        shown = repr(service.find_meter(connection, "TST001"))
    for personal in ("Pierre", "De Wet", "Dorp"):
        assert personal not in shown
