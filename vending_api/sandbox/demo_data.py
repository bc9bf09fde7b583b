"""The demo's register: one utility, one client, and the meters TST001 to TST011.

The scenario of a meter is in its number, as integrators of the point-of-sale
interface know it; amounts are the only ones that a meter may buy for.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Final, NamedTuple

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
from tariffs.account import Debt
from vending_api.domain.accounts.service import set_customer, set_debts
from vending_api.domain.clients.service import register_client
from vending_api.domain.meters.service import (
    has_utilities,
    is_registered,
    register_meter,
    register_tariff,
    register_utility,
)
from vending_api.domain.meters.types import Customer, NewMeter, PurchaseLimits, ServiceType, Utility

if TYPE_CHECKING:
    from sqlalchemy import Connection

DEMO_USER: Final = "test"
DEMO_PASSWORD: Final = "test"  # noqa: S105 (the sandbox's published password; loopback only)

UTILITY: Final = Utility(
    name="Electrum Test Server",
    address="The Cloud",
    vat_registration_number="0000000000",
    client_id="0001",
    message="This is a message to the customer",
    currency="710",
    time_zone="Africa/Johannesburg",
)
_SUPPLY_GROUP: Final = SupplyGroupCode("000001")
_UTILITY_LIMITS: Final = PurchaseLimits(minimum_minor=1_000, maximum_minor=500_000)


class DemoRefused(Exception):
    """The database holds real meters; the demo keeps out of it."""


class _DemoMeter(NamedTuple):
    external_id: str
    first_name: str
    last_name: str
    address: str
    amount_minor: int
    tariff: str = "demo"
    gets_free_units: bool = False
    debts: tuple[Debt, ...] = ()


_RATES_DEBT: Final = Debt(name="Municipal rates arrears", balance_minor=32_300)
_SMALL_RATES_DEBT: Final = Debt(name="Municipal rates arrears", balance_minor=5_000)
_WATER_DEBT: Final = Debt(name="Municipal water arrears", balance_minor=32_300)

_METERS: Final = (
    _DemoMeter("TST001", "Pierre", "De Wet", "21 Dorp Straat", 10_000),
    _DemoMeter("TST002", "Siphesihle", "Mwamure", "14 1st Street", 0, gets_free_units=True),
    _DemoMeter("TST003", "Mohamed", "Kaifa", "56 Prentice Road", 10_000, gets_free_units=True),
    _DemoMeter("TST004", "Kgosietsile", "Zono", "34 Mota Street", 10_000, "demo-blocks"),
    _DemoMeter("TST005", "Ibraheem", "Davids", "7 Adams Street", 5_000),
    _DemoMeter("TST006", "Zukile", "Maqoba", "9 Mahlangu Street", 10_000),
    _DemoMeter(
        *("TST007", "John", "Palmer", "31 Milner Road", 20_000, "demo-fee"), debts=(_RATES_DEBT,)
    ),
    _DemoMeter(
        *("TST008", "Kgotso", "Phiri", "52 Ntombela Street", 20_000),
        debts=(_SMALL_RATES_DEBT, _WATER_DEBT),
    ),
    _DemoMeter("TST009", "Janine", "Oosthuizen", "301 Kerk Straat", 20_000, "demo-fees"),
    _DemoMeter("TST010", "Peter", "Dyton", "1 Elands Drive", 10_000),
    _DemoMeter("TST011", "Ruth", "Cupido", "4 Meyer Street", 10_000),
)


def ensure_demo_data(connection: Connection) -> None:
    """Register the demo's utility, client and meters unless they are there.

    Raises DemoRefused for a database with other utilities.
    """
    if is_registered(connection, UTILITY.name):
        return
    if has_utilities(connection):
        raise DemoRefused(
            "VENDING_DATABASE_URL: this database holds real utilities; "
            "give the demo another one, like sqlite:///demo.db"
        )
    register_client(
        connection, user_name=DEMO_USER, name="Demo point of sale", password=DEMO_PASSWORD
    )
    register_utility(connection, UTILITY, limits=_UTILITY_LIMITS, supply_groups=[_SUPPLY_GROUP])
    tariff_keys = {
        name: register_tariff(connection, name, _document(name))
        for name in dict.fromkeys(meter.tariff for meter in _METERS)
    }
    for serial, meter in enumerate(_METERS, start=1):
        key = register_meter(connection, _new_meter(meter, serial, tariff_keys[meter.tariff]))
        if meter.gets_free_units:
            set_customer(connection, key, gets_free_units=True)
        if meter.debts:
            set_debts(connection, key, meter.debts)


def demo_meter_configuration(serial: int) -> MeterConfiguration:
    """Return what the security module must know of the demo meter TST`serial`."""
    drn = DecoderReferenceNumber.of(ManufacturerCode("01"), DecoderSerialNumber(f"{serial:08}"))
    return MeterConfiguration(
        pan=MeterPan(IssuerIdentificationNumber("600727"), drn),
        supply_group_code=_SUPPLY_GROUP,
        key_revision_number=KeyRevisionNumber(1),
        tariff_index=TariffIndex("01"),
        encryption_algorithm=EncryptionAlgorithm.EA07,
    )


def _document(tariff: str) -> str:
    file = resources.files(__package__) / "tariffs" / f"{tariff}.toml"
    return file.read_text(encoding="utf-8")


def _new_meter(meter: _DemoMeter, serial: int, tariff_key: int) -> NewMeter:
    return NewMeter(
        external_id=meter.external_id,
        configuration=demo_meter_configuration(serial),
        base_date=BaseDate.YEAR_2014,
        service_type=ServiceType.ELECTRICITY,
        token_technology_code="02",  # noqa: S106 (TCT 02 is a keypad, not a password)
        limits=PurchaseLimits(minimum_minor=meter.amount_minor, maximum_minor=meter.amount_minor),
        customer=Customer(
            first_name=meter.first_name, last_name=meter.last_name, address=meter.address
        ),
        tariff_key=tariff_key,
    )
