"""The SQL of the register."""

from __future__ import annotations

from dataclasses import asdict, fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import bindparam, insert, select, update

from sts.base_date import BaseDate
from sts.key_data import EncryptionAlgorithm, KeyRevisionNumber, SupplyGroupCode, TariffIndex
from sts.meter_number import MeterPan
from sts.security_module import MeterConfiguration
from sts.token_identifier import TokenIdentifier
from tariffs.document import parse_tariff
from vending_api.domain.meters.tables import CUSTOMER, METER, SUPPLY_GROUP, TARIFF, UTILITY
from vending_api.domain.meters.types import (
    Customer,
    KeyData,
    Meter,
    PurchaseLimits,
    ServiceType,
    Utility,
    UtilityRules,
)
from vending_api.kit.db import reserve_keys
from vending_api.kit.entries import require_fit
from vending_api.kit.group import drop_later, recall_lasting, remember_lasting
from vending_api.kit.statements import Statement, StatementForMany

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Row, Table

    from tariffs.tariff import Tariff
    from vending_api.domain.meters.types import NewMeter

_METER: Final = select(METER, CUSTOMER.c.first_name, CUSTOMER.c.last_name, CUSTOMER.c.address).join(
    CUSTOMER, METER.c.customer_key == CUSTOMER.c.key
)
_OF_EXTERNAL_ID: Final = _METER.where(METER.c.external_id == bindparam("external_id"))
_SITE: Final = Statement(
    select(SUPPLY_GROUP.c.key_revision_number.label("group_revision"), UTILITY)
    .join(UTILITY, SUPPLY_GROUP.c.utility_key == UTILITY.c.key)
    .where(SUPPLY_GROUP.c.supply_group_code == bindparam("of_code")),
    is_apart=True,
)
_TARIFF: Final = Statement(
    select(TARIFF.c.name, TARIFF.c.document).where(TARIFF.c.key == bindparam("of_key")),
    is_apart=True,
)
_EXTERNAL_ID: Final = select(METER.c.external_id).where(METER.c.pan == bindparam("of_pan"))
_UTILITY: Final = Utility._fields
_RULES: Final = tuple(one.name for one in fields(UtilityRules))
_FIND: Final = Statement(_OF_EXTERNAL_ID)
_LOCK: Final = Statement(_OF_EXTERNAL_ID.with_for_update(of=METER), is_apart=True)
_LOCK_MANY: Final = StatementForMany(
    lambda _, rows: (
        _METER.where(METER.c.external_id.in_([row["external_id"] for row in rows]))
        .order_by(METER.c.external_id)
        .with_for_update(of=METER)
    )
)
_RECORD_TOKEN_IDENTIFIER: Final = Statement(
    update(METER)
    .where(METER.c.key == bindparam("meter_key"))
    .values(last_token_identifier=bindparam("minutes")),
    is_apart=True,
)
HELD: Final = ("supply_group_code", "key_revision_number", "tariff_index")
_KEY_DATA: Final = (*HELD, "base_date", "last_token_identifier", *(f"new_{one}" for one in HELD))
_STORE_KEY_DATA: Final = Statement(
    update(METER)
    .where(METER.c.key == bindparam("meter_key"))
    .values({name: bindparam(f"to_{name}") for name in _KEY_DATA}),
    is_apart=True,
)


def find_meter(connection: Connection, external_id: str) -> Meter | None:
    """Return a registered meter by the number that points of sale send, or None."""
    row = _FIND.row(connection, {"external_id": external_id})
    return None if row is None else _meter(connection, row)


def lock_meter(connection: Connection, external_id: str) -> Meter | None:
    """Return a meter as `find_meter` does, its row locked until the transaction ends."""
    row = _LOCK.row(connection, {"external_id": external_id})
    return None if row is None else _meter(connection, row)


def lock_meters(connection: Connection, external_ids: Iterable[str]) -> list[Meter]:
    """Return those meters that are registered, locked one after the other by their numbers."""
    wanted = [{"external_id": one} for one in sorted(external_ids)]
    return [_meter(connection, row) for row in _LOCK_MANY.rows(connection, wanted)]


def external_id_of(connection: Connection, pan: MeterPan) -> str | None:
    """Return the number that points of sale send for the meter of a PAN, or None."""
    return connection.execute(_EXTERNAL_ID, {"of_pan": pan.digits}).scalar()


def record_token_identifier(
    connection: Connection,
    meter_key: int,
    token_identifier: TokenIdentifier,
    *,
    is_remembered: bool,
) -> None:
    """Store the newest token identifier of a meter whose row is locked.

    `is_remembered` says that its group knows it, so that nobody reads it from the row.
    """
    values = {"meter_key": meter_key, "minutes": token_identifier.minutes}
    if is_remembered:
        _RECORD_TOKEN_IDENTIFIER.run_later(connection, [values], of=meter_key)
    else:
        _RECORD_TOKEN_IDENTIFIER.run(connection, values)


