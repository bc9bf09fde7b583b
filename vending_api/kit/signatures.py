"""Ed25519 signatures: a key pair in a file of its owner, and what checks what it signed."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from sts.errors import FileInvalid
from sts.keys.files import read_private
from vending_api.kit.private_files import write_private

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST_FILE: Final = 4_096
_PUBLIC_OCTETS: Final = 32
_ID_DIGITS: Final = 16


class SigningKeyInvalid(Exception):
    """A key cannot be used to sign, or to check signatures; the text never shows a private one."""


class PublicKey:
    """What checks signatures; anybody may have it."""

    def __init__(self, octets: bytes) -> None:
        """Keep the 32 octets of a public key (RFC 8032, section 5.1.5)."""
        if len(octets) != _PUBLIC_OCTETS:
            raise SigningKeyInvalid(f"a public key has {_PUBLIC_OCTETS} octets, not {len(octets)}")
        self._octets = octets
        self._key = Ed25519PublicKey.from_public_bytes(octets)

    @classmethod
    def of_hex(cls, digits: str) -> PublicKey:
        """Return the key that 64 hex digits say; raises SigningKeyInvalid."""
        try:
            return cls(bytes.fromhex(digits))
        except ValueError:
            raise SigningKeyInvalid("a public key is written as 64 hex digits") from None

    @property
    def hex_digits(self) -> str:
        """The key as 64 hex digits."""
        return self._octets.hex()

    @property
    def id(self) -> str:
        """A name for it: the first 16 hex digits of its SHA-256."""
        return sha256(self._octets).hexdigest()[:_ID_DIGITS]

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        """Tell whether a signature of a message was made with its private key."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


class SigningKey:
    """A private key: it shows the id of its public key, never itself, and cannot be pickled."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        octets = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.public: Final = PublicKey(octets)

    def sign(self, message: bytes) -> bytes:
        """Return the 64 octets of a signature (RFC 8032, section 5.1.6)."""
        return self._key.sign(message)

    def __repr__(self) -> str:
        return f"SigningKey({self.public.id})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signing key stays in the process that has it")


def read_signing_key(path: Path) -> SigningKey:
    """Return the private key of a PEM file that its owner alone may read.

    Raises SigningKeyInvalid, which tells the place and never the contents.
    """
    try:
        text = read_private(path, most=_LONGEST_FILE)
    except FileInvalid as problem:
        raise SigningKeyInvalid(str(problem)) from None
    try:
        key = load_pem_private_key(text, password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyInvalid(f"{path}: it does not hold an Ed25519 private key in PEM")
    return SigningKey(key)


def write_new_signing_key(path: Path, *, chance: bytes) -> SigningKey:
    """Make a key pair of 32 random octets, store it in a new file of mode 0600, and return it.

    Raises FileExistsError: a key that has signed is never written over.
    """
    key = Ed25519PrivateKey.from_private_bytes(chance)
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_private(path, text)
    return SigningKey(key)
