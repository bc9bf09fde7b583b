"""Currencies have the letters and decimals of ISO 4217."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffs import currencies as decimals
from vending_api.kit import currencies
from vending_api.kit.currencies import letters_of, plain_money


@pytest.mark.parametrize(
    ("number", "letters"),
    [
        ("710", "ZAR"),
        ("404", "KES"),
        ("566", "NGN"),
        ("800", "UGX"),
        ("924", "ZWG"),
        ("936", "GHS"),
        ("967", "ZMW"),
        ("840", "USD"),
        ("978", "EUR"),
        ("008", "ALL"),
        ("952", "XOF"),
    ],
)
def test_a_number_has_its_letters(number: str, letters: str) -> None:
    assert letters_of(number) == letters


def test_an_unknown_number_is_shown_as_it_is() -> None:
    assert letters_of("999") == "999"
    assert plain_money(12_345, "999") == "123.45"


def test_no_number_and_no_letters_stand_twice() -> None:
    words = currencies._WORDS
    assert len(set(words)) == len(words)
    assert all(len(word) == 3 for word in words)
    assert all(number.isdigit() and letters.isupper() for number, letters in _pairs())


def test_every_currency_of_other_decimals_has_a_number() -> None:
    unusual = decimals._NO_DECIMALS | decimals._THREE_DECIMALS
    funds = {"UYI"}  # no money that anybody pays with
    assert unusual - funds <= {letters for _, letters in _pairs()}


def _pairs() -> list[tuple[str, str]]:
    return list(currencies._LETTERS.items())


@pytest.mark.parametrize(
    ("amount_minor", "number", "shown"),
    [
        (0, "710", "0.00"),
        (5, "710", "0.05"),
        (-5, "710", "-0.05"),
        (-100, "710", "-1.00"),
        (99_999, "710", "999.99"),
        (100_000, "710", "1,000.00"),
        (-100_000, "710", "-1,000.00"),
        (123_456_789, "710", "1,234,567.89"),
        (1_234_567, "800", "1,234,567"),
        (-1_234, "800", "-1,234"),
        (1_234, "414", "1.234"),
        (-7, "414", "-0.007"),
    ],
)
def test_money_has_the_decimals_of_its_currency(amount_minor: int, number: str, shown: str) -> None:
    assert plain_money(amount_minor, number) == shown


@given(st.integers(-(10**15), 10**15), st.sampled_from(["710", "800", "414", "999"]))
def test_money_is_what_exact_arithmetic_shows(amount_minor: int, number: str) -> None:
    places = decimals.minor_decimals(letters_of(number))
    exact = f"{Decimal(amount_minor).scaleb(-places):,.{places}f}"
    assert plain_money(amount_minor, number) == exact
