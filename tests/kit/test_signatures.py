"""Signing keys stay in their files and their processes; what they signed is proven by anybody."""

from __future__ import annotations

import pickle
import stat
from typing import TYPE_CHECKING, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from vending_api.kit.signatures import (
    PublicKey,
    SigningKeyInvalid,
    read_signing_key,
    write_new_signing_key,
)

if TYPE_CHECKING:
    from pathlib import Path

# RFC 8032, section 7.1, test 2.
SECRET: Final = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
PUBLIC: Final = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
SIGNATURE: Final = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def test_it_signs_as_the_standard_says(tmp_path: Path) -> None:
    key = write_new_signing_key(tmp_path / "key", chance=SECRET)
    assert key.public.hex_digits == PUBLIC
    assert key.sign(b"\x72") == SIGNATURE
    assert PublicKey.of_hex(PUBLIC).has_signed(b"\x72", SIGNATURE)


@pytest.mark.parametrize(
    ("message", "signature"),
    [
        (b"\x73", SIGNATURE),
        (b"", SIGNATURE),
        (b"\x72", SIGNATURE[:-1]),
        (b"\x72", SIGNATURE + b"\0"),
        (b"\x72", bytes(64)),
    ],
)
def test_what_it_did_not_sign_is_not_taken_for_signed(message: bytes, signature: bytes) -> None:
    assert not PublicKey.of_hex(PUBLIC).has_signed(message, signature)


def test_a_key_is_kept_for_its_owner_alone_and_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key = write_new_signing_key(path, chance=SECRET)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_signing_key(path).public.id == key.public.id
    with pytest.raises(FileExistsError):
        write_new_signing_key(path, chance=bytes(32))
    assert read_signing_key(path).public.hex_digits == PUBLIC


def test_a_key_never_shows_itself(tmp_path: Path) -> None:
    key = write_new_signing_key(tmp_path / "key", chance=SECRET)
    assert repr(key) == f"SigningKey({key.public.id})"
    assert SECRET.hex() not in repr(vars(key))
    with pytest.raises(TypeError, match="stays in the process"):
        pickle.dumps(key)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    write_new_signing_key(path, chance=SECRET)
    path.chmod(mode)
    with pytest.raises(SigningKeyInvalid, match="others may read it"):
        read_signing_key(path)


def test_what_is_no_key_is_refused_without_showing_it(tmp_path: Path) -> None:
    path = tmp_path / "key"
    other = Ed448PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    for octets in (b"", b"secret words", other):
        path.write_bytes(octets)
        path.chmod(0o600)
        with pytest.raises(SigningKeyInvalid) as refused:
            read_signing_key(path)
        assert str(refused.value) == f"{path}: it does not hold an Ed25519 private key in PEM"
    with pytest.raises(SigningKeyInvalid, match="cannot be read"):
        read_signing_key(tmp_path / "missing")


@pytest.mark.parametrize("digits", ["", "00", PUBLIC[:-2], PUBLIC + "00", "g" * 64])
def test_a_public_key_has_64_hex_digits(digits: str) -> None:
    with pytest.raises(SigningKeyInvalid):
        PublicKey.of_hex(digits)
