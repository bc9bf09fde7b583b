"""Vending keys: their shape, their check values, their expiry, and that they never show."""

from __future__ import annotations

import copy
import pickle
import traceback
from typing import TYPE_CHECKING

import pytest

from sts.base_date import BaseDate
from sts.errors import InvalidField, KeyExpired
from sts.key_data import (
    DecoderKeyGenerationAlgorithm,
    KeyExpiryNumber,
    KeyRevisionNumber,
    KeyType,
    SupplyGroupCode,
)
from sts.token_identifier import TokenIdentifier
from tests.sts.published_keys import DES_OCTETS, HMAC_OCTETS, vending_key

if TYPE_CHECKING:
    from sts.keys.vending_key import VendingKey


@pytest.mark.parametrize("length", [0, 7, 9, 20])
def test_a_dkga02_key_has_8_octets(length: int) -> None:
    with pytest.raises(InvalidField, match=rf"vending key: it has {length} octets; .* 8 octets"):
        vending_key(bytes(length), algorithm="02")
    assert vending_key(bytes(8), algorithm="02").octets == bytes(8)


@pytest.mark.parametrize("length", [0, 8, 19, 21])
def test_a_dkga04_key_has_20_octets(length: int) -> None:
    with pytest.raises(InvalidField, match=rf"vending key: it has {length} octets; .* 20 octets"):
        vending_key(bytes(length), algorithm="04")
    assert vending_key(bytes(20), algorithm="04").octets == bytes(20)


def test_the_check_value_of_a_des_key_is_the_zero_block_encrypted() -> None:
    # DES under 0123456789abcdef of the zero block is d5d44ff720683d0d.
    assert vending_key(bytes.fromhex("0123456789abcdef")).key_check_value == "D5D44F"


def test_the_check_value_of_an_hmac_key_is_the_mac_of_16_zero_octets() -> None:
    assert vending_key(algorithm="04").key_check_value == "A686AB"


def test_the_repr_shows_the_facts_and_the_check_value() -> None:
    assert repr(vending_key(algorithm="04", group="000001", revision=3)) == (
        "VendingKey(000001 revision 3, UNIQUE, base 1993, DKGA04, check value A686AB)"
    )


@pytest.mark.parametrize("algorithm", ["02", "04"])
def test_no_way_of_printing_shows_the_octets(algorithm: str) -> None:
    key = vending_key(algorithm=algorithm)
    shown = [repr(key), str(key), f"{key}", repr([key]), repr({"key": key}), repr(key._des)]
    try:
        key.require_valid_for(TokenIdentifier((1 << 24) - 1))
        vending_key(key.octets[1:], algorithm=algorithm)
    except InvalidField as error:
        shown.append("".join(traceback.format_exception(error)))
    assert len(shown) == 7
    for text in shown:
        assert "ababab" not in text
        assert repr(key.octets) not in text


@pytest.mark.parametrize("travel", [pickle.dumps, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("algorithm", ["02", "04"])
def test_a_key_is_not_pickled_or_copied(travel: object, algorithm: str) -> None:
    assert callable(travel)
    with pytest.raises(TypeError, match="VendingKey is not pickled or copied"):
        travel(vending_key(algorithm=algorithm))


def test_keys_with_the_same_octets_and_facts_are_equal() -> None:
    assert vending_key() == vending_key()
    assert hash(vending_key()) == hash(vending_key())
    assert len({vending_key(), vending_key()}) == 1


@pytest.mark.parametrize(
    "other",
    [
        vending_key(bytes(8)),
        vending_key(group="123457"),
        vending_key(revision=2),
        vending_key(key_type=1),
        vending_key(base=2014),
        vending_key(expiry=254),
        vending_key(algorithm="04"),
    ],
)
def test_a_key_that_differs_in_anything_is_another_key(other: VendingKey) -> None:
    assert vending_key() != other


def test_a_key_is_not_its_octets() -> None:
    assert vending_key() != DES_OCTETS
    assert vending_key(algorithm="04") != HMAC_OCTETS


def test_the_facts_of_a_key_stay_as_they_were_given() -> None:
    key = vending_key(algorithm="04", group="000001", revision=9, key_type=1, base=2035, expiry=85)
    assert key.supply_group_code == SupplyGroupCode("000001")
    assert key.key_revision_number == KeyRevisionNumber(9)
    assert key.key_type is KeyType.DEFAULT
    assert key.base_date is BaseDate.YEAR_2035
    assert key.key_expiry_number == KeyExpiryNumber(85)
    assert key.algorithm is DecoderKeyGenerationAlgorithm.DKGA04


@pytest.mark.parametrize(
    ("expiry", "last_valid"), [(85, 5_636_095), (0, 65_535), (254, 16_711_679)]
)
def test_a_key_is_valid_to_the_last_minute_of_its_expiry_number(
    expiry: int, last_valid: int
) -> None:
    key = vending_key(expiry=expiry)
    key.require_valid_for(TokenIdentifier(last_valid))
    with pytest.raises(KeyExpired) as caught:
        key.require_valid_for(TokenIdentifier(last_valid + 1))
    assert caught.value.token_identifier_minutes == last_valid + 1
    assert caught.value.key_expiry_number == expiry


def test_the_expired_token_of_sts_531_ctsa16_is_refused() -> None:
    with pytest.raises(KeyExpired, match="high byte 90, the key expiry number is 85"):
        vending_key(expiry=85).require_valid_for(TokenIdentifier(5_916_090))


def test_expiry_number_255_never_expires() -> None:
    vending_key(expiry=255).require_valid_for(TokenIdentifier((1 << 24) - 1))
    # 65,535 minutes a step, a common mistake, would refuse this one.
    vending_key(expiry=255).require_valid_for(TokenIdentifier(16_711_426))


def test_parity_bits_are_kept_and_take_part_in_mixing() -> None:
    one, other = vending_key(bytes.fromhex("00" * 8)), vending_key(bytes.fromhex("01" * 8))
    assert one.key_check_value == other.key_check_value
    assert one.mix(bytes(8)) != other.mix(bytes(8))
