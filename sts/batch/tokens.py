"""From what tokens say to 20 digits and back, for rows under one encryption algorithm."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from sts.batch.compiled import u64
from sts.batch.kernels import block, digits, misty1, sta

if TYPE_CHECKING:
    from sts.batch.compiled import Flags, Octets, Words
    from sts.keys.sta_tables import StaTables

TOKEN_DIGITS: Final = 20
_EA07: Final = 7


@dataclass(frozen=True, slots=True, eq=False)
class Ciphers:
    """EA07 with some tables, and EA11; the repr does not show the tables."""

    encryption: Words = field(repr=False)
    decryption: Words = field(repr=False)

    @classmethod
    def of(cls, tables: StaTables) -> Ciphers:
        """Return the ciphers with STA tables in the form that the kernels take."""
        return cls(sta.encryption_tables(tables), sta.decryption_tables(tables))

    def encrypt(self, ea: int, keys: Words, blocks: Words) -> Words:
        """Return blocks encrypted under the decoder keys of their rows."""
        out = np.empty(len(blocks), u64)
        if ea == _EA07:
            sta.encrypt_column(self.encryption, keys[:, 0], blocks, out)
        else:
            misty1.encrypt_column(keys, blocks, out)
        return out

    def decrypt(self, ea: int, keys: Words, blocks: Words) -> Words:
        """Return blocks decrypted; the counterpart of `encrypt`."""
        out = np.empty(len(blocks), u64)
        if ea == _EA07:
            sta.decrypt_column(self.decryption, keys[:, 0], blocks, out)
        else:
            misty1.decrypt_column(keys, blocks, out)
        return out


def make_tokens(
    ciphers: Ciphers, ea: int, keys: Words, classes: Words, bodies: Words
) -> tuple[Octets, Words, Flags]:
    """Return the digits of tokens, what these say when they are read back, and whether it is right.

    `bodies` are subclass and payload, 48 bits. The digits stand one after another, 20 a row.
    """
    blocks = np.empty(len(bodies), u64)
    block.seal_column(classes, bodies, blocks)
    text = np.empty(TOKEN_DIGITS * len(bodies), np.uint8)
    digits.write_column(classes, ciphers.encrypt(ea, keys, blocks), text)
    offsets = np.arange(0, len(text) + 1, TOKEN_DIGITS, dtype=np.int32)
    right = np.ones(len(bodies), np.bool_)
    read_classes, cipher_blocks = np.empty(len(bodies), u64), np.empty(len(bodies), u64)
    digits.read_column(text, offsets, read_classes, cipher_blocks, right)
    read_bodies, are_sealed = open_tokens(ciphers, ea, keys, read_classes, cipher_blocks)
    right &= are_sealed & (read_classes == classes) & (read_bodies == bodies)
    return text, read_bodies, right


def open_tokens(
    ciphers: Ciphers, ea: int, keys: Words, classes: Words, cipher_blocks: Words
) -> tuple[Words, Flags]:
    """Return subclass and payload of encrypted blocks, and whether their checksums are right."""
    bodies, right = np.empty(len(classes), u64), np.empty(len(classes), np.bool_)
    block.open_column(classes, ciphers.decrypt(ea, keys, cipher_blocks), bodies, right)
    return bodies, right
