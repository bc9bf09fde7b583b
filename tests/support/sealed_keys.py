"""Sealed key files for tests: quick to open, and as real as any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sts.keys.key_file import KeyStore, parse_key_file
from sts.keys.sealed_file import seal_keys
from sts.keys.sealing import Custody, OpenedBy, OpeningSecret, ScryptCost, SealHeader

if TYPE_CHECKING:
    from pathlib import Path

PASSPHRASE: Final = "correct horse battery staple"
KEY: Final = "c0ffee" * 10 + "beef"
"""64 hex digits, as a secret manager keeps them."""
SALT: Final = bytes(range(16))
QUICK: Final = ScryptCost(n=1 << 14)
"""The least that is taken: 16 MiB and a fraction of a second."""

OWN_KEY: Final = "0badc0de5eed1234"
OWN_KEYS: Final = f"""
[[vending_key]]
supply_group_code = "000001"
key_revision_number = 1
key_type = 2
base_date = 2014
key_expiry_number = 255
decoder_key_generation_algorithm = "02"
key = "{OWN_KEY}"
"""
"""A key that nobody has published, of the supply group of the demo."""


def by_key(digits: str = KEY) -> OpeningSecret:
    """Return what opens a file that is sealed by a key."""
    return OpeningSecret.of(digits, OpenedBy.KEY)


def by_passphrase(text: str = PASSPHRASE) -> OpeningSecret:
    """Return what opens a file that is sealed by a passphrase."""
    return OpeningSecret.of(text, OpenedBy.PASSPHRASE)


def sealed(
    keys: KeyStore | str,
    secret: OpeningSecret | None = None,
    *,
    custody: Custody | None = None,
    salt: bytes = SALT,
) -> str:
    """Return the text of a sealed file, by the key unless another secret is given."""
    store = keys if isinstance(keys, KeyStore) else parse_key_file(keys, path="test")
    secret = secret or by_key()
    is_stretched = secret.kind is OpenedBy.PASSPHRASE
    header = SealHeader(len(store), salt, secret.kind, QUICK if is_stretched else None, custody)
    nonces = [salt[:11] + bytes([number]) for number in range(len(store))]
    return seal_keys(store, header, secret, nonces)


def installed(folder: Path, keys: str = OWN_KEYS) -> dict[str, str]:
    """Write a sealed file and its key into a folder, and return the settings that name them."""
    (folder / "keys.sealed").write_text(sealed(keys))
    key = folder / "keys.key"
    key.touch(mode=0o600)
    key.write_text(KEY + "\n")
    return {
        "VENDING_KEYS_FILE": str(folder / "keys.sealed"),
        "VENDING_KEYS_PASSPHRASE_FILE": str(key),
    }
