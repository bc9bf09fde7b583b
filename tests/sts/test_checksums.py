"""Luhn and CRC against published figures, and what they must notice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts.checksums import crc16, luhn_check_digit

digit_strings = st.text("0123456789", min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("digits", "check"),
    [
        ("1234567890", "3"),
        ("43135625623", "7"),
        ("7861754265922", "0"),
        ("1212345678", "7"),
        ("123412345678", "6"),
        ("60072700000000000", "9"),
        ("00000100000000008", "2"),
        ("60072712123456787", "6"),
        ("00001234123456786", "9"),
        ("0", "0"),
        ("", "0"),
    ],
)
def test_published_numbers_have_these_check_digits(digits: str, check: str) -> None:
    assert luhn_check_digit(digits) == check


@given(digit_strings, st.data())
def test_any_one_digit_changed_changes_the_check_digit(digits: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(digits) - 1))
    other = data.draw(st.sampled_from("0123456789").filter(lambda d: d != digits[place]))
    changed = digits[:place] + other + digits[place + 1 :]
    assert luhn_check_digit(changed) != luhn_check_digit(digits)


@given(digit_strings)
def test_the_whole_number_with_its_check_digit_sums_to_ten(digits: str) -> None:
    whole = digits + luhn_check_digit(digits)
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in whole[-2::-2])
    assert (sum(map(int, whole[::-2])) + sum(doubled)) % 10 == 0


@pytest.mark.parametrize(
    ("octets", "field"),
    [
        (b"123456789", 0x374B),  # CRC-16/MODBUS has the check value 0x4B37; STS swaps its bytes
        (bytes.fromhex("00004a2d900ff2"), 0x0FFA),  # sts.org.za
        (bytes.fromhex("00004a2d900ff201"), 0x7BC4),  # the same, as CRC_C for currency
        (bytes.fromhex("000b19eb230100"), 0xC207),  # the worked example of IEC 62055-41
        (bytes.fromhex("0005c02a552710"), 0x1970),  # sts.org.za
        (b"", 0xFFFF),
    ],
)
def test_published_blocks_have_these_checksums(octets: bytes, field: int) -> None:
    assert crc16(octets) == field


@given(st.binary(max_size=10))
def test_the_table_gives_what_bit_by_bit_gives(octets: bytes) -> None:
    crc = 0xFFFF
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    assert crc16(octets).to_bytes(2, "little") == crc.to_bytes(2, "big")


@given(st.binary(min_size=7, max_size=7), st.integers(0, 55))
def test_any_one_bit_changed_changes_the_checksum(octets: bytes, bit: int) -> None:
    changed = (int.from_bytes(octets, "big") ^ 1 << bit).to_bytes(7, "big")
    assert crc16(changed) != crc16(octets)
