"""Only octets that were signed as they are count, and only from where they may come."""

from __future__ import annotations

import json
from ipaddress import ip_network
from typing import Final

import pytest

from vending_api.surfaces.paystack.signature import is_allowed, is_signed

KEY: Final = "sk_test_demo"
BODY: Final = b'{"event":"charge.success","data":{"reference":"R1"}}'
SIGNATURE: Final = (
    "4c38bbec1a0d4cdd3d6c4554a8419830d982586723450602ad1d886b9baef51b"
    "cda725038eb4f61693e11d1bd8bef1ba33e39e65621f31a4839a3973592a6809"
)
"""As the algorithm's description gives it for this key and body."""
PAYSTACK: Final = [ip_network("52.31.139.75"), ip_network("52.49.173.169"), ip_network("::1/128")]


def test_the_documented_signature_is_right() -> None:
    assert is_signed(BODY, [SIGNATURE], secret_key=KEY)


@pytest.mark.parametrize(
    "body",
    [
        BODY + b"\n",
        BODY[:-1],
        BODY.replace(b"R1", b"R2"),
        json.dumps(json.loads(BODY)).encode(),
        json.dumps(json.loads(BODY), indent=0).encode(),
        b"\xef\xbb\xbf" + BODY,
        b"",
    ],
    ids=["longer", "cut", "altered", "rewritten", "indented", "with a mark", "empty"],
)
def test_other_octets_are_not_signed_by_it(body: bytes) -> None:
    assert not is_signed(body, [SIGNATURE], secret_key=KEY)


@pytest.mark.parametrize(
    "signatures",
    [
        [],
        [""],
        [SIGNATURE.upper()],
        [SIGNATURE[:-1]],
        [SIGNATURE + "0"],
        [f" {SIGNATURE}"],
        [f"sha512={SIGNATURE}"],
        ["\u20ac" * 128],
        [SIGNATURE, SIGNATURE],
        ["0" * 128, SIGNATURE],
    ],
    ids=[
        *("missing", "empty", "wrong case", "too short", "too long", "spaced", "prefixed"),
        *("no ASCII", "twice", "one of two"),
    ],
)
def test_another_signature_is_refused(signatures: list[str]) -> None:
    assert not is_signed(BODY, signatures, secret_key=KEY)


def test_another_key_signs_otherwise() -> None:
    assert not is_signed(BODY, [SIGNATURE], secret_key="sk_test_demO")


@pytest.mark.parametrize("address", ["52.31.139.75", "52.49.173.169", "::ffff:52.31.139.75", "::1"])
def test_who_is_on_the_list_may_deliver(address: str) -> None:
    assert is_allowed(address, PAYSTACK)


@pytest.mark.parametrize(
    "address",
    ["52.31.139.74", "52.31.139.76", "::ffff:52.31.139.76", "::2", "testclient", "", None],
)
def test_who_is_not_may_not(address: str | None) -> None:
    assert not is_allowed(address, PAYSTACK)


def test_a_whole_network_may_be_on_the_list() -> None:
    networks = [ip_network("52.31.139.0/24")]
    assert is_allowed("52.31.139.255", networks)
    assert not is_allowed("52.31.140.0", networks)


@pytest.mark.parametrize("address", ["203.0.113.9", None])
def test_without_a_list_everybody_may(address: str | None) -> None:
    assert is_allowed(address, ())
