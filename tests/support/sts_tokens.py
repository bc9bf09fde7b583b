"""Tokens for tests: strategies for every kind, published keys, key changes, raw payloads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from sts.hazmat.sta import SAMPLE_TABLES
from sts.key_data import (
    EncryptionAlgorithm,
    KeyExpiryNumber,
    KeyRevisionNumber,
    KeyType,
    SupplyGroupCode,
    TariffIndex,
)
from sts.keys.decoder_key import DecoderKey
from sts.keys.key_change import KeyChange
from sts.meter_number import ManufacturerCode
from sts.token_identifier import TokenIdentifier
from sts.tokens.block import seal
from sts.tokens.ciphers import encrypt
from sts.tokens.credit import Resource, TransferCredit
from sts.tokens.currency_credit import CurrencyCredit
from sts.tokens.digits import to_digits
from sts.tokens.key_change import (
    Set1stSectionDecoderKey,
    Set2ndSectionDecoderKey,
    Set3rdSectionDecoderKey,
    Set4thSectionDecoderKey,
)
from sts.tokens.management import (
    ClearCredit,
    ClearTamperCondition,
    SetMaximumPhasePowerUnbalanceLimit,
    SetMaximumPowerLimit,
    SetTariffRate,
    SetWaterMeterFactor,
)
from sts.tokens.meter_test import InitiateMeterTest
from sts.units import CurrencyAmount, PowerLimit, TransferAmount

if TYPE_CHECKING:
    from sts.tokens.kinds import Token

EA07_KEY: Final = DecoderKey(bytes.fromhex("0abc12def3456789"), EncryptionAlgorithm.EA07)
"""The key of the worked example of IEC 62055-41."""
EA09_KEY: Final = DecoderKey(bytes.fromhex("0abc12def3456789"), EncryptionAlgorithm.EA09)
EA11_KEY: Final = DecoderKey(
    bytes.fromhex("f94b6ed353c3bfdb113e2d3a7ea3c41d"), EncryptionAlgorithm.EA11
)
"""STS 531, CTSA with vending key abababababababab949494949494949401234567."""
KEYS: Final = (EA07_KEY, EA09_KEY, EA11_KEY)


def bits(width: int) -> st.SearchStrategy[int]:
    """Whole numbers of at most `width` bits."""
    return st.integers(0, (1 << width) - 1)


token_identifiers = st.builds(TokenIdentifier, bits(24))
transfer_amounts = st.builds(TransferAmount.from_bits, bits(16))
power_limits = st.builds(PowerLimit.from_bits, bits(16))
currency_amounts = st.builds(CurrencyAmount, st.booleans(), bits(5), bits(14))
_dated = {"token_identifier": token_identifiers, "random": bits(4)}
_resources = st.sampled_from(Resource)


def _codes(digits: int) -> st.SearchStrategy[ManufacturerCode]:
    return st.integers(0, 10**digits - 1).map(lambda n: ManufacturerCode(f"{n:0{digits}}"))


KINDS: Final[dict[str, st.SearchStrategy[Token]]] = {
    "TransferCredit": st.builds(
        TransferCredit, resource=_resources, amount=transfer_amounts, **_dated
    ),
    "CurrencyCredit": st.builds(
        CurrencyCredit,
        resource=_resources,
        amount=currency_amounts,
        token_identifier=token_identifiers,
    ),
    "InitiateMeterTest, short code": st.builds(
        InitiateMeterTest, control=bits(36), manufacturer_code=_codes(2)
    ),
    "InitiateMeterTest, long code": st.builds(
        InitiateMeterTest, control=bits(28), manufacturer_code=_codes(4)
    ),
    "SetMaximumPowerLimit": st.builds(SetMaximumPowerLimit, power=power_limits, **_dated),
    "ClearCredit": st.builds(ClearCredit, register=bits(16), **_dated),
    "SetTariffRate": st.builds(SetTariffRate, rate=bits(16), **_dated),
    "Set1stSectionDecoderKey": st.builds(
        Set1stSectionDecoderKey,
        key_word=bits(32),
        key_expiry_number_high=bits(4),
        key_revision_number=st.builds(KeyRevisionNumber, st.integers(1, 9)),
        rollover=st.booleans(),
        key_type=st.sampled_from(KeyType),
        third_key_change_token=st.booleans(),
    ),
    "Set2ndSectionDecoderKey": st.builds(
        Set2ndSectionDecoderKey,
        key_word=bits(32),
        key_expiry_number_low=bits(4),
        tariff_index=st.integers(0, 99).map(lambda n: TariffIndex(f"{n:02}")),
    ),
    "ClearTamperCondition": st.builds(ClearTamperCondition, pad=bits(16), **_dated),
    "SetMaximumPhasePowerUnbalanceLimit": st.builds(
        SetMaximumPhasePowerUnbalanceLimit, power=power_limits, **_dated
    ),
    "SetWaterMeterFactor": st.builds(SetWaterMeterFactor, factor=bits(16), **_dated),
    "Set3rdSectionDecoderKey": st.builds(
        Set3rdSectionDecoderKey, key_word=bits(32), supply_group_low=bits(12)
    ),
    "Set4thSectionDecoderKey": st.builds(
        Set4thSectionDecoderKey, key_word=bits(32), supply_group_high=bits(12)
    ),
}
"""One strategy for each kind of token that can be encoded."""

tokens = st.one_of(*KINDS.values())


def key_change(key: DecoderKey, **changed: Any) -> KeyChange:
    """Make a key change to SGC 123457, TI 27, KRN 3, KEN 0xA5, unless told otherwise."""
    facts: dict[str, Any] = {
        "new_key": key,
        "supply_group_code": SupplyGroupCode("123457"),
        "tariff_index": TariffIndex("27"),
        "key_revision_number": KeyRevisionNumber(3),
        "key_expiry_number": KeyExpiryNumber(0xA5),
        "key_type": KeyType.UNIQUE,
        "rollover": True,
    }
    return KeyChange(**facts | changed)


def digits_of(token_class: int, subclass: int, payload: int, key: DecoderKey) -> str:
    """Seal and encrypt any payload, whether or not it means something."""
    block = seal(token_class, subclass, payload)
    return to_digits(token_class, encrypt(SAMPLE_TABLES, key, block) if token_class != 1 else block)
