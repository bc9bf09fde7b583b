"""Meters that change their keys: orders, cards, key files, requests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sts.base_date import BaseDate
from sts.id_record import IdRecord
from sts.key_data import EncryptionAlgorithm, KeyRevisionNumber, SupplyGroupCode, TariffIndex
from sts.keys.decoder_key import derive_decoder_key
from sts.keys.key_file import parse_key_file
from sts.security_module import InProcessSecurityModule, MeterConfiguration
from sts.tokens.codec import TokenCodec
from sts.virtual_meter import VirtualMeter
from tests.house_rules.tree import ROOT
from tests.support.selling import (
    FLAT,
    MAKER,
)
from tests.support.service import writing
from vending_api.domain.advices.service import advise
from vending_api.domain.advices.types import AdviceKind, Advise
from vending_api.domain.meters.service import (
    find_meter,
    lock_meter,
    order_key_change,
    register_meter,
    register_tariff,
    register_utility,
)
from vending_api.domain.meters.types import KeyData, NewMeter, PurchaseLimits
from vending_api.domain.selling import service
from vending_api.kit.errors import Refusal
from vending_api.sandbox.demo_data import UTILITY, demo_meter_configuration

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from sts.keys.key_file import KeyStore
    from vending_api.domain.issuing.service import TokenMaker
    from vending_api.domain.meters.types import Meter
    from vending_api.domain.sales.types import ChangeKey, Sale, SellCredit
    from vending_api.kit.errors import DomainError

FIRST: Final = KeyRevisionNumber(1)
SECOND: Final = KeyRevisionNumber(2)
GROUP: Final = SupplyGroupCode("000001")
TO_SECOND: Final = KeyData(GROUP, SECOND, TariffIndex("01"))


def order(engine: Engine, external_id: str, key_data: KeyData) -> None:
    with writing(engine) as connection, connection.begin():
        order_key_change(connection, lock_meter(connection, external_id), key_data)


def registered(engine: Engine, external_id: str) -> Meter:
    with engine.connect() as connection:
        return find_meter(connection, external_id)


def held(engine: Engine, external_id: str) -> KeyData:
    return KeyData.of(registered(engine, external_id).configuration)


def reverse(engine: Engine, command: SellCredit) -> None:
    advice = Advise(
        kind=AdviceKind.REVERSAL,
        advice_id=command.purchase_id,
        request_id=command.purchase_id,
        reason="TIMEOUT",
        client=command.client,
        received_at=command.received_at,
    )
    with writing(engine) as connection, connection.begin():
        assert advise(connection, advice) is None


def change(engine: Engine, command: ChangeKey) -> Sale | Refusal:
    with writing(engine) as connection, connection.begin():
        return service.change_key(connection, MAKER, command)


def refused(engine: Engine, command: ChangeKey) -> DomainError:
    outcome = change(engine, command)
    assert isinstance(outcome, Refusal)
    return outcome.reason


def card_of(serial: int) -> IdRecord:
    configuration = demo_meter_configuration(serial)
    return IdRecord(configuration.pan, GROUP, TariffIndex("01"), FIRST)


def meter_of(group: str, algorithm: EncryptionAlgorithm) -> MeterConfiguration:
    return replace(
        demo_meter_configuration(50),
        supply_group_code=SupplyGroupCode(group),
        encryption_algorithm=algorithm,
    )


def register(engine: Engine, external_id: str, configuration: MeterConfiguration) -> None:
    limits = PurchaseLimits(minimum_minor=0, maximum_minor=10**6)
    with writing(engine) as connection, connection.begin():
        register_utility(
            connection,
            UTILITY._replace(name="Old Town"),
            limits=limits,
            supply_groups=[configuration.supply_group_code],
        )
        register_meter(
            connection,
            NewMeter(
                external_id=external_id,
                configuration=configuration,
                base_date=BaseDate.YEAR_1993,
                service_type=find_meter(connection, "TST001").service_type,
                token_technology_code="02",
                limits=None,
                customer=find_meter(connection, "TST001").customer,
                tariff_key=register_tariff(connection, "old", FLAT),
            ),
        )


def virtual(configuration: MeterConfiguration, keys: KeyStore) -> VirtualMeter:
    key = keys.find(configuration.supply_group_code, configuration.key_revision_number)
    return VirtualMeter(
        pan=configuration.pan,
        decoder_key=derive_decoder_key(
            key,
            pan=configuration.pan,
            tariff_index=configuration.tariff_index,
            encryption_algorithm=configuration.encryption_algorithm,
        ),
        codec=TokenCodec(),
        supply_group_code=configuration.supply_group_code,
        tariff_index=configuration.tariff_index,
        key_revision_number=configuration.key_revision_number,
    )


def maker_with(keys: KeyStore) -> TokenMaker:
    return replace(MAKER, security_module=InProcessSecurityModule(keys, TokenCodec()))


def keys_with_expiry(*, first: int, second: int) -> KeyStore:
    text = (ROOT / "keys.example").read_text(encoding="utf-8")
    for expiry in (first, second):
        text = text.replace("key_expiry_number = 255", f"key_expiry_number = {expiry}", 1)
        text = text.replace(f"key_expiry_number = {expiry}", f"key_expiry_number =  {expiry}", 1)
    return parse_key_file(text, path="test")


def keys_without(marker: str) -> KeyStore:
    head, *blocks = (ROOT / "keys.example").read_text(encoding="utf-8").split("[[vending_key]]")
    kept = [block for block in blocks if marker not in block]
    assert len(kept) == len(blocks) - 2  # 123456 and 123457, both from before the rollover
    return parse_key_file("[[vending_key]]".join([head, *kept]), path="test")
