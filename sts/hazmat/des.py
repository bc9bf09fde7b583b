"""Single DES over one block (FIPS 46-3): the heart of DKGA02, and all of EA09.

Keys are used as they are given: DES ignores their parity bits and nothing mends them.
"""

from __future__ import annotations

from Crypto.Cipher import DES


class DesCipher:
    """DES under one key of 8 octets.

    Keep one for a key that is used again: making it costs ten times as much as a block.
    """

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        # A block on its own is all that STS asks of DES, so ECB is the right mode here.
        self._cipher = DES.new(key, DES.MODE_ECB)  # noqa: S304 (the standard names DES)

    def encrypt(self, block: bytes) -> bytes:
        """Return the 8 octets of `block` encrypted."""
        return self._cipher.encrypt(block)

    def decrypt(self, block: bytes) -> bytes:
        """Return the 8 octets of `block` decrypted."""
        return self._cipher.decrypt(block)


def encrypt_block(key: bytes, block: bytes) -> bytes:
    """Return the 8 octets of `block` encrypted under the 8 octets of `key`."""
    return DesCipher(key).encrypt(block)


def decrypt_block(key: bytes, block: bytes) -> bytes:
    """Return the 8 octets of `block` decrypted under the 8 octets of `key`."""
    return DesCipher(key).decrypt(block)
