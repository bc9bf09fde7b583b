"""The vending keys of the STS 531 compliance tests, and short ways to name a meter."""

from __future__ import annotations

from typing import Final

from sts.base_date import BaseDate
from sts.key_data import (
    DecoderKeyGenerationAlgorithm,
    KeyExpiryNumber,
    KeyRevisionNumber,
    KeyType,
    SupplyGroupCode,
    TariffIndex,
)
from sts.keys.vending_key import VendingKey
from sts.meter_number import MeterPan

DES_OCTETS: Final = bytes.fromhex("abababababababab")
HMAC_OCTETS: Final = bytes.fromhex("abababababababab949494949494949401234567")

SHORT_DRN: Final = MeterPan.parse("600727000000000009")
LONG_DRN: Final = MeterPan.parse("000001000000000082")
TARIFF_01: Final = TariffIndex("01")


def vending_key(
    octets: bytes | None = None,
    *,
    algorithm: str = "02",
    group: str = "123456",
    revision: int = 1,
    key_type: int = 2,
    base: int = 1993,
    expiry: int = 255,
) -> VendingKey:
    by_algorithm = {"02": DES_OCTETS, "04": HMAC_OCTETS}
    return VendingKey(
        by_algorithm[algorithm] if octets is None else octets,
        SupplyGroupCode(group),
        KeyRevisionNumber(revision),
        KeyType(key_type),
        BaseDate(base),
        KeyExpiryNumber(expiry),
        DecoderKeyGenerationAlgorithm(algorithm),
    )
