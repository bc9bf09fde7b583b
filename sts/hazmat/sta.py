"""EA07: the Standard Transfer Algorithm, a 64-bit substitution-permutation cipher (IEC 62055-41).

A round sends every nibble of the block through one of two tables, picked by the top
bit of the key nibble that faces it, and then moves all 64 bits. Here a round is eight
look-ups: a table for each byte of the block, picked by the two such bits of the key byte that
faces it, holds what that byte adds to the word after both steps. That is what makes it fast.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from itertools import islice
from struct import Struct
from typing import TYPE_CHECKING, Final

from sts.errors import InvalidField

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_ROUNDS: Final = 16
_TURNS: Final = tuple((turn - 12) % 64 for turn in range(_ROUNDS))
"""How many bits the complemented key is turned left in each round: it begins 12 to the right."""
_MASK: Final = (1 << 64) - 1
_NIBBLES: Final = range(16)
_IDENTITY: Final = tuple(_NIBBLES)
_IN_PLACE: Final = tuple(range(64))
_NO_KEY: Final = ((0,) * 8,)
_TOP_BITS: Final = bytes(byte >> 6 & 2 | byte >> 3 & 1 for byte in range(256))
"""The top bits of a key byte's two nibbles, as a number 0 to 3: all that a round uses of it."""

# Turning a key 16 times takes a third of the time of a block, so one multiplication does it. The
# key twice in a row, moved left by n bits, has the key turned by n in its second 64 bits. A turner
# writes that once for each round, 24 octets apart, of which the middle 8 are the round's key.
_TURNER_FORWARD: Final = sum(
    (1 << 64 | 1) << 192 * place + turn for place, turn in enumerate(_TURNS)
)
_TURNER_BACKWARD: Final = sum(
    (1 << 64 | 1) << 192 * place + turn for place, turn in enumerate(reversed(_TURNS))
)
_MIDDLE_OCTETS: Final = Struct("8x8B8x").iter_unpack

_ByteTables = tuple[tuple["array[int]", ...], ...]
"""What a byte becomes in one round: [position in the block][top bits][data byte] to a word.

Byte and word are complements: all bits of a block are turned over before the first round and
after the last. So every word has its high bits set and makes an int of the same size. A
processor that guesses ahead then guesses right, which saves a twentieth of the time.

Arrays of 64 KiB together: between two sales they fall out of the processor's cache, and tuples
of ints, at seven times the size, take twice as long to come back.
"""


@dataclass(frozen=True, slots=True)
class StaTables:
    """Two substitutions of 0 to 15 and one permutation of bit positions 0 to 63.

    Bit `i` of a block moves to bit `permutation[i]`, counted from the least significant.
    The repr does not show the tables: real ones are licensed.

    Raises InvalidField if one is not a permutation; it names the entry, not its value.
    """

    substitution_1: tuple[int, ...] = field(repr=False)
    substitution_2: tuple[int, ...] = field(repr=False)
    permutation: tuple[int, ...] = field(repr=False)
    forward: _ByteTables = field(init=False, repr=False, compare=False)
    backward: _ByteTables = field(init=False, repr=False, compare=False)
    unpermute: _ByteTables = field(init=False, repr=False, compare=False)
    unsubstitute: _ByteTables = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _require_permutation("substitution 1", self.substitution_1, 16)
        _require_permutation("substitution 2", self.substitution_2, 16)
        _require_permutation("permutation", self.permutation, 64)
        first, second = self.substitution_1, self.substitution_2
        first_back, second_back = _inverse(first), _inverse(second)
        back = _inverse(self.permutation)
        fused = {
            "forward": _fuse(first, second, self.permutation),
            "backward": _fuse(first_back, second_back, back),
            "unpermute": _fuse(_IDENTITY, _IDENTITY, back),
            "unsubstitute": _fuse(first_back, second_back, _IN_PLACE),
        }
        for name, tables in fused.items():
            object.__setattr__(self, name, tables)  # the way to fill a frozen dataclass

    @property
    def is_sample(self) -> bool:
        """Whether these are the tables that the standard prints, for tests only."""
        return self == SAMPLE_TABLES


def encrypt_block(tables: StaTables, key: int, block: int) -> int:
    """Return the 64-bit `block` encrypted under the 64-bit `key` (IEC 62055-41, EA07)."""
    return _MASK ^ _run(tables.forward, _round_keys(key, _TURNER_FORWARD), _MASK ^ block)


