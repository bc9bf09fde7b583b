"""Whatever a document says, it becomes a tariff that can sell, or is refused with its key."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tariffs.account import Account, Debt
from tariffs.document import parse_tariff
from tariffs.errors import PurchaseRefused, TariffInvalid
from tariffs.quote import quote
from tests.tariffs.examples import NAMES, noon, text_of
from tests.tariffs.test_document import FULL, SMALL

if TYPE_CHECKING:
    from collections.abc import Callable

    from tariffs.tariff import Tariff

DOCUMENTS: Final = (SMALL, FULL, *(text_of(name) for name in NAMES))
VALUE: Final = re.compile(r'"[^"\n]*"|\b\d[\d.-]*\b|\btrue\b|\bfalse\b|\[[^\[\]\n]*\]')
WORD: Final = re.compile(r"[A-Za-z_]+")
VALUES: Final = (
    *('""', '"0"', '"-1"', '"0.1"', '"100"', '"1e9"', '"NaN"', '"Infinity"', '"energy"', '"VAT"'),
    *('"everything"', '"tax"', '"day"', '"up"', '"carry"', '"ZWG"', '"\\u0000"', '"../.."'),
    *("0", "-1", "1", "1.5", "nan", "inf", "true", "2024-07-01", "0001-01-01", "9999-12-31"),
    *("2024-07-01T00:00:00Z", "12:00:00", "[]", "{}", "[[]]", '["energy"]', "[{}]", "{ a = 1 }"),
    *("9" * 5000, "[" * 2000, f'"{"9" * 5000}"', '"""a\nb"""', "0x7fffffffffffffffffff"),
)


def _accepted(text: str) -> Tariff | None:
    try:
        return parse_tariff(text, document="fuzz")
    except TariffInvalid as refused:
        assert refused.key  # noqa: PT017 (it may well not be raised)
        return None


def _sells(tariff: Tariff) -> None:
    """Sell under every version to every class: a purchase adds up, or is refused on purpose."""
    for version in tariff.versions:
        for customer_class in version.blocks:
            account = Account(
                customer_class=customer_class,
                gets_free_units=True,
                debts=(Debt(name="old", balance_minor=12_345),),
            )
            at = noon(version.valid_from.isoformat())
            try:
                bought = quote(tariff, account, 100_000, at, rate_of_the_day=Decimal("13.5"))
            except PurchaseRefused:
                continue
            together = sum(line.amount_minor + line.tax_minor for line in bought.lines)
            assert together == bought.amount_minor == 100_000


@st.composite
def _mutated(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(DOCUMENTS))
    for _ in range(draw(st.integers(1, 3))):
        mutate = draw(st.sampled_from(MUTATIONS))
        text = mutate(draw, text)
    return text


def _other_value(draw: st.DrawFn, text: str) -> str:
    return _replaced(draw, text, VALUE, draw(st.sampled_from(VALUES)))


def _other_word(draw: st.DrawFn, text: str) -> str:
    return _replaced(draw, text, WORD, draw(st.sampled_from(WORD.findall(FULL))))


def _value_from_elsewhere(draw: st.DrawFn, text: str) -> str:
    return _replaced(draw, text, VALUE, draw(st.sampled_from(VALUE.findall(FULL))))


def _replaced(draw: st.DrawFn, text: str, pattern: re.Pattern[str], new: str) -> str:
    places = list(pattern.finditer(text))
    if not places:
        return text
    place = draw(st.sampled_from(places))
    return text[: place.start()] + new + text[place.end() :]


def _without_a_line(draw: st.DrawFn, text: str) -> str:
    lines = text.splitlines()
    del lines[draw(st.integers(0, len(lines) - 1)) : draw(st.integers(1, len(lines)))]
    return "\n".join(lines) or "\n"


def _with_a_line_twice(draw: st.DrawFn, text: str) -> str:
    lines = text.splitlines()
    lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(lines)))
    return "\n".join(lines)


def _with_text(draw: st.DrawFn, text: str) -> str:
    place = draw(st.integers(0, len(text)))
    return text[:place] + draw(st.text(max_size=5)) + text[place:]


MUTATIONS: Final[tuple[Callable[[st.DrawFn, str], str], ...]] = (
    _other_value,
    _other_word,
    _value_from_elsewhere,
    _without_a_line,
    _with_a_line_twice,
    _with_text,
)


@settings(max_examples=400)
@given(_mutated())
def test_a_mutated_document_sells_or_is_refused(text: str) -> None:
    tariff = _accepted(text)
    if tariff is not None:
        _sells(tariff)


@given(st.text())
@example("\ud800")
@example('"\ud800" = 1')
@example('name = "\ud800"')
@example("\x00")
def test_any_text_is_refused(text: str) -> None:
    assert _accepted(text) is None


@pytest.mark.costly
@pytest.mark.parametrize("value", VALUES, ids=lambda value: value[:20])
def test_any_value_in_any_place_sells_or_is_refused(value: str) -> None:
    for place in VALUE.finditer(FULL):
        tariff = _accepted(FULL[: place.start()] + value + FULL[place.end() :])
        if tariff is not None:
            _sells(tariff)
