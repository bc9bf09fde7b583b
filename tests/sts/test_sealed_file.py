"""Sealed key files: what was sealed comes out again, or an error does, and never anything else."""

from __future__ import annotations

import re
import tomllib
import traceback
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts.errors import InvalidField, KeyFileInvalid, SealNotOpened, StsError
from sts.keys.key_facts import KeyFacts
from sts.keys.key_file import KeyStore, load_key_file, parse_key_file
from sts.keys.sealed_file import (
    SealedKeyFile,
    key_directory,
    parse_any_key_file,
    parse_sealed_key_file,
    read_key_file,
    seal_keys,
)
from sts.keys.sealing import Custody, OpenedBy, OpeningSecret, SealHeader
from tests.sts.published_keys import vending_key
from tests.support.sealed_keys import KEY, OWN_KEYS, SALT, by_key, by_passphrase, sealed

if TYPE_CHECKING:
    from pathlib import Path

FIRST: Final = bytes.fromhex("1f2e3d4c5b6a7988")
SECOND: Final = bytes.fromhex("2f3e4d5c6b7a8998")
LONG: Final = bytes.fromhex("00112233445566778899aabbccddeeff01234567")
STORE: Final = KeyStore(
    [
        vending_key(FIRST, group="100001", base=2014),
        vending_key(SECOND, group="100001", revision=2, base=2014),
        vending_key(LONG, algorithm="04", group="100002", key_type=1, expiry=0),
    ]
)
CUSTODY: Final = Custody(2, b"set")
SECRETS: Final = {
    OpenedBy.PASSPHRASE: by_passphrase(),
    OpenedBy.KEY: by_key(),
    OpenedBy.CUSTODIANS: OpeningSecret(bytes(range(16)), OpenedBy.CUSTODIANS),
}
TEXT: Final = sealed(STORE)


def opened(text: str, secret: OpeningSecret | None = None) -> KeyStore:
    file = parse_sealed_key_file(text, path="keys.sealed")
    return file.open(file.key_for(secret or by_key()))


def refused(text: str, kind: type[StsError] = KeyFileInvalid) -> str:
    """Return why a text is refused, which holds no secret; the kind must be right."""
    with pytest.raises(kind) as caught:
        opened(text)
    shown = "".join(traceback.format_exception(caught.value)).lower()
    for secret in (FIRST.hex(), SECOND.hex(), LONG.hex(), KEY):
        assert secret not in shown
        assert secret[:8] not in shown
    return str(caught.value)


def changed(field: str, value: str, *, entry: int | None = None) -> str:
    """Return the text with another value of a field, of the header or of an entry (from 0)."""
    parts = TEXT.split("[[sealed_key]]")
    at = 0 if entry is None else entry + 1
    parts[at], count = re.subn(rf"(?m)^{field} = .*$", f"{field} = {value}", parts[at])
    assert count == 1
    return "[[sealed_key]]".join(parts)


def without(field: str, *, entry: int | None = None) -> str:
    return changed(field, "0", entry=entry).replace(f"{field} = 0\n", "", 1)


@pytest.mark.parametrize("kind", OpenedBy)
def test_what_was_sealed_comes_out_again(kind: OpenedBy) -> None:
    custody = CUSTODY if kind is OpenedBy.CUSTODIANS else None
    text = sealed(STORE, SECRETS[kind], custody=custody)
    assert list(opened(text, SECRETS[kind])) == list(STORE)


def test_the_text_shows_the_facts_and_no_key() -> None:
    first, *_ = tomllib.loads(TEXT)["sealed_key"]
    assert (first["supply_group_code"], first["key_revision_number"]) == ("100001", 1)
    assert (first["base_date"], first["key_expiry_number"], first["key_type"]) == (2014, 255, 2)
    for key in STORE:
        assert key.octets.hex() not in TEXT
        assert key.key_check_value not in TEXT.upper()  # 24 bits for whoever tries out DES keys


@pytest.mark.parametrize("kind", OpenedBy)
def test_a_wrong_secret_of_the_right_kind_is_told_from_an_altered_file(kind: OpenedBy) -> None:
    custody = CUSTODY if kind is OpenedBy.CUSTODIANS else None
    text = sealed(STORE, SECRETS[kind], custody=custody)
    wrong = OpeningSecret(SECRETS[kind].octets[::-1], kind)
    with pytest.raises(SealNotOpened, match="it is not opened by what was given"):
        opened(text, wrong)


@pytest.mark.parametrize("kind", OpenedBy)
def test_a_secret_of_another_kind_is_told_what_is_wanted(kind: OpenedBy) -> None:
    custody = CUSTODY if kind is OpenedBy.CUSTODIANS else None
    text = sealed(STORE, SECRETS[kind], custody=custody)
    for other in set(OpenedBy) - {kind}:
        with pytest.raises(SealNotOpened, match="it is opened by "):
            opened(text, SECRETS[other])


