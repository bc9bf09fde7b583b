"""How keys are sealed: the same by a second implementation, and nothing that cannot be."""

from __future__ import annotations

import hmac
import pickle
import struct
import tomllib
from typing import TYPE_CHECKING, Any, Final

import pytest
from Crypto.Cipher import AES
from Crypto.Hash import SHA256
from Crypto.Protocol.KDF import HKDF, scrypt

from sts.errors import FileInvalid, InvalidField, SealNotOpened, VendingKeyNotFound
from sts.key_data import KeyRevisionNumber, SupplyGroupCode
from sts.keys import sealing
from sts.keys.files import read_secret_line
from sts.keys.key_facts import KeyFacts, ListedKeys
from sts.keys.sealed_file import parse_sealed_key_file
from sts.keys.sealing import KeyEncryptionKey, OpenedBy, OpeningSecret, ScryptCost, Seal
from tests.sts.published_keys import vending_key
from tests.support.sealed_keys import KEY, OWN_KEY, OWN_KEYS, PASSPHRASE, by_passphrase, sealed

if TYPE_CHECKING:
    from pathlib import Path

TEXT: Final = sealed(OWN_KEYS, by_passphrase())


def test_a_second_implementation_opens_the_file() -> None:
    """By README.md alone, with pycryptodome, which shares no code with what sealed it."""
    data = tomllib.loads(TEXT)
    seal, (entry,) = data["seal"], data["sealed_key"]
    salt = bytes.fromhex(seal["salt"])
    cost = (seal["scrypt_n"], seal["scrypt_r"], seal["scrypt_p"])
    key: Any = scrypt(PASSPHRASE, salt, 32, *cost)
    info = b"sts sealed keys 1: seal key, check key"
    keys: Any = HKDF(key, 32, salt, SHA256, 2, info)
    seal_key, check_key = keys
    header = struct.pack(">16sH12sI16s", b"sts seal header", 1, b"passphrase", 1, salt)
    header += struct.pack(">QIIB3s", *cost, 0, b"")
    assert hmac.digest(check_key, header, "sha256").hex() == seal["check"]
    cipher = AES.new(seal_key, AES.MODE_GCM, nonce=bytes.fromhex(entry["nonce"]))
    cipher.update(
        struct.pack(">16sI6sBBHB2s", b"sts sealed key", 1, b"000001", 1, 2, 2014, 255, b"02")
    )
    both = bytes.fromhex(entry["sealed"])
    assert cipher.decrypt_and_verify(both[:-16], both[-16:]).hex() == OWN_KEY


@pytest.mark.parametrize("length", [31, 33, 0])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(InvalidField, match=f"it has {length} octets; expected 32 octets"):
        KeyEncryptionKey(bytes(length))


@pytest.mark.parametrize("text", ["", KEY[:-1], KEY + "0", KEY[:-1] + "g", f" {KEY[1:]}"])
def test_a_key_that_is_not_64_hex_digits_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(SealNotOpened) as refused:
        OpeningSecret.of(text, OpenedBy.KEY)
    assert str(refused.value) == "it is opened by a key of 64 hex digits, and this is none"


def test_an_empty_passphrase_and_shares_as_text_are_refused() -> None:
    with pytest.raises(SealNotOpened, match="it is opened by a passphrase"):
        OpeningSecret.of("", OpenedBy.PASSPHRASE)
    with pytest.raises(SealNotOpened, match="it is opened by the shares of its custodians"):
        OpeningSecret.of(KEY, OpenedBy.CUSTODIANS)


def test_a_passphrase_is_the_same_however_its_letters_are_composed() -> None:
    composed, decomposed = "Zo\u00eb, Zo\u00eb, Zo\u00eb", "Zoe\u0308, Zoe\u0308, Zoe\u0308"
    assert by_passphrase(composed).octets == by_passphrase(decomposed).octets


def test_a_new_passphrase_is_long_enough_and_can_be_typed() -> None:
    assert OpeningSecret.new("x" * 12, OpenedBy.PASSPHRASE).octets == b"x" * 12
    assert OpeningSecret.new(KEY, OpenedBy.KEY).octets.hex() == KEY
    for text in ("x" * 11, "x" * 12 + "\t", ""):
        with pytest.raises(InvalidField, match="expected 12 characters or more"):
            OpeningSecret.new(text, OpenedBy.PASSPHRASE)


def test_a_cost_at_its_borders_is_taken() -> None:
    ScryptCost(n=1 << 14, r=1, p=1)
    ScryptCost(n=1 << 18, r=8, p=4)
    ScryptCost(n=1 << 16, r=32)


def test_a_machine_with_too_little_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def scrypt_without_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(sealing, "Scrypt", scrypt_without_memory)
    file = parse_sealed_key_file(TEXT, path="x")
    with pytest.raises(SealNotOpened, match="has not the 16 MiB of memory"):
        file.key_for(by_passphrase())


def test_secrets_neither_print_nor_travel() -> None:
    secret, key = by_passphrase(), KeyEncryptionKey(bytes.fromhex(KEY))
    assert repr(secret) == "OpeningSecret(kind=<OpenedBy.PASSPHRASE: 'passphrase'>)"
    assert repr(key) == "KeyEncryptionKey()"
    for one in (secret, key, Seal(key, bytes(16))):
        with pytest.raises(TypeError, match="is not pickled or copied: it holds a key"):
            pickle.dumps(one)


def test_listed_keys_are_found_or_missed_by_name() -> None:
    facts = KeyFacts.of(vending_key())
    listed = ListedKeys([facts])
    assert listed.vending_key_for(facts.supply_group_code, facts.key_revision_number) is facts
    with pytest.raises(VendingKeyNotFound):
        listed.vending_key_for(SupplyGroupCode("000009"), KeyRevisionNumber(1))


@pytest.mark.parametrize("text", ["secret", "secret\n", "secret\r\n"])
@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_line_that_its_owner_alone_may_read_is_read(tmp_path: Path, text: str, mode: int) -> None:
    path = tmp_path / "line"
    path.write_text(text)
    path.chmod(mode)
    assert read_secret_line(path) == "secret"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601])
def test_a_file_that_others_may_open_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "line"
    path.write_text("secret\n")
    path.chmod(mode)
    with pytest.raises(FileInvalid, match="others may read it") as refused:
        read_secret_line(path)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("octets", "problem"),
    [
        (b"", "it does not hold one line"),
        (b"\n", "it does not hold one line"),
        (b"secret\nsecret\n", "it does not hold one line"),
        (b"secret\n\n", "it does not hold one line"),
        (b"s" * 1025, "it does not hold one line"),
        (b"\xff", "it is not UTF-8 text"),
    ],
)
def test_a_file_that_is_not_one_line_is_refused(
    tmp_path: Path, octets: bytes, problem: str
) -> None:
    path = tmp_path / "line"
    path.touch(mode=0o600)
    path.write_bytes(octets)
    with pytest.raises(FileInvalid, match=problem):
        read_secret_line(path)


def test_the_longest_line_is_read(tmp_path: Path) -> None:
    path = tmp_path / "line"
    path.touch(mode=0o600)
    path.write_bytes(b"s" * 1024)
    assert read_secret_line(path) == "s" * 1024


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileInvalid, match="it cannot be read: No such file or directory"):
        read_secret_line(tmp_path / "none")
