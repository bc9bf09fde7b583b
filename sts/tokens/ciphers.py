"""Which cipher a decoder key calls for, over 64-bit blocks as whole numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sts.hazmat import des, misty1, sta
from sts.key_data import EncryptionAlgorithm

if TYPE_CHECKING:
    from sts.keys.decoder_key import DecoderKey

# Looking a member up in its enumeration takes longer than comparing it.
_EA07: Final = EncryptionAlgorithm.EA07
_EA11: Final = EncryptionAlgorithm.EA11


def encrypt(tables: sta.StaTables, key: DecoderKey, block: int) -> int:
    """Return the block encrypted under the key's own algorithm; `tables` serve EA07 only."""
    if key.algorithm is _EA07:
        return sta.encrypt_block(tables, key.number, block)
    if key.algorithm is _EA11:
        return misty1.encrypt_block(key.octets, block)
    return int.from_bytes(des.encrypt_block(key.octets, block.to_bytes(8, "big")), "big")


def decrypt(tables: sta.StaTables, key: DecoderKey, block: int) -> int:
    """Return the block decrypted; the counterpart of `encrypt`."""
    if key.algorithm is _EA07:
        return sta.decrypt_block(tables, key.number, block)
    if key.algorithm is _EA11:
        return misty1.decrypt_block(key.octets, block)
    return int.from_bytes(des.decrypt_block(key.octets, block.to_bytes(8, "big")), "big")
