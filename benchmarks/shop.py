"""A prepared installation to sell from: keys, a tariff, meters, and a client with credit.

Nothing of it is real. The vending keys follow from fixed words, so that a database which is named
with `--database` can be used again: only its missing meters are added.
"""

from __future__ import annotations

import hashlib
import secrets
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from sqlalchemy import func, select

from benchmarks.five_blocks import FIVE_BLOCKS
from benchmarks.opening import open_database, write_data_keys
from sts.base_date import BaseDate
from sts.key_data import EncryptionAlgorithm, KeyRevisionNumber, SupplyGroupCode, TariffIndex
from sts.keys.decoder_key import derive_decoder_key
from sts.keys.key_file import load_key_file
from sts.meter_number import (
    DecoderReferenceNumber,
    DecoderSerialNumber,
    IssuerIdentificationNumber,
    ManufacturerCode,
    MeterPan,
)
from sts.security_module import MeterConfiguration
from sts.tokens.codec import TokenCodec
from sts.virtual_meter import VirtualMeter
from vending_api import migrations
from vending_api.domain.clients import service as clients
from vending_api.domain.clients.types import ClientTerms
from vending_api.domain.credit import service as credit
from vending_api.domain.meters import service as register
from vending_api.domain.meters.tables import METER, TARIFF
from vending_api.domain.meters.types import (
    Customer,
    NewMeter,
    PurchaseLimits,
    ServiceType,
    Utility,
)
from vending_api.kit.db import WRITES

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

USER: Final = "benchmark"
PASSWORD: Final = hashlib.sha256(b"password of the benchmark").hexdigest()
TERMINALS: Final = tuple(f"BENCH{number:03}" for number in range(1, 6))
CURRENCY: Final = "710"
_DEPOSIT_MINOR: Final = 10**12
_AT_ONCE: Final = 10_000
_GROUP: Final = SupplyGroupCode("600100")
_MOVING_GROUP: Final = SupplyGroupCode("600200")
"""Its meters hold revision 1 of the key, and are to hold revision 2."""
_TARIFF_NAME: Final = "Benchmark, five blocks"
_UTILITY: Final = Utility(
    name="Benchmark Electricity",
    address="1 Long Road, Durban",
    vat_registration_number="4123456789",
    client_id="0001",
    message="Save electricity between 17:00 and 21:00",
    currency=CURRENCY,
    time_zone="Africa/Johannesburg",
)


@dataclass(frozen=True, kw_only=True)
class Shop:
    """An installation that is ready to be served."""

    database_url: str
    keys_file: Path
    """The plain keys, for virtual meters."""
    sealed_keys_file: Path
    """The same, as the service takes them."""
    passphrase_file: Path
    """What opens them."""
    data_keys_file: Path
    """What tokens are stored encrypted under."""
    meters: tuple[str, ...]
    """The numbers that points of sale send."""
    moving_meters: tuple[str, ...]
    """The last of them, which get key change tokens first."""

    def virtual_meter(self, number: str) -> VirtualMeter:
        """Return a meter in software that holds what the register says, with no token seen."""
        held = _configuration(int(number[2:10]), _GROUP)
        key = load_key_file(self.keys_file).find(held.supply_group_code, held.key_revision_number)
        return VirtualMeter(
            pan=held.pan,
            decoder_key=derive_decoder_key(
                key,
                pan=held.pan,
                tariff_index=held.tariff_index,
                encryption_algorithm=held.encryption_algorithm,
            ),
            codec=TokenCodec(),
            supply_group_code=held.supply_group_code,
            tariff_index=held.tariff_index,
            key_revision_number=held.key_revision_number,
        )


def prepare(folder: Path, database_url: str, *, meters: int, moving: int = 0) -> Shop:
    """Write key files into `folder` and register so many meters, the last of them moving."""
    keys_file, sealed_keys_file = folder / "keys.toml", folder / "keys.sealed"
    passphrase_file = folder / "keys.key"
    for path, text in ((keys_file, _key_file()), (passphrase_file, secrets.token_hex(32))):
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
    data_keys_file = folder / "data.keys"
    write_data_keys(data_keys_file)
    _seal(keys_file, sealed_keys_file, passphrase_file)
    numbers = tuple(_configuration(serial, _GROUP).pan.decoder.digits for serial in range(meters))
    engine = open_database(database_url, connections=1)
    migrations.upgrade(engine)
    writing = engine.connect().execution_options(**{WRITES: True})
    with writing as connection, connection.begin():
        _register(connection, meters, meters - moving)
        client = clients.find_client(connection, USER)
        credit.deposit(
            connection,
            client.key,
            _DEPOSIT_MINOR,
            reference=str(uuid4()),
            note="for the benchmark",
            at=datetime.now(UTC),
        )
    engine.dispose()
    return Shop(
        database_url=database_url,
        keys_file=keys_file,
        sealed_keys_file=sealed_keys_file,
        passphrase_file=passphrase_file,
        data_keys_file=data_keys_file,
        meters=numbers,
        moving_meters=numbers[meters - moving :],
    )