def order_key_data(connection: Connection, meter_key: int, key_data: KeyData | None) -> None:
    """Store what key data a meter should hold; None withdraws the order."""
    _update_meter(connection, meter_key, ordered(key_data))


def store_key_data(
    connection: Connection,
    meter_key: int,
    key_data: KeyData,
    base_date: BaseDate,
    last_token_identifier: TokenIdentifier | None,
    *,
    is_last: bool,
) -> None:
    """Store what key data a meter holds from now on; an order for others is done with.

    The group of the connection has forgotten the meter. `is_last`: nobody reads it any more in it.
    """
    last = last_token_identifier
    held = {
        "supply_group_code": key_data.supply_group_code.digits,
        "key_revision_number": key_data.key_revision_number.value,
        "tariff_index": key_data.tariff_index.digits,
        "base_date": base_date.value,
        "last_token_identifier": None if last is None else last.minutes,
    }
    drop_later(connection, _RECORD_TOKEN_IDENTIFIER, meter_key)
    row = {f"to_{name}": value for name, value in (held | ordered(None)).items()}
    row["meter_key"] = meter_key
    if is_last:
        _STORE_KEY_DATA.run_later(connection, [row], of=meter_key)
    else:
        _STORE_KEY_DATA.run(connection, row)


def set_blocked(connection: Connection, meter_key: int, *, is_blocked: bool) -> None:
    """Store whether a meter is sold anything."""
    _update_meter(connection, meter_key, {"is_blocked": is_blocked})


def set_queued(connection: Connection, meter_key: int, *, has_queued_tokens: bool) -> None:
    """Store whether tokens wait for a meter's next purchase."""
    _update_meter(connection, meter_key, {"has_queued_tokens": has_queued_tokens})


def has_supply_group(connection: Connection, code: SupplyGroupCode) -> bool:
    """Return whether a supply group is registered."""
    column = SUPPLY_GROUP.c.supply_group_code
    return connection.execute(select(column).where(column == code.digits)).first() is not None


def find_utility(connection: Connection, name: str) -> int | None:
    """Return the key of the utility of this name, or None."""
    return connection.execute(select(UTILITY.c.key).where(UTILITY.c.name == name)).scalar()


def has_utilities(connection: Connection) -> bool:
    """Return whether any utility is registered."""
    return connection.execute(select(UTILITY.c.key).limit(1)).first() is not None


def add_utility(
    connection: Connection, utility: Utility, limits: PurchaseLimits, rules: UtilityRules
) -> int:
    """Store a utility with the limits of its meters and its rules, and return its key."""
    own_limits = {
        "minimum_purchase_minor": limits.minimum_minor,
        "maximum_purchase_minor": limits.maximum_minor,
    }
    return _add(connection, UTILITY, utility._asdict() | own_limits | asdict(rules))


def add_supply_group(connection: Connection, code: SupplyGroupCode, utility_key: int) -> None:
    """Store a supply group of a utility."""
    connection.execute(
        insert(SUPPLY_GROUP).values(supply_group_code=code.digits, utility_key=utility_key)
    )


def add_tariff(connection: Connection, name: str, document: str) -> int:
    """Store the document of a tariff, and return its key."""
    return _add(connection, TARIFF, {"name": name, "document": document})


def add_meters(connection: Connection, meters: Sequence[NewMeter]) -> list[int]:
    """Store meters and their customers, and return the meters' keys in the same order."""
    customer_keys = reserve_keys(connection, CUSTOMER, len(meters))
    _add_all(
        connection,
        CUSTOMER,
        [
            {"key": key} | asdict(meter.customer)
            for key, meter in zip(customer_keys, meters, strict=True)
        ],
    )
    keys = reserve_keys(connection, METER, len(meters))
    _add_all(
        connection,
        METER,
        [
            {"key": key} | _new_row(meter, customer_key)
            for key, customer_key, meter in zip(keys, customer_keys, meters, strict=True)
        ],
    )
    return keys


def _new_row(meter: NewMeter, customer_key: int) -> dict[str, Any]:
    configuration, limits = meter.configuration, meter.limits
    return {
        "external_id": meter.external_id,
        "pan": configuration.pan.digits,
        "service_type": meter.service_type.value,
        "supply_group_code": configuration.supply_group_code.digits,
        "key_revision_number": configuration.key_revision_number.value,
        "tariff_index": configuration.tariff_index.digits,
        "encryption_algorithm": configuration.encryption_algorithm.value,
        "token_technology_code": meter.token_technology_code,
        "base_date": meter.base_date.value,
        "is_blocked": meter.is_blocked,
        "has_queued_tokens": False,
        "minimum_purchase_minor": None if limits is None else limits.minimum_minor,
        "maximum_purchase_minor": None if limits is None else limits.maximum_minor,
        "customer_key": customer_key,
        "tariff_key": meter.tariff_key,
    }


def _add(connection: Connection, table: Table, values: dict[str, Any]) -> int:
    """Store a row and return its key; raises EntryInvalid for a text longer than its column."""
    require_fit(table, values)
    return int(connection.execute(insert(table).values(values).returning(table.c.key)).scalar_one())


