"""EA11: MISTY1 (RFC 2994) over a column of blocks, each under its own key of 128 bits.

The names fi, fo and fl are those of the RFC, and the round structure that of `sts.hazmat.misty1`;
words of 16 bits stand in words of 64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sts.batch.compiled import kernel, u64
from sts.hazmat import misty1

if TYPE_CHECKING:
    from sts.batch.compiled import Words

_S7: Final = np.array(misty1.S7, u64)
_S9: Final = np.array(misty1.S9, u64)


@kernel
def _fi(word: np.uint64, key: np.uint64) -> np.uint64:
    d9, d7 = word >> u64(7), word & u64(127)
    d9 = _S9[d9] ^ d7
    d7 = _S7[d7] ^ (d9 & u64(127)) ^ (key >> u64(9))
    d9 = _S9[d9 ^ (key & u64(511))] ^ d7
    return (d7 << u64(9)) | d9


@kernel
def _schedule(high: np.uint64, low: np.uint64, k: Words, d: Words) -> None:
    """Fill the words K and K' of RFC 2994, each twice over, so that no index need wrap."""
    for i in range(4):
        shift = u64(48 - 16 * i)
        k[i] = k[i + 8] = high >> shift & u64(0xFFFF)
        k[i + 4] = k[i + 12] = low >> shift & u64(0xFFFF)
    for i in range(8):
        d[i] = d[i + 8] = _fi(k[i], k[i + 1])


@kernel
def _fo(half: np.uint64, k: Words, d: Words, i: int) -> np.uint64:
    t0, t1 = half >> u64(16), half & u64(0xFFFF)
    t0 = _fi(t0 ^ k[i], d[i + 5]) ^ t1
    t1 = _fi(t1 ^ k[i + 2], d[i + 1]) ^ t0
    t0 = _fi(t0 ^ k[i + 7], d[i + 3]) ^ t1
    return ((t1 ^ k[i + 4]) << u64(16)) | t0


@kernel
def _fl(half: np.uint64, a: np.uint64, b: np.uint64) -> np.uint64:
    low = (half ^ (half >> u64(16) & a)) & u64(0xFFFF)
    return half & u64(0xFFFF0000) ^ ((low | b) << u64(16)) | low


@kernel
def _fl_inverse(half: np.uint64, a: np.uint64, b: np.uint64) -> np.uint64:
    high = (half >> u64(16)) ^ ((half & u64(0xFFFF)) | b)
    return (high << u64(16)) | (half & u64(0xFFFF) ^ (high & a))


@kernel
def encrypt_column(keys: Words, blocks: Words, out: Words) -> None:
    """Write each block encrypted under the key of its row, in two words (RFC 2994)."""
    k, d = np.empty(16, np.uint64), np.empty(16, np.uint64)
    for row in range(len(blocks)):
        _schedule(keys[row, 0], keys[row, 1], k, d)
        left, right = blocks[row] >> u64(32), blocks[row] & u64(0xFFFFFFFF)
        for j in range(4):
            left = _fl(left, k[j], d[j + 6])
            right = _fl(right, d[j + 2], k[j + 4])
            right ^= _fo(left, k, d, 2 * j)
            left ^= _fo(right, k, d, 2 * j + 1)
        left = _fl(left, k[4], d[10])
        right = _fl(right, d[6], k[8])
        out[row] = (right << u64(32)) | left


@kernel
def decrypt_column(keys: Words, blocks: Words, out: Words) -> None:
    """Write each block decrypted under the key of its row; undoes `encrypt_column`."""
    k, d = np.empty(16, np.uint64), np.empty(16, np.uint64)
    for row in range(len(blocks)):
        _schedule(keys[row, 0], keys[row, 1], k, d)
        right, left = blocks[row] >> u64(32), blocks[row] & u64(0xFFFFFFFF)
        right = _fl_inverse(right, d[6], k[8])
        left = _fl_inverse(left, k[4], d[10])
        for back in range(4):
            j = 3 - back
            left ^= _fo(right, k, d, 2 * j + 1)
            right ^= _fo(left, k, d, 2 * j)
            right = _fl_inverse(right, d[j + 2], k[j + 4])
            left = _fl_inverse(left, k[j], d[j + 6])
        out[row] = (left << u64(32)) | right
