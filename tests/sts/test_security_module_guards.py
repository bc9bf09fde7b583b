"""What the security module lets out: no token against policy, none unread, and no key."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, cast

import pytest

from sts.errors import (
    AlgorithmRefused,
    KeyExpired,
    ReadBackMismatch,
    TokenNotAllowed,
    TokenReserved,
)
from sts.hazmat import sta
from sts.security_module import (
    IssuedToken,
    VerifyRequest,
)
from sts.tokens.codec import TokenCodec
from sts.tokens.reserved import ReservedToken
from tests.sts.security_module_support import (
    EA11,
    FIRST_SECTION,
    FOURTH_SECTION,
    SECOND_SECTION,
    THIRD_SECTION,
    TID,
    change_one,
    clear_tamper,
    credit,
    currency,
    issue_one,
    meter,
    module,
    sections_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sts.keys.decoder_key import DecoderKey
    from sts.tokens.kinds import Token


@pytest.mark.parametrize(
    ("revision", "name"), [(3, "default"), (4, "common")], ids=["default", "common"]
)
@pytest.mark.parametrize("token", [credit(), currency()], ids=["transfer", "currency"])
def test_credit_under_a_default_or_common_key_is_refused(
    revision: int, name: str, token: Token
) -> None:
    outcome = issue_one(meter(revision=revision), token)
    assert isinstance(outcome, TokenNotAllowed)
    assert str(outcome) == f"no credit is issued under a {name} key"


@pytest.mark.parametrize("revision", [1, 6])
def test_credit_under_unique_and_initialisation_keys_is_issued(revision: int) -> None:
    assert isinstance(issue_one(meter(revision=revision), credit()), IssuedToken)


@pytest.mark.parametrize("revision", [3, 4])
def test_management_under_any_key_is_issued(revision: int) -> None:
    assert isinstance(issue_one(meter(revision=revision), clear_tamper()), IssuedToken)


@pytest.mark.parametrize("make", [credit, currency, clear_tamper])
def test_no_token_of_any_kind_goes_beyond_the_expiry_of_its_key(
    make: Callable[[int], Token],
) -> None:
    last = ((TID >> 16) << 16) + 0xFFFF
    assert isinstance(issue_one(meter(revision=5), make(last)), IssuedToken)
    expired = issue_one(meter(revision=5), make(last + 1))
    assert isinstance(expired, KeyExpired)
    assert expired.token_identifier_minutes == last + 1


@pytest.mark.parametrize(
    "section",
    [FIRST_SECTION, SECOND_SECTION, THIRD_SECTION, FOURTH_SECTION],
    ids=["1st", "2nd", "3rd", "4th"],
)
def test_a_section_of_a_key_change_is_not_issued_alone(section: Token) -> None:
    outcome = issue_one(meter(), section)
    assert isinstance(outcome, TokenNotAllowed)
    assert "whole set" in str(outcome)


def test_a_reserved_token_is_not_issued() -> None:
    reserved = cast("Token", ReservedToken(token_class=0, subclass=15, payload=0))
    assert isinstance(issue_one(meter(), reserved), TokenReserved)


def break_cipher(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let EA07 encrypt with one bit of the block turned over."""
    right = sta.encrypt_block

    def wrong(tables: sta.StaTables, key: int, block: int) -> int:
        return right(tables, key, block ^ 1 << 40)

    monkeypatch.setattr(sta, "encrypt_block", wrong)


def test_a_broken_cipher_lets_no_token_out(monkeypatch: pytest.MonkeyPatch) -> None:
    break_cipher(monkeypatch)
    outcome = issue_one(meter(), credit())
    assert isinstance(outcome, ReadBackMismatch)
    assert str(outcome).startswith("the token just made cannot be read: the checksum is wrong")


def test_a_broken_cipher_lets_no_key_change_out(monkeypatch: pytest.MonkeyPatch) -> None:
    break_cipher(monkeypatch)
    assert isinstance(change_one(meter(), "123456", 2), ReadBackMismatch)


def test_a_token_that_says_something_else_does_not_get_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The checksum is right here; only the comparison can notice."""
    right = TokenCodec.encode

    def wrong(codec: TokenCodec, _: Token, key: DecoderKey | None) -> str:
        return right(codec, credit(tenths=9999), key)

    monkeypatch.setattr(TokenCodec, "encode", wrong)
    outcome = issue_one(meter(), credit(tenths=1))
    assert isinstance(outcome, ReadBackMismatch)
    assert str(outcome) == "the token just made does not say what was asked for"


def test_a_fault_of_the_program_is_not_an_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(TokenCodec, "encode", broken)
    with pytest.raises(ZeroDivisionError):
        issue_one(meter(), credit())


def test_an_error_leaves_its_traceback_and_so_the_keys_inside() -> None:
    for outcome in (
        issue_one(meter(encryption=EA11), credit()),
        change_one(meter(encryption=EA11), "123456", 2),
        *module().verify([VerifyRequest(meter(encryption=EA11), "0" * 20)]),
    ):
        assert isinstance(outcome, AlgorithmRefused)
        assert outcome.__traceback__ is None
        assert "ababab" not in "".join(traceback.format_exception(outcome))


def test_no_outcome_shows_a_key() -> None:
    at = meter("123457", encryption=EA11)
    issued = change_one(at, "123461", 1)
    assert isinstance(issued, tuple)
    sections = sections_of(at, issued)
    assert 0x62C1F3B0 in [section.key_word for section in sections]
    assert "62c1f3b0" not in repr(sections)
    assert str(0x62C1F3B0) not in repr(sections)
