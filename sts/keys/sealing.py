"""How a vending key is sealed: what opens the file, the keys made of that, and what they bind.

    passphrase --scrypt--+
    key of 32 octets ----+--> key-encryption key --HKDF, salt of the file--> seal key, check key
    secret of custodians-+

    check         HMAC-SHA-256 under the check key over the header
    sealed entry  AES-256-GCM under the seal key; its associated data are the entry's place in the
                  file and all its open facts

Salts and nonces are arguments, as all chance in `sts`.
"""

from __future__ import annotations

import hmac
import re
import struct
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from sts.errors import InvalidField, SealNotOpened
from sts.keys.secret import SecretOctets

if TYPE_CHECKING:
    from sts.keys.key_facts import KeyFacts

VERSION: Final = 1
KEY_OCTETS: Final = 32
SALT_OCTETS: Final = 16
NONCE_OCTETS: Final = 12
TAG_OCTETS: Final = 16
CUSTODY_OCTETS: Final = 16
"""The secret that custodians share: what Shamir's scheme in GF(2^128) takes."""

SHORTEST_PASSPHRASE: Final = 12

_SMALLEST_N: Final = 1 << 14
_LARGEST_MEMORY_OCTETS: Final = 1 << 28
"""256 MiB: twice the default, and nothing that a hostile file could hurt a server with."""
_LARGEST_R: Final = 32
_LARGEST_P: Final = 4

_KEYS_FOR: Final = b"sts sealed keys 1: seal key, check key"
_HEADER: Final = struct.Struct(">16s H 12s I 16s Q I I B 3s")
"""What it is, version, opened by, number of keys, salt, scrypt n r p, custodians, share set."""
_ENTRY: Final = struct.Struct(">16s I 6s B B H B 2s")
"""What it is, place in the file, SGC, KRN, KT, base date, KEN, DKGA."""


class OpenedBy(StrEnum):
    """What opens a sealed key file."""

    PASSPHRASE = "passphrase"  # noqa: S105 (the kind, and no passphrase)
    KEY = "key"
    CUSTODIANS = "custodians"


WORDS: Final = {
    OpenedBy.PASSPHRASE: "a passphrase",
    OpenedBy.KEY: "a key of 64 hex digits",
    OpenedBy.CUSTODIANS: "the shares of its custodians",
}


@dataclass(frozen=True, slots=True)
class ScryptCost:
    """What a guess at a passphrase costs: 128 * n * r octets of memory, p times the work.

    Raises InvalidField for an n below 2^14, and for more than 256 MiB.
    """

    n: int = 1 << 17
    r: int = 8
    p: int = 1

    def __post_init__(self) -> None:
        if self.n < _SMALLEST_N or self.n & (self.n - 1):
            raise InvalidField("scrypt_n", "not that", f"a power of two from {_SMALLEST_N}")
        if not 1 <= self.r <= _LARGEST_R:
            raise InvalidField("scrypt_r", "not that", f"1 to {_LARGEST_R}")
        if not 1 <= self.p <= _LARGEST_P:
            raise InvalidField("scrypt_p", "not that", f"1 to {_LARGEST_P}")
        if 128 * self.n * self.r > _LARGEST_MEMORY_OCTETS:
            raise InvalidField("scrypt_n", "too much", "n and r that take no more than 256 MiB")


DEFAULT_COST: Final = ScryptCost()


@dataclass(frozen=True, slots=True)
class Custody:
    """Which shares open a file: so many of one set."""

    needed: int
    share_set: bytes


@dataclass(frozen=True, slots=True)
class SealHeader:
    """What a sealed key file says of itself; its check makes sure of all of it."""

    number_of_keys: int
    salt: bytes
    opened_by: OpenedBy
    scrypt: ScryptCost | None = None
    """Of a passphrase only."""
    custody: Custody | None = None
    """Of custodians only."""

    def octets(self) -> bytes:
        """Return the header in one way and no other."""
        cost, custody = self.scrypt, self.custody
        return _HEADER.pack(
            b"sts seal header",
            VERSION,
            self.opened_by.encode(),
            self.number_of_keys,
            self.salt,
            *((0, 0, 0) if cost is None else (cost.n, cost.r, cost.p)),
            *((0, b"") if custody is None else (custody.needed, custody.share_set)),
        )


