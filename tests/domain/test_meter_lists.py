"""Lists of meters, on both databases: entered in bulk, each row with its own customer."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pytest
from sqlalchemy import select

from sts.base_date import BaseDate
from sts.key_data import EncryptionAlgorithm, KeyRevisionNumber, SupplyGroupCode, TariffIndex
from sts.meter_number import (
    DecoderReferenceNumber,
    DecoderSerialNumber,
    IssuerIdentificationNumber,
    ManufacturerCode,
    MeterPan,
)
from tariffs.account import Account, Debt
from tests.support.selling import FLAT, account, count, set_account
from tests.support.service import NOON, prepared_engine, writing
from vending_api.domain.accounts.service import account_of
from vending_api.domain.meter_lists import service
from vending_api.domain.meter_lists.service import CHANGEABLE_FIELDS, compare_list, enter_list
from vending_api.domain.meter_lists.types import Comparison, MeterEntry
from vending_api.domain.meters.service import check_tariff, classes_ahead, find_meter
from vending_api.domain.meters.tables import CUSTOMER, METER
from vending_api.domain.meters.types import PurchaseLimits, ServiceType
from vending_api.kit.entries import EntryInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Engine

EVERY_FIELD: Final = CHANGEABLE_FIELDS


@pytest.fixture
def register(sqlite_url: str) -> Iterator[Engine]:
    """Give the demo's register on SQLite, for decisions that no database takes part in."""
    engine = prepared_engine(sqlite_url)
    yield engine
    engine.dispose()


def _entry(serial: int, **changes: object) -> MeterEntry:
    drn = DecoderReferenceNumber.of(ManufacturerCode("04"), DecoderSerialNumber(f"{serial:08}"))
    entry = MeterEntry(
        external_id=drn.digits,
        pan=MeterPan(IssuerIdentificationNumber("600727"), drn),
        supply_group_code=SupplyGroupCode("000001"),
        key_revision_number=KeyRevisionNumber(1),
        tariff_index=TariffIndex("01"),
        base_date=BaseDate.YEAR_2014,
        encryption_algorithm=EncryptionAlgorithm.EA07,
        tariff="demo",
        first_name=f"First {serial}",
        last_name=f"Last {serial}",
        address=f"{serial} Main Road",
    )
    return replace(entry, **changes)  # type: ignore[arg-type]  # tests name real fields


def _compare(
    engine: Engine, entries: Sequence[MeterEntry], fields: frozenset[str] = EVERY_FIELD
) -> Comparison:
    with engine.connect() as connection:
        return compare_list(connection, entries, fields, NOON)


def _enter(
    engine: Engine, entries: Sequence[MeterEntry], fields: frozenset[str] = EVERY_FIELD
) -> Comparison:
    comparison = _compare(engine, entries, fields)
    with writing(engine) as connection, connection.begin():
        enter_list(connection, comparison)
    return comparison


def test_a_thousand_meters_keep_their_own_customers_and_debts(engine: Engine) -> None:
    entries = [
        _entry(n, debts=(Debt(name="Rates", balance_minor=n),) if n % 3 == 0 else ())
        for n in range(1, 1203)
    ]
    told: list[int] = []
    comparison = _compare(engine, entries)
    with writing(engine) as connection, connection.begin():
        enter_list(connection, comparison, advance=told.append)
    assert (len(comparison.new), told) == (1202, [1000, 202])
    with engine.connect() as connection:
        statement = select(METER.c.external_id, CUSTOMER.c.last_name).join(
            CUSTOMER, METER.c.customer_key == CUSTOMER.c.key
        )
        living = {row.external_id: row.last_name for row in connection.execute(statement)}
        for entry in entries:
            assert living[entry.external_id] == entry.last_name
        for entry in entries[::301]:
            meter = find_meter(connection, entry.external_id)
            assert meter.configuration.pan == entry.pan
            assert meter.service_type is ServiceType.ELECTRICITY
            assert account_of(connection, meter.key).debts == entry.debts
    entries.append(_entry(5000))  # who comes later gets a key of its own
    _enter(engine, entries)
    assert _compare(engine, entries).unchanged == 1203


