"""Sealed key files: vending keys that the file alone does not give away.

Read without what opens it, a sealed file tells which keys there are; README.md shows one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sts.errors import InvalidField, KeyFileAltered, KeyFileInvalid, SealNotOpened
from sts.keys.custody import FEWEST_NEEDED, MOST_CUSTODIANS, SHARE_SET_OCTETS
from sts.keys.entries import (
    FACT_FIELDS,
    EntryWrong,
    facts_of,
    field_of,
    number_of,
    octets_of,
    require_known,
)
from sts.keys.files import parse_toml, read_text
from sts.keys.key_facts import KeyFacts, ListedKeys
from sts.keys.key_file import KeyStore, parse_key_file
from sts.keys.sealing import (
    NONCE_OCTETS,
    SALT_OCTETS,
    TAG_OCTETS,
    VERSION,
    Custody,
    KeyEncryptionKey,
    OpenedBy,
    OpeningSecret,
    ScryptCost,
    Seal,
    SealHeader,
    key_encryption_key,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_HEADER: Final = "seal"
_ENTRY: Final = "sealed_key"
_CHECK_OCTETS: Final = 32
_ALWAYS: Final = ("version", "number_of_keys", "opened_by", "salt", "check")
_ALSO: Final = {
    OpenedBy.PASSPHRASE: ("scrypt_n", "scrypt_r", "scrypt_p"),
    OpenedBy.KEY: (),
    OpenedBy.CUSTODIANS: ("shares_needed", "share_set"),
}
_ABOUT: Final = (
    "# Sealed vending keys, made by `sts keys seal`; `sts keys unseal-check` opens it. All of\n"
    "# its fields are authenticated: an edited file does not open.\n"
)


@dataclass(frozen=True, slots=True)
class SealedKey:
    """One entry: what is known of a key, and the key as it is sealed."""

    facts: KeyFacts
    nonce: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class SealedKeyFile:
    """A sealed key file as read; nothing of it is sure until it is opened."""

    path: str
    header: SealHeader
    check: bytes
    entries: tuple[SealedKey, ...]

    def key_for(self, secret: OpeningSecret) -> KeyEncryptionKey:
        """Return the key-encryption key, proved against the header.

        Raises SealNotOpened when the secret is wrong, or the header is not as it was sealed.
        """
        key = key_encryption_key(secret, self.header)
        self._seal(key)
        return key

    def open(self, key: KeyEncryptionKey) -> KeyStore:
        """Return the vending keys.

        Raises SealNotOpened for another key; KeyFileAltered, which names the entry, when
        anything else is not as it was sealed.
        """
        seal = self._seal(key)
        if len(self.entries) != self.header.number_of_keys:
            raise KeyFileAltered(
                self.path,
                f"{len(self.entries)} of its {self.header.number_of_keys} keys are here; "
                "take it from a backup",
            )
        keys = []
        for place, entry in enumerate(self.entries, start=1):
            octets = seal.open(entry.sealed, entry.nonce, place=place, facts=entry.facts)
            if octets is None:
                raise KeyFileAltered(
                    self.path,
                    f"[[{_ENTRY}]] entry {place} is not as it was sealed; take it from a backup",
                )
            keys.append(entry.facts.with_octets(octets))
        return KeyStore(keys)

    def _seal(self, key: KeyEncryptionKey) -> Seal:
        seal = Seal(key, self.header.salt)
        if not seal.fits(self.header, self.check):
            raise SealNotOpened(
                f"{self.path}: it is not opened by what was given: that is wrong, "
                f"or [{_HEADER}] was altered"
            )
        return seal


def seal_keys(
    keys: KeyStore, header: SealHeader, secret: OpeningSecret, nonces: Sequence[bytes]
) -> str:
    """Return the text of a sealed key file, a nonce for each key.

    Raises InvalidField when nonces or numbers do not fit; SealNotOpened when secret and header
    are of two kinds.
    """
    if len(nonces) != len(keys) or len(set(nonces)) != len(nonces):
        raise InvalidField("nonces", "they do not fit", "one for each key, no two the same")
    if any(len(nonce) != NONCE_OCTETS for nonce in nonces):
        raise InvalidField("nonces", "one is of another length", f"{NONCE_OCTETS} octets")
    if header.number_of_keys != len(keys) or len(header.salt) != SALT_OCTETS:
        raise InvalidField("header", "it is of other keys", f"{len(keys)} keys, a salt")
    seal = Seal(key_encryption_key(secret, header), header.salt)
    lines = [_ABOUT, f"[{_HEADER}]", *_header_lines(header, seal.check_of(header)), ""]
    for place, (key, nonce) in enumerate(zip(keys, nonces, strict=True), start=1):
        facts = KeyFacts.of(key)
        sealed = seal.close(key.octets, nonce, place=place, facts=facts)
        lines += [f"[[{_ENTRY}]]", *_entry_lines(facts, nonce, sealed), ""]
    return "\n".join(lines)


def read_key_file(path: Path) -> KeyStore | SealedKeyFile:
    """Return the keys of a plain file, or a sealed file to be opened; raises KeyFileInvalid."""
    return parse_any_key_file(read_text(path, KeyFileInvalid), path=str(path))


def key_directory(path: Path) -> ListedKeys[KeyFacts]:
    """Return which keys a plain or sealed file has; raises KeyFileInvalid.

    Nothing is opened for it, so of a sealed file it is only what the file says.
    """
    keys = read_key_file(path)
    if isinstance(keys, SealedKeyFile):
        return ListedKeys(entry.facts for entry in keys.entries)
    return ListedKeys(map(KeyFacts.of, keys))


def parse_any_key_file(text: str, *, path: str) -> KeyStore | SealedKeyFile:
    """Return the keys of a plain text, or a sealed file to be opened; raises KeyFileInvalid."""
    if parse_toml(text, path, KeyFileInvalid).keys() & {_HEADER, _ENTRY}:
        return parse_sealed_key_file(text, path=path)
    return parse_key_file(text, path=path)


def parse_sealed_key_file(text: str, *, path: str) -> SealedKeyFile:
    """Return a sealed key file to be opened; raises KeyFileInvalid with place and field."""
    data = parse_toml(text, path, KeyFileInvalid)
    header, entries = data.pop(_HEADER, None), data.pop(_ENTRY, None)
    if data:
        raise KeyFileInvalid(
            path, f"unknown field {min(data)}; [{_HEADER}] and [[{_ENTRY}]] are known"
        )
    if not isinstance(header, dict):
        raise KeyFileInvalid(path, f"it holds no table [{_HEADER}]")
    are_tables = isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
    if not entries or not are_tables:
        raise KeyFileInvalid(path, f"it holds no [[{_ENTRY}]] tables")
    where = f"[{_HEADER}]"
    try:
        seal_header, check = _header_of(header)
        sealed = []
        for place, entry in enumerate(entries, start=1):
            where = f"[[{_ENTRY}]] entry {place}"
            sealed.append(_entry_of(entry))
    except EntryWrong as wrong:
        raise KeyFileInvalid(path, f"{where}, {wrong}") from None
    if len({entry.facts.place for entry in sealed}) != len(sealed):
        raise KeyFileInvalid(path, "two entries have the same supply group and revision")
    return SealedKeyFile(path, seal_header, check, tuple(sealed))


def _header_of(table: dict[str, Any]) -> tuple[SealHeader, bytes]:
    """Return a header and its check; raises EntryWrong for the first field that is wrong."""
    if number_of(table, "version") != VERSION:
        raise EntryWrong("version", f"expected {VERSION}; a newer `sts` may know it")
    opened_by = field_of(table, "opened_by", str, _opened_by)
    require_known(table, (*_ALWAYS, *_ALSO[opened_by]))
    number_of_keys = field_of(table, "number_of_keys", int, _count)
    salt = octets_of(table, "salt", SALT_OCTETS)
    check = octets_of(table, "check", _CHECK_OCTETS)
    cost = _cost_of(table) if opened_by is OpenedBy.PASSPHRASE else None
    custody = _custody_of(table) if opened_by is OpenedBy.CUSTODIANS else None
    return SealHeader(number_of_keys, salt, opened_by, cost, custody), check


def _opened_by(text: str) -> OpenedBy:
    if text not in set(OpenedBy):
        raise InvalidField("opened_by", "not that", " or ".join(OpenedBy))
    return OpenedBy(text)


def _count(number: int) -> int:
    if not 1 <= number < 1 << 32:
        raise InvalidField("number_of_keys", "not that", "how many keys were sealed")
    return number


def _cost_of(table: dict[str, Any]) -> ScryptCost:
    n, r, p = (number_of(table, name) for name in _ALSO[OpenedBy.PASSPHRASE])
    try:
        return ScryptCost(n, r, p)
    except InvalidField as wrong:
        raise EntryWrong(wrong.field, f"expected {wrong.expected}") from None


def _custody_of(table: dict[str, Any]) -> Custody:
    def needed(number: int) -> int:
        if not FEWEST_NEEDED <= number <= MOST_CUSTODIANS:
            raise InvalidField("needed", "not that", f"{FEWEST_NEEDED} to {MOST_CUSTODIANS}")
        return number

    return Custody(
        field_of(table, "shares_needed", int, needed),
        octets_of(table, "share_set", SHARE_SET_OCTETS),
    )


def _entry_of(table: dict[str, Any]) -> SealedKey:
    require_known(table, (*FACT_FIELDS, "nonce", "sealed"))
    facts = facts_of(table)
    return SealedKey(
        facts,
        octets_of(table, "nonce", NONCE_OCTETS),
        octets_of(table, "sealed", facts.algorithm.key_octets + TAG_OCTETS),
    )


def _header_lines(header: SealHeader, check: bytes) -> list[str]:
    lines = [
        f"version = {VERSION}",
        f"number_of_keys = {header.number_of_keys}",
        f'opened_by = "{header.opened_by}"',
        f'salt = "{header.salt.hex()}"',
        f'check = "{check.hex()}"',
    ]
    if header.scrypt is not None:
        cost = header.scrypt
        lines += [f"scrypt_n = {cost.n}", f"scrypt_r = {cost.r}", f"scrypt_p = {cost.p}"]
    if header.custody is not None:
        lines.append(f"shares_needed = {header.custody.needed}")
        lines.append(f'share_set = "{header.custody.share_set.hex()}"')
    return lines


def _entry_lines(facts: KeyFacts, nonce: bytes, sealed: bytes) -> list[str]:
    return [
        f'supply_group_code = "{facts.supply_group_code}"',
        f"key_revision_number = {facts.key_revision_number.value}",
        f"key_type = {facts.key_type.value}",
        f"base_date = {facts.base_date.value}",
        f"key_expiry_number = {facts.key_expiry_number.value}",
        f'decoder_key_generation_algorithm = "{facts.algorithm.value}"',
        f'nonce = "{nonce.hex()}"',
        f'sealed = "{sealed.hex()}"',
    ]
