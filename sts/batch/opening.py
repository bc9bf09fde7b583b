"""How each process of a batch opens the key file: as whoever began it did, or by a file of its own.

Each is given to `ModuleSource` as `load_keys`. What is pickled with the first is the
key-encryption key, so it goes to processes of this machine alone; the second goes anywhere, for it
names a file, and whoever works there must have that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sts.errors import KeyFileInvalid
from sts.keys.files import read_secret_line, read_text
from sts.keys.sealed_file import SealedKeyFile, parse_sealed_key_file
from sts.keys.sealing import KeyEncryptionKey, OpeningSecret

if TYPE_CHECKING:
    from pathlib import Path

    from sts.keys.key_file import KeyStore


@dataclass(frozen=True, slots=True)
class OpenedBefore:
    """Opens a sealed key file by its key-encryption key; its repr does not tell it."""

    key: KeyEncryptionKey

    def __call__(self, path: Path) -> KeyStore:
        """Return the keys of a sealed file; raises KeyFileInvalid and KeyFileAltered."""
        return _sealed(path).open(self.key)

    def __reduce__(self) -> tuple[Any, ...]:
        """Hand over what pickling of the key would refuse: to processes that this one starts."""
        return _received, (self.key.octets,)


@dataclass(frozen=True, slots=True)
class OpenedByFile:
    """Opens a sealed key file by a passphrase or key that a file of the process's machine holds."""

    passphrase_file: Path

    def __call__(self, path: Path) -> KeyStore:
        """Return the keys of a sealed file.

        Raises KeyFileInvalid, KeyFileAltered, SealNotOpened, and FileInvalid for a passphrase file
        that others may read.
        """
        file = _sealed(path)
        secret = OpeningSecret.of(read_secret_line(self.passphrase_file), file.header.opened_by)
        return file.open(file.key_for(secret))


def _received(octets: bytes) -> OpenedBefore:
    return OpenedBefore(KeyEncryptionKey(octets))


def _sealed(path: Path) -> SealedKeyFile:
    return parse_sealed_key_file(read_text(path, KeyFileInvalid), path=str(path))