def test_changes_are_entered_and_the_account_is_kept(engine: Engine) -> None:
    _enter(engine, [_entry(1), _entry(2)])
    number = _entry(1).external_id
    bought = Account(
        units_this_month=Decimal("12.5"),
        paid_this_month_minor=900,
        debts=(Debt(name="Rates", balance_minor=7),),
    )
    set_account(engine, bought, number)
    changed = [
        _entry(
            n,
            last_name="Smit",
            gets_free_units=True,
            is_blocked=True,
            tariff="demo-fee",
            limits=PurchaseLimits(minimum_minor=5, maximum_minor=6),
            token_technology_code="01",
            debts=(Debt(name="Other", balance_minor=99),),
        )
        for n in (2, 1)
    ]
    comparison = _enter(engine, changed)
    assert [change.fields for change in comparison.changed] == [
        frozenset(
            {"last_name", "gets_free_units", "is_blocked", "tariff", "limits"}
            | {"token_technology_code"}
        )
    ] * 2
    assert account(engine, number) == bought._replace(gets_free_units=True)
    assert account(engine, _entry(2).external_id) == Account(gets_free_units=True)
    with engine.connect() as connection:
        meter = find_meter(connection, number)
    assert (meter.customer.last_name, meter.is_blocked) == ("Smit", True)
    assert (meter.limits.minimum_minor, meter.limits.maximum_minor) == (5, 6)
    assert (meter.tariff_name, meter.token_technology_code) == ("demo-fee", "01")
    assert _compare(engine, changed).unchanged == 2


def test_only_what_a_list_says_is_compared_and_changed(register: Engine) -> None:
    _enter(register, [_entry(1, is_blocked=True, gets_free_units=True)])
    entry = _entry(1, last_name="Smit", tariff=None)
    comparison = _enter(register, [entry], frozenset({"last_name", "tariff", "pan"}))
    (change,) = comparison.changed
    assert change.fields == {"last_name"}
    assert comparison.fields == {"last_name", "tariff"}
    with register.connect() as connection:
        meter = find_meter(connection, entry.external_id)
    assert (meter.customer.last_name, meter.is_blocked, meter.tariff_name) == ("Smit", True, "demo")
    assert account(register, entry.external_id).gets_free_units


def test_a_flag_alone_may_change(register: Engine) -> None:
    _enter(register, [_entry(1)])
    _enter(register, [_entry(1, is_exempt=True)], frozenset({"is_exempt"}))
    assert account(register, _entry(1).external_id) == Account(is_exempt=True)


def test_a_list_that_fails_half_way_leaves_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_WRITTEN_AT_ONCE", 2)
    before = count(engine, METER), count(engine, CUSTOMER)

    def pull_the_plug(_: int) -> None:
        raise OSError("the plug was pulled")

    comparison = _compare(engine, [_entry(n) for n in range(1, 6)])
    with (
        writing(engine) as connection,
        pytest.raises(OSError, match="plug"),
        connection.begin(),
    ):
        enter_list(connection, comparison, advance=pull_the_plug)
    assert (count(engine, METER), count(engine, CUSTOMER)) == before


def test_a_conflict_keeps_a_list_from_being_entered(register: Engine) -> None:
    entries = [_entry(1), _entry(2, supply_group_code=SupplyGroupCode("777777"))]
    comparison = _compare(register, entries)
    (conflict,) = comparison.conflicts
    assert (conflict.position, conflict.field) == (1, "supply_group_code")
    with (
        writing(register) as connection,
        connection.begin(),
        pytest.raises(EntryInvalid, match="entry 2, supply_group_code"),
    ):
        enter_list(connection, comparison)


def test_what_a_new_meter_needs_is_asked_for_twice(register: Engine) -> None:
    comparison = _compare(register, [_entry(1, pan=None)])
    assert [one.field for one in comparison.conflicts] == ["pan"]
    unchecked = Comparison(fields=EVERY_FIELD, new=(_entry(1, pan=None),))
    with writing(register) as connection, connection.begin(), pytest.raises(EntryInvalid):
        enter_list(connection, unchecked)


def test_classes_must_be_priced_now_and_for_good() -> None:
    energy = '[version.energy]\nrate = "100"'
    old, new = (
        energy.replace("energy", f"energy.classes.{name}").replace("100", price)
        for name, price in (("home", "100"), ("farm", "90"))
    )
    tariff = check_tariff(
        "t",
        FLAT.replace(energy, f"{old}\n{new}")
        + f"[[version]]\nvalid_from = 2026-11-22\n{old.replace('100', '120')}\n",
    )
    assert classes_ahead(tariff, NOON) == {"home"}  # the day before
    ended = check_tariff(
        "t",
        FLAT.replace(energy, old) + f"[[version]]\nvalid_from = 2026-11-21\n{old}\n{new}\n",
    )
    assert classes_ahead(ended, NOON) == {"home", "farm"}  # the very day