def test_a_file_is_read_as_what_it_is(tmp_path: Path) -> None:
    plain, closed = tmp_path / "keys.toml", tmp_path / "keys.sealed"
    plain.write_text(OWN_KEYS)
    closed.write_text(TEXT)
    assert isinstance(read_key_file(plain), KeyStore)
    assert isinstance(read_key_file(closed), SealedKeyFile)
    with pytest.raises(KeyFileInvalid, match="it is sealed, and a plain key file is wanted here"):
        load_key_file(closed)
    with pytest.raises(KeyFileInvalid, match=r"it holds no table \[seal\]"):
        parse_sealed_key_file(OWN_KEYS.replace("vending_key", "sealed_key"), path="x")


def test_which_keys_there_are_is_read_without_opening(tmp_path: Path) -> None:
    closed, plain = tmp_path / "keys.sealed", tmp_path / "keys.toml"
    closed.write_text(TEXT)
    plain.write_text(OWN_KEYS)
    assert list(key_directory(closed).facts()) == [KeyFacts.of(key) for key in STORE]
    (own,) = parse_key_file(OWN_KEYS, path="x")
    assert list(key_directory(plain).facts()) == [KeyFacts.of(own)]


@pytest.mark.parametrize("field", ["version", "number_of_keys", "opened_by", "salt", "check"])
def test_a_missing_field_of_the_header_is_named(field: str) -> None:
    assert refused(without(field)).endswith(f"[seal], field {field}: missing")


@pytest.mark.parametrize("field", ["nonce", "sealed", "base_date"])
def test_a_missing_field_of_an_entry_is_named(field: str) -> None:
    problem = refused(without(field, entry=1))
    assert problem.endswith(f"[[sealed_key]] entry 2, field {field}: missing")


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("version", "0", "expected 1; a newer `sts` may know it"),
        ("version", "2", "expected 1; a newer `sts` may know it"),
        ("number_of_keys", "0", "expected how many keys were sealed"),
        ("number_of_keys", "4294967296", "expected how many keys were sealed"),
        ("number_of_keys", "true", "expected a whole number"),
        ("opened_by", '"anybody"', "expected passphrase or key or custodians"),
        ("salt", f'"{"00" * 15}"', "expected 32 hex digits"),
        ("salt", f'"{"00" * 17}"', "expected 32 hex digits"),
        ("check", f'"{"00" * 31}"', "expected 64 hex digits"),
        ("check", f'"{"00" * 33}"', "expected 64 hex digits"),
        ("check", f'"{"0x" * 32}"', "expected 64 hex digits"),
    ],
)
def test_a_wrong_field_of_the_header_is_named(field: str, value: str, expected: str) -> None:
    assert refused(changed(field, value)).endswith(f"[seal], field {field}: {expected}")


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("nonce", f'"{"00" * 11}"', "expected 24 hex digits"),
        ("nonce", f'"{"00" * 13}"', "expected 24 hex digits"),
        ("sealed", f'"{"00" * 23}"', "expected 48 hex digits"),
        ("sealed", f'"{"00" * 25}"', "expected 48 hex digits"),
        ("sealed", f'"{"00" * 36}"', "expected 48 hex digits"),
        ("sealed", "1", "expected text in quotes"),
        ("key_type", "4", "expected 0, 1, 2 or 3"),
    ],
)
def test_a_wrong_field_of_an_entry_is_named(field: str, value: str, expected: str) -> None:
    problem = refused(changed(field, value, entry=0))
    assert problem.endswith(f"[[sealed_key]] entry 1, field {field}: {expected}")


def test_unknown_fields_are_named() -> None:
    assert "field colour: unknown" in refused(TEXT.replace("[seal]", "[seal]\ncolour = 1"))
    assert "field scrypt_n: unknown" in refused(TEXT.replace("[seal]", "[seal]\nscrypt_n = 1"))
    known = TEXT.replace("nonce", "key = 1\nnonce", 1)
    assert "[[sealed_key]] entry 1, field key: unknown" in refused(known)
    assert "unknown field x; [seal] and [[sealed_key]] are known" in refused("x = 1\n" + TEXT)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("scrypt_n", "8192", "a power of two from 16384"),
        ("scrypt_n", "16385", "a power of two from 16384"),
        ("scrypt_n", "-16384", "a power of two from 16384"),
        ("scrypt_n", "524288", "n and r that take no more than 256 MiB"),
        ("scrypt_n", str(1 << 63), "n and r that take no more than 256 MiB"),
        ("scrypt_r", "0", "1 to 32"),
        ("scrypt_r", "33", "1 to 32"),
        ("scrypt_p", "0", "1 to 4"),
        ("scrypt_p", "5", "1 to 4"),
    ],
)
def test_a_file_that_would_take_too_much_or_too_little_work_is_refused(
    field: str, value: str, expected: str
) -> None:
    text = re.sub(f"{field} = .*", f"{field} = {value}", sealed(STORE, by_passphrase()))
    with pytest.raises(KeyFileInvalid, match=re.escape(f"field {field}: expected {expected}")):
        parse_sealed_key_file(text, path="x")


