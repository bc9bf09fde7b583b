"""What is said between a security module and who asks it: JSON with its length before it.

Who asks is not trusted: nothing of this runs as code, and every value is parsed into its type. A
token is told by class, subclass and the 44 bits after it; an error by its code, text and facts.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import from_json, to_json

from sts import errors
from sts.base_date import BaseDate
from sts.errors import InvalidField, StsError
from sts.key_data import (
    DecoderKeyGenerationAlgorithm,
    EncryptionAlgorithm,
    KeyExpiryNumber,
    KeyRevisionNumber,
    KeyType,
    SupplyGroupCode,
    TariffIndex,
)
from sts.meter_number import (
    DecoderReferenceNumber,
    IssuerIdentificationNumber,
    MeterPan,
)
from sts.security_module import MeterConfiguration, VendingKeyFacts
from sts.tokens.kinds import READERS
from sts.tokens.reserved import ReservedToken

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from sts.tokens.kinds import Token

LONGEST: Final = 1 << 24
"""Octets of a message; a column of 64 requests takes some 5,000."""
_LENGTH: Final = struct.Struct(">I")
_OF_A_METER: Final = 6
"""How many values of a row say which meter it is for."""


def _kinds(root: type[StsError]) -> dict[str, type[StsError]]:
    kinds = {root.code: root}
    for kind in root.__subclasses__():
        kinds |= _kinds(kind)
    return kinds


_ERRORS: Final = _kinds(errors.StsError)


class Malformed(Exception):
    """What arrived is not a message of ours."""


def send(connection: socket.socket, message: object) -> None:
    """Send a message; raises OSError."""
    octets = to_json(message)
    connection.sendall(_LENGTH.pack(len(octets)) + octets)


def receive(connection: socket.socket) -> Any:
    """Return the next message, or None where the other end has closed.

    Raises OSError, and Malformed.
    """
    head = _read(connection, _LENGTH.size)
    if head is None:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > LONGEST:
        raise Malformed(f"a message of {length} octets; at most {LONGEST}")
    octets = _read(connection, length)
    if octets is None:
        return None
    try:
        return from_json(octets)
    except ValueError as error:
        raise Malformed(f"not JSON: {error}") from None


def meter_row(meter: MeterConfiguration) -> list[Any]:
    """Return a meter as the first values of a row."""
    return [
        meter.pan.issuer.digits,
        meter.pan.decoder.digits,
        meter.supply_group_code.digits,
        meter.key_revision_number.value,
        meter.tariff_index.digits,
        meter.encryption_algorithm.value,
    ]


def meter_of(row: Sequence[Any]) -> tuple[MeterConfiguration, Sequence[Any]]:
    """Return the meter of a row, and the rest of the row; raises InvalidField."""
    if not isinstance(row, list) or len(row) < _OF_A_METER:
        raise InvalidField("row", "it is too short", "a meter's six values and more")
    issuer, decoder, group, revision, tariff_index, algorithm, *rest = row
    meter = MeterConfiguration(
        MeterPan(
            IssuerIdentificationNumber(_text("issuer identification number", issuer)),
            DecoderReferenceNumber(_text("decoder reference number", decoder)),
        ),
        SupplyGroupCode(_text("supply group code", group)),
        KeyRevisionNumber(_number("key revision number", revision)),
        TariffIndex(_text("tariff index", tariff_index)),
        EncryptionAlgorithm.parse(_text("encryption algorithm", algorithm)),
    )
    return meter, rest


def token_row(token: Token | ReservedToken) -> list[int]:
    """Return a token as three values of a row."""
    return [token.token_class, token.subclass, token.payload]


def token_of(values: Sequence[Any]) -> Token | ReservedToken:
    """Return the token of three values of a row; raises InvalidField."""
    if len(values) != 3:  # noqa: PLR2004 (class, subclass, payload)
        raise InvalidField("token", "not three values", "class, subclass, payload")
    token_class, subclass, payload = (_number("token", value) for value in values)
    reader = READERS.get((token_class, subclass))
    if reader is None:
        return ReservedToken(token_class=token_class, subclass=subclass, payload=payload)
    try:
        return reader(payload)
    except InvalidField:
        raise
    except ValueError as error:
        raise InvalidField("payload", str(error), "44 bits") from None


def error_row(error: StsError) -> dict[str, Any]:
    """Return an error as it is sent."""
    return {"code": error.code, "text": str(error), "facts": vars(error)}


def error_of(row: dict[str, Any]) -> StsError:
    """Return an error as it was raised; one of an unknown code is a plain StsError."""
    kind = _ERRORS.get(row["code"], StsError)
    error = kind.__new__(kind)
    error.args = (row["text"],)
    vars(error).update(row["facts"])
    return error


def facts_row(facts: VendingKeyFacts) -> list[Any]:
    """Return what may be known of a key as it is sent."""
    return [
        facts.supply_group_code.digits,
        facts.key_revision_number.value,
        facts.key_type.value,
        facts.base_date.value,
        facts.key_expiry_number.value,
        facts.algorithm.value,
        facts.key_check_value,
    ]


def facts_of(row: Sequence[Any]) -> VendingKeyFacts:
    """Return what was sent of a key."""
    group, revision, key_type, base_date, expiry, algorithm, check_value = row
    return VendingKeyFacts(
        supply_group_code=SupplyGroupCode(group),
        key_revision_number=KeyRevisionNumber(revision),
        key_type=KeyType(key_type),
        base_date=BaseDate(base_date),
        key_expiry_number=KeyExpiryNumber(expiry),
        algorithm=DecoderKeyGenerationAlgorithm(algorithm),
        key_check_value=check_value,
    )


def _read(connection: socket.socket, length: int) -> bytes | None:
    octets = bytearray()
    while len(octets) < length:
        more = connection.recv(length - len(octets))
        if not more:
            return None
        octets += more
    return bytes(octets)


def _text(field: str, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidField(field, "not a text", "a text of digits")
    return value


def _number(field: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidField(field, "not a number", "a whole number")
    return value
