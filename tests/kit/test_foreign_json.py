"""What others wrote is read exactly, and odd values are no errors."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from vending_api.kit.foreign_json import members, moment, parse, text, whole_number

MOST = 9_223_372_036_854_775_807


@pytest.mark.parametrize(
    "octets",
    [
        *(b"", b"{", b"NaN", b'{"a": Infinity}', b"\xff", b"[" * 100_000, b"1" * 5_000, b"{} {}"),
        *(b"1e1000000000000000000", b"[1e-3000000000000000000]"),
    ],
    ids=[
        *("nothing", "half", "nan", "infinity", "no utf-8", "deep", "too long a number", "two"),
        *("too large a number", "too small a number"),
    ],
)
def test_what_is_no_json_is_a_value_error(octets: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse(octets)


@pytest.mark.parametrize("number", ["1e999999999999999999", "1e-999999999999999999"])
def test_the_largest_exponents_are_read(number: str) -> None:
    assert parse(number.encode()) == Decimal(number)
    assert whole_number(parse(number.encode())) is None


def test_numbers_are_exact() -> None:
    assert parse(b"[0.1, 9007199254740993]") == [Decimal("0.1"), 9_007_199_254_740_993]


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5306, 5306),
        ("5000", 5000),
        ("-1", -1),
        (0, 0),
        (Decimal("5000.0"), 5000),
        (Decimal("1E+3"), 1000),
        (MOST, MOST),
        ("9223372036854775806", MOST - 1),
        (-MOST, -MOST),
    ],
)
def test_a_whole_number_is_taken_however_it_is_written(value: Any, number: int) -> None:
    assert whole_number(value) == number


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", " 5", "5 ", "5.0", "5,000", "+5", "0x10", "\u0665", "5\n", "1e3"),
        *(Decimal("50.5"), Decimal("1e999999999"), Decimal("1e-999999999"), True, False, 7.0),
        *(MOST + 1, "9223372036854775809", -MOST - 1, "1" * 5_000, [], {}, [5]),
    ],
)
def test_anything_else_is_no_whole_number(value: Any) -> None:
    assert whole_number(value) is None


@pytest.mark.parametrize("value", [None, "", 0, "text", [], 5, True])
def test_only_an_object_has_members(value: Any) -> None:
    assert members(value) == {}
    assert members({"a": value}) == {"a": value}


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("plain", "plain"),
        ("  spaced ", "spaced"),
        ("a\x00b\nc", "a b c"),
        ("half \ud800 of it", "half   of it"),
        ("12345678901", "1234567890"),
        (412829, "412829"),
        (True, ""),
        (None, ""),
        ({}, ""),
    ],
)
def test_a_text_can_always_be_stored(value: Any, read: str) -> None:
    assert text(value, most=10 if value == "12345678901" else 40) == read
    read.encode()


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("2026-01-02T09:15:30.000Z", datetime(2026, 1, 2, 9, 15, 30, tzinfo=UTC)),
        ("2026-01-02T10:15:30+01:00", datetime(2026, 1, 2, 9, 15, 30, tzinfo=UTC)),
        ("2026-01-02 09:15:30", datetime(2026, 1, 2, 9, 15, 30, tzinfo=UTC)),
        ("0001-01-01T00:00:00+23:59", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (1_767_345_330, None),
    ],
)
def test_a_moment_is_aware_or_none(value: Any, read: datetime | None) -> None:
    assert moment(value) == read
