"""EA07: the Standard Transfer Algorithm over a column of blocks, each under its own key.

A round is sixteen look-ups, one a nibble: the top bit of the key's nibble and the nibble of the
block pick what that nibble adds to the word after substitution and permutation. Such a table
takes 4 KB, so it stays in the processor's nearest cache; two rows go together, so that one is
worked on while the other waits. `sts.hazmat.sta` takes a byte at a time: its tables fit no such
cache, but Python spends its time elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sts.batch.compiled import kernel, u64

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sts.batch.compiled import Words
    from sts.keys.sta_tables import StaTables

_NIBBLES: Final = range(16)


def encryption_tables(tables: StaTables) -> Words:
    """Return what each nibble becomes in a round of encryption: 16 positions x 2 key bits x 16."""
    return _fused(tables.substitution_1, tables.substitution_2, tables.permutation)


def decryption_tables(tables: StaTables) -> Words:
    """Return three tables of 512, one after another, for the way back.

    A round back permutes and then substitutes, and a look-up can only substitute and then
    permute. So the first permutation goes ahead alone, and the last substitution has none behind.
    """
    back = _inverse(tables.permutation)
    first, second = _inverse(tables.substitution_1), _inverse(tables.substitution_2)
    return np.concatenate(
        (
            _fused(_NIBBLES, _NIBBLES, back),
            _fused(first, second, back),
            _fused(first, second, range(64)),
        )
    )


def _fused(clear: Sequence[int], is_set: Sequence[int], permutation: Sequence[int]) -> Words:
    """Return the table of "substitute, then permute"; `is_set` where the key's bit is 1."""
    return np.array(
        [
            sum(1 << permutation[4 * n + bit] for bit in range(4) if substitution[v] >> bit & 1)
            for n in _NIBBLES
            for substitution in (clear, is_set)
            for v in _NIBBLES
        ],
        u64,
    )


def _inverse(permutation: Sequence[int]) -> tuple[int, ...]:
    return tuple(permutation.index(value) for value in range(len(permutation)))


@kernel
def _round(tables: Words, start: np.uint64, block: np.uint64, key: np.uint64) -> np.uint64:
    """Return a block after one round by the table that begins at `start`."""
    # Each octet of these words is an index of 5 bits: the top bit of a key nibble, and the nibble
    # of the block that it faces; the even nibbles in one word, the odd ones in the other.
    even = (block & u64(0x0F0F0F0F0F0F0F0F)) | ((key & u64(0x0808080808080808)) << u64(1))
    odd = (block >> u64(4) & u64(0x0F0F0F0F0F0F0F0F)) | (key >> u64(3) & u64(0x1010101010101010))
    word = u64(0)
    for pair in range(8):
        at = start + (u64(pair) << u64(6))
        word |= tables[at | (even & u64(31))] | tables[at | u64(32) | (odd & u64(31))]
        even >>= u64(8)
        odd >>= u64(8)
    return word


@kernel
def _turned(key: np.uint64, bits: int) -> np.uint64:
    return (key << u64(bits)) | (key >> u64(64 - bits))


@kernel
def encrypt_column(tables: Words, keys: Words, blocks: Words, out: Words) -> None:
    """Write each block encrypted under the key of its row (IEC 62055-41, EA07)."""
    zero = u64(0)
    last = len(blocks) - 1
    for first in range(0, last + 1, 2):
        second = min(first + 1, last)
        block_1, block_2 = blocks[first], blocks[second]
        key_1, key_2 = _turned(~keys[first], 52), _turned(~keys[second], 52)
        for _ in range(16):
            block_1 = _round(tables, zero, block_1, key_1)
            block_2 = _round(tables, zero, block_2, key_2)
            key_1, key_2 = _turned(key_1, 1), _turned(key_2, 1)
        out[first], out[second] = block_1, block_2


@kernel
def decrypt_column(tables: Words, keys: Words, blocks: Words, out: Words) -> None:
    """Write each block decrypted under the key of its row; undoes `encrypt_column`."""
    permute, both, substitute = u64(0), u64(512), u64(1024)
    last = len(blocks) - 1
    for first in range(0, last + 1, 2):
        second = min(first + 1, last)
        # The key of the last round of encryption: 12 bits to the right, then 15 to the left.
        key_1, key_2 = _turned(~keys[first], 3), _turned(~keys[second], 3)
        block_1 = _round(tables, permute, blocks[first], key_1)
        block_2 = _round(tables, permute, blocks[second], key_2)
        for _ in range(15):
            block_1 = _round(tables, both, block_1, key_1)
            block_2 = _round(tables, both, block_2, key_2)
            key_1, key_2 = _turned(key_1, 63), _turned(key_2, 63)
        out[first] = _round(tables, substitute, block_1, key_1)
        out[second] = _round(tables, substitute, block_2, key_2)
