"""Amounts of tokens: borders of the codes, rounding, decimal text (sections on amounts)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts.errors import InvalidField
from sts.units import (
    MAX_CURRENCY_HUNDRED_THOUSANDTHS,
    MAX_TRANSFER_TENTHS,
    CurrencyAmount,
    PowerLimit,
    TransferAmount,
)

BORDERS = [
    (0, 0x0000),
    (1, 0x0001),
    (256, 0x0100),
    (16383, 0x3FFF),
    (16384, 0x4000),
    (16385, 0x4001),
    (16394, 0x4001),
    (16395, 0x4002),
    (180214, 0x7FFF),
    (180215, 0x8000),
    (180224, 0x8000),
    (180225, 0x8001),
    (1818524, 0xBFFF),
    (1818525, 0xC000),
    (1818624, 0xC000),
    (1818625, 0xC001),
    (18201624, 0xFFFF),
]


@pytest.mark.parametrize(("number", "bits"), BORDERS)
def test_amounts_and_limits_round_up_at_every_border_of_the_code(number: int, bits: int) -> None:
    assert TransferAmount.covering(number).bits == bits
    assert PowerLimit.covering(number).bits == bits


@given(st.integers(0, 0xFFFF))
def test_every_16_bit_field_is_an_amount_of_its_own(bits: int) -> None:
    assert TransferAmount.from_bits(bits).bits == bits
    assert PowerLimit.from_bits(bits).bits == bits


@given(st.integers(0, MAX_TRANSFER_TENTHS))
def test_the_covering_amount_is_the_smallest_that_is_enough(tenths: int) -> None:
    amount = TransferAmount.covering(tenths)
    assert amount.tenths >= tenths
    if amount.bits:
        assert TransferAmount.from_bits(amount.bits - 1).tenths < tenths


@pytest.mark.parametrize("number", [-1, MAX_TRANSFER_TENTHS + 1, 10**30])
def test_an_amount_that_no_code_reaches_is_refused(number: int) -> None:
    for make in (TransferAmount, TransferAmount.covering, PowerLimit, PowerLimit.covering):
        with pytest.raises(InvalidField, match="cannot be carried"):
            make(number)


@pytest.mark.parametrize("number", [16385, 16393, 180215, 180223, 1818525, 18201623])
def test_an_amount_between_two_codes_is_refused_by_the_constructor(number: int) -> None:
    with pytest.raises(InvalidField, match="has no code of its own"):
        TransferAmount(number)
    with pytest.raises(InvalidField, match="has no code of its own"):
        PowerLimit(number)


@pytest.mark.parametrize("bits", [-1, 0x10000])
def test_a_field_of_more_than_16_bits_is_refused(bits: int) -> None:
    with pytest.raises(InvalidField, match="16 bits"):
        TransferAmount.from_bits(bits)
    with pytest.raises(InvalidField, match="16 bits"):
        PowerLimit.from_bits(bits)


@pytest.mark.parametrize(
    ("text", "tenths"),
    [
        ("25.6", 256),
        ("25", 250),
        ("0", 0),
        ("0.01", 1),
        ("0.1", 1),
        ("0.11", 2),
        ("1.82", 19),
        ("1897.345", 18974),
        ("1820162.4", 18201624),
    ],
)
def test_decimal_text_rounds_up_to_whole_tenths(text: str, tenths: int) -> None:
    assert TransferAmount.parse(text).tenths == tenths


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1,5",
        ".5",
        "5.",
        "1e3",
        "\u0661",
        " 1",
        "1\n",
        "NaN",
        "-0.1",
        "-0.01",
        "1820162.41",
        "9" * 41,
    ],
)
def test_text_that_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(InvalidField, match="transfer amount"):
        TransferAmount.parse(text)


def test_amounts_print_in_whole_units() -> None:
    assert str(TransferAmount(256)) == "25.6"
    assert str(TransferAmount(5)) == "0.5"
    assert str(PowerLimit(3000)) == "3000"


@pytest.mark.parametrize(  # STS 531-1-11 edition 2.2, whole currency to exponent and mantissa
    ("currency", "exponent", "mantissa"),
    [
        ("1", 1, 8362),
        ("16383", 5, 14563),
        ("16384", 5, 14564),
        ("180224", 6, 16202),
        ("1818624", 7, 16366),
        ("18204442624", 12, 0),
        ("-1", 1, 8361),
        ("-180224", 6, 16201),
    ],
)
def test_currency_matches_the_compliance_table(currency: str, exponent: int, mantissa: int) -> None:
    amount = CurrencyAmount.parse(currency)
    assert amount == CurrencyAmount(
        negative=currency.startswith("-"), exponent=exponent, mantissa=mantissa
    )


@pytest.mark.parametrize("exponent", range(31))
def test_currency_between_two_exponents_goes_up_on_both_sides_of_zero(exponent: int) -> None:
    last = CurrencyAmount(negative=False, exponent=exponent, mantissa=16383).hundred_thousandths
    first = CurrencyAmount(negative=False, exponent=exponent + 1, mantissa=0).hundred_thousandths
    for size in {last + 1, first}:
        assert CurrencyAmount.covering(size) == CurrencyAmount(
            negative=False, exponent=exponent + 1, mantissa=0
        )
    for size in {last, first - 1}:
        assert CurrencyAmount.covering(-size) == CurrencyAmount(
            negative=True, exponent=exponent, mantissa=16383
        )
    assert CurrencyAmount.covering(-first) == CurrencyAmount(
        negative=True, exponent=exponent + 1, mantissa=0
    )
    assert CurrencyAmount.covering(last) == CurrencyAmount(
        negative=False, exponent=exponent, mantissa=16383
    )


@given(st.integers(-MAX_CURRENCY_HUNDRED_THOUSANDTHS, MAX_CURRENCY_HUNDRED_THOUSANDTHS))
def test_covering_currency_is_never_less_and_stays_within_a_step(amount: int) -> None:
    carried = CurrencyAmount.covering(amount)
    assert 0 <= carried.hundred_thousandths - amount < 10**carried.exponent * 10


@given(st.booleans(), st.integers(0, 31), st.integers(0, 16383))
def test_every_currency_field_is_an_amount_of_its_own(
    negative: bool,  # noqa: FBT001 (a drawn value)
    exponent: int,
    mantissa: int,
) -> None:
    amount = CurrencyAmount(negative, exponent, mantissa)
    if amount.hundred_thousandths:
        assert CurrencyAmount.covering(amount.hundred_thousandths) == amount


@pytest.mark.parametrize(
    "amount", [-MAX_CURRENCY_HUNDRED_THOUSANDTHS - 1, MAX_CURRENCY_HUNDRED_THOUSANDTHS + 1]
)
def test_currency_beyond_the_top_exponent_is_refused(amount: int) -> None:
    with pytest.raises(InvalidField, match="too much"):
        CurrencyAmount.covering(amount)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_currency_is_carried(sign: int) -> None:
    amount = sign * MAX_CURRENCY_HUNDRED_THOUSANDTHS
    assert CurrencyAmount.covering(amount) == CurrencyAmount(
        negative=sign < 0, exponent=31, mantissa=16383
    )


@pytest.mark.parametrize(("exponent", "mantissa"), [(-1, 0), (32, 0), (0, -1), (0, 16384)])
def test_currency_fields_out_of_range_are_refused(exponent: int, mantissa: int) -> None:
    with pytest.raises(InvalidField, match="currency"):
        CurrencyAmount(negative=False, exponent=exponent, mantissa=mantissa)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("0", "0.00000"),
        ("-0", "0.00000"),
        ("-0.000004", "0.00000"),
        ("0.000001", "0.00001"),
        ("-0.00001", "-0.00001"),
        ("12.5", "12.50024"),
        ("-0.1638399", "-0.16383"),
    ],
)
def test_currency_text_is_rounded_up_and_printed_with_all_its_digits(
    text: str, printed: str
) -> None:
    assert str(CurrencyAmount.parse(text)) == printed


def test_a_negative_zero_can_be_carried_and_counts_as_nothing() -> None:
    nothing = CurrencyAmount(negative=True, exponent=0, mantissa=0)
    assert nothing.hundred_thousandths == 0
    assert nothing != CurrencyAmount.covering(0)
