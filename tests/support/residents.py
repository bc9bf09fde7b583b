"""Residents of the demo's estate for tests: registered, with meters that may buy online."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tests.support.service import NOON, purchase, writing
from vending_api.domain.consumers import service as consumers
from vending_api.domain.consumers.types import Register
from vending_api.domain.estates import service as estates
from vending_api.sandbox.estate import ESTATE, ensure_demo_estate, estate_meter_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

    from vending_api.domain.consumers.types import Consumer
    from vending_api.domain.sales.types import SellCredit

SERIAL: Final = 101
METER: Final = estate_meter_number(SERIAL)
OTHER_METER: Final = estate_meter_number(102)
EMAIL: Final = "ngozi@example.org"
PASSWORD_HASH: Final = "$argon2id$not-checked-here"


def add_estate(engine: Engine) -> int:
    """Enter the demo's estate, and return its number."""
    with writing(engine) as connection, connection.begin():
        ensure_demo_estate(connection)
        estate = estates.estate_of_utility(connection, ESTATE.name)
    assert estate is not None
    return estate.key


def registration(estate_key: int, **changes: object) -> Register:
    """Return a registration with the meter of serial 101, with `changes`."""
    command = Register(
        name="Ngozi Okafor",
        email=EMAIL,
        password_hash=PASSWORD_HASH,
        estate_key=estate_key,
        flat_number="55A",
        meter_type_id=1,
        meter_phase_type_id=1,
        meter_number=METER,
        received_at=NOON,
    )
    return replace(command, **changes)  # type: ignore[arg-type]  # tests name real fields


def add_resident(engine: Engine, **changes: object) -> Consumer:
    """Register a resident of the demo's estate, with `changes`, and return the consumer."""
    estate_key = add_estate(engine)
    with writing(engine) as connection, connection.begin():
        key = consumers.register(connection, registration(estate_key, **changes))
        return consumers.find_consumer(connection, key)


def purchase_of(meter_number: str = METER, **changes: object) -> SellCredit:
    """Return a purchase of 5000 naira for a meter of the estate, with `changes`."""
    facts = {"external_meter_id": meter_number, "amount_minor": 500_000, "currency": "566"}
    return purchase(**(facts | changes))


def done(engine: Engine, act: Callable[[Connection], object]) -> None:
    """Do something in a transaction of its own."""
    with writing(engine) as connection, connection.begin():
        act(connection)