@pytest.mark.parametrize("needed", ["1", "16"])
def test_a_number_of_shares_that_cannot_be_is_refused(needed: str) -> None:
    text = sealed(STORE, SECRETS[OpenedBy.CUSTODIANS], custody=CUSTODY)
    text = text.replace("shares_needed = 2", f"shares_needed = {needed}")
    with pytest.raises(KeyFileInvalid, match="field shares_needed: expected 2 to 15"):
        parse_sealed_key_file(text, path="x")


@pytest.mark.parametrize(
    "text",
    [
        TEXT.split("[[")[0],
        TEXT.split("[[")[0].replace("[seal]", "sealed_key = []\n[seal]"),
        TEXT.split("[[")[0].replace("[seal]", "sealed_key = [1]\n[seal]"),
        TEXT.split("[[")[0] + "[sealed_key]",
    ],
)
def test_a_file_without_entries_is_refused(text: str) -> None:
    assert refused(text).endswith("it holds no [[sealed_key]] tables")


def test_a_revision_given_twice_is_refused() -> None:
    again = TEXT.split("[[sealed_key]]")[1]
    text = TEXT + "\n[[sealed_key]]" + again
    assert refused(text).endswith("two entries have the same supply group and revision")


def _seal(**changes: Any) -> str:
    arguments: dict[str, Any] = {
        "keys": STORE,
        "header": SealHeader(3, SALT, OpenedBy.KEY),
        "secret": by_key(),
        "nonces": [bytes([number]) * 12 for number in range(3)],
    }
    return seal_keys(**arguments | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"nonces": [bytes(12)] * 3},
        {"nonces": [bytes(12), b"1" * 12]},
        {"nonces": [bytes(12), b"1" * 12, b"2" * 11]},
        {"nonces": [bytes(12), b"1" * 12, b"2" * 13]},
        {"header": SealHeader(2, SALT, OpenedBy.KEY)},
        {"header": SealHeader(4, SALT, OpenedBy.KEY)},
        {"header": SealHeader(3, SALT[1:], OpenedBy.KEY)},
        {"header": SealHeader(3, SALT + b"1", OpenedBy.KEY)},
    ],
)
def test_nothing_is_sealed_with_chance_or_numbers_that_do_not_fit(changes: dict[str, Any]) -> None:
    assert "[[sealed_key]]" in _seal()
    with pytest.raises(InvalidField):
        _seal(**changes)


@given(st.text())
def test_any_text_is_refused_by_an_error_of_ours(text: str) -> None:
    with pytest.raises(StsError):
        opened(text)
    with pytest.raises(StsError):
        parse_any_key_file(f"[seal]\n{text}", path="x")


@given(st.integers(0, len(TEXT)), st.integers(0, 40), st.text(max_size=6))
def test_any_edit_changes_nothing_or_is_refused(at: int, length: int, instead: str) -> None:
    """Comments, blanks and the case of digits may change; what is opened may not."""
    try:
        store = opened(TEXT[:at] + instead + TEXT[at + length :])
    except StsError:
        return
    assert list(store) == list(STORE)


@given(st.randoms(use_true_random=False))
def test_any_order_of_lines_changes_nothing_or_is_refused(random: Any) -> None:
    lines = TEXT.splitlines()
    first, second = random.sample(range(len(lines)), 2)
    lines[first], lines[second] = lines[second], lines[first]
    try:
        store = opened("\n".join(lines))
    except StsError:
        return
    assert list(store) == list(STORE)


def test_values_of_any_type_are_refused_by_an_error_of_ours() -> None:
    for field in ("version", "number_of_keys", "opened_by", "salt", "check"):
        for value in ("1.5", "[]", "{}", "1979-05-27", "''", "nan", str(1 << 70), "false"):
            refused(changed(field, value))
    for field in ("supply_group_code", "base_date", "key_type", "nonce", "sealed"):
        for value in ("1.5", "[]", "{}", "1979-05-27", "''", "nan", str(1 << 70), "false"):
            refused(changed(field, value, entry=2))