@dataclass(frozen=True, slots=True, eq=False)
class OpeningSecret(SecretOctets):
    """A passphrase, a key of a secret manager, or what custodians have joined."""

    octets: bytes = field(repr=False)
    kind: OpenedBy

    @classmethod
    def of(cls, text: str, kind: OpenedBy) -> OpeningSecret:
        """Return the passphrase, the same from every keyboard (NFKC), or the key of hex digits.

        Raises SealNotOpened when it cannot be that; shares are joined by `Custodians`.
        """
        if kind is OpenedBy.PASSPHRASE and text:
            return cls(unicodedata.normalize("NFKC", text).encode(), kind)
        if kind is OpenedBy.KEY and re.fullmatch(f"[0-9A-Fa-f]{{{2 * KEY_OCTETS}}}", text):
            return cls(bytes.fromhex(text), kind)
        raise SealNotOpened(f"it is opened by {WORDS[kind]}, and this is none")

    @classmethod
    def new(cls, text: str, kind: OpenedBy) -> OpeningSecret:
        """Return what is to open a file from now on; raises as `of`.

        Raises InvalidField for a passphrase that is short, or has what no keyboard has.
        """
        if kind is OpenedBy.PASSPHRASE and not (
            len(text) >= SHORTEST_PASSPHRASE and text.isprintable()
        ):
            raise InvalidField(
                "passphrase", "that is none", f"{SHORTEST_PASSPHRASE} characters or more"
            )
        return cls.of(text, kind)


@dataclass(frozen=True, slots=True, eq=False)
class KeyEncryptionKey(SecretOctets):
    """The key that all of one sealed file hangs on.

    Raises InvalidField unless it has 32 octets.
    """

    octets: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.octets) != KEY_OCTETS:
            raise InvalidField(
                "key-encryption key", f"it has {len(self.octets)} octets", f"{KEY_OCTETS} octets"
            )


class Seal(SecretOctets):
    """Seals and opens the keys of one file, whose salt makes its working keys its own."""

    __slots__ = ("_check_key", "_cipher")

    def __init__(self, key: KeyEncryptionKey, salt: bytes) -> None:
        both = HKDF(SHA256(), 2 * KEY_OCTETS, salt, _KEYS_FOR).derive(key.octets)
        self._cipher = AESGCM(both[:KEY_OCTETS])
        self._check_key = both[KEY_OCTETS:]

    def check_of(self, header: SealHeader) -> bytes:
        """Return what makes sure of a header, 32 octets."""
        return hmac.digest(self._check_key, header.octets(), "sha256")

    def fits(self, header: SealHeader, check: bytes) -> bool:
        """Return whether a header is as it was sealed, in a time that tells nothing."""
        return hmac.compare_digest(self.check_of(header), check)

    def close(self, octets: bytes, nonce: bytes, *, place: int, facts: KeyFacts) -> bytes:
        """Return a key sealed, 16 octets longer, for its place (from 1) and its facts."""
        return self._cipher.encrypt(nonce, octets, bound_to(place, facts))

    def open(self, sealed: bytes, nonce: bytes, *, place: int, facts: KeyFacts) -> bytes | None:
        """Return a key as it was sealed; None where anything but that was sealed."""
        try:
            return self._cipher.decrypt(nonce, sealed, bound_to(place, facts))
        except InvalidTag:
            return None


def bound_to(place: int, facts: KeyFacts) -> bytes:
    """Return the associated data of an entry: what a sealed key cannot be parted from."""
    return _ENTRY.pack(
        b"sts sealed key",
        place,
        facts.supply_group_code.digits.encode(),
        facts.key_revision_number.value,
        facts.key_type,
        facts.base_date,
        facts.key_expiry_number.value,
        facts.algorithm.encode(),
    )


def key_encryption_key(secret: OpeningSecret, header: SealHeader) -> KeyEncryptionKey:
    """Return the key that a secret makes with a header; it is not known yet whether it fits.

    Raises SealNotOpened for another kind of secret than the header asks for, or when the
    machine has too little memory.
    """
    if secret.kind is not header.opened_by:
        raise SealNotOpened(f"it is opened by {WORDS[header.opened_by]}")
    if header.scrypt is not None:
        return KeyEncryptionKey(_stretched(secret.octets, header.salt, header.scrypt))
    if secret.kind is OpenedBy.CUSTODIANS:
        # 128 bits of chance need no stretching, only the right length.
        made = HKDF(SHA256(), KEY_OCTETS, header.salt, b"sts custody 1").derive(secret.octets)
        return KeyEncryptionKey(made)
    return KeyEncryptionKey(secret.octets)


def _stretched(passphrase: bytes, salt: bytes, cost: ScryptCost) -> bytes:
    try:
        return Scrypt(salt, KEY_OCTETS, cost.n, cost.r, cost.p).derive(passphrase)
    except MemoryError:
        raise SealNotOpened(
            f"this machine has not the {128 * cost.n * cost.r >> 20} MiB of memory that its "
            "passphrase takes"
        ) from None
