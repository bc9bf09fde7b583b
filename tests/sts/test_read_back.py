"""Reading back what was just made: the same verdict as decoding it and comparing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts.errors import CrcMismatch, DecoderKeyMissing, InvalidField, TokenMalformed
from sts.token_identifier import TokenIdentifier
from sts.tokens.codec import TokenCodec
from sts.tokens.credit import Resource, TransferCredit
from sts.tokens.digits import to_digits
from sts.units import TransferAmount
from tests.support.sts_tokens import EA07_KEY, EA11_KEY, KEYS, KINDS, bits, tokens

if TYPE_CHECKING:
    from sts.keys.decoder_key import DecoderKey
    from sts.tokens.kinds import Token

CODEC = TokenCodec()
CREDIT = TransferCredit(
    resource=Resource.WATER,
    amount=TransferAmount(256),
    token_identifier=TokenIdentifier(5_871_715),
    random=5,
)
OTHERS = [
    replace(CREDIT, resource=Resource.GAS),
    replace(CREDIT, amount=TransferAmount(257)),
    replace(CREDIT, amount=TransferAmount(16_384 + 10 * 256)),  # the same mantissa
    replace(CREDIT, token_identifier=TokenIdentifier(5_871_716)),
    replace(CREDIT, random=4),
]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: f"EA{key.algorithm}")
@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_every_kind_of_token_reads_back(key: DecoderKey, kind: str, data: st.DataObject) -> None:
    token = data.draw(KINDS[kind])
    assert CODEC.reads_back(CODEC.encode(token, key), key, token)


@given(tokens, tokens)
def test_the_verdict_is_that_of_decoding_and_comparing(made: Token, asked: Token) -> None:
    digits = CODEC.encode(made, EA11_KEY)
    is_same = CODEC.decode(digits, EA11_KEY) == asked
    assert CODEC.reads_back(digits, EA11_KEY, asked) == is_same


@pytest.mark.parametrize("other", OTHERS)
def test_credit_that_differs_in_one_field_does_not_read_back(other: TransferCredit) -> None:
    assert not CODEC.reads_back(CODEC.encode(other, EA07_KEY), EA07_KEY, CREDIT)
    assert not CODEC.reads_back(CODEC.encode(CREDIT, EA07_KEY), EA07_KEY, other)


@given(bits(44), st.sampled_from(Resource))
def test_a_payload_says_the_one_token_that_is_read_from_it(
    payload: int, resource: Resource
) -> None:
    read = TransferCredit.from_payload(payload, resource=resource)
    assert read.is_said_by(payload)
    assert not any(read.is_said_by(payload ^ 1 << bit) for bit in range(44))


@given(bits(16), bits(16))
def test_an_amount_is_said_by_its_own_bits_alone(carried: int, other: int) -> None:
    assert TransferAmount.from_bits(carried).is_said_by(other) == (carried == other)


def test_more_bits_than_the_field_has_say_nothing() -> None:
    with pytest.raises(InvalidField, match="16 bits"):
        TransferAmount(0).is_said_by(1 << 16)
    with pytest.raises(ValueError, match="44 bits"):
        CREDIT.is_said_by(1 << 44)


def test_credit_of_another_class_does_not_read_back() -> None:
    """Subclass and payload are the same; only the class and its checksum tell them apart."""
    for token_class in (1, 3):
        digits = to_digits(token_class, CODEC.block_of(CREDIT))
        with pytest.raises(CrcMismatch):
            CODEC.reads_back(digits, EA07_KEY, CREDIT)


def test_what_cannot_be_read_is_told_as_by_decoding() -> None:
    digits = CODEC.encode(CREDIT, EA07_KEY)
    with pytest.raises(CrcMismatch):
        CODEC.reads_back(digits, EA11_KEY, CREDIT)
    with pytest.raises(TokenMalformed):
        CODEC.reads_back(digits[1:], EA07_KEY, CREDIT)
    with pytest.raises(DecoderKeyMissing):
        CODEC.reads_back(digits, None, CREDIT)


def test_one_wrong_digit_never_reads_back() -> None:
    digits = CODEC.encode(CREDIT, EA07_KEY)
    for place in range(20):
        for digit in set("0123456789") - {digits[place]}:
            wrong = digits[:place] + digit + digits[place + 1 :]
            with pytest.raises((CrcMismatch, TokenMalformed)):
                CODEC.reads_back(wrong, EA07_KEY, CREDIT)
