"""The 64-bit data block over columns: what a token says, its checksum, and back.

Amounts are worked out as `sts.units` does; a row that this cannot do is not good, and goes to the
scalar engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sts.batch.compiled import kernel, u64
from sts.checksums import CRC_TABLE

if TYPE_CHECKING:
    from sts.batch.compiled import Flags, Numbers, Octets, Words

_CRC_TABLE: Final = np.array(CRC_TABLE, u64)
_TOP_MANTISSA: Final = (1 << 14) - 1
_EXPONENTS: Final = 15
"""How many exponents have amounts that fit a signed word with room to spare: 0 to 14."""
_SCALES: Final = np.array([10**e for e in range(_EXPONENTS)], np.int64)
_OFFSETS: Final = np.array([(1 << 14) * (10**e - 1) // 9 for e in range(_EXPONENTS)], np.int64)
MAX_CURRENCY: Final = 10**18
"""What the kernels take of currency, either way; it ends before exponent 14 does."""
_MAX_OF_16_BITS: Final = 18_201_624

NO_VALUE, TRANSFER, CURRENCY, POWER, RAW = range(5)
"""How the 16 bits of a kind of token are read."""


@kernel
def _checksum(token_class: np.uint64, body: np.uint64) -> np.uint64:
    """Return CRC over class and body (48 bits), or CRC_C for currency credit."""
    covered = (token_class << u64(48)) | body
    crc = u64(0xFFFF)
    for octet in range(7):
        byte = covered >> u64(48 - 8 * octet)
        crc = (crc >> u64(8)) ^ _CRC_TABLE[(crc ^ byte) & u64(0xFF)]
    subclass = body >> u64(44)
    if token_class == u64(0) and subclass >= u64(4) and subclass < u64(8):
        crc = (crc >> u64(8)) ^ _CRC_TABLE[(crc ^ u64(1)) & u64(0xFF)]
    return ((crc & u64(0xFF)) << u64(8)) | (crc >> u64(8))


@kernel
def seal_column(classes: Words, bodies: Words, out: Words) -> None:
    """Write the block of each body (subclass and payload, 48 bits) with its checksum."""
    for row in range(len(bodies)):
        out[row] = (bodies[row] << u64(16)) | _checksum(classes[row], bodies[row])


@kernel
def open_column(classes: Words, blocks: Words, bodies: Words, right: Flags) -> None:
    """Write the body of each block, and whether its checksum is right."""
    for row in range(len(blocks)):
        bodies[row] = blocks[row] >> u64(16)
        right[row] = _checksum(classes[row], bodies[row]) == blocks[row] & u64(0xFFFF)


@kernel
def _exponent_of(size: int) -> int:
    """Return the smallest exponent whose amounts reach as far as `size`."""
    exponent = 0
    while size > _OFFSETS[exponent] + _TOP_MANTISSA * _SCALES[exponent]:
        exponent += 1
    return exponent


@kernel
def _rounded_up(size: int) -> tuple[int, int]:
    """Return exponent and mantissa of the smallest carried amount not below `size`."""
    exponent = _exponent_of(size)
    above = size - _OFFSETS[exponent]
    if above <= 0:  # it lies between two exponents
        return exponent, 0
    return exponent, (above + _SCALES[exponent] - 1) // _SCALES[exponent]


@kernel
def _rounded_down(size: int) -> tuple[int, int]:
    """Return exponent and mantissa of the largest carried amount not above `size`."""
    exponent = _exponent_of(size)
    if size < _OFFSETS[exponent]:
        exponent -= 1
    mantissa = (size - _OFFSETS[exponent]) // _SCALES[exponent]
    return exponent, mantissa


@kernel
def _currency_bits(value: int) -> tuple[np.uint64, np.uint64]:
    """Return S&E and the 16 bits of an amount of currency; debits go towards zero."""
    exponent, mantissa = _rounded_down(-value) if value < 0 else _rounded_up(value)
    sign_and_exponent = u64(8 if value < 0 else 0) | u64(exponent >> 2)
    return sign_and_exponent, u64((exponent & 3) << 14 | mantissa)


@kernel
def say_column(
    readings: Octets,
    subclasses: Words,
    randoms: Numbers,
    identifiers: Numbers,
    values: Numbers,
    bodies: Words,
    good: Flags,
) -> None:
    """Write the body of each token; a row whose numbers do not fit is not good.

    `readings` tells how a row's value becomes 16 bits: TRANSFER, CURRENCY, POWER or RAW.
    """
    for row in range(len(bodies)):
        value, head = values[row], u64(randoms[row])
        if readings[row] == CURRENCY:
            fits = -MAX_CURRENCY <= value <= MAX_CURRENCY
            bits = u64(0)
            if fits:
                head, bits = _currency_bits(value)
        else:
            fits = 0 <= randoms[row] < 16
            if readings[row] == RAW:
                fits &= 0 <= value < 1 << 16
                bits = u64(value)
            else:
                fits &= 0 <= value <= _MAX_OF_16_BITS
                exponent, mantissa = _rounded_up(value) if fits else (0, 0)
                bits = u64(exponent << 14 | mantissa)
        good[row] = fits and 0 <= identifiers[row] < 1 << 24
        said = head << u64(40) | u64(identifiers[row]) << u64(16) | bits
        bodies[row] = subclasses[row] << u64(44) | said


@kernel
def read_column(
    readings: Octets,
    bodies: Words,
    randoms: Numbers,
    identifiers: Numbers,
    values: Numbers,
    good: Flags,
) -> None:
    """Write what each body says; a row whose amount is beyond these numbers is not good."""
    for row in range(len(bodies)):
        reading, body = readings[row], bodies[row]
        bits = np.int64(body & u64(0xFFFF))
        head = np.int64(body >> u64(40) & u64(15))
        randoms[row] = head
        identifiers[row] = np.int64(body >> u64(16) & u64(0xFFFFFF))
        good[row] = True
        exponent = bits >> 14
        if reading == RAW:
            values[row] = bits
            continue
        if reading == CURRENCY:
            exponent |= (head & 7) << 2
            good[row] = exponent < _EXPONENTS
        if good[row]:
            size = _OFFSETS[exponent] + (bits & _TOP_MANTISSA) * _SCALES[exponent]
            values[row] = -size if reading == CURRENCY and head >> 3 else size
