"""The demo's estate sells online as a real one would, beside the meters that integrators know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from sts.virtual_meter import Accepted
from tests.support.residents import METER, add_estate, purchase_of
from tests.support.selling import count, sell
from tests.support.service import writing
from vending_api.domain.estates.service import all_estates
from vending_api.domain.estates.tables import ESTATE as ESTATE_TABLE
from vending_api.domain.meters.service import find_meter
from vending_api.domain.meters.tables import METER as METER_TABLE
from vending_api.sandbox.demo_data import ensure_demo_data
from vending_api.sandbox.estate import (
    ACCOUNT_CODE,
    ESTATE,
    LIMITS,
    SERIALS,
    ensure_demo_estate,
    estate_meter_number,
)
from vending_api.sandbox.virtual_meters import estate_virtual_meter

if TYPE_CHECKING:
    from sqlalchemy import Engine


def test_the_estate_and_its_meters_are_registered_once(engine: Engine) -> None:
    before = count(engine, METER_TABLE)
    for _ in range(2):
        with writing(engine) as connection, connection.begin():
            ensure_demo_data(connection)
            ensure_demo_estate(connection)
    assert count(engine, METER_TABLE) == before + len(SERIALS) == before + 5
    assert count(engine, ESTATE_TABLE) == 1
    with engine.connect() as connection:
        (estate,) = all_estates(connection)
        meters = [find_meter(connection, estate_meter_number(serial)) for serial in SERIALS]
    assert (estate.name, estate.currency, estate.time_zone) == (
        "Demo Estate",
        "566",
        ESTATE.time_zone,
    )
    assert (estate.account_code, estate.transaction_charge_minor) == (ACCOUNT_CODE, 20_000)
    for meter in meters:
        assert meter.utility.name == "Demo Estate"
        assert meter.external_id == meter.configuration.pan.decoder.digits
        assert (len(meter.external_id), meter.limits) == (11, LIMITS)
        assert meter.tariff_name == "nigeria-band-a-2024"


def test_what_is_sold_to_a_meter_of_the_estate_works_on_it(engine: Engine) -> None:
    add_estate(engine)
    sale = sell(engine, purchase_of(METER))
    meter = estate_virtual_meter(101)
    for token in sale.tokens:
        assert isinstance(meter.enter(token.digits), Accepted)
    assert not isinstance(estate_virtual_meter(102).enter(sale.tokens[0].digits), Accepted)


def test_the_meters_of_points_of_sale_stay_as_they_are(engine: Engine) -> None:
    own = (
        select(METER_TABLE)
        .where(METER_TABLE.c.external_id.like("TST%"))
        .order_by(METER_TABLE.c.key)
    )
    with engine.connect() as connection:
        before = connection.execute(own).all()
    add_estate(engine)
    with engine.connect() as connection:
        assert connection.execute(own).all() == before
