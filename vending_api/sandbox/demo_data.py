"""The demo's register: one utility, one client, and the meters TST001 to TST011."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import resources
from typing import TYPE_CHECKING, Final

from sts.key_data import EncryptionAlgorithm
from sts.meter_number import (
    DecoderReferenceNumber,
    DecoderSerialNumber,
    IssuerIdentificationNumber,
    ManufacturerCode,
    MeterPan,
)
from sts.security_module import MeterConfiguration
from vending_api.domain.clients.service import register_client
from vending_api.domain.meters.service import (
    has_utilities,
    is_registered,
    register_meter,
    register_tariff,
    register_utility,
)
from vending_api.domain.meters.types import (
    NewMeter,
    PurchaseLimits,
    ServiceType,
    Utility,
    UtilityRules,
)
from vending_api.sandbox.rehearsal import rearm
from vending_api.sandbox.scenarios import BASE_DATE, KEY_DATA, SCENARIOS, SUPPLY_GROUP

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vending_api.sandbox.scenarios import Scenario

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
_UTILITY_LIMITS: Final = PurchaseLimits(minimum_minor=1_000, maximum_minor=500_000)
_UTILITY_RULES: Final = UtilityRules(reprints_a_day=1_000)
"""Integrators print the same tokens again and again."""
_REGISTERED_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""When the first orders for demo meters were given: the same in every demo."""


class DemoRefused(Exception):
    """The database holds real meters; the demo keeps out of it."""


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
    register_utility(
        connection,
        UTILITY,
        limits=_UTILITY_LIMITS,
        supply_groups=[SUPPLY_GROUP],
        rules=_UTILITY_RULES,
    )
    scenarios = SCENARIOS.values()
    tariff_keys = {
        name: register_tariff(connection, name, _document(name))
        for name in dict.fromkeys(scenario.tariff for scenario in scenarios)
    }
    for serial, scenario in enumerate(scenarios, start=1):
        register_meter(connection, _new_meter(scenario, serial, tariff_keys[scenario.tariff]))
        rearm(connection, scenario.external_id, _REGISTERED_AT)


def demo_meter_configuration(serial: int) -> MeterConfiguration:
    """Return what the security module must know of the demo meter TST`serial`."""
    drn = DecoderReferenceNumber.of(ManufacturerCode("01"), DecoderSerialNumber(f"{serial:08}"))
    return MeterConfiguration(
        pan=MeterPan(IssuerIdentificationNumber("600727"), drn),
        supply_group_code=KEY_DATA.supply_group_code,
        key_revision_number=KEY_DATA.key_revision_number,
        tariff_index=KEY_DATA.tariff_index,
        encryption_algorithm=EncryptionAlgorithm.EA07,
    )


def _document(tariff: str) -> str:
    file = resources.files(__package__) / "tariffs" / f"{tariff}.toml"
    return file.read_text(encoding="utf-8")


def _new_meter(scenario: Scenario, serial: int, tariff_key: int) -> NewMeter:
    amount_minor = scenario.amount_minor
    return NewMeter(
        external_id=scenario.external_id,
        configuration=demo_meter_configuration(serial),
        base_date=BASE_DATE,
        service_type=ServiceType.ELECTRICITY,
        token_technology_code="02",  # noqa: S106 (TCT 02 is a keypad, not a password)
        limits=PurchaseLimits(minimum_minor=amount_minor, maximum_minor=amount_minor),
        customer=scenario.customer,
        tariff_key=tariff_key,
    )
