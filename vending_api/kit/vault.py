"""Texts that the database holds encrypted: AES-256-GCM, under keys that it never sees.

A stored text is the id of its key, a dot, and in base64 the nonce (12 octets, NIST SP 800-38D,
section 8.2.2: random), the encrypted text and its tag. It is bound to its row: in another it does
not open.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Final, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sts.errors import FileInvalid
from sts.keys.files import read_private
from vending_api.kit.errors import DomainError, Fault
from vending_api.kit.private_files import replace_private

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from sqlalchemy import Connection

VAULT: Final = "vending_vault"
"""Execution option of a connection: the vault of its texts."""

KEY_OCTETS: Final = 32
_NONCE_OCTETS: Final = 12
_LINE: Final = re.compile(r"([0-9a-f]{4}) ([0-9a-f]{64})", re.ASCII)
_ID: Final = re.compile(r"[0-9a-f]{4}", re.ASCII)
_NOT_AS_STORED: Final = "a stored token is not what was stored in its row"
_LONGEST_FILE: Final = 1 << 20
_HEAD: Final = (
    "# Keys of what the database holds encrypted, the newest last. Without them nobody reads it:\n"
    "# keep a copy where no copy of the database is.\n"
)


class DataKeysInvalid(Exception):
    """A file of data keys cannot be used; the text tells the place, never a key."""


class NotOpened(DomainError):
    """A stored text does not open: its key is not here, or it is not what was stored."""

    fault = Fault.UNAVAILABLE
    code = "text_not_opened"


class DataKeyMissing(NotOpened):
    """A stored text was encrypted under a key that is not here."""

    code = "data_key_missing"


class Vault:
    """Data keys: it shows their ids, never them, and cannot be pickled."""

    def __init__(self, keys: Mapping[str, bytes], chance: Callable[[int], bytes]) -> None:
        """Take keys of 32 octets by id, the newest last; without any, texts stay as they are.

        `chance` returns so many octets that nobody can guess.
        """
        self._chance = chance
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self.newest: Final = next(reversed(self._ciphers), None)
        """The id of the key that texts are encrypted under; None is no encryption."""

    def seal(self, text: bytes, row: str) -> str:
        """Return the text of a row in the form in which it is stored; there must be a key."""
        if self.newest is None:
            raise NotOpened("there is no data key to encrypt under")
        nonce = self._chance(_NONCE_OCTETS)
        sealed = self._ciphers[self.newest].encrypt(nonce, text, row.encode())
        return f"{self.newest}.{b64encode(nonce + sealed).decode()}"

    def open(self, stored: str, row: str) -> bytes:
        """Return the text that was stored in a row; raises NotOpened."""
        key_id, _, rest = stored.partition(".")
        cipher = self._ciphers.get(key_id)
        if cipher is None and _ID.fullmatch(key_id):
            raise DataKeyMissing(f"VENDING_DATA_KEYS_FILE: it has no key {key_id} of a token")
        if cipher is None:
            raise NotOpened(_NOT_AS_STORED)
        try:
            octets = b64decode(rest, validate=True)
            if b64encode(octets).decode() != rest:  # bits that say nothing were changed
                raise NotOpened(_NOT_AS_STORED)
            return cipher.decrypt(octets[:_NONCE_OCTETS], octets[_NONCE_OCTETS:], row.encode())
        except (InvalidTag, ValueError):
            raise NotOpened(_NOT_AS_STORED) from None

    def __repr__(self) -> str:
        return f"Vault({', '.join(self._ciphers)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("data keys stay in the process that has them")


OPEN: Final = Vault({}, bytes)
"""Keeps texts as they are."""


def vault_of(connection: Connection) -> Vault:
    """Return the vault that a database was opened with."""
    vault: Vault = connection.get_execution_options().get(VAULT, OPEN)
    return vault


def read_data_keys(path: Path, chance: Callable[[int], bytes]) -> Vault:
    """Return the keys of a file that its owner alone may read; raises DataKeysInvalid."""
    return Vault(_keys_of(path), chance)


def write_new_data_key(path: Path, *, chance: bytes) -> str:
    """Add a key of 32 random octets to a file, or make the file, and return the key's id.

    Raises DataKeysInvalid.
    """
    keys = _keys_of(path) if path.exists() else {}
    key_id = f"{len(keys) + 1:04x}"
    lines = [f"{one} {key.hex()}\n" for one, key in (keys | {key_id: chance}).items()]
    try:
        replace_private(path, (_HEAD + "".join(lines)).encode())
    except OSError as problem:
        raise DataKeysInvalid(f"{path}: it cannot be written: {problem.strerror}") from None
    return key_id


def _keys_of(path: Path) -> dict[str, bytes]:
    try:
        text = read_private(path, most=_LONGEST_FILE).decode()
    except FileInvalid as problem:
        raise DataKeysInvalid(str(problem)) from None
    except UnicodeDecodeError:
        raise DataKeysInvalid(f"{path}: it is not UTF-8 text") from None
    keys: dict[str, bytes] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise DataKeysInvalid(f"{path}: line {number} is no id of 4 and key of 64 hex digits")
        if found[1] in keys:
            raise DataKeysInvalid(f"{path}: line {number} has an id that is used above")
        keys[found[1]] = bytes.fromhex(found[2])
    if not keys:
        raise DataKeysInvalid(f"{path}: there is no key in it; `vending data-key new` makes one")
    return keys