def decrypt_block(tables: StaTables, key: int, block: int) -> int:
    """Return the 64-bit `block` decrypted under the 64-bit `key`; undoes `encrypt_block`.

    The standard describes decryption with the key not complemented and the two tables
    exchanged. That is the schedule of encryption read backwards, which is used here.
    """
    # A round back is: move the bits, then substitute. Look-ups can only substitute and then
    # move, so the first move goes ahead alone, and the last substitution has none after it.
    round_keys = _round_keys(key, _TURNER_BACKWARD)
    block = _run(tables.unpermute, _NO_KEY, _MASK ^ block)
    block = _run(tables.backward, islice(round_keys, _ROUNDS - 1), block)
    return _MASK ^ _run(tables.unsubstitute, round_keys, block)


def _round_keys(key: int, turner: int) -> Iterator[tuple[int, ...]]:
    """Return the top bits of each round's key for eight bytes, the least significant first."""
    turned = (~key & _MASK) * turner
    return _MIDDLE_OCTETS(turned.to_bytes(_ROUNDS * 24, "little").translate(_TOP_BITS))


def _run(tables: _ByteTables, round_keys: Iterable[tuple[int, ...]], block: int) -> int:
    """Return what the complement of a block becomes in the rounds of some keys."""
    t0, t1, t2, t3, t4, t5, t6, t7 = tables
    for k0, k1, k2, k3, k4, k5, k6, k7 in round_keys:
        # Spelled out, since a loop over the eight bytes takes twice as long.
        b0, b1, b2, b3, b4, b5, b6, b7 = block.to_bytes(8, "little")
        block = (
            t0[k0][b0] & t1[k1][b1] & t2[k2][b2] & t3[k3][b3]
            & t4[k4][b4] & t5[k5][b5] & t6[k6][b6] & t7[k7][b7]
        )  # fmt: skip
    return block


def _fuse(clear: Sequence[int], is_set: Sequence[int], permutation: Sequence[int]) -> _ByteTables:
    """Return the byte tables of "substitute, then permute".

    A nibble goes through `is_set` if the top bit of its key nibble is 1, else through `clear`.
    """
    moved = [
        [
            sum(1 << permutation[4 * n + bit] for bit in range(4) if value >> bit & 1)
            for value in _NIBBLES
        ]
        for n in _NIBBLES
    ]
    turned_over = range(255, -1, -1)  # the byte that stands turned over at 0, at 1, and so on
    positions = []
    for low, high in zip(moved[0::2], moved[1::2], strict=True):
        by_top_bits = [
            array("Q", [_MASK ^ (high[upper[b >> 4]] | low[lower[b & 15]]) for b in turned_over])
            for upper in (clear, is_set)
            for lower in (clear, is_set)
        ]
        positions.append(tuple(by_top_bits))
    return tuple(positions)


def _inverse(permutation: Sequence[int]) -> tuple[int, ...]:
    return tuple(permutation.index(value) for value in range(len(permutation)))


def _require_permutation(name: str, values: Sequence[int], length: int) -> None:
    if len(values) != length:
        raise InvalidField(name, f"it has {len(values)} entries", f"{length}")
    for position, value in enumerate(values):
        if value not in range(length) or value in values[:position]:
            raise InvalidField(
                name,
                f"entry {position + 1} is out of range or repeats an earlier one",
                f"each of 0 to {length - 1} once",
            )


SAMPLE_TABLES: Final = StaTables(
    substitution_1=(12, 10, 8, 4, 3, 15, 0, 2, 14, 1, 5, 13, 6, 9, 7, 11),
    substitution_2=(6, 9, 7, 4, 3, 10, 12, 14, 2, 13, 1, 15, 0, 11, 8, 5),
    permutation=(
        29, 27, 34, 9, 16, 62, 55, 2, 40, 49, 38, 25, 33, 61, 30, 23,
        1, 41, 21, 57, 42, 15, 5, 58, 19, 53, 22, 17, 48, 28, 24, 39,
        3, 60, 36, 14, 11, 52, 54, 12, 31, 51, 10, 26, 0, 45, 37, 43,
        44, 6, 59, 4, 7, 35, 56, 50, 13, 18, 32, 47, 46, 63, 20, 8,
    ),
)  # fmt: skip
"""The tables that the standard prints as a sample; no meter in the field uses them."""
