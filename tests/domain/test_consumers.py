"""Residents register once, with a meter of their estate that nobody else has registered."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from tests.support.residents import (
    EMAIL,
    METER,
    OTHER_METER,
    PASSWORD_HASH,
    add_estate,
    add_resident,
    done,
    registration,
)
from tests.support.selling import count
from tests.support.service import NOON, writing
from vending_api.domain.consumers import service
from vending_api.domain.consumers.errors import MeterNotOfEstate, RegistrationRefused
from vending_api.domain.consumers.tables import CONSUMER
from vending_api.domain.consumers.types import FieldProblem, Register, RegistrationFacts
from vending_api.domain.estates.errors import EstateUnknown
from vending_api.domain.meters.tables import METER as METER_TABLE
from vending_api.kit.entries import EntryInvalid

if TYPE_CHECKING:
    from sqlalchemy import Engine

LATER = NOON + timedelta(hours=1)
TAKEN, UNKNOWN = FieldProblem.TAKEN, FieldProblem.UNKNOWN


def _register(engine: Engine, command: Register) -> int:
    with writing(engine) as connection, connection.begin():
        return service.register(connection, command)


def _problems(
    engine: Engine, email: str | None, estate_key: int | None, meter: str | None
) -> dict[str, FieldProblem]:
    facts = RegistrationFacts(email=email, estate_key=estate_key, meter_number=meter)
    with engine.connect() as connection:
        return service.registration_problems(connection, facts)


def test_who_registers_is_found_by_key_and_by_e_mail_address(engine: Engine) -> None:
    consumer = add_resident(engine)
    assert (consumer.name, consumer.email, consumer.flat_number) == ("Ngozi Okafor", EMAIL, "55A")
    assert (consumer.estate.name, consumer.meter_number) == ("Demo Estate", METER)
    assert (consumer.meter_type_id, consumer.meter_phase_type_id) == (1, 1)
    assert consumer.created_at == consumer.updated_at == NOON
    with engine.connect() as connection:
        of_meter = select(METER_TABLE.c.external_id).where(METER_TABLE.c.key == consumer.meter_key)
        assert connection.execute(of_meter).scalar_one() == METER
        assert service.find_by_email(connection, EMAIL) == consumer
        assert service.consumers_of(connection, [consumer.key, 99]) == {consumer.key: consumer}
        assert service.consumers_of(connection, []) == {}


def test_the_case_of_an_e_mail_address_makes_no_difference(engine: Engine) -> None:
    consumer = add_resident(engine, email="Ngozi@Example.org")
    assert consumer.email == "Ngozi@Example.org"
    with engine.connect() as connection:
        assert service.find_by_email(connection, "nGOZI@example.ORG") == consumer
        assert service.credentials_of(connection, EMAIL) == (consumer.key, PASSWORD_HASH)
        assert service.password_hash_of(connection, consumer.key) == PASSWORD_HASH
    assert _problems(engine, EMAIL.upper(), None, None) == {"email": TAKEN}


def test_of_an_unknown_e_mail_address_nothing_is_known(engine: Engine) -> None:
    add_resident(engine)
    with engine.connect() as connection:
        assert service.find_by_email(connection, "x" + EMAIL) is None
        assert service.credentials_of(connection, "x" + EMAIL) is None


def test_what_is_wrong_is_told_field_by_field_in_the_order_of_the_form(engine: Engine) -> None:
    estate_key = add_resident(engine).estate.key
    assert list(_problems(engine, EMAIL, 10**30, METER).items()) == [
        ("email", TAKEN),
        ("estate", UNKNOWN),
        ("meter_number", TAKEN),
    ]
    assert _problems(engine, "other@example.org", estate_key, OTHER_METER) == {}
    assert _problems(engine, None, None, None) == {}


def test_a_meter_must_be_registered_in_the_estate(engine: Engine) -> None:
    estate_key = add_estate(engine)
    with engine.connect() as connection:
        assert service.require_meter_of_estate(connection, estate_key, METER) > 0
        # TST001 is a meter of another utility, the next is of nobody, the last is of no estate.
        for estate, number in ((estate_key, "TST001"), (estate_key, "1"), (estate_key + 1, METER)):
            with pytest.raises(MeterNotOfEstate) as refused:
                service.require_meter_of_estate(connection, estate, number)
            assert refused.value.meter_number == number


def test_a_registration_for_what_does_not_exist_stores_nothing(engine: Engine) -> None:
    estate_key = add_estate(engine)
    with pytest.raises(EstateUnknown):
        _register(engine, registration(estate_key + 1))
    with pytest.raises(MeterNotOfEstate):
        _register(engine, registration(estate_key, meter_number="TST001"))
    assert count(engine, CONSUMER) == 0


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"meter_number": OTHER_METER}, {"email": TAKEN}),
        ({"meter_number": OTHER_METER, "email": EMAIL.upper()}, {"email": TAKEN}),
        ({"email": "other@example.org"}, {"meter_number": TAKEN}),
        ({}, {"email": TAKEN, "meter_number": TAKEN}),
    ],
)
def test_an_e_mail_address_or_a_meter_that_is_taken_is_refused(
    engine: Engine, changes: dict[str, str], problems: dict[str, FieldProblem]
) -> None:
    estate_key = add_resident(engine).estate.key
    with pytest.raises(RegistrationRefused) as refused:
        _register(engine, registration(estate_key, **changes))
    assert refused.value.problems == problems
    assert count(engine, CONSUMER) == 1


def test_of_32_at_once_one_is_registered(engine: Engine) -> None:
    estate_key = add_estate(engine)
    start = threading.Barrier(16)

    def attempt(_: int) -> int | dict[str, str]:
        start.wait(30)
        try:
            return _register(engine, registration(estate_key))
        except RegistrationRefused as refused:
            return refused.problems

    with ThreadPoolExecutor(16) as threads:
        outcomes = list(threads.map(attempt, range(32)))
    refused = [one for one in outcomes if isinstance(one, dict)]
    assert refused == 31 * [{"email": TAKEN, "meter_number": TAKEN}]
    assert count(engine, CONSUMER) == 1


@pytest.mark.parametrize("field", ["name", "email", "flat_number"])
def test_a_text_may_be_as_long_as_its_column_and_no_longer(engine: Engine, field: str) -> None:
    estate_key = add_estate(engine)
    with pytest.raises(EntryInvalid) as refused:
        _register(engine, registration(estate_key, **{field: 256 * "x"}))
    assert refused.value.field == f"consumer.{field}"
    _register(engine, registration(estate_key, **{field: 255 * "x"}))


def test_another_name_is_kept_and_nothing_else_changes(engine: Engine) -> None:
    consumer = add_resident(engine)
    done(engine, lambda connection: service.rename(connection, consumer.key, "N. Eze", LATER))
    with engine.connect() as connection:
        renamed = service.find_consumer(connection, consumer.key)
    assert (renamed.name, renamed.updated_at, renamed.created_at) == ("N. Eze", LATER, NOON)
    assert (renamed.email, renamed.meter_key) == (consumer.email, consumer.meter_key)
    with pytest.raises(EntryInvalid):
        done(engine, lambda c: service.rename(c, consumer.key, 256 * "x", LATER))


def test_personal_data_stand_in_no_repr(engine: Engine) -> None:
    consumer = add_resident(engine)
    shown = repr(consumer) + repr(registration(1))
    for secret in (consumer.name, consumer.email, PASSWORD_HASH, "55A"):
        assert secret not in shown