def _add_all(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Store rows with their keys; raises as `_add`."""
    for row in rows:
        require_fit(table, row)
    connection.execute(insert(table), rows)


def _update_meter(connection: Connection, meter_key: int, values: dict[str, Any]) -> None:
    connection.execute(update(METER).where(METER.c.key == meter_key).values(values))


def ordered(key_data: KeyData | None) -> dict[str, Any]:
    """Return the columns that say what a meter should hold."""
    if key_data is None:
        return dict.fromkeys(f"new_{one}" for one in HELD)
    return {
        "new_supply_group_code": key_data.supply_group_code.digits,
        "new_key_revision_number": key_data.key_revision_number.value,
        "new_tariff_index": key_data.tariff_index.digits,
    }


class _Site(NamedTuple):
    """What all meters of a supply group share."""

    group_revision: int | None
    utility: Utility
    utility_key: int
    limits: PurchaseLimits
    rules: UtilityRules


def _site(connection: Connection, supply_group_code: str) -> _Site:
    known: _Site | None = recall_lasting(connection, (_SITE, supply_group_code))
    if known is not None:
        return known
    row = _SITE.row(connection, {"of_code": supply_group_code})
    site = _Site(
        group_revision=row.group_revision,
        utility=Utility(**{name: getattr(row, name) for name in _UTILITY}),
        utility_key=row.key,
        limits=PurchaseLimits(
            minimum_minor=row.minimum_purchase_minor, maximum_minor=row.maximum_purchase_minor
        ),
        rules=UtilityRules(**{name: getattr(row, name) for name in _RULES}),
    )
    remember_lasting(connection, (_SITE, supply_group_code), site)
    return site


def _meter(connection: Connection, row: Row[Any]) -> Meter:
    site = _site(connection, row.supply_group_code)
    tariff_name, tariff = _tariff(connection, row.tariff_key)
    last = row.last_token_identifier
    held = _key_data(row.supply_group_code, row.key_revision_number, row.tariff_index)
    configuration = MeterConfiguration(
        pan=MeterPan.parse(row.pan),
        supply_group_code=held.supply_group_code,
        key_revision_number=held.key_revision_number,
        tariff_index=held.tariff_index,
        encryption_algorithm=EncryptionAlgorithm(row.encryption_algorithm),
    )
    return Meter(
        key=row.key,
        external_id=row.external_id,
        configuration=configuration,
        key_data_to_hold=_key_data_to_hold(row, held, site.group_revision),
        base_date=BaseDate(row.base_date),
        service_type=ServiceType(row.service_type),
        token_technology_code=row.token_technology_code,
        limits=_limits(row, site.limits),
        is_blocked=row.is_blocked,
        last_token_identifier=None if last is None else TokenIdentifier(last),
        has_queued_tokens=row.has_queued_tokens,
        tariff=tariff,
        tariff_name=tariff_name,
        customer=Customer(first_name=row.first_name, last_name=row.last_name, address=row.address),
        utility_key=site.utility_key,
        rules=site.rules,
        utility=site.utility,
    )


# What many meters share is made once; the columns are the key, so a change is seen at once.


@lru_cache(maxsize=4096)
def _key_data(supply_group_code: str, key_revision_number: int, tariff_index: str) -> KeyData:
    return KeyData(
        SupplyGroupCode(supply_group_code),
        KeyRevisionNumber(key_revision_number),
        TariffIndex(tariff_index),
    )


def _key_data_to_hold(row: Row[Any], held: KeyData, group_revision: int | None) -> KeyData:
    if row.new_supply_group_code is not None:
        return _key_data(
            row.new_supply_group_code, row.new_key_revision_number, row.new_tariff_index
        )
    if group_revision is not None:
        return held._replace(key_revision_number=KeyRevisionNumber(group_revision))
    return held


def _limits(row: Row[Any], of_utility: PurchaseLimits) -> PurchaseLimits:
    """The meter's own limits, or those of its utility where it has none."""
    own_minimum, own_maximum = row.minimum_purchase_minor, row.maximum_purchase_minor
    return PurchaseLimits(
        minimum_minor=of_utility.minimum_minor if own_minimum is None else own_minimum,
        maximum_minor=of_utility.maximum_minor if own_maximum is None else own_maximum,
    )


def _tariff(connection: Connection, key: int) -> tuple[str, Tariff]:
    """Return the name of a tariff and the tariff."""
    known: tuple[str, Tariff] | None = recall_lasting(connection, (_TARIFF, key))
    if known is not None:
        return known
    row = _TARIFF.row(connection, {"of_key": key})
    found = row.name, _parsed(row.name, row.document)
    remember_lasting(connection, (_TARIFF, key), found)
    return found


@lru_cache(maxsize=256)
def _parsed(name: str, document: str) -> Tariff:
    """Parse a tariff once; the document itself is the key, so a change is seen at once."""
    return parse_tariff(document, document=name)
