"""The SQL of the register."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, insert, select, update

from sts.base_date import BaseDate
from sts.key_data import EncryptionAlgorithm, KeyRevisionNumber, SupplyGroupCode, TariffIndex
from sts.meter_number import MeterPan
from sts.security_module import MeterConfiguration
from sts.token_identifier import TokenIdentifier
from tariffs.document import parse_tariff
from vending_api.domain.meters.tables import CUSTOMER, METER, SUPPLY_GROUP, TARIFF, UTILITY
from vending_api.domain.meters.types import Customer, Meter, PurchaseLimits, ServiceType, Utility
from vending_api.kit.entries import require_fit

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row, Table

    from tariffs.tariff import Tariff
    from vending_api.domain.meters.types import NewMeter

_METER: Final = (
    select(
        METER,
        UTILITY.c.name.label("utility_name"),
        UTILITY.c.address.label("utility_address"),
        UTILITY.c.vat_registration_number,
        UTILITY.c.client_id,
        UTILITY.c.message,
        UTILITY.c.currency,
        UTILITY.c.time_zone,
        UTILITY.c.minimum_purchase_minor.label("utility_minimum_minor"),
        UTILITY.c.maximum_purchase_minor.label("utility_maximum_minor"),
        TARIFF.c.name.label("tariff_name"),
        TARIFF.c.document.label("tariff_document"),
        CUSTOMER.c.first_name,
        CUSTOMER.c.last_name,
        CUSTOMER.c.address,
    )
    .join(SUPPLY_GROUP, METER.c.supply_group_code == SUPPLY_GROUP.c.supply_group_code)
    .join(UTILITY, SUPPLY_GROUP.c.utility_key == UTILITY.c.key)
    .join(TARIFF, METER.c.tariff_key == TARIFF.c.key)
    .join(CUSTOMER, METER.c.customer_key == CUSTOMER.c.key)
    .where(METER.c.external_id == bindparam("external_id"))
)
_LOCKED_METER: Final = _METER.with_for_update(of=METER)
_RECORD_TOKEN_IDENTIFIER: Final = (
    update(METER)
    .where(METER.c.key == bindparam("meter_key"))
    .values(last_token_identifier=bindparam("minutes"))
)


def find_meter(connection: Connection, external_id: str) -> Meter | None:
    """Return a registered meter by the number that points of sale send, or None."""
    row = connection.execute(_METER, {"external_id": external_id}).one_or_none()
    return None if row is None else _meter(row)


def lock_meter(connection: Connection, external_id: str) -> Meter | None:
    """Return a meter as `find_meter` does, its row locked until the transaction ends."""
    row = connection.execute(_LOCKED_METER, {"external_id": external_id}).one_or_none()
    return None if row is None else _meter(row)


def record_token_identifier(
    connection: Connection, meter_key: int, token_identifier: TokenIdentifier
) -> None:
    """Store the newest token identifier of a meter whose row is locked."""
    connection.execute(
        _RECORD_TOKEN_IDENTIFIER, {"meter_key": meter_key, "minutes": token_identifier.minutes}
    )


def find_utility(connection: Connection, name: str) -> int | None:
    """Return the key of the utility of this name, or None."""
    return connection.execute(select(UTILITY.c.key).where(UTILITY.c.name == name)).scalar()


def has_utilities(connection: Connection) -> bool:
    """Return whether any utility is registered."""
    return connection.execute(select(UTILITY.c.key).limit(1)).first() is not None


def add_utility(connection: Connection, utility: Utility, limits: PurchaseLimits) -> int:
    """Store a utility with the limits of its meters, and return its key."""
    own_limits = {
        "minimum_purchase_minor": limits.minimum_minor,
        "maximum_purchase_minor": limits.maximum_minor,
    }
    return _add(connection, UTILITY, asdict(utility) | own_limits)


def add_supply_group(connection: Connection, code: SupplyGroupCode, utility_key: int) -> None:
    """Store a supply group of a utility."""
    connection.execute(
        insert(SUPPLY_GROUP).values(supply_group_code=code.digits, utility_key=utility_key)
    )


def add_tariff(connection: Connection, name: str, document: str) -> int:
    """Store the document of a tariff, and return its key."""
    return _add(connection, TARIFF, {"name": name, "document": document})


def add_meter(connection: Connection, meter: NewMeter) -> int:
    """Store a meter and its customer, and return the meter's key."""
    configuration, limits = meter.configuration, meter.limits
    return _add(
        connection,
        METER,
        {
            "external_id": meter.external_id,
            "pan": configuration.pan.digits,
            "service_type": meter.service_type.value,
            "supply_group_code": configuration.supply_group_code.digits,
            "key_revision_number": configuration.key_revision_number.value,
            "tariff_index": configuration.tariff_index.digits,
            "encryption_algorithm": configuration.encryption_algorithm.value,
            "token_technology_code": meter.token_technology_code,
            "base_date": meter.base_date.value,
            "is_blocked": False,
            "minimum_purchase_minor": None if limits is None else limits.minimum_minor,
            "maximum_purchase_minor": None if limits is None else limits.maximum_minor,
            "customer_key": _add(connection, CUSTOMER, asdict(meter.customer)),
            "tariff_key": meter.tariff_key,
        },
    )


def _add(connection: Connection, table: Table, values: dict[str, Any]) -> int:
    """Store a row and return its key; raises EntryInvalid for a text longer than its column."""
    require_fit(table, values)
    return int(connection.execute(insert(table).values(values).returning(table.c.key)).scalar_one())


def _meter(row: Row[Any]) -> Meter:
    last = row.last_token_identifier
    return Meter(
        key=row.key,
        external_id=row.external_id,
        configuration=MeterConfiguration(
            pan=MeterPan.parse(row.pan),
            supply_group_code=SupplyGroupCode(row.supply_group_code),
            key_revision_number=KeyRevisionNumber(row.key_revision_number),
            tariff_index=TariffIndex(row.tariff_index),
            encryption_algorithm=EncryptionAlgorithm(row.encryption_algorithm),
        ),
        base_date=BaseDate(row.base_date),
        service_type=ServiceType(row.service_type),
        token_technology_code=row.token_technology_code,
        limits=_limits(row),
        is_blocked=row.is_blocked,
        last_token_identifier=None if last is None else TokenIdentifier(last),
        tariff=_tariff(row.tariff_name, row.tariff_document),
        customer=Customer(first_name=row.first_name, last_name=row.last_name, address=row.address),
        utility=Utility(
            name=row.utility_name,
            address=row.utility_address,
            vat_registration_number=row.vat_registration_number,
            client_id=row.client_id,
            message=row.message,
            currency=row.currency,
            time_zone=row.time_zone,
        ),
    )


def _limits(row: Row[Any]) -> PurchaseLimits:
    """The meter's own limits, or those of its utility where it has none."""
    own_minimum, own_maximum = row.minimum_purchase_minor, row.maximum_purchase_minor
    return PurchaseLimits(
        minimum_minor=row.utility_minimum_minor if own_minimum is None else own_minimum,
        maximum_minor=row.utility_maximum_minor if own_maximum is None else own_maximum,
    )


@lru_cache(maxsize=256)
def _tariff(name: str, document: str) -> Tariff:
    """Parse a tariff once; the document itself is the key, so a change is seen at once."""
    return parse_tariff(document, document=name)
