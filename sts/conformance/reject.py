"""Vectors that must be refused: the engine is given the input, and accepting it is the failure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sts.base_date import BaseDate
from sts.conformance.inputs import decoder_key, meter_pan, token_identifier, vending_key
from sts.conformance.vector import ABSENT
from sts.errors import InvalidField, KeyExpired, StsError
from sts.key_data import (
    DateOfExpiry,
    DecoderKeyGenerationAlgorithm,
    EncryptionAlgorithm,
    KeyExpiryNumber,
    KeyRevisionNumber,
    KeyType,
    SupplyGroupCode,
    TariffIndex,
    require_digits,
)
from sts.keys.vending_key import VendingKey
from sts.meter_number import (
    DecoderReferenceNumber,
    DecoderSerialNumber,
    IssuerIdentificationNumber,
    ManufacturerCode,
    MeterPan,
)
from sts.token_identifier import TokenIdentifier
from sts.tokens.credit import Resource, TransferCredit
from sts.units import PowerLimit, TransferAmount

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sts.conformance.vector import Vector

_REFUSED: Final = "refused"
_ACCEPTED: Final = "accepted"
_WHOLE: Final = re.compile(r"-?(0|[1-9][0-9]{0,39})")
_DECIMAL: Final = re.compile(r"(-?)([0-9]{1,40})(?:\.([0-9]{1,40}))?")


def check_reject(vector: Vector) -> None:
    """Give the engine what the vector says it must refuse; noting a failure if it does not."""
    reject = vector.part("reject")
    kind = None if reject is None else reject.text("kind")
    if reject is None or kind is None:
        vector.fail("reject", "an object with the kind of input to refuse", ABSENT)
    elif kind == "key_expired":
        _check_expired(vector, reject)
    elif kind not in _PARSERS:
        reject.fail("kind", f"one of {', '.join([*_PARSERS, 'key_expired'])}", kind)
    else:
        _check_value(reject, _PARSERS[kind])


def _check_value(reject: Vector, parse: Callable[[str], object]) -> None:
    value = reject.written("value")
    if value is None:
        reject.fail("value", "the input to refuse", ABSENT)
        return
    try:
        parse(value)
    except StsError:
        return
    reject.fail("value", f"{value!r} {_REFUSED}", _ACCEPTED)


def _check_expired(vector: Vector, reject: Vector) -> None:
    """Hold a token identifier against a key expiry number, and check what else is stated."""
    expiry = _first("ken", reject, vector).number_as("ken", KeyExpiryNumber)
    identifier = token_identifier(vector) or reject.number_as("tid", TokenIdentifier)
    algorithm = vector.text_as("ea", EncryptionAlgorithm.parse)
    pan = meter_pan(vector)
    if algorithm is not None:
        decoder_key(vector, vector, "decoder_key_hex", pan=pan, algorithm=algorithm)
    if expiry is None or identifier is None:
        vector.fail("reject", "a tid and a ken", ABSENT)
        return
    key = replace(vending_key(vector) or _ANY_KEY, key_expiry_number=expiry)
    try:
        key.require_valid_for(identifier)
    except KeyExpired:
        return
    vector.fail("ken", f"{_REFUSED}: identifier {identifier.minutes} is beyond it", _ACCEPTED)


def _first(name: str, *places: Vector) -> Vector:
    return next((place for place in places if name in place), places[-1])


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise InvalidField("number", f"{text[:24]!r} is not one", "a whole number")
    return int(text)


def _units(text: str) -> TransferAmount:
    """Return the amount of a number of units; away from zero, so that -0.01 stays negative."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise InvalidField("amount", f"{text[:24]!r} is not one", "a decimal number")
    sign, whole, fraction = match[1], match[2], match[3] or ""
    tenths = -(-int(whole + fraction) * 10 // 10 ** len(fraction))
    return TransferAmount.covering(-tenths if sign else tenths)


def _random(text: str) -> TransferCredit:
    return TransferCredit(
        resource=Resource.ELECTRICITY,
        amount=TransferAmount(1),
        token_identifier=TokenIdentifier(0),
        random=_whole(text),
    )


_PARSERS: Final[Mapping[str, Callable[[str], object]]] = {
    "pan": MeterPan.parse,
    "krn": lambda text: KeyRevisionNumber(_whole(text)),
    "kt": KeyType.parse,
    "ken": lambda text: KeyExpiryNumber(_whole(text)),
    "rnd": _random,
    "ti": TariffIndex,
    "sgc": SupplyGroupCode,
    "mfr": ManufacturerCode,
    "dsn": DecoderSerialNumber,
    "iin": IssuerIdentificationNumber,
    "iain": DecoderReferenceNumber,
    "drncheck": lambda text: require_digits("DRN check digit", text, 1),
    "pancheck": lambda text: require_digits("PAN check digit", text, 1),
    "amount": _units,
    "mpl": lambda text: PowerLimit.covering(_whole(text)),
    "doe": DateOfExpiry,
}
_ANY_KEY: Final = VendingKey(  # its expiry number is replaced, and its octets play no part
    octets=bytes(8),
    supply_group_code=SupplyGroupCode("000000"),
    key_revision_number=KeyRevisionNumber(1),
    key_type=KeyType.UNIQUE,
    base_date=BaseDate.YEAR_1993,
    key_expiry_number=KeyExpiryNumber(0),
    algorithm=DecoderKeyGenerationAlgorithm.DKGA02,
)