def _seal(plain: Path, sealed: Path, key: Path) -> None:
    """Seal a key file by a key, as an operator does."""
    command = ("-m", "sts.cli", "keys", "seal", "--replace", "--by", "key")
    subprocess.run(  # noqa: S603 (our own command)
        [sys.executable, *command, "--passphrase-file", str(key), str(plain), str(sealed)],
        check=True,
        capture_output=True,
    )


def purchase(purchase_id: str, meter: str, amount_minor: int, terminal: str) -> dict[str, Any]:
    """Return a purchase as the till of a supermarket sends it, with all that it may say."""
    amount = {"amount": amount_minor, "currency": CURRENCY}
    return request(purchase_id, meter, terminal) | {
        "purchaseAmount": amount,
        "utilityType": "ELECTRICITY",
        "msisdn": "+27821234567",
        "tenders": [{"tenderType": "CASH", "accountType": "DEFAULT", "amount": amount}],
    }


def request(message_id: str, meter: str, terminal: str) -> dict[str, Any]:
    """Return what every request of a till says."""
    return {
        "id": message_id,
        "time": "2026-11-21T12:00:00.123+02:00",
        "originator": {
            "institution": {"id": "300123", "name": "Corner Shops"},
            "terminalId": terminal,
            "merchant": {
                "merchantType": "5411",
                "merchantId": "CORNERSHOP00042",
                "merchantName": {
                    "name": "Corner Shop",
                    "city": "Durban",
                    "region": "KN",
                    "country": "ZA",
                },
            },
        },
        "client": {"id": USER, "name": "Corner Shops Switch"},
        "settlementEntity": {"id": "300124", "name": "Settling Bank"},
        "receiver": {"id": "300125", "name": "Vending"},
        "thirdPartyIdentifiers": [
            {"institutionId": "300123", "transactionIdentifier": "TX-0000000042"}
        ],
        "stan": "000042",
        "rrn": "631200000042",
        "meter": {"meterId": meter},
    }


def _register(connection: Connection, meters: int, staying: int) -> None:
    """Register what is not there yet."""
    if not register.is_registered(connection, _UTILITY.name):
        register.register_utility(
            connection,
            _UTILITY,
            limits=PurchaseLimits(minimum_minor=1_000, maximum_minor=500_000),
            supply_groups=[_GROUP, _MOVING_GROUP],
        )
        register.register_tariff(connection, _TARIFF_NAME, FIVE_BLOCKS)
        register.order_group_revision(connection, _MOVING_GROUP, KeyRevisionNumber(2))
        client = clients.register_client(
            connection,
            user_name=USER,
            name="Corner Shops",
            password=PASSWORD,
            terms=ClientTerms(is_prepaid=True),
        )
        clients.name_terminals(connection, client, TERMINALS)
    tariff = connection.execute(
        select(TARIFF.c.key).where(TARIFF.c.name == _TARIFF_NAME)
    ).scalar_one()
    first = connection.execute(select(func.count()).select_from(METER)).scalar_one()
    for start in range(first, meters, _AT_ONCE):
        serials = range(start, min(start + _AT_ONCE, meters))
        register.register_meters(
            connection,
            [
                _meter(serial, _GROUP if serial < staying else _MOVING_GROUP, tariff)
                for serial in serials
            ],
        )


def _meter(serial: int, group: SupplyGroupCode, tariff_key: int) -> NewMeter:
    configuration = _configuration(serial, group)
    return NewMeter(
        external_id=configuration.pan.decoder.digits,
        configuration=configuration,
        base_date=BaseDate.YEAR_2014,
        service_type=ServiceType.ELECTRICITY,
        token_technology_code="02",  # noqa: S106 (TCT 02 is a keypad, not a password)
        limits=None,
        customer=Customer(
            first_name="Thandi",
            last_name=f"Mokoena {serial}",
            address=f"{serial} Long Road, Durban, 4001",
        ),
        tariff_key=tariff_key,
    )


def _configuration(serial: int, group: SupplyGroupCode) -> MeterConfiguration:
    decoder = DecoderReferenceNumber.of(ManufacturerCode("07"), DecoderSerialNumber(f"{serial:08}"))
    return MeterConfiguration(
        pan=MeterPan(IssuerIdentificationNumber("600727"), decoder),
        supply_group_code=group,
        key_revision_number=KeyRevisionNumber(1),
        tariff_index=TariffIndex("01"),
        encryption_algorithm=EncryptionAlgorithm.EA07,
    )


def _key_file() -> str:
    named = ((_GROUP, 1), (_MOVING_GROUP, 1), (_MOVING_GROUP, 2))
    return "\n".join(
        "[[vending_key]]\n"
        f'supply_group_code = "{group.digits}"\n'
        f"key_revision_number = {revision}\n"
        "key_type = 2\n"
        "base_date = 2014\n"
        "key_expiry_number = 255\n"
        'decoder_key_generation_algorithm = "02"\n'
        f'key = "{_key(group, revision)}"\n'
        for group, revision in named
    )


def _key(group: SupplyGroupCode, revision: int) -> str:
    return hashlib.sha256(f"key {revision} of group {group.digits}".encode()).hexdigest()[:16]
