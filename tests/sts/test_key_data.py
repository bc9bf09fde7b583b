"""What a key is made for: every value at its borders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts.errors import AlgorithmRefused, InvalidField
from sts.key_data import (
    DateOfExpiry,
    DecoderKeyGenerationAlgorithm,
    EncryptionAlgorithm,
    KeyExpiryNumber,
    KeyRevisionNumber,
    KeyType,
    SupplyGroupCode,
    TariffIndex,
    require_digits,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("digits", ["000000", "123456", "999999"])
def test_a_supply_group_code_keeps_its_six_digits(digits: str) -> None:
    assert str(SupplyGroupCode(digits)) == SupplyGroupCode(digits).digits == digits


@pytest.mark.parametrize("digits", ["00", "01", "99"])
def test_a_tariff_index_keeps_its_two_digits(digits: str) -> None:
    assert str(TariffIndex(digits)) == TariffIndex(digits).digits == digits


@pytest.mark.parametrize(
    ("make", "field", "text"),
    [
        (SupplyGroupCode, "supply group code", "12345"),
        (SupplyGroupCode, "supply group code", "1234567"),
        (SupplyGroupCode, "supply group code", "12345a"),
        (SupplyGroupCode, "supply group code", "-12345"),
        (SupplyGroupCode, "supply group code", " 12345"),
        (SupplyGroupCode, "supply group code", "١٢٣٤٥٦"),
        (SupplyGroupCode, "supply group code", ""),
        (TariffIndex, "tariff index", "1"),
        (TariffIndex, "tariff index", "001"),
        (TariffIndex, "tariff index", "0x"),
    ],
)
def test_what_is_not_so_many_decimal_digits_is_refused(
    make: Callable[[str], object], field: str, text: str
) -> None:
    with pytest.raises(InvalidField) as caught:
        make(text)
    assert caught.value.field == field
    assert repr(text) in caught.value.problem


def test_a_long_text_is_cut_in_the_error() -> None:
    with pytest.raises(InvalidField) as caught:
        require_digits("thing", "1" * 25, 6, 8)
    assert str(caught.value) == f"thing: '{'1' * 24}' is not it; expected 6 or 8 decimal digits"


@pytest.mark.parametrize("value", [1, 9])
def test_a_key_revision_number_is_at_least_1_and_at_most_9(value: int) -> None:
    assert KeyRevisionNumber(value).value == value
    assert str(KeyRevisionNumber(value)) == str(value)


@pytest.mark.parametrize("value", [-1, 0, 10])
def test_another_key_revision_number_is_refused(value: int) -> None:
    with pytest.raises(InvalidField, match=f"key revision number: {value} is not one"):
        KeyRevisionNumber(value)


@pytest.mark.parametrize("value", [0, 255])
def test_a_key_expiry_number_is_an_octet(value: int) -> None:
    assert KeyExpiryNumber(value).value == value


@pytest.mark.parametrize("value", [-1, 256])
def test_another_key_expiry_number_is_refused(value: int) -> None:
    with pytest.raises(InvalidField, match=f"key expiry number: {value} is not one"):
        KeyExpiryNumber(value)


@given(st.integers(1, 9), st.integers(1, 9))
def test_revisions_are_in_order(one: int, other: int) -> None:
    assert (KeyRevisionNumber(one) < KeyRevisionNumber(other)) == (one < other)


@pytest.mark.parametrize("written", [0, 1, 2, 3, "0", "1", "2", "3"], ids=repr)
def test_a_key_type_is_a_number_from_0_to_3(written: int | str) -> None:
    assert KeyType.parse(written) == int(written)


@pytest.mark.parametrize("written", [-1, 4, "", "02", "DUTK", "2 "])
def test_another_key_type_is_refused(written: int | str) -> None:
    with pytest.raises(InvalidField, match=r"key type: .* expected 0, 1, 2 or 3"):
        KeyType.parse(written)


@pytest.mark.parametrize(("code", "octets"), [("07", 8), ("09", 8), ("11", 16)])
def test_encryption_algorithms_go_by_their_code_and_key_length(code: str, octets: int) -> None:
    algorithm = EncryptionAlgorithm.parse(code)
    assert algorithm.value == str(algorithm) == code
    assert algorithm.key_octets == octets


@pytest.mark.parametrize("code", ["", "7", "08", "10", "12", "EA07", "07 "])
def test_another_encryption_algorithm_is_refused(code: str) -> None:
    with pytest.raises(InvalidField, match=r"encryption algorithm: .* expected 07, 09 or 11"):
        EncryptionAlgorithm.parse(code)


@pytest.mark.parametrize(("code", "octets"), [("02", 8), ("04", 20)])
def test_key_generation_algorithms_go_by_their_code_and_key_length(code: str, octets: int) -> None:
    algorithm = DecoderKeyGenerationAlgorithm.parse(code)
    assert algorithm.value == str(algorithm) == code
    assert algorithm.key_octets == octets


@pytest.mark.parametrize("code", ["01", "03"])
def test_key_generation_algorithms_without_test_data_are_refused_with_the_reason(code: str) -> None:
    with pytest.raises(AlgorithmRefused, match=f"DKGA{code} is refused: no public test data"):
        DecoderKeyGenerationAlgorithm.parse(code)


@pytest.mark.parametrize("code", ["", "2", "00", "05", "DKGA02"])
def test_another_key_generation_algorithm_is_refused(code: str) -> None:
    with pytest.raises(InvalidField, match=r"decoder key generation algorithm: .* 02 or 04"):
        DecoderKeyGenerationAlgorithm.parse(code)


@pytest.mark.parametrize("yymm", ["0001", "9912", "2410"])
def test_a_date_of_expiry_is_a_year_and_a_month(yymm: str) -> None:
    assert DateOfExpiry(yymm).yymm == yymm


@pytest.mark.parametrize("yymm", ["2400", "2413", "240", "24011", "24-1", "", "2401\n", "٢٤٠١"])
def test_another_date_of_expiry_is_refused(yymm: str) -> None:
    with pytest.raises(InvalidField, match=r"date of expiry: .* expected YYMM"):
        DateOfExpiry(yymm)
