"""The demo's estate: a utility whose residents buy online, and five meters without residents."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import resources
from typing import TYPE_CHECKING, Final

from sts.base_date import BaseDate
from sts.key_data import EncryptionAlgorithm, KeyRevisionNumber, SupplyGroupCode, TariffIndex
from sts.meter_number import (
    DecoderReferenceNumber,
    DecoderSerialNumber,
    IssuerIdentificationNumber,
    ManufacturerCode,
    MeterPan,
)
from sts.security_module import MeterConfiguration
from vending_api.domain.estates.service import set_estate
from vending_api.domain.meters.service import (
    is_registered,
    register_meter,
    register_tariff,
    register_utility,
)
from vending_api.domain.meters.types import (
    Customer,
    NewMeter,
    PurchaseLimits,
    ServiceType,
    Utility,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

ESTATE: Final = Utility(
    name="Demo Estate",
    address="1 Marina, Lagos",
    vat_registration_number="0000000001",
    client_id="0002",
    message="Thank you for buying online",
    currency="566",
    time_zone="Africa/Lagos",
)
ACCOUNT_CODE: Final = "ACCT_demo0000estate1"
TRANSACTION_CHARGE_MINOR: Final = 20_000
LIMITS: Final = PurchaseLimits(minimum_minor=100_000, maximum_minor=50_000_000)
TARIFF: Final = "nigeria-band-a-2024"
SERIALS: Final = range(101, 106)
_SUPPLY_GROUP: Final = SupplyGroupCode("123457")
_KEY_REVISION: Final = KeyRevisionNumber(2)
_REGISTERED_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""The same in every demo."""
_CUSTOMERS: Final = (
    ("Ngozi", "Okafor"),
    ("Tunde", "Bello"),
    ("Amina", "Sani"),
    ("Chidi", "Eze"),
    ("Funke", "Adeyemi"),
)


def ensure_demo_estate(connection: Connection) -> None:
    """Register the demo's estate and its meters unless they are there.

    It comes after `ensure_demo_data`, which keeps out of a database with real utilities.
    """
    if is_registered(connection, ESTATE.name):
        return
    register_utility(connection, ESTATE, limits=LIMITS, supply_groups=[_SUPPLY_GROUP])
    set_estate(
        connection,
        ESTATE.name,
        account_code=ACCOUNT_CODE,
        transaction_charge_minor=TRANSACTION_CHARGE_MINOR,
        at=_REGISTERED_AT,
    )
    tariff_key = register_tariff(connection, TARIFF, _document())
    for serial, (first_name, last_name) in zip(SERIALS, _CUSTOMERS, strict=True):
        address = f"Flat {serial}, {ESTATE.address}"
        customer = Customer(first_name=first_name, last_name=last_name, address=address)
        register_meter(connection, _new_meter(serial, customer, tariff_key))


def estate_meter_number(serial: int) -> str:
    """Return what the register calls the estate's meter of a serial: its DRN, 11 digits."""
    return estate_meter_configuration(serial).pan.decoder.digits


def estate_meter_configuration(serial: int) -> MeterConfiguration:
    """Return what the security module must know of the estate's meter of a serial."""
    drn = DecoderReferenceNumber.of(ManufacturerCode("01"), DecoderSerialNumber(f"{serial:08}"))
    return MeterConfiguration(
        pan=MeterPan(IssuerIdentificationNumber("600727"), drn),
        supply_group_code=_SUPPLY_GROUP,
        key_revision_number=_KEY_REVISION,
        tariff_index=TariffIndex("01"),
        encryption_algorithm=EncryptionAlgorithm.EA11,
    )


def _document() -> str:
    file = resources.files("tariffs") / "examples" / f"{TARIFF}.toml"
    return file.read_text(encoding="utf-8")


def _new_meter(serial: int, customer: Customer, tariff_key: int) -> NewMeter:
    configuration = estate_meter_configuration(serial)
    return NewMeter(
        external_id=configuration.pan.decoder.digits,
        configuration=configuration,
        base_date=BaseDate.YEAR_2014,
        service_type=ServiceType.ELECTRICITY,
        token_technology_code="02",  # noqa: S106 (TCT 02 is a keypad, not a password)
        limits=None,
        customer=customer,
        tariff_key=tariff_key,
    )
