"""Codes are those of RFC 6238, and their secret opens by its owner's password alone."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.operators import code_at
from vending_api.kit.second_factor import (
    CHANCE_OCTETS,
    accepted_step,
    address_for_app,
    new_secret,
    seal,
    unseal,
)

SECRET = new_secret(b"1234567890" * 2)
"""Of RFC 6238, appendix B."""
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
STEP = int(NOON.timestamp()) // 30
CHANCE = bytes(range(CHANCE_OCTETS))


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    assert code_at(SECRET, at) == code
    assert accepted_step(SECRET, code, at, after=0) == seconds // 30


@pytest.mark.parametrize(
    ("late", "step"),
    [(-31, None), (-30, STEP), (0, STEP), (29, STEP), (30, STEP), (59, STEP), (60, None)],
)
def test_a_code_is_taken_a_step_early_and_a_step_late(late: int, step: int | None) -> None:
    at = NOON + timedelta(seconds=late)
    assert accepted_step(SECRET, code_at(SECRET, NOON), at, after=0) == step


@pytest.mark.parametrize(("after", "step"), [(STEP - 1, STEP), (STEP, None), (STEP + 1, None)])
def test_a_code_is_taken_once(after: int, step: int | None) -> None:
    assert accepted_step(SECRET, code_at(SECRET, NOON), NOON, after=after) == step


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "abcdef", "\u0661\u0662\u0663456", "\ud800"]
)
def test_what_is_no_code_is_refused(code: str) -> None:
    assert accepted_step(SECRET, code, NOON, after=0) is None


def test_a_sealed_secret_opens_by_password_and_owner_alone() -> None:
    sealed = seal(SECRET, "open sesame", owner="thandi", chance=CHANCE)
    assert SECRET not in sealed
    assert unseal(sealed, "open sesame", owner="thandi") == SECRET
    assert unseal(sealed, "open sesame ", owner="thandi") is None
    assert unseal(sealed, "open sesame", owner="lindiwe") is None


@pytest.mark.parametrize("place", [0, 16, 28, -1])
def test_a_sealed_secret_that_was_altered_does_not_open(place: int) -> None:
    octets = bytearray(base64.b64decode(seal(SECRET, "open", owner="thandi", chance=CHANCE)))
    octets[place] ^= 1
    assert unseal(base64.b64encode(octets).decode(), "open", owner="thandi") is None


@pytest.mark.parametrize("sealed", ["", "????", "AAAA", base64.b64encode(bytes(27)).decode()])
def test_what_was_never_sealed_does_not_open(sealed: str) -> None:
    assert unseal(sealed, "open", owner="thandi") is None


def test_chance_of_another_length_is_refused() -> None:
    for length in (CHANCE_OCTETS - 1, CHANCE_OCTETS + 1):
        with pytest.raises(ValueError, match="of chance"):
            seal(SECRET, "open", owner="thandi", chance=bytes(length))
    for length in (19, 21):
        with pytest.raises(ValueError, match="made of 20"):
            new_secret(bytes(length))


def test_apps_are_told_whose_it_is() -> None:
    address = address_for_app(SECRET, "thandi")
    assert address.startswith("otpauth://totp/vending:thandi?")
    assert SECRET in address
