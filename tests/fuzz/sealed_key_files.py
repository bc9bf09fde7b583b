"""Sealed key files, opened by a key; also such as somebody has sealed who knows what opens them."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sts.errors import KeyFileAltered, KeyFileInvalid, SealNotOpened
from sts.keys.key_file import KeyStore
from sts.keys.sealed_file import SealedKey, SealedKeyFile, parse_any_key_file
from sts.keys.sealing import OpenedBy, OpeningSecret, Seal, key_encryption_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WORDS: Final = (
    *("[seal]", "[[sealed_key]]", "version = 1", "number_of_keys", "opened_by", '"key"'),
    *('"passphrase"', '"custodians"', "salt", "check", "scrypt_n", "scrypt_r", "scrypt_p"),
    *("shares_needed", "share_set", "supply_group_code", "key_revision_number", "key_type"),
    *("base_date", "key_expiry_number", "decoder_key_generation_algorithm", "nonce", "sealed"),
)
_KEY: Final = OpeningSecret.of("c0ffee" * 10 + "beef", OpenedBy.KEY)
_CUSTODIANS: Final = OpeningSecret(bytes(range(16)), OpenedBy.CUSTODIANS)


@contextmanager
def opened() -> Iterator[Callable[[bytes], None]]:
    """Give what reads one input as the text of a file."""
    yield _read


def _read(data: bytes) -> None:
    try:
        file = parse_any_key_file(data.decode("utf-8", "replace"), path="keys.sealed")
    except KeyFileInvalid:
        return
    # scrypt takes a tenth of a second, and what it makes is a key as any other.
    if isinstance(file, KeyStore) or file.header.opened_by is OpenedBy.PASSPHRASE:
        return
    secret = _KEY if file.header.opened_by is OpenedBy.KEY else _CUSTODIANS
    with suppress(SealNotOpened, KeyFileAltered):
        _open(file, secret)
    try:
        _open(_sealed_anew(file, secret), secret)
    except KeyFileAltered:
        # The header tells another number of keys than there are.
        assert len(file.entries) != file.header.number_of_keys


def _open(file: SealedKeyFile, secret: OpeningSecret) -> None:
    keys = file.open(file.key_for(secret))
    assert len(keys) == len(file.entries)


def _sealed_anew(file: SealedKeyFile, secret: OpeningSecret) -> SealedKeyFile:
    """Return a file that says the same and was sealed so."""
    seal = Seal(key_encryption_key(secret, file.header), file.header.salt)
    entries = tuple(
        SealedKey(
            entry.facts,
            entry.nonce,
            seal.close(
                entry.sealed[: entry.facts.algorithm.key_octets],
                entry.nonce,
                place=place,
                facts=entry.facts,
            ),
        )
        for place, entry in enumerate(file.entries, start=1)
    )
    return replace(file, check=seal.check_of(file.header), entries=entries)
