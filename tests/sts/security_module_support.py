"""A security module on the published keys, and short ways to ask it for tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sts.key_data import (
    EncryptionAlgorithm,
    KeyRevisionNumber,
    KeyType,
    SupplyGroupCode,
    TariffIndex,
)
from sts.keys.key_file import KeyStore
from sts.meter_number import ManufacturerCode, MeterPan
from sts.security_module import (
    InProcessSecurityModule,
    IssuedToken,
    IssueRequest,
    KeyChangeRequest,
    MeterConfiguration,
    SecurityModule,
    VerifyRequest,
)
from sts.token_identifier import TokenIdentifier
from sts.tokens.codec import TokenCodec
from sts.tokens.credit import Resource, TransferCredit
from sts.tokens.currency_credit import CurrencyCredit
from sts.tokens.key_change import (
    KeyChangeToken,
    Set1stSectionDecoderKey,
    Set2ndSectionDecoderKey,
    Set3rdSectionDecoderKey,
    Set4thSectionDecoderKey,
)
from sts.tokens.management import ClearTamperCondition
from sts.tokens.meter_test import InitiateMeterTest
from sts.units import CurrencyAmount, TransferAmount
from tests.sts.published_keys import SHORT_DRN, vending_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sts.errors import StsError
    from sts.tokens.kinds import Token

EA07, EA09, EA11 = EncryptionAlgorithm
TID: Final = 5_871_715

STORE: Final = KeyStore(
    [
        vending_key(),
        vending_key(revision=2, base=2014),
        vending_key(revision=3, key_type=1),
        vending_key(revision=4, key_type=3),
        vending_key(revision=5, expiry=TID >> 16),
        vending_key(revision=6, key_type=0),
        vending_key(algorithm="04", group="123457"),
        vending_key(algorithm="04", group="123461"),
        vending_key(algorithm="04", group="123457", revision=2, base=2014),
    ]
)


def module() -> SecurityModule:
    return InProcessSecurityModule(STORE, TokenCodec())


def meter(
    group: str = "123456",
    revision: int = 1,
    *,
    pan: MeterPan = SHORT_DRN,
    encryption: EncryptionAlgorithm = EA07,
) -> MeterConfiguration:
    return MeterConfiguration(
        pan,
        SupplyGroupCode(group),
        KeyRevisionNumber(revision),
        TariffIndex("01"),
        encryption,
    )


def credit(minutes: int = TID, tenths: int = 256) -> TransferCredit:
    return TransferCredit(
        resource=Resource.ELECTRICITY,
        amount=TransferAmount(tenths),
        token_identifier=TokenIdentifier(minutes),
        random=5,
    )


def currency(minutes: int = TID) -> CurrencyCredit:
    return CurrencyCredit(
        resource=Resource.ELECTRICITY,
        amount=CurrencyAmount.covering(100_000),
        token_identifier=TokenIdentifier(minutes),
    )


def clear_tamper(minutes: int = TID) -> ClearTamperCondition:
    return ClearTamperCondition(token_identifier=TokenIdentifier(minutes), random=5)


METER_TEST: Final = InitiateMeterTest(control=1, manufacturer_code=ManufacturerCode("00"))
FIRST_SECTION: Final = Set1stSectionDecoderKey(
    key_word=0x1F2E3D4C,
    key_expiry_number_high=15,
    key_revision_number=KeyRevisionNumber(1),
    rollover=False,
    key_type=KeyType.UNIQUE,
)
SECOND_SECTION: Final = Set2ndSectionDecoderKey(
    key_word=0x1F2E3D4C, key_expiry_number_low=15, tariff_index=TariffIndex("01")
)
THIRD_SECTION: Final = Set3rdSectionDecoderKey(key_word=0x1F2E3D4C, supply_group_low=1)
FOURTH_SECTION: Final = Set4thSectionDecoderKey(key_word=0x1F2E3D4C, supply_group_high=1)


def issue_one(at: MeterConfiguration, token: Token) -> IssuedToken | StsError:
    (outcome,) = module().issue([IssueRequest(at, token)])
    return outcome


def sections_of(at: MeterConfiguration, issued: Sequence[str]) -> list[KeyChangeToken]:
    """Return what key change tokens say to their meter."""
    read = module().verify([VerifyRequest(at, digits) for digits in issued])
    sections = [one for one in read if isinstance(one, KeyChangeToken)]
    assert len(sections) == len(issued), read
    return sections


def change_one(at: MeterConfiguration, group: str, revision: int) -> tuple[str, ...] | StsError:
    request = KeyChangeRequest(
        at, SupplyGroupCode(group), KeyRevisionNumber(revision), TariffIndex("01")
    )
    (outcome,) = module().change_key([request])
    return outcome
