"""The 64-bit data block: subclass, payload and checksum."""

from __future__ import annotations

from typing import Final

from sts.bits import BitLayout, Field
from sts.checksums import crc16
from sts.errors import CrcMismatch

DATA_BLOCK: Final = BitLayout(  # IEC 62055-41, data block; the class is covered but not in it
    fields=(Field("subclass", 4), Field("payload", 44), Field("crc", 16)),
    total=64,
)
_CREDIT_CLASS: Final = 0
_CURRENCY_SUBCLASSES: Final = range(4, 8)
_CURRENCY_CRC_SUFFIX: Final = b"\x01"
_BODY_BITS: Final = 48
_CRC_BITS: Final = 16
_CRC_INPUT_OCTETS: Final = 7
WRONG_CHECKSUM: Final = "the checksum is wrong: another key, or digits that were mistyped"


def seal(token_class: int, subclass: int, payload: int) -> int:
    """Return the 64-bit block of a token with its checksum.

    Raises ValueError if a part does not fit its width.
    """
    block = DATA_BLOCK.pack(subclass=subclass, payload=payload, crc=0)
    return block | _checksum(token_class, subclass, block >> _CRC_BITS)


def open_block(token_class: int, block: int) -> tuple[int, int]:
    """Return subclass and payload of a 64-bit block.

    Raises CrcMismatch if the checksum is wrong for this class.
    """
    bits = DATA_BLOCK.unpack(block)
    subclass = bits["subclass"]
    if bits["crc"] != _checksum(token_class, subclass, block >> _CRC_BITS):
        raise CrcMismatch(WRONG_CHECKSUM)
    return subclass, bits["payload"]


def _checksum(token_class: int, subclass: int, body: int) -> int:
    """Return CRC over class and body, or CRC_C (one octet 01 more) for currency credit."""
    octets = (token_class << _BODY_BITS | body).to_bytes(_CRC_INPUT_OCTETS, "big")
    if token_class == _CREDIT_CLASS and subclass in _CURRENCY_SUBCLASSES:
        octets += _CURRENCY_CRC_SUFFIX
    return crc16(octets)
