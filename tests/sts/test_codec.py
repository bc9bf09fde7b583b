"""From tokens to digits and back: worked examples, round trips, fuzzing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts.base_date import BaseDate
from sts.errors import (
    CrcMismatch,
    DecoderKeyMissing,
    StsError,
    TokenMalformed,
    TokenReserved,
)
from sts.keys.decoder_key import DecoderKey
from sts.meter_number import ManufacturerCode
from sts.token_identifier import TokenIdentifier
from sts.tokens.codec import TokenCodec
from sts.tokens.credit import Resource, TransferCredit
from sts.tokens.currency_credit import CurrencyCredit
from sts.tokens.digits import to_digits
from sts.tokens.management import ClearCredit
from sts.tokens.meter_test import InitiateMeterTest
from sts.tokens.reserved import ReservedToken
from sts.units import CurrencyAmount, TransferAmount
from tests.support.sts_tokens import EA07_KEY, EA11_KEY, KEYS, KINDS, bits, digits_of, tokens

if TYPE_CHECKING:
    from sts.tokens.kinds import Token

CODEC = TokenCodec()
WORKED_EXAMPLE = TransferCredit(  # the standard's own: 25.6 kWh at 1996-03-25 13:55:22, RND 11
    resource=Resource.ELECTRICITY,
    amount=TransferAmount.parse("25.6"),
    token_identifier=TokenIdentifier.at(
        datetime(1996, 3, 25, 13, 55, 22, tzinfo=UTC), BaseDate.YEAR_1993
    ),
    random=0xB,
)
WORKED_DIGITS = "51043465443420856213"


def test_the_worked_example_of_the_standard_is_met_both_ways() -> None:
    assert WORKED_EXAMPLE.token_identifier.minutes == 0x19EB23
    assert CODEC.block_of(WORKED_EXAMPLE) == 0x0B19EB230100C207
    assert CODEC.encode(WORKED_EXAMPLE, EA07_KEY) == WORKED_DIGITS
    assert CODEC.decode(WORKED_DIGITS, EA07_KEY) == WORKED_EXAMPLE


@pytest.mark.parametrize(  # STS 531-1-11 edition 2.2, vending key abab...67, SGC 201457, base 2014
    ("currency", "minutes", "digits"),
    [
        ("1", 7171921, "72503171501464925869"),
        ("16384", 7171923, "36535899498250296222"),
        ("18204442624", 7171984, "68944298488239104097"),
        ("-1", 7171992, "40156929596019478780"),
    ],
)
def test_currency_tokens_match_the_compliance_tests(
    currency: str, minutes: int, digits: str
) -> None:
    key = DecoderKey(bytes.fromhex("929bd3a415c9420a05ec5ee9f3ce91c3"), EA11_KEY.algorithm)
    token = CurrencyCredit(
        resource=Resource.ELECTRICITY,
        amount=CurrencyAmount.parse(currency),
        token_identifier=TokenIdentifier(minutes),
    )
    assert CODEC.encode(token, key) == digits
    assert CODEC.decode(digits, key) == token


@pytest.mark.parametrize(  # STS 531 CTSA02 and CTSA11: all ones, and bit 6
    ("code", "control", "digits"),
    [
        ("00", (1 << 36) - 1, "56493153725450313471"),
        ("0000", (1 << 28) - 1, "02305843005052951967"),
        ("0000", 64, "01152921779618973828"),
    ],
)
def test_test_tokens_match_the_compliance_tests_and_need_no_key(
    code: str, control: int, digits: str
) -> None:
    token = InitiateMeterTest(control=control, manufacturer_code=ManufacturerCode(code))
    assert CODEC.encode(token, None) == CODEC.encode(token, EA07_KEY) == digits
    assert CODEC.decode(digits, None) == CODEC.decode(digits, EA07_KEY) == token


def test_clear_credit_matches_the_compliance_test() -> None:
    token = ClearCredit(
        register=0xFFFF,
        token_identifier=TokenIdentifier.at(
            datetime(2004, 3, 28, 9, 15, tzinfo=UTC), BaseDate.YEAR_1993
        ),
        random=5,
    )
    assert CODEC.encode(token, EA11_KEY) == "59725289138639529749"  # STS 531 CTSA04_04 step 1


@pytest.mark.parametrize("key", KEYS, ids=lambda key: f"EA{key.algorithm}")
@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_every_kind_of_token_comes_back_as_it_was(
    key: DecoderKey, kind: str, data: st.DataObject
) -> None:
    token = data.draw(KINDS[kind])
    decoded = CODEC.decode(CODEC.encode(token, key), key)
    assert decoded == token
    assert type(decoded) is type(token)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: f"EA{key.algorithm}")
@given(number=st.integers(0, (1 << 66) - 1))
def test_random_digits_decode_or_raise_and_nothing_else(key: DecoderKey, number: int) -> None:
    digits = f"{number:020}"
    try:
        token = CODEC.decode(digits, key)
    except StsError:
        return
    if isinstance(token, ReservedToken):
        assert number >> 27 & 3 == 3 or token.payload < 1 << 44
    else:
        assert CODEC.encode(token, key) == digits


@given(st.text() | st.from_regex(r"[0-9]{20}", fullmatch=True))
def test_any_text_decodes_or_raises_an_error_of_ours(text: str) -> None:
    try:
        CODEC.decode(text, EA07_KEY)
    except StsError:
        return


@given(st.integers(0, 2), bits(4), bits(44))
def test_every_block_with_a_right_checksum_decodes_and_encodes_back_to_itself(
    token_class: int, subclass: int, payload: int
) -> None:
    digits = digits_of(token_class, subclass, payload, EA11_KEY)
    token = CODEC.decode(digits, EA11_KEY)
    assert (token.token_class, token.subclass) == (token_class, subclass)
    assert token.payload == payload
    if not isinstance(token, ReservedToken):
        assert CODEC.encode(token, EA11_KEY) == digits


RESERVED = [(0, n) for n in range(8, 16)] + [(1, n) for n in range(2, 16)]
RESERVED += [(2, n) for n in range(10, 16)]


@pytest.mark.parametrize(("token_class", "subclass"), RESERVED)
def test_reserved_subclasses_are_reported_raw_and_not_encoded(
    token_class: int, subclass: int
) -> None:
    digits = digits_of(token_class, subclass, 0xABCDEF01234, EA07_KEY)
    token = CODEC.decode(digits, EA07_KEY)
    assert token == ReservedToken(token_class=token_class, subclass=subclass, payload=0xABCDEF01234)
    with pytest.raises(TokenReserved, match=f"class {token_class} subclass {subclass}"):
        CODEC.encode(token, EA07_KEY)
    with pytest.raises(TokenReserved, match="reserved"):
        CODEC.block_of(token)


@pytest.mark.parametrize(
    ("token_class", "subclass", "good", "bad"),
    [
        (1, 0, 99, 100),  # manufacturer code of 2 digits
        (1, 1, 9999, 10000),  # of 4 digits
        (2, 3, 1 << 36, 0),  # key revision number
        (2, 3, 9 << 36, 10 << 36),
        (2, 4, 99 << 32, 100 << 32),  # tariff index
    ],
)
def test_a_field_that_cannot_exist_makes_a_known_kind_reserved(
    token_class: int, subclass: int, good: int, bad: int
) -> None:
    known = CODEC.decode(digits_of(token_class, subclass, good, EA07_KEY), EA07_KEY)
    assert not isinstance(known, ReservedToken)
    unknown = CODEC.decode(digits_of(token_class, subclass, bad, EA07_KEY), EA07_KEY)
    assert unknown == ReservedToken(token_class=token_class, subclass=subclass, payload=bad)


@given(bits(64))
def test_class_3_is_reported_raw_with_no_key_and_no_checksum(block: int) -> None:
    token = CODEC.decode(to_digits(3, block), None)
    assert token == ReservedToken(
        token_class=3, subclass=block >> 60, payload=block >> 16 & (1 << 44) - 1
    )


@pytest.mark.parametrize("token_class", [0, 2])
def test_encrypted_classes_need_a_key(token_class: int) -> None:
    with pytest.raises(DecoderKeyMissing):
        CODEC.decode(to_digits(token_class, 0), None)
    token = (
        WORKED_EXAMPLE
        if token_class == 0
        else ClearCredit(register=0, token_identifier=TokenIdentifier(0), random=0)
    )
    with pytest.raises(DecoderKeyMissing):
        CODEC.encode(token, None)


def test_malformed_digits_are_told_before_a_missing_key() -> None:
    with pytest.raises(TokenMalformed):
        CODEC.decode("123", None)


def test_another_meters_key_shows_as_a_wrong_checksum() -> None:
    with pytest.raises(CrcMismatch):
        CODEC.decode(WORKED_DIGITS, EA11_KEY)


@given(tokens)
def test_no_repr_of_a_token_shows_a_word_of_a_key(token: Token) -> None:
    assert "key_word" not in repr(token)


def test_the_codec_tells_whether_it_runs_on_the_sample_tables() -> None:
    assert CODEC.uses_sample_tables
