"""Class insertion and the 20 digits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts.errors import StsError, TokenMalformed
from sts.tokens.digits import from_digits, grouped, parse_token_digits, to_digits

LARGEST = "73786976294838206463"


def test_the_class_goes_into_bits_28_and_27_as_in_the_worked_example() -> None:
    assert to_digits(0, 0xC45ED1619406DF95) == str(0x2C45ED1618406DF95) == "51043465443420856213"
    assert from_digits("51043465443420856213") == (0, 0xC45ED1619406DF95)


def test_small_numbers_keep_their_leading_zeros() -> None:
    assert to_digits(0, 1) == "00000000000000000001"


@given(st.integers(0, 3), st.integers(0, (1 << 64) - 1))
def test_every_class_and_block_comes_back_from_its_digits(token_class: int, block: int) -> None:
    digits = to_digits(token_class, block)
    assert len(digits) == 20
    assert from_digits(digits) == (token_class, block)


@given(st.integers(0, (1 << 66) - 1))
def test_every_66_bit_number_is_a_token_of_its_own(number: int) -> None:
    assert int(to_digits(*from_digits(f"{number:020}"))) == number


def test_the_largest_token_is_read() -> None:
    assert from_digits(LARGEST) == (3, (1 << 64) - 1)


@pytest.mark.parametrize(
    "digits",
    [
        "",
        "1" * 19,
        "1" * 21,
        str(int(LARGEST) + 1),
        "9" * 20,
        "1" * 19 + "x",
        "+" + "1" * 19,
        "1" * 18 + "_1",
        "\u0661" * 20,
        "\u00b2" * 20,
    ],
)
def test_what_is_not_20_digits_below_2_to_the_66_is_malformed(digits: str) -> None:
    with pytest.raises(TokenMalformed, match="not a token"):
        from_digits(digits)
    with pytest.raises(TokenMalformed, match="not a token"):
        parse_token_digits(digits)


@pytest.mark.parametrize(
    "text",
    [
        "51043465443420856213",
        "5104 3465 4434 2085 6213",
        "5104-3465-4434-2085-6213",
        " 51043 46544 34208 56213\n",
    ],
)
def test_people_may_write_groups(text: str) -> None:
    assert parse_token_digits(text) == "51043465443420856213"


@pytest.mark.parametrize("text", ["5104  3465 4434 2085 6213", "-51043465443420856213", "5104.34"])
def test_other_marks_between_groups_are_malformed(text: str) -> None:
    with pytest.raises(TokenMalformed, match="space or dash"):
        parse_token_digits(text)


@given(st.text())
def test_any_text_is_a_token_or_malformed(text: str) -> None:
    try:
        digits = parse_token_digits(text)
    except StsError:
        return
    assert len(digits) == 20


def test_tokens_print_in_groups_of_four() -> None:
    assert grouped("51043465443420856213") == "5104 3465 4434 2085 6213"
