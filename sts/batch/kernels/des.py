"""DKGA02: single DES (FIPS 46-3) under the vending keys of a column of meters.

A round looks eight 6-bit pieces of a half up in tables that do S and P at once. Pieces that stand
next to each other overlap by two bits, so the even and the odd ones are taken from two words, each
already mixed with its share of the round's key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sts.batch.compiled import kernel, u64

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sts.batch.compiled import Numbers, Words

_ROUNDS: Final = 16
_SUBSTITUTIONS: Final = (  # S1 to S8, four rows of sixteen entries each
    "e4d12fb83a6c59070f74e2d1a6cb953841e8d62bfc973a50fc8249175b3ea06d",
    "f18e6b34972dc05a3d47f28ec01a69b50e7ba4d158c6932fd8a13f42b67c05e9",
    "a09e63f51dc7b428d709346a285ecbf1d6498f30b12c5ae71ad069874fe3b52c",
    "7de3069a1285bc4fd8b56f03472c1ae9a690cb7df13e52843f06a1d8945bc72e",
    "2c417ab6853fd0e9eb2c47d150fa3986421bad78f9c5630eb8c71e2d6f09a453",
    "c1af92680d34e75baf427c9561de0b389ef528c3704a1db6432c95fabe17608d",
    "4b2ef08d3c975a61d0b7491ae35c2f8614bdc37eaf6805926bd814a7950fe23c",
    "d2846fb1a93e50c71fd8a374c56b0e927b419ce206adf35821e74a8dfc90356b",
)
_P: Final = (
    16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10,
    2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25,
)  # fmt: skip
_PC1: Final = (
    57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3,
    60, 52, 44, 36, 63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37,
    29, 21, 13, 5, 28, 20, 12, 4,
)  # fmt: skip
_PC2: Final = (
    14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2,
    41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
)  # fmt: skip
_TURNS: Final = (1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1)
_HALF_OF_KEY: Final = 28
_PIECES: Final = 8


def round_keys(key: bytes) -> Words:
    """Return the key schedule of 8 octets: for each of 16 rounds the even and the odd pieces.

    A piece stands where the round's half has it: piece i (0 to 7) at bit 28 - 4i.
    """
    halves = _picked(int.from_bytes(key, "big"), 64, _PC1)
    c, d = halves >> _HALF_OF_KEY, halves & (1 << _HALF_OF_KEY) - 1
    keys = np.zeros((_ROUNDS, 2), u64)
    for place, turn in enumerate(_TURNS):
        c, d = _turned(c, turn), _turned(d, turn)
        pieces = _picked(c << _HALF_OF_KEY | d, 2 * _HALF_OF_KEY, _PC2)
        for i in range(_PIECES):
            piece = pieces >> 42 - 6 * i & 63
            keys[place, i & 1] |= u64(piece << 28 - 4 * i)
    return keys


def _picked(word: int, width: int, places: Sequence[int]) -> int:
    """Return the bits of a word at some places, counted from 1 at its most significant."""
    picked = 0
    for place in places:
        picked = picked << 1 | word >> width - place & 1
    return picked


def _turned(half: int, turn: int) -> int:
    return (half << turn | half >> _HALF_OF_KEY - turn) & (1 << _HALF_OF_KEY) - 1


def _tables() -> Words:
    """Return what each 6-bit piece adds to the other half: eight tables of 64 in a row."""
    tables = np.zeros(_PIECES * 64, u64)
    for i, entries in enumerate(_SUBSTITUTIONS):
        for piece in range(64):
            row, column = piece >> 4 & 2 | piece & 1, piece >> 1 & 15
            nibble = int(entries[row * 16 + column], 16)
            tables[i * 64 + piece] = _picked(nibble << 28 - 4 * i, 32, _P)
    return tables


_TABLES: Final = _tables()


@kernel
def _round(half: np.uint64, even: np.uint64, odd: np.uint64) -> np.uint64:
    """Return the function f of FIPS 46-3 of a half of 32 bits."""
    # E: the half with its last bit before it and its first bit behind it.
    spread = ((half & u64(1)) << u64(33)) | (half << u64(1)) | (half >> u64(31))
    e, o = spread ^ even, spread ^ odd
    return (
        _TABLES[(e >> u64(28)) & u64(63)]
        ^ _TABLES[((o >> u64(24)) & u64(63)) | u64(64)]
        ^ _TABLES[((e >> u64(20)) & u64(63)) | u64(128)]
        ^ _TABLES[((o >> u64(16)) & u64(63)) | u64(192)]
        ^ _TABLES[((e >> u64(12)) & u64(63)) | u64(256)]
        ^ _TABLES[((o >> u64(8)) & u64(63)) | u64(320)]
        ^ _TABLES[((e >> u64(4)) & u64(63)) | u64(384)]
        ^ _TABLES[(o & u64(63)) | u64(448)]
    )


@kernel
def _swapped(word: np.uint64, distance: np.uint64, mask: np.uint64) -> np.uint64:
    """Return a word in which the bits of a mask change places with those `distance` above them."""
    differ = ((word >> distance) ^ word) & mask
    return word ^ differ ^ (differ << distance)


@kernel
def _initial(block: np.uint64) -> np.uint64:
    """Return the initial permutation of a block: five exchanges of bits."""
    block = _swapped(block, u64(36), u64(0x0F0F0F0F))
    block = _swapped(block, u64(48), u64(0x0000FFFF))
    block = _swapped(block, u64(30), u64(0x33333333 << 2))
    block = _swapped(block, u64(24), u64(0x00FF00FF << 8))
    return _swapped(block, u64(33), u64(0x55555555))


@kernel
def _final(block: np.uint64) -> np.uint64:
    """Return the final permutation of a block: the same exchanges in reverse."""
    block = _swapped(block, u64(33), u64(0x55555555))
    block = _swapped(block, u64(24), u64(0x00FF00FF << 8))
    block = _swapped(block, u64(30), u64(0x33333333 << 2))
    block = _swapped(block, u64(48), u64(0x0000FFFF))
    return _swapped(block, u64(36), u64(0x0F0F0F0F))


@kernel
def mix_column(schedules: Words, octets: Words, key: Numbers, messages: Words, out: Words) -> None:
    """Write DES(vending key, message) xor message xor vending key of each row (DKGA02).

    `schedules` holds 16 x 2 words and `octets` one word for each vending key; `key` tells which
    is the row's.
    """
    low = u64(0xFFFFFFFF)
    last = len(messages) - 1
    for first in range(0, last + 1, 2):
        # Two rows at a time: one is worked on while the other waits for its tables.
        second = min(first + 1, last)
        keys_1, keys_2 = schedules[key[first]], schedules[key[second]]
        block_1, block_2 = _initial(messages[first]), _initial(messages[second])
        left_1, right_1 = block_1 >> u64(32), block_1 & low
        left_2, right_2 = block_2 >> u64(32), block_2 & low
        for r in range(16):
            mixed_1 = left_1 ^ _round(right_1, keys_1[r, 0], keys_1[r, 1])
            mixed_2 = left_2 ^ _round(right_2, keys_2[r, 0], keys_2[r, 1])
            left_1, right_1 = right_1, mixed_1
            left_2, right_2 = right_2, mixed_2
        done_1, done_2 = (right_1 << u64(32)) | left_1, (right_2 << u64(32)) | left_2
        out[first] = _final(done_1) ^ messages[first] ^ octets[key[first]]
        out[second] = _final(done_2) ^ messages[second] ^ octets[key[second]]
